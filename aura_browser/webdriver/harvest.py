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
from aura_browser.webdriver.options import BrowserOptions
from aura_browser.webdriver.process.display import has_display
from aura_browser.webdriver.profile import make_profile_folder

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

    Cancelling ends the browser at once and waits until it has ended.

    Args:
        site: the site to open, with its conditions.
        engine: which browser to use; None for ``Selenium()``, a new Chrome on this machine.
        proxy: ``http://host:port`` or ``socks5://host:port``, with ``user:password@`` if it needs them; None for no
            proxy. A browser that already runs has its own proxy settings; then only the client uses this one.
        interactive: show a window in which a person can log in.
        timeout_s: seconds for the whole harvest; None for 60, or 300 if *interactive*.
        on_wait: called from another thread with the seconds left and the conditions that don't hold yet.

    Raises:
        InvalidInput: if an argument is invalid, before anything starts; or if a condition of the site is malformed.
        InteractionRequired: if a window is needed and there is no display.
        BrowserError: if the browser or the page fails, or the site is not ready in time.
    """
    deadline = Deadline(timeout_s or (_INTERACTIVE_TIMEOUT_S if interactive else _TIMEOUT_S))
    if not isinstance(site, Site):
        raise InvalidInput("site", "must be a site, such as page_site('https://example.com')")
    engine = Selenium() if engine is None else engine
    if not isinstance(engine, Engine):
        raise InvalidInput("engine", "must be an engine, such as Selenium()")
    if interactive and not site.ready:
        problem = "needs a condition that shows that the person is logged in, or the window closes at once"
        raise InvalidInput("site", problem)
    if proxy:
        await asyncio.to_thread(check_proxy, proxy)
    if isinstance(engine, Selenium):
        await asyncio.to_thread(_check_engine, engine, site, interactive=interactive)
    async with AsyncExitStack() as exits:
        options = BrowserOptions(deadline, proxy, interactive)
        if proxy and isinstance(engine, Selenium):
            from aura_browser.webdriver.proxy_relay import open_browser_proxy

            options = replace(options, proxy=await exits.enter_async_context(open_browser_proxy(proxy, site.url)))

        def work() -> "Session":
            with open_browser(engine, options) as driver:
                # Imports Selenium, which the engine has loaded while its browser started.
                from aura_browser.webdriver.collect import collect_session

                return collect_session(driver, site, options, proxy=proxy, on_wait=on_wait)

        return await _run_in_thread(work, deadline)


def _check_engine(engine: Selenium, site: Site, *, interactive: bool) -> None:
    if engine.profile is not None:
        make_profile_folder(engine.profile)
    if not interactive:
        return
    if engine.virtual_display:
        raise InvalidInput("virtual_display", "hides the window, so nobody can log in there; leave it out")
    if not has_display():
        elsewhere = site.login_command("-o", "session.json")
        raise InteractionRequired(
            "A window is needed, and there is no display here (DISPLAY is not set, or nothing answers there).",
            f"{elsewhere} (on a machine with a screen; then, here: aura-browser sessions import session.json)",
        )


async def _run_in_thread(work: Callable[[], "Session"], deadline: Deadline) -> "Session":
    """Run blocking *work* in a thread of its own: *work* may itself wait for asyncio's shared threads.

    On cancellation, cancel its deadline and wait until it has cleaned up.
    """
    executor = ThreadPoolExecutor(1, "aura-browser-harvest")
    job = asyncio.get_running_loop().run_in_executor(executor, work)
    try:
        await asyncio.wait([job])
        return job.result()
    except asyncio.CancelledError:
        deadline.cancel()
        while not job.done():
            with suppress(asyncio.CancelledError):  # cancelled again
                await asyncio.wait([job])
        job.exception()  # expected, so asyncio must not log it as unretrieved
        raise
    finally:
        executor.shutdown(wait=False)
