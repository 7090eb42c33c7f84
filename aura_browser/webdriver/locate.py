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
_MAX_DOWNLOAD_S: Final = 600.0


@dataclass(frozen=True, slots=True)
class Executable:
    """An executable and where it was found.

    Attributes:
        path: its path.
        source: ``the path given``, the environment variable's name, ``drivers/bin``, ``PATH``, ``applications`` or
            ``Selenium Manager``.
    """

    path: Path
    source: str


@dataclass(frozen=True, slots=True)
class BrowserPaths:
    """The executables that a harvest runs.

    Attributes:
        chrome: Chrome's path.
        driver: ChromeDriver's path.
    """

    chrome: Path
    driver: Path


def locate(
    chrome: str | os.PathLike[str] | None = None,
    driver: str | os.PathLike[str] | None = None,
    deadline: Deadline | None = None,
) -> BrowserPaths:
    """Find Chrome and ChromeDriver.

    The search order is the path given, the environment variable (``AURA_BROWSER_CHROME``, ``AURA_BROWSER_DRIVER``),
    ``drivers/bin`` of a source checkout, ``PATH`` and macOS's applications. Selenium Manager then finds or downloads
    what is still missing. The current folder is never searched.

    Args:
        chrome: Chrome's executable, or None to search for it.
        driver: ChromeDriver's executable, or None to search for it.
        deadline: when to stop a download; None for 10 minutes.

    Raises:
        BrowserNotFound: if either is missing, with the places searched. A path or variable that doesn't name an
            executable ends the search: going on would run another browser than the one asked for.
    """
    chrome_path = find_chrome(chrome)
    driver_path = find_driver(driver)
    if chrome_path and driver_path:
        return BrowserPaths(chrome_path, driver_path)
    managed = _install_missing(chrome_path, deadline or Deadline(_MAX_DOWNLOAD_S))
    return BrowserPaths(chrome_path or managed.chrome, driver_path or managed.driver)


def find_chrome(given: str | os.PathLike[str] | None = None) -> Path | None:
    """Find Chrome without a download; None if it is missing. Raises as :func:`locate` does."""
    return next((executable.path for executable in find_chromes(given)), None)


def find_driver(given: str | os.PathLike[str] | None = None) -> Path | None:
    """Find ChromeDriver without a download; None if it is missing. Raises as :func:`locate` does."""
    return next((executable.path for executable in find_drivers(given)), None)


def find_chromes(given: str | os.PathLike[str] | None = None) -> Iterator[Executable]:
    """Yield every Chrome found, the one that is used first. Raises as :func:`locate` does."""
    return _search("Chrome", given, CHROME_VARIABLE, _CHROME_NAMES, _CHROME_APPS)


def find_drivers(given: str | os.PathLike[str] | None = None) -> Iterator[Executable]:
    """Yield every ChromeDriver found, the one that is used first. Raises as :func:`locate` does."""
    return _search("ChromeDriver", given, DRIVER_VARIABLE, _DRIVER_NAMES, ())


def find_managed(chrome: Path | None, deadline: Deadline) -> tuple[Executable | None, Executable | None]:
    """Return the Chrome and the ChromeDriver that Selenium Manager has on this machine, without using the network.

    Args:
        chrome: the Chrome that the driver must match; None to find Chrome too.
        deadline: when to stop.
    """
    from aura_browser.webdriver.selenium_manager import ManagerFailed, run_manager

    try:
        paths = run_manager([*_build_manager_arguments(chrome), "--offline"], deadline)
    except ManagerFailed:
        return None, None
    browser, driver = (
        Executable(Path(path), "Selenium Manager") if path else None
        for path in (paths["browser_path"], paths["driver_path"])
    )
    return browser, driver


def _search(
    program: str,
    given: str | os.PathLike[str] | None,
    variable: str,
    names: Iterable[str],
    applications: Iterable[Path],
) -> Iterator[Executable]:
    named = given or os.environ.get(variable)
    if named:
        source = "the path given" if given else variable
        path = shutil.which(os.path.abspath(os.path.expanduser(named)))  # noqa: PTH100, PTH111 - there may be no home
        if not path:
            place = f"{source}: {os.fspath(named)}"
            raise BrowserNotFound(program, (place,), "This is not an executable; fix the path.")
        yield Executable(Path(path), source)
    yield from _search_folders(names, applications)


def _search_folders(names: Iterable[str], applications: Iterable[Path]) -> Iterator[Executable]:
    checkout = _find_checkout_bin()
    folders = [str(checkout)] if checkout else []
    # Absolute entries only: "." on PATH would run programs from the current folder.
    folders += [entry for entry in os.environ.get("PATH", os.defpath).split(os.pathsep) if Path(entry).is_absolute()]
    search = os.pathsep.join(folders)
    for path in (Path(match) for name in names if (match := shutil.which(name, path=search))):
        yield Executable(path, "drivers/bin" if path.parent == checkout else "PATH")
    yield from (Executable(path, "applications") for path in applications if os.access(path, os.X_OK))


def _find_checkout_bin() -> Path | None:
    """Return ``drivers/bin`` beside the package, if this is a source checkout."""
    root = Path(__file__).resolve().parents[2]
    return root / "drivers" / "bin" if (root / "drivers" / "install.sh").is_file() else None


def _install_missing(chrome: Path | None, deadline: Deadline) -> BrowserPaths:
    from aura_browser.webdriver.selenium_manager import ManagerFailed, run_manager

    try:
        paths = run_manager(_build_manager_arguments(chrome), deadline)
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
    return BrowserPaths(Path(paths["browser_path"]), Path(paths["driver_path"]))


def _build_manager_arguments(chrome: Path | None) -> list[str]:
    arguments = ["--browser", "chrome", "--timeout", str(_DOWNLOAD_TIMEOUT_S)]
    return [*arguments, "--browser-path", str(chrome)] if chrome else arguments
