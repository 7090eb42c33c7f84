"""The engine ``undetected``: as ``selenium``, with undetected-chromedriver's patched ChromeDriver."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from aura_browser.engine import Undetected
from aura_browser.errors import InvalidInput, LaunchFailed
from aura_browser.extras import install_command
from aura_browser.webdriver.browsers.selenium import run_chrome
from aura_browser.webdriver.locate import BrowserPaths, locate
from aura_browser.webdriver.options import BrowserOptions
from aura_browser.webdriver.process.workspace import open_workspace

if TYPE_CHECKING:
    from aura_browser.webdriver.running_session import RunningSession

# Without it navigator.webdriver is true.
_FLAGS: Final = ("--disable-blink-features=AutomationControlled",)


@contextmanager
def open_chrome(engine: Undetected, options: BrowserOptions) -> Iterator["RunningSession"]:
    """Run Chrome with a patched driver while the context lasts.

    Raises:
        InvalidInput: if undetected-chromedriver is missing, or the engine's profile or display can't work.
        BrowserNotFound: if Chrome or ChromeDriver is missing.
        DriverMismatch: if their versions don't match.
        LaunchFailed: if the driver can't be patched, or Chrome does not start.
    """
    _import_patcher()
    paths = locate(engine.chrome_path, engine.driver_path, options.deadline)
    with open_workspace() as workspace:
        patched = BrowserPaths(paths.chrome, _patch(paths.driver, workspace.folder))
        with run_chrome(patched, engine, options, workspace, flags=_FLAGS, without=("enable-automation",)) as driver:
            yield driver


def _patch(driver: Path, folder: Path) -> Path:
    """Return a patched copy of *driver* in *folder*.

    Raises:
        LaunchFailed: if there is nothing to patch in it.
    """
    copy = folder / "chromedriver"
    shutil.copyfile(driver, copy)
    copy.chmod(0o700)
    # The patcher always creates data_path, by default in the person's home, even though it is not needed here.
    private = type("PrivatePatcher", (_import_patcher(),), {"data_path": str(folder)})
    patcher = private(executable_path=str(copy))
    patcher.auto()
    if not patcher.is_binary_patched():
        raise LaunchFailed(str(driver), "undetected-chromedriver finds nothing in this ChromeDriver to patch")
    return copy


def _import_patcher() -> Any:  # noqa: ANN401 - it ships no types
    try:
        return import_module("undetected_chromedriver.patcher").Patcher
    except ImportError as error:
        raise InvalidInput(
            "engine",
            f"undetected needs more packages ({error.name} is missing): {install_command('undetected')}",
        ) from None
