"""Harvest: open a browser at a site, wait until it is ready, read the session, close everything."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from aura_browser.engine import Engine, OnWait, Selenium
from aura_browser.errors import InteractionRequired, InvalidInput
from aura_browser.proxy.address import check_proxy
from aura_browser.site import Site
from aura_browser.webdriver.browsers import open_browser
from aura_browser.webdriver.deadline import Deadline
from aura_browser.webdriver.process.display import has_display
from aura_browser.webdriver.profile import profile_folder
from aura_browser.webdriver.visit import Visit

if TYPE_CHECKING:
    from aura_browser.session import Session

_TIMEOUT_S: Final = 60.0
_INTERACTIVE_TIMEOUT_S: Final = 300.0  # a person may have to log in


async def harvest(
    site: Site,
    *,
    engine: Engine | None = None,
    proxy: str | None = None,
    interactive: bool = False,
    timeout_s: float | None = None,
    on_wait: OnWait | None = None,
) -> "Session":
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
    deadline = Deadline(timeout_s or (_INTERACTIVE_TIMEOUT_S if interactive else _TIMEOUT_S))
    if not isinstance(site, Site):
        raise InvalidInput("site", "must be a site, such as page_site('https://example.com')")
    engine = Selenium() if engine is None else engine
    if not isinstance(engine, Engine):
        raise InvalidInput("engine", "must be an engine, such as Selenium()")
    if interactive and not site.ready:
        raise InvalidInput("site", "has to say what tells that the person is logged in, or the window closes at once")
    if proxy:
        await asyncio.to_thread(check_proxy, proxy)
    if isinstance(engine, Selenium):
        await asyncio.to_thread(_check, engine, site, interactive=interactive)
    async with AsyncExitStack() as exits:
        visit = Visit(deadline, proxy, interactive)
        if proxy and isinstance(engine, Selenium):
            from aura_browser.webdriver.proxy_relay import browser_proxy

            visit = replace(visit, proxy=await exits.enter_async_context(browser_proxy(proxy, site.url)))

        def work() -> "Session":
            with open_browser(engine, visit) as driver:
                # It needs Selenium, which the engine has loaded while its browser started.
                from aura_browser.webdriver.attempt import attempt

                return attempt(driver, site, visit, proxy=proxy, on_wait=on_wait)

        return await _in_thread(work, deadline)


def _check(engine: Selenium, site: Site, *, interactive: bool) -> None:
    if engine.profile is not None:
        profile_folder(engine.profile)
    if not interactive:
        return
    if engine.virtual_display:
        raise InvalidInput("virtual_display", "shows its window to nobody; for a login leave it out")
    if not has_display():
        elsewhere = site.login_command("-o", "session.json")
        raise InteractionRequired(
            "A window has to be shown, and there is no display here (DISPLAY is not set, or nothing answers there).",
            f"{elsewhere} (on a machine with a screen; then, here: aura-browser sessions import session.json)",
        )


async def _in_thread(work: Callable[[], "Session"], deadline: Deadline) -> "Session":
    """Run blocking *work* in a thread of its own: those that all share may be wanted by what it waits for.

    On cancellation bring its deadline forward and wait until it has unwound.
    """
    executor = ThreadPoolExecutor(1, "aura-browser-harvest")
    job = asyncio.get_running_loop().run_in_executor(executor, work)
    try:
        return await asyncio.shield(job)
    except asyncio.CancelledError:
        deadline.cancel()
        while not job.done():
            with suppress(asyncio.CancelledError):  # again
                await asyncio.wait([job])
        job.exception()  # it was told to fail
        raise
    finally:
        executor.shutdown(wait=False)
