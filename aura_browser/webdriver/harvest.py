"""Harvest: open a browser at a site, wait until it is ready, read the session, close everything."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Final

from selenium.common.exceptions import NoSuchWindowException, TimeoutException, WebDriverException
from selenium.webdriver.chromium.webdriver import ChromiumDriver as WebDriver

from aura_browser.engine import Engine, OnWait, Selenium
from aura_browser.errors import BrowserDied, InteractionRequired, InvalidInput, NotReady, WindowClosed, clean_text
from aura_browser.proxy import check_proxy
from aura_browser.session import Session
from aura_browser.site import Site
from aura_browser.webdriver.chromedriver import DRIVER_ERRORS
from aura_browser.webdriver.display import has_display
from aura_browser.webdriver.engines import Visit, open_browser
from aura_browser.webdriver.reading import read_session
from aura_browser.webdriver.ready import open_ready
from aura_browser.webdriver.relay import browser_proxy
from aura_browser.webdriver.watchdog import Deadline

DEFAULT_TIMEOUT_S: Final = 60.0
DEFAULT_INTERACTIVE_TIMEOUT_S: Final = 300.0
"""Longer, since a person may have to log in."""
# A driver does one thing at a time: a Grid's could not be ended while it waits for a script in a busy page.
_READING_S: Final = 2.0


async def harvest(
    site: Site,
    *,
    engine: Engine | None = None,
    proxy: str | None = None,
    interactive: bool = False,
    timeout_s: float | None = None,
    on_wait: OnWait | None = None,
) -> Session:
    """Open a browser at *site*, wait until it is ready, and return its session. Nothing is left running.

    Cancelling it ends the browser at once and waits for that.

    Args:
        site: where, and how to tell that it is ready.
        engine: which browser; None for ``Selenium()``, a new Chrome on this machine.
        proxy: ``http://host:port`` or ``socks5://host:port``, with ``user:password@`` where it asks for them; None for
            none at all. A browser that runs already has its own: then this is the one that the client goes through.
        interactive: show a window, in which a person can log in.
        timeout_s: seconds for all of it; 60 if None, 300 if *interactive*.
        on_wait: is told, from another thread, how many seconds are left and what does not hold yet.

    Raises:
        InvalidInput: if something can't work, before anything is started; or if a condition of the site is none.
        InteractionRequired: if a window is to be shown and there is no display.
        BrowserError: for each way that it can fail.
    """
    deadline = Deadline(timeout_s or (DEFAULT_INTERACTIVE_TIMEOUT_S if interactive else DEFAULT_TIMEOUT_S))
    engine = engine or Selenium()
    if proxy:
        await asyncio.to_thread(check_proxy, proxy)
    is_here = isinstance(engine, Selenium)
    if interactive and isinstance(engine, Selenium):
        _check_window(engine, site)
    async with AsyncExitStack() as exits:
        chromes = await exits.enter_async_context(browser_proxy(proxy, site.url)) if is_here else proxy
        visit = Visit(deadline, chromes, interactive)

        def work() -> Session:
            with open_browser(engine, visit) as driver:
                return _read_ready(driver, site, visit, proxy, on_wait)

        return await _in_thread(work, deadline)


def _check_window(engine: Selenium, site: Site) -> None:
    if engine.virtual_display:
        raise InvalidInput("virtual_display", "shows its window to nobody; for a login leave it out")
    if not has_display():
        elsewhere = site.login_command("-o", "session.json")
        raise InteractionRequired(
            "A window has to be shown, and there is no display here (DISPLAY is not set).",
            f"{elsewhere} (on a machine with a screen; then, here: aura-browser sessions import session.json)",
        )


def _read_ready(driver: WebDriver, site: Site, visit: Visit, proxy: str | None, on_wait: OnWait | None) -> Session:
    deadline = visit.deadline
    try:
        open_ready(driver, site, deadline, on_wait)
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
