"""One file per engine: each opens a browser as a context that yields a driver and closes everything on exit.

An engine names its file, which has ``open_chrome(engine, options)``.
"""

from contextlib import AbstractContextManager
from importlib import import_module

from aura_browser.engine import Engine
from aura_browser.webdriver.driver import Driver
from aura_browser.webdriver.options import BrowserOptions


def open_browser(engine: Engine, options: BrowserOptions) -> AbstractContextManager[Driver]:
    """Return a context with a driver of *engine*; leaving it ends everything that was started for it.

    Raises:
        InvalidInput: on entering it, if the engine can't do what *options* ask for; nothing was started.
        BrowserError: on entering it, if no browser can be opened.
    """
    module = import_module(f"{__name__}.{engine.browser}")  # loaded on first use
    context: AbstractContextManager[Driver] = module.open_chrome(engine, options)
    return context
