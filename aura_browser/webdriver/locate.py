"""Finds Chrome and ChromeDriver on this machine."""

import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aura_browser.errors import BrowserNotFound
from aura_browser.webdriver.deadline import Deadline

CHROME_VARIABLE: Final = "AURA_BROWSER_CHROME"
DRIVER_VARIABLE: Final = "AURA_BROWSER_DRIVER"

_CHROME_NAMES: Final = ("google-chrome", "google-chrome-stable", "chromium", "chromium-browser", "chrome")
_CHROME_APPS: Final = (
    Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"),
    Path("/Applications/Chromium.app/Contents/MacOS/Chromium"),
)
_DRIVER_NAMES: Final = ("chromedriver", "chromium.chromedriver")
_DOWNLOAD_TIMEOUT_S: Final = 60  # for each request of Selenium Manager
_LONGEST_DOWNLOAD_S: Final = 600.0


@dataclass(frozen=True, slots=True)
class Found:
    """A program as found.

    Attributes:
        path: its executable.
        source: what led there: ``the path given``, the environment variable, ``drivers/bin``, ``PATH``,
            ``applications`` or ``Selenium Manager``.
    """

    path: Path
    source: str


@dataclass(frozen=True, slots=True)
class Installed:
    """Chrome and ChromeDriver as found.

    Attributes:
        chrome: Chrome's executable.
        driver: ChromeDriver's.
    """

    chrome: Path
    driver: Path


def locate(
    chrome: str | os.PathLike[str] | None = None,
    driver: str | os.PathLike[str] | None = None,
    deadline: Deadline | None = None,
) -> Installed:
    """Find Chrome and ChromeDriver.

    Each is looked for at the path given, in its environment variable (``AURA_BROWSER_CHROME``,
    ``AURA_BROWSER_DRIVER``), in ``drivers/bin`` of a source checkout, on ``PATH`` and in macOS's applications. What
    is still missing then, Selenium Manager finds or downloads. The current folder is never looked at.

    Args:
        chrome: Chrome's executable, or None to look for it.
        driver: ChromeDriver's, likewise.
        deadline: when a download is given up; None for 10 minutes.

    Raises:
        BrowserNotFound: saying what was looked for where. A path or variable that names no executable ends the
            search: to go on would run another browser than the one that was asked for.
    """
    chrome_found = find_chrome(chrome)
    driver_found = find_driver(driver)
    if chrome_found and driver_found:
        return Installed(chrome_found, driver_found)
    managed = _ask_selenium_manager(chrome_found, deadline or Deadline(_LONGEST_DOWNLOAD_S))
    return Installed(chrome_found or managed.chrome, driver_found or managed.driver)


def find_chrome(given: str | os.PathLike[str] | None = None) -> Path | None:
    """Find Chrome without a download; None if it is not there. Errors as those of :func:`locate`."""
    return next((found.path for found in chromes(given)), None)


def find_driver(given: str | os.PathLike[str] | None = None) -> Path | None:
    """Find ChromeDriver without a download; None if it is not there. Errors as those of :func:`locate`."""
    return next((found.path for found in drivers(given)), None)


def chromes(given: str | os.PathLike[str] | None = None) -> Iterator[Found]:
    """Yield what there is of Chrome, first the one that is used. Errors as those of :func:`locate`."""
    return _search("Chrome", given, CHROME_VARIABLE, _CHROME_NAMES, _CHROME_APPS)


def drivers(given: str | os.PathLike[str] | None = None) -> Iterator[Found]:
    """Yield what there is of ChromeDriver, first the one that is used. Errors as those of :func:`locate`."""
    return _search("ChromeDriver", given, DRIVER_VARIABLE, _DRIVER_NAMES, ())


def managed(chrome: Path | None, deadline: Deadline) -> tuple[Found | None, Found | None]:
    """Return the Chrome and the ChromeDriver that Selenium Manager has on this machine. It stays off the network.

    Args:
        chrome: the Chrome that the driver is to fit; None if that is looked for too.
        deadline: when it is given up.
    """
    from aura_browser.webdriver.selenium_manager import ManagerFailed, ask_manager

    try:
        paths = ask_manager([*_manager_arguments(chrome), "--offline"], deadline)
    except ManagerFailed:
        return None, None
    browser, driver = (
        Found(Path(path), "Selenium Manager") if path else None
        for path in (paths["browser_path"], paths["driver_path"])
    )
    return browser, driver


def _search(
    program: str,
    given: str | os.PathLike[str] | None,
    variable: str,
    names: Iterable[str],
    applications: Iterable[Path],
) -> Iterator[Found]:
    named = given or os.environ.get(variable)
    if named:
        source = "the path given" if given else variable
        found = shutil.which(Path(named).expanduser().absolute())
        if not found:
            place = f"{source}: {os.fspath(named)}"
            raise BrowserNotFound(program, (place,), "That is no executable file; mend the path.")
        yield Found(Path(found), source)
    yield from _candidates(names, applications)


def _candidates(names: Iterable[str], applications: Iterable[Path]) -> Iterator[Found]:
    checkout = _checkout_bin()
    folders = [str(checkout)] if checkout else []
    # Absolute entries only: "." on PATH would run what lies in the current folder.
    folders += [entry for entry in os.environ.get("PATH", os.defpath).split(os.pathsep) if Path(entry).is_absolute()]
    search = os.pathsep.join(folders)
    for path in (Path(found) for name in names if (found := shutil.which(name, path=search))):
        yield Found(path, "drivers/bin" if path.parent == checkout else "PATH")
    yield from (Found(path, "applications") for path in applications if os.access(path, os.X_OK))


def _checkout_bin() -> Path | None:
    """Return ``drivers/bin`` beside the package, if this is a source checkout."""
    root = Path(__file__).resolve().parents[2]
    return root / "drivers" / "bin" if (root / "drivers" / "install.sh").is_file() else None


def _ask_selenium_manager(chrome: Path | None, deadline: Deadline) -> Installed:
    from aura_browser.webdriver.selenium_manager import ManagerFailed, ask_manager

    try:
        paths = ask_manager(_manager_arguments(chrome), deadline)
    except ManagerFailed as error:
        raise BrowserNotFound(
            "ChromeDriver" if chrome else "Chrome",
            (
                CHROME_VARIABLE,
                DRIVER_VARIABLE,
                "drivers/bin",
                "PATH",
                f"Selenium Manager ({error})",
            ),
            "Install both, for example with drivers/install.sh (Debian, Ubuntu: apt install chromium chromium-driver).",
        ) from error
    return Installed(Path(paths["browser_path"]), Path(paths["driver_path"]))


def _manager_arguments(chrome: Path | None) -> list[str]:
    arguments = ["--browser", "chrome", "--timeout", str(_DOWNLOAD_TIMEOUT_S)]
    return [*arguments, "--browser-path", str(chrome)] if chrome else arguments
