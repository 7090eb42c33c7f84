"""The engine of callers who bring a driver of their own."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from aura_browser.engine import OwnDriver
from aura_browser.webdriver.engines import Visit

if TYPE_CHECKING:
    from selenium.webdriver.chromium.webdriver import ChromiumDriver as WebDriver


@contextmanager
def own_chrome(engine: OwnDriver, visit: Visit) -> Iterator["WebDriver"]:
    """Lend the driver for the context, and put its time-outs back afterwards."""
    before = engine.driver.timeouts
    engine.driver.set_page_load_timeout(visit.deadline.seconds)
    try:
        yield engine.driver
    finally:
        engine.driver.timeouts = before
