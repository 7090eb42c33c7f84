"""Chrome and ChromeDriver: where they are, which versions they have, and whether these fit."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Final

from aura_browser.doctor.finding import Finding, stopping
from aura_browser.engine import Attach, Selenium
from aura_browser.errors import BrowserNotFound, DriverMismatch
from aura_browser.text import clean_text
from aura_browser.webdriver.deadline import Deadline
from aura_browser.webdriver.locate import CHROME_VARIABLE, DRIVER_VARIABLE, Found, chromes, drivers, managed

_VERSION_S: Final = 5.0
_MANAGER_S: Final = 10.0
_DOWNLOADED: Final = "the first harvest would have Selenium Manager download it"
_INSTALL: Final = {
    "apt-get": "apt-get install chromium chromium-driver",
    "dnf": "dnf install chromium chromedriver",
    "brew": "brew install --cask google-chrome chromedriver",
}
# What a program needs to run at all; none of our secrets is among it.
_VARIABLES: Final = ("PATH", "HOME", "LANG", "TMPDIR", "XDG_RUNTIME_DIR", "LD_LIBRARY_PATH", "SYSTEMROOT")


@dataclass(frozen=True, slots=True)
class Program:
    """Chrome or ChromeDriver.

    Attributes:
        path: its executable, or where it listens.
        version: whole, such as ``156.0.8078.79``; empty if it does not tell.
    """

    path: str
    version: str

    @property
    def major(self) -> str:
        """The part of the version that has to fit."""
        return self.version.partition(".")[0]


def look_at_browser(engine: Selenium) -> list[Finding]:
    """Look at Chrome, at ChromeDriver, and at whether they fit."""
    chrome, chrome_finding = _looked_for("Chrome", CHROME_VARIABLE, chromes, engine.chrome_path, None)
    path = Path(chrome.path) if chrome else None
    driver, driver_finding = _looked_for("ChromeDriver", DRIVER_VARIABLE, drivers, engine.driver_path, path)
    return [chrome_finding, driver_finding, *_fit(chrome, driver)]


def look_at_driver(engine: Attach, version: str | None) -> list[Finding]:
    """Look at ChromeDriver, and at whether it fits the Chrome of that *version* which runs already."""
    driver, finding = _looked_for("ChromeDriver", DRIVER_VARIABLE, drivers, engine.driver_path, None)
    return [finding, *_fit(Program(engine.address, version) if version else None, driver)]


def install_command() -> str:
    """Return the command that brings Chrome and ChromeDriver to this machine."""
    script = Path(__file__).parents[2] / "drivers" / "install.sh"
    if script.is_file():
        return quote(str(script))
    manager = next((name for name in _INSTALL if shutil.which(name)), None)
    # Its harvest has Selenium Manager download both.
    return _INSTALL[manager] if manager else "aura-browser demo"


def _looked_for(
    name: str,
    variable: str,
    search: Callable[[str | os.PathLike[str] | None], Iterator[Found]],
    given: str | os.PathLike[str] | None,
    chrome: Path | None,
) -> tuple[Program | None, Finding]:
    label = "chrome" if name == "Chrome" else "driver"
    try:
        found = next(search(given), None) or _managed(name, chrome)
    except BrowserNotFound as error:
        return None, stopping(label, str(error), None if given else f"unset {variable}")
    if found is None:
        # Chromium's driver comes with it; nobody's packages have a driver for Google Chrome.
        is_downloaded = name == "ChromeDriver" and chrome is not None and "chromium" not in chrome.name
        mend = "aura-browser demo" if is_downloaded else install_command()
        places = f"{variable}, drivers/bin, PATH, Selenium Manager's cache"
        return None, stopping(label, f"not found (looked at: {places}); {_DOWNLOADED}", mend)
    return _told(label, found)


def _managed(name: str, chrome: Path | None) -> Found | None:
    return managed(chrome, Deadline(_MANAGER_S))[0 if name == "Chrome" else 1]


def _told(label: str, found: Found) -> tuple[Program, Finding]:
    version, problem = _version(found.path)
    program = Program(str(found.path), version)
    if problem:
        said = f"{found.path} ({found.source}) does not tell its version: {problem}"
        return program, Finding(label, "problem", said, install_command())
    return program, Finding(label, "ok", f"{version or 'version not known'}, {found.path} ({found.source})")


def _fit(chrome: Program | None, driver: Program | None) -> list[Finding]:
    if not (chrome and driver and chrome.version and driver.version):
        return []
    if chrome.major == driver.major:
        return [Finding("versions", "ok", f"Chrome and ChromeDriver fit: both {chrome.major}")]
    mismatch = DriverMismatch(chrome.path, chrome.version, driver.path, driver.version)
    return [stopping("versions", str(mismatch), _fitting(chrome, driver))]


def _fitting(chrome: Program, driver: Program) -> str:
    """Return the command that names another Chrome or driver, or takes the driver out of the way."""
    for variable, search, major in ((CHROME_VARIABLE, chromes, driver.major), (DRIVER_VARIABLE, drivers, chrome.major)):
        if not (variable == CHROME_VARIABLE and ":" in chrome.path):  # an address: that Chrome runs already
            for found in search(None):
                if Program("", _version(found.path)[0]).major == major:
                    return f"export {variable}={quote(str(found.path))}"
    is_named = bool(os.environ.get(DRIVER_VARIABLE))
    return f"unset {DRIVER_VARIABLE}" if is_named else f"rm {quote(driver.path)}"


def _version(program: Path) -> tuple[str, str]:
    """Return the version that *program* tells, or an empty one and why."""
    if sys.platform == "win32" and "driver" not in program.name:
        return "", ""  # it would open a window
    environment = {name: os.environ[name] for name in _VARIABLES if name in os.environ}
    try:
        output, errors, code = _output(program, environment)
    except subprocess.TimeoutExpired:
        return "", f"no answer within {_VERSION_S:g} s"
    except OSError as error:
        return "", clean_text(error.strerror or type(error).__name__)
    told = re.search(r"\d+(\.\d+)+", output)
    if code or not told:
        return "", clean_text(errors.strip().rpartition("\n")[2]) or f"exit code {code}"
    return told[0], ""


def _output(program: Path, environment: dict[str, str]) -> tuple[str, str, int]:
    # A group of its own: some are scripts, and what a script started would be left.
    with subprocess.Popen(  # noqa: S603 - the program that a harvest would start
        [program, "--version"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        start_new_session=True,
    ) as process:
        try:
            output, errors = process.communicate(timeout=_VERSION_S)
        except subprocess.TimeoutExpired:
            with suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)
            raise
    return output.decode("utf-8", "replace"), errors.decode("utf-8", "replace"), process.returncode
