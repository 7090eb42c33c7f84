"""Chrome and ChromeDriver: where they are, their versions, and whether these match."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from shlex import quote
from typing import Final

from aura_browser.doctor.finding import Finding, as_root, build_blocker
from aura_browser.engine import Attach, Chrome, DefaultEngine, LocalEngine
from aura_browser.errors import BrowserNotFound, DriverMismatch
from aura_browser.text import clean_text
from aura_browser.webdriver.deadline import Deadline
from aura_browser.webdriver.locate import (
    CHROME_VARIABLE,
    DRIVER_VARIABLE,
    Executable,
    find_chrome,
    find_chromes,
    find_driver,
    find_drivers,
    find_managed,
)

_VERSION_TIMEOUT_S: Final = 5.0
_MANAGER_TIMEOUT_S: Final = 10.0
_DOWNLOAD_NOTE: Final = "the first harvest would have Selenium Manager download it"
_INSTALL_COMMANDS: Final = {
    "apt-get": "apt-get install chromium chromium-driver",
    "dnf": "dnf install chromium chromedriver",
    "brew": "brew install --cask google-chrome chromedriver",
}
# What a program needs to run; none of these holds a secret.
_KEPT_VARIABLES: Final = ("PATH", "HOME", "LANG", "TMPDIR", "XDG_RUNTIME_DIR", "LD_LIBRARY_PATH", "SYSTEMROOT")


@dataclass(frozen=True, slots=True)
class Program:
    """Chrome or ChromeDriver.

    Attributes:
        path: its executable, or the address that it listens at.
        version: the full version, such as ``156.0.8078.79``; empty if unknown.
    """

    path: str
    version: str

    @property
    def major(self) -> str:
        """The part of the version that must match."""
        return self.version.partition(".")[0]


def inspect_browser(engine: LocalEngine) -> list[Finding]:
    """Check Chrome, and where *engine* uses it ChromeDriver and that their versions match."""
    chrome, chrome_finding = _find_program("Chrome", CHROME_VARIABLE, find_chromes, engine.chrome_path, None)
    if isinstance(engine, Chrome):
        return [chrome_finding]
    if isinstance(engine, DefaultEngine) and _has_chrome_alone(engine):
        return [chrome_finding, Finding("driver", "ok", "no ChromeDriver: Chrome is started without one")]
    path = Path(chrome.path) if chrome else None
    driver, driver_finding = _find_program("ChromeDriver", DRIVER_VARIABLE, find_drivers, engine.driver_path, path)
    compared = _compare_versions(chrome, driver)
    if isinstance(engine, DefaultEngine):
        compared = [replace(each, stops=False) for each in compared]  # Chrome is started without it
    return [chrome_finding, driver_finding, *compared]


def _has_chrome_alone(engine: DefaultEngine) -> bool:
    try:
        return find_chrome(engine.chrome_path) is not None and find_driver(engine.driver_path) is None
    except BrowserNotFound:
        return False


def inspect_driver(engine: Attach, version: str | None) -> list[Finding]:
    """Check ChromeDriver, and that it matches the *version* of the Chrome that is running."""
    driver, finding = _find_program("ChromeDriver", DRIVER_VARIABLE, find_drivers, engine.driver_path, None)
    return [finding, *_compare_versions(Program(engine.address, version) if version else None, driver)]


def suggest_install() -> str:
    """Return the command that installs Chrome and ChromeDriver."""
    script = Path(__file__).parents[2] / "drivers" / "install.sh"
    if script.is_file():
        return quote(str(script))
    manager = next((name for name in _INSTALL_COMMANDS if shutil.which(name)), None)
    # The demo's harvest has Selenium Manager download both.
    if manager is None:
        return "aura-browser demo"
    return _INSTALL_COMMANDS[manager] if manager == "brew" else as_root(_INSTALL_COMMANDS[manager])


def _find_program(
    name: str,
    variable: str,
    search: Callable[[str | os.PathLike[str] | None], Iterator[Executable]],
    given: str | os.PathLike[str] | None,
    chrome: Path | None,
) -> tuple[Program | None, Finding]:
    label = "chrome" if name == "Chrome" else "driver"
    try:
        found = next(search(given), None) or _find_managed(name, chrome)
    except BrowserNotFound as error:
        return None, build_blocker(label, str(error), None if given else f"unset {variable}")
    if found is None:
        # Chromium's packages include its driver; no package has one for Google Chrome.
        is_downloaded = chrome is not None and "chromium" not in chrome.name
        fix = "aura-browser demo" if is_downloaded else suggest_install()
        places = f"{variable}, drivers/bin, PATH, Selenium Manager's cache"
        return None, build_blocker(label, f"not found (searched: {places}); {_DOWNLOAD_NOTE}", fix)
    return _read_program(label, found)


def _find_managed(name: str, chrome: Path | None) -> Executable | None:
    return find_managed(chrome, Deadline(_MANAGER_TIMEOUT_S))[0 if name == "Chrome" else 1]


def _read_program(label: str, found: Executable) -> tuple[Program, Finding]:
    version, problem = _read_version(found.path)
    program = Program(str(found.path), version)
    if problem:
        details = f"{found.path} ({found.source}) does not print its version: {problem}"
        return program, Finding(label, "problem", details, suggest_install())
    return program, Finding(label, "ok", f"{version or 'unknown version'}, {found.path} ({found.source})")


def _compare_versions(chrome: Program | None, driver: Program | None) -> list[Finding]:
    if not (chrome and driver and chrome.version and driver.version):
        return []
    if chrome.major == driver.major:
        return [Finding("versions", "ok", f"Chrome and ChromeDriver match: both {chrome.major}")]
    mismatch = DriverMismatch(chrome.path, chrome.version, driver.path, driver.version)
    return [build_blocker("versions", str(mismatch), _suggest_fix(chrome, driver))]


def _suggest_fix(chrome: Program, driver: Program) -> str:
    """Return the command that selects a matching Chrome or driver, or removes the driver."""
    for variable, search, major in (
        (CHROME_VARIABLE, find_chromes, driver.major),
        (DRIVER_VARIABLE, find_drivers, chrome.major),
    ):
        if not (variable == CHROME_VARIABLE and ":" in chrome.path):  # an address: that Chrome is running
            for found in search(None):
                if Program(str(found.path), _read_version(found.path)[0]).major == major:
                    return f"export {variable}={quote(str(found.path))}"
    is_named = bool(os.environ.get(DRIVER_VARIABLE))
    return f"unset {DRIVER_VARIABLE}" if is_named else f"rm {quote(driver.path)}"


def _read_version(program: Path) -> tuple[str, str]:
    """Return the version that *program* prints, or an empty one and the reason."""
    if sys.platform == "win32" and "driver" not in program.name:
        return "", ""  # it would open a window
    environment = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    try:
        output, errors, code = _run_program(program, environment)
    except subprocess.TimeoutExpired:
        return "", f"no answer within {_VERSION_TIMEOUT_S:g} s"
    except OSError as error:
        return "", clean_text(str(error.strerror))
    match = re.search(r"\d+(\.\d+)+", output)
    if code or not match:
        return "", clean_text(errors.strip().rpartition("\n")[2]) or f"exit code {code}"
    return match[0], ""


def _run_program(program: Path, environment: dict[str, str]) -> tuple[str, str, int]:
    # A process group of its own: some are scripts, and killing only the script would leave its child running.
    with subprocess.Popen(  # noqa: S603 - the program that a harvest would start
        [program, "--version"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        start_new_session=True,
    ) as process:
        try:
            output, errors = process.communicate(timeout=_VERSION_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            with suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)
            raise
    return output.decode("utf-8", "replace"), errors.decode("utf-8", "replace"), process.returncode
