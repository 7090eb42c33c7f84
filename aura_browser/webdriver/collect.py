"""Waits in an open browser until the site is ready, and reads its session."""

import time
from typing import Final

from selenium.common.exceptions import NoSuchWindowException, TimeoutException, WebDriverException

from aura_browser.engine import OnWait
from aura_browser.errors import BrowserDied, NotReady, WindowClosed
from aura_browser.session import Session
from aura_browser.site import Site
from aura_browser.text import clean_text
from aura_browser.webdriver.driver import Driver
from aura_browser.webdriver.options import BrowserOptions
from aura_browser.webdriver.reading import read_session
from aura_browser.webdriver.ready import open_until_ready
from aura_browser.webdriver.running_session import DRIVER_ERRORS

# A driver runs one command at a time: a Grid session can't be ended while a script blocks in a busy page.
_READ_TIMEOUT_S: Final = 2.0


def collect_session(
    driver: Driver, site: Site, options: BrowserOptions, *, proxy: str | None, on_wait: OnWait | None
) -> Session:
    """Open *site*, wait until it is ready, and return its session.

    Args:
        driver: the driver of an open browser.
        site: the site to open, with its conditions.
        options: for the deadline, and whether a person takes part.
        proxy: the proxy that the client will use.
        on_wait: called with the seconds left and the conditions that don't hold yet.

    Raises:
        InvalidInput: if a condition of the site is malformed.
        BrowserError: if the page, the browser or its window fails, or the site is not ready in time.
    """
    deadline = options.deadline
    try:
        open_until_ready(driver, site, deadline, on_wait, interactive=options.interactive)
        driver.set_script_timeout(_READ_TIMEOUT_S)
        while True:
            try:
                return read_session(driver, proxy=proxy, now=time.time())
            except TimeoutException as error:
                if deadline.left_s <= 0:
                    raise NotReady(site.url, None, deadline.seconds, ("a page that is not busy",)) from error
    except NoSuchWindowException:
        raise WindowClosed(site.url) from None
    except DRIVER_ERRORS as error:
        if deadline.left_s <= 0 and not deadline.is_cancelled:
            raise NotReady(site.url, None, deadline.seconds, ("a reply from the browser",)) from error
        if options.interactive and isinstance(error, WebDriverException):
            # Chrome exits with its last window, and the driver reports only the exit.
            raise WindowClosed(site.url) from error
        message = str(getattr(error, "msg", None) or type(error).__name__).strip().partition("\n")[0]
        raise BrowserDied(site.url, clean_text(message)) from error
