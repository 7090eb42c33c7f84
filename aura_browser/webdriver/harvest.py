"""Harvest: open a browser at a site, wait until it is ready, read the session, close everything."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Final

from aura_browser.engine import Engine, OnWait, Selenium
from aura_browser.errors import InteractionRequired, InvalidInput
from aura_browser.proxy import check_proxy
from aura_browser.session import Session
from aura_browser.site import Site
from aura_browser.webdriver.display import has_display
from aura_browser.webdriver.engines import Visit, open_browser
from aura_browser.webdriver.relay import browser_proxy
from aura_browser.webdriver.watchdog import Deadline

DEFAULT_TIMEOUT_S: Final = 60.0
DEFAULT_INTERACTIVE_TIMEOUT_S: Final = 300.0
"""Longer, since a person may have to log in."""


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
                # It needs Selenium, which the engine has loaded while its browser started.
                from aura_browser.webdriver.attempt import attempt

                return attempt(driver, site, visit, proxy=proxy, on_wait=on_wait)

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


async def _in_thread(work: Callable[[], Session], deadline: Deadline) -> Session:
    """Run blocking *work* in a thread. On cancellation bring its deadline forward and wait until it has unwound."""
    begun = threading.Event()

    def begin() -> Session:
        begun.set()
        return work()

    job = asyncio.ensure_future(asyncio.to_thread(begin))
    try:
        return await asyncio.shield(job)
    except asyncio.CancelledError:
        deadline.cancel()
        if not begun.is_set():
            job.cancel()  # other harvests have all threads, and it need not wait for them
        await asyncio.wait([job])
        if not job.cancelled():
            job.exception()  # it was told to fail
        raise
