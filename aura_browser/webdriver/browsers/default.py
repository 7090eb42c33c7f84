"""The engine where none was named: ``selenium``, or ``chrome`` where no ChromeDriver is there that matches Chrome."""

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from aura_browser.engine import Chrome, DefaultEngine
from aura_browser.errors import DriverMismatch
from aura_browser.webdriver.browsers import chrome, selenium
from aura_browser.webdriver.driver import Driver
from aura_browser.webdriver.locate import find_chrome, find_driver
from aura_browser.webdriver.options import BrowserOptions

_log = logging.getLogger(__name__)


@contextmanager
def open_chrome(engine: DefaultEngine, options: BrowserOptions) -> Iterator[Driver]:
    """Run Chrome while the context lasts.

    Raises:
        InvalidInput: if the engine's profile or display can't work.
        BrowserNotFound: if Chrome is missing, and can't be downloaded.
        LaunchFailed: if Chrome does not start.
    """
    with ExitStack() as exits:
        yield _enter(exits, engine, options)


def _enter(exits: ExitStack, engine: DefaultEngine, options: BrowserOptions) -> Driver:
    path = find_chrome(engine.chrome_path)
    direct = Chrome(path, engine.profile, engine.virtual_display, engine.sandbox)
    if path is not None and find_driver(engine.driver_path) is None:
        _log.info("There is no ChromeDriver here, so Chrome is started without one.")
        return exits.enter_context(chrome.open_chrome(direct, options))
    try:
        return exits.enter_context(selenium.open_chrome(engine, options))
    except DriverMismatch as mismatch:
        _log.warning("%s Chrome is started without it.", mismatch)
        return exits.enter_context(chrome.open_chrome(direct, options))
