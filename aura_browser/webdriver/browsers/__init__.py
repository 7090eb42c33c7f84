"""The ways to get a browser, one file each: a context with a driver, unwound in reverse.

An engine names its file, which has ``open_chrome(engine, visit)``.
"""

from contextlib import AbstractContextManager
from importlib import import_module

from aura_browser.engine import Engine
from aura_browser.webdriver.visit import Driver, Visit


def open_browser(engine: Engine, visit: Visit) -> AbstractContextManager[Driver]:
    """Return a context with a driver of *engine*; on leaving it all that was started for it is ended.

    Raises:
        InvalidInput: on entering it, if the engine can't do what the visit asks for; nothing was started.
        BrowserError: on entering it, if there is no browser to be had.
    """
    module = import_module(f"{__name__}.{engine.browser}")  # each is loaded when it is used
    context: AbstractContextManager[Driver] = module.open_chrome(engine, visit)
    return context
