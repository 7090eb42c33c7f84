"""One attempt with an open browser: wait until the site is ready, read its session, and say what went wrong."""

import time
from typing import Final

from selenium.common.exceptions import NoSuchWindowException, TimeoutException, WebDriverException

from aura_browser.engine import OnWait
from aura_browser.errors import BrowserDied, NotReady, WindowClosed
from aura_browser.session import Session
from aura_browser.site import Site
from aura_browser.text import clean_text
from aura_browser.webdriver.reading import read_session
from aura_browser.webdriver.ready import open_ready
from aura_browser.webdriver.running_session import DRIVER_ERRORS
from aura_browser.webdriver.visit import Driver, Visit

# A driver does one thing at a time: a Grid's could not be ended while it waits for a script in a busy page.
_READING_S: Final = 2.0


def attempt(driver: Driver, site: Site, visit: Visit, *, proxy: str | None, on_wait: OnWait | None) -> Session:
    """Return the session of *site* in the browser that *driver* drives.

    Args:
        driver: of an open browser.
        site: where, and how to tell that it is ready.
        visit: for its deadline, and whether a person takes part.
        proxy: which the client is to go through.
        on_wait: is told what is waited for.

    Raises:
        InvalidInput: if a condition of the site is none.
        BrowserError: for each way that it can fail.
    """
    deadline = visit.deadline
    try:
        open_ready(driver, site, deadline, on_wait, interactive=visit.interactive)
        driver.set_script_timeout(_READING_S)
        while True:
            try:
                return read_session(driver, proxy=proxy, now=time.time())
            except TimeoutException as error:
                if deadline.left_s <= 0:
                    raise NotReady(site.url, None, deadline.seconds, ("a page that is not busy",)) from error
    except NoSuchWindowException:
        raise WindowClosed(site.url) from None
    except DRIVER_ERRORS as error:
        if deadline.left_s <= 0 and not deadline.cancelled:
            raise NotReady(site.url, None, deadline.seconds, ("an answer from the browser",)) from error
        if visit.interactive and isinstance(error, WebDriverException):
            # With its last window Chrome ends, and the driver says that instead.
            raise WindowClosed(site.url) from error
        said = str(getattr(error, "msg", None) or type(error).__name__).strip().partition("\n")[0]
        raise BrowserDied(site.url, clean_text(said)) from error
