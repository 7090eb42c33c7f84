"""The engine ``own``: a driver that the caller provides."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from aura_browser.engine import OwnDriver
from aura_browser.errors import BrowserDied
from aura_browser.webdriver.browsers.capabilities import SCRIPT_TIMEOUT_MS
from aura_browser.webdriver.driver import Driver
from aura_browser.webdriver.options import BrowserOptions


@contextmanager
def open_chrome(engine: OwnDriver, options: BrowserOptions) -> Iterator[Driver]:
    """Yield the caller's driver, and restore its time-outs afterwards.

    Raises:
        BrowserDied: if the driver does not answer.
    """
    from aura_browser.webdriver.devtools import list_driver_errors

    try:
        before = engine.driver.timeouts
        engine.driver.set_page_load_timeout(options.deadline.seconds)
        engine.driver.set_script_timeout(SCRIPT_TIMEOUT_MS / 1000)
    except list_driver_errors() as error:
        raise BrowserDied("its start", f"the driver given does not answer ({type(error).__name__})") from error
    try:
        yield engine.driver
    finally:
        with suppress(*list_driver_errors()):  # it may have ended; the body reports that
            engine.driver.timeouts = before
