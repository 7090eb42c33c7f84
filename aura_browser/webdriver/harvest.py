"""Harvest: open a browser at a site, wait until it is ready, read the session, close everything."""

import asyncio
import os
import time
from collections.abc import Callable
from typing import Final

from selenium.common.exceptions import TimeoutException
from selenium.webdriver.chromium.webdriver import ChromiumDriver as WebDriver

from aura_browser.errors import BrowserDied, NotReady, clean_text
from aura_browser.session import Session
from aura_browser.site import Site
from aura_browser.webdriver.chrome import DRIVER_ERRORS, chrome
from aura_browser.webdriver.locate import locate
from aura_browser.webdriver.reading import read_session
from aura_browser.webdriver.ready import open_ready
from aura_browser.webdriver.watchdog import Deadline

DEFAULT_TIMEOUT_S: Final = 60.0
DEFAULT_HEADED_TIMEOUT_S: Final = 300.0
"""Longer, since a person may have to log in."""


async def harvest(
    site: Site,
    *,
    proxy: str | None = None,
    headed: bool = False,
    timeout_s: float | None = None,
    chrome_path: str | os.PathLike[str] | None = None,
    driver_path: str | os.PathLike[str] | None = None,
) -> Session:
    """Open Chrome at *site*, wait until it is ready, and return its session. Nothing is left running.

    Cancelling it ends the browser at once and waits for that.

    Args:
        site: where, and how to tell that it is ready.
        proxy: ``http://host:port``, or None for none at all.
        headed: show a window, in which a person can log in.
        timeout_s: seconds for all of it; 60 if None, 300 if a window is shown.
        chrome_path: Chrome's executable; looked for if None.
        driver_path: ChromeDriver's executable; looked for if None.

    Raises:
        BrowserError: for each way that it can fail.
        InvalidInput: if a condition of the site can't be checked.
    """
    deadline = Deadline(timeout_s or (DEFAULT_HEADED_TIMEOUT_S if headed else DEFAULT_TIMEOUT_S))

    def work() -> Session:
        installed = locate(chrome_path, driver_path)
        with chrome(installed, deadline, proxy=proxy, headed=headed) as driver:
            return _read_ready(driver, site, deadline, proxy)

    return await _in_thread(work, deadline)


async def harvest_with(driver: WebDriver, site: Site, *, timeout_s: float = DEFAULT_TIMEOUT_S) -> Session:
    """Harvest with a caller's own Chrome driver, which stays open.

    The headers are complete if the driver was made with the capability ``goog:loggingPrefs``
    ``{"performance": "ALL"}``; without it they are what the browser says of itself. Cancelling it waits for the
    driver's call under way, since the driver is not ours to end.

    Args:
        driver: a Selenium driver of Chrome. It must not be used by another thread meanwhile.
        site: as in :func:`harvest`.
        timeout_s: seconds until the site has to be ready.

    Raises:
        BrowserError: as :func:`harvest`.
    """
    deadline = Deadline(timeout_s)

    def work() -> Session:
        before = driver.timeouts
        driver.set_page_load_timeout(timeout_s)
        try:
            return _read_ready(driver, site, deadline, None)
        finally:
            driver.timeouts = before

    return await _in_thread(work, deadline)


def _read_ready(driver: WebDriver, site: Site, deadline: Deadline, proxy: str | None) -> Session:
    try:
        open_ready(driver, site, deadline)
        driver.set_script_timeout(max(1, deadline.left_s))
        return read_session(driver, proxy=proxy, now=time.time())
    except TimeoutException as error:
        raise NotReady(site.url, None, deadline.seconds, ("a page that stays",)) from error
    except DRIVER_ERRORS as error:
        if deadline.left_s <= 0 and not deadline.cancelled:
            raise NotReady(site.url, None, deadline.seconds, ("an answer from the browser",)) from error
        said = str(getattr(error, "msg", None) or type(error).__name__).strip().partition("\n")[0]
        raise BrowserDied(site.url, clean_text(said)) from error


async def _in_thread(work: Callable[[], Session], deadline: Deadline) -> Session:
    """Run blocking *work* in a thread. On cancellation bring its deadline forward and wait until it has unwound."""
    job = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(job)
    except asyncio.CancelledError:
        deadline.cancel()
        await asyncio.wait([job])
        if not job.cancelled():
            job.exception()  # it was told to fail
        raise
