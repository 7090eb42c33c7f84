"""The engine of callers who bring a driver of their own."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from aura_browser.engine import OwnDriver
from aura_browser.errors import BrowserDied
from aura_browser.webdriver.visit import Driver, Visit


@contextmanager
def open_chrome(engine: OwnDriver, visit: Visit) -> Iterator[Driver]:
    """Lend the driver for the context, and put its time-outs back afterwards."""
    from aura_browser.webdriver.running_session import DRIVER_ERRORS

    try:
        before = engine.driver.timeouts
        engine.driver.set_page_load_timeout(visit.deadline.seconds)
    except DRIVER_ERRORS as error:
        raise BrowserDied("its start", f"the driver given does not answer ({type(error).__name__})") from error
    try:
        yield engine.driver
    finally:
        with suppress(*DRIVER_ERRORS):  # it may have ended, which the body says
            engine.driver.timeouts = before
