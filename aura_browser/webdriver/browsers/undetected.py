"""The engine ``undetected``: as ``selenium``, with undetected-chromedriver's patched ChromeDriver."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from aura_browser.engine import Undetected
from aura_browser.errors import InvalidInput, LaunchFailed
from aura_browser.webdriver.browsers.selenium import started
from aura_browser.webdriver.locate import Installed, locate
from aura_browser.webdriver.process.workplace import workplace
from aura_browser.webdriver.visit import Visit

if TYPE_CHECKING:
    from aura_browser.webdriver.running_session import RunningSession

# navigator.webdriver is true without it.
_FLAGS: Final = ("--disable-blink-features=AutomationControlled",)


@contextmanager
def open_chrome(engine: Undetected, visit: Visit) -> Iterator["RunningSession"]:
    """Run Chrome with a patched driver while the context lasts. Errors as those of :func:`open_chrome`.

    Raises:
        InvalidInput: if undetected-chromedriver is missing too.
    """
    _patcher()
    found = locate(engine.chrome_path, engine.driver_path, visit.deadline)
    with workplace() as place:
        installed = Installed(found.chrome, _patched(found.driver, place.folder))
        with started(installed, engine, visit, place, flags=_FLAGS, without=("enable-automation",)) as driver:
            yield driver


def _patched(driver: Path, folder: Path) -> Path:
    """Return a patched copy of *driver* in *folder*.

    Raises:
        LaunchFailed: if there is nothing to patch in it.
    """
    copy = folder / "chromedriver"
    shutil.copyfile(driver, copy)
    copy.chmod(0o700)
    # Where it would keep a driver of its own; it makes that folder, in the person's home, even if it has no use for it.
    private = type("PrivatePatcher", (_patcher(),), {"data_path": str(folder)})
    patcher = private(executable_path=str(copy))
    patcher.auto()
    if not patcher.is_binary_patched():
        raise LaunchFailed(str(driver), "undetected-chromedriver finds nothing in this ChromeDriver to patch")
    return copy


def _patcher() -> Any:  # noqa: ANN401 - it ships no types
    try:
        return import_module("undetected_chromedriver.patcher").Patcher
    except ImportError as error:
        raise InvalidInput(
            "engine",
            f"undetected needs more packages ({error.name} is missing): pip install 'aura-browser[undetected]'",
        ) from None
