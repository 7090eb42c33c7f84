"""Harvest: open a browser at a site, wait until it is ready, read the session, close everything."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

from aura_browser.engine import AttachChrome, DefaultEngine, Engine, LocalEngine, OnWait
from aura_browser.errors import AuraError, BrowserDied, InteractionRequired, InvalidInput
from aura_browser.proxy.address import check_proxy
from aura_browser.site import Site
from aura_browser.site.commands import list_options, replace_output
from aura_browser.webdriver.browsers import open_browser
from aura_browser.webdriver.deadline import Deadline
from aura_browser.webdriver.options import BrowserOptions
from aura_browser.webdriver.process.display import has_display
from aura_browser.webdriver.profile import make_profile_folder

if TYPE_CHECKING:
    from aura_browser.session import Session
    from aura_browser.webdriver.collect import Reading
    from aura_browser.webdriver.driver import Driver

T = TypeVar("T")

AsyncProve = Callable[["Session"], Coroutine[Any, Any, bool]]
"""Returns whether a session needs no person: it is a login already, or its site has none."""

Prepare = Callable[["Driver", Deadline], None]
"""Is called in another thread with the driver of a browser that has just been opened, and when to stop."""

_PROVE_POLL_S: Final = 0.1
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
    prove: AsyncProve | None = None,
    prepare: Prepare | None = None,
    basic: str | None = None,
    command_options: tuple[str, ...] | None = None,
) -> "Session":
    """Open a browser at *site*, wait until it is ready, and return its session. Nothing is left running.

    Cancelling ends the browser at once and waits until it has ended.

    Args:
        site: the site to open, with its conditions.
        engine: which browser to use; None for a new Chrome on this machine: ``Selenium()``, or ``Chrome()`` where
            there is no ChromeDriver that matches Chrome.
        proxy: ``http://host:port`` or ``socks5://host:port``, with ``user:password@`` if it needs them; None for no
            proxy. A browser that already runs has its own proxy settings; then only the client uses this one.
        interactive: show a window in which a person can log in. It closes by itself when the site's conditions hold and
            one of them has changed; without conditions, the person closes it.
        timeout_s: seconds for the whole harvest; None for 60, or 300 if *interactive* or with ``AttachChrome``.
        on_wait: called from another thread with the seconds left and the conditions that don't hold yet.
        prove: returns whether a session needs no person, because it is a login already or the site has none. It is
            called where the probe is a condition; and with *interactive*, if all conditions held from the beginning.
            None: the window stays until one of the conditions changes.
        prepare: called before the site is opened, to put something into the browser.
        basic: user and password for HTTP basic authentication, ``user:password``.
        command_options: the options of the command that errors name; None for those of *engine* and *proxy*.

    Raises:
        InvalidInput: if an argument is invalid, before anything starts; or if a condition of the site is malformed.
        InteractionRequired: if a window is needed and there is no display.
        LoginNeeded: if the page asks for a login, and there is no person.
        RateLimited: if the page answers 429, and there is no person.
        SiteFailed: if the page answers with another error, and there is no person.
        BrowserError: if the browser or the page fails, or the site is not ready in time.
    """
    needs_person = interactive or isinstance(engine, AttachChrome)  # who allows the connection
    deadline = Deadline(timeout_s or (_INTERACTIVE_TIMEOUT_S if needs_person else _TIMEOUT_S))
    _check_site(site, prove)
    engine = DefaultEngine() if engine is None else engine
    if not isinstance(engine, Engine):
        raise InvalidInput("engine", "must be an engine, such as Selenium()")
    if basic is not None and ":" not in basic:
        raise InvalidInput("basic", "must be user:password")
    if command_options is None:
        command_options = list_options(engine=engine, proxy=proxy)
    if proxy:
        await asyncio.to_thread(check_proxy, proxy)
    if isinstance(engine, LocalEngine):
        command = site.login_command(*replace_output(command_options))
        await asyncio.to_thread(check_engine, engine, command, interactive=interactive)
    async with AsyncExitStack() as exits:
        options = BrowserOptions(deadline, proxy, interactive, basic, command_options, site.url, on_wait)
        if proxy and isinstance(engine, LocalEngine):
            from aura_browser.webdriver.proxy_relay import open_browser_proxy

            options = replace(options, proxy=await exits.enter_async_context(open_browser_proxy(proxy, site.url)))

        ask = call_in_loop(prove, asyncio.get_running_loop(), deadline) if prove else None

        def work() -> "Reading":
            with open_browser(engine, options) as driver:
                # Imports what the engine has loaded while its browser started.
                from aura_browser.webdriver.collect import collect_session

                if prepare is not None:
                    _prepare(prepare, driver, site, deadline)
                return collect_session(driver, site, options, proxy=proxy, on_wait=on_wait, prove=ask)

        reading = await run_in_thread(work, deadline)
        import msgspec  # loaded with the session

        return msgspec.structs.replace(reading.session, is_login=reading.changed)


def _check_site(site: Site, prove: AsyncProve | None) -> None:
    if not isinstance(site, Site):
        raise InvalidInput("site", "must be a site, such as page_site('https://example.com')")
    if site.asks_probe and prove is None:
        raise InvalidInput("until", "the condition probe needs a proof; harvest with: await assemble(site).harvest()")


def call_in_loop(prove: AsyncProve, loop: asyncio.AbstractEventLoop, deadline: Deadline) -> "Callable[[Session], bool]":
    """Return *prove* as a function for another thread than the event loop's.

    It returns False if the proof fails, or has not ended at the deadline.
    """

    def ask(session: "Session") -> bool:
        future = asyncio.run_coroutine_threadsafe(prove(session), loop)
        while deadline.left_s > 0:
            try:
                return future.result(min(_PROVE_POLL_S, deadline.left_s))
            except TimeoutError:
                # The proof itself timed out; one that ended otherwise, just after this wait, is read in the next turn.
                if future.done() and isinstance(future.exception(), TimeoutError):
                    return False
            except AuraError:
                return False
        future.cancel()
        return False

    return ask


def _prepare(prepare: Prepare, driver: "Driver", site: Site, deadline: Deadline) -> None:
    from aura_browser.webdriver.devtools import list_driver_errors

    try:
        prepare(driver, deadline)
    except list_driver_errors() as error:
        raise BrowserDied(site.url, "it ended before the site was opened") from error


def check_engine(engine: LocalEngine, command: str, *, interactive: bool) -> None:
    """Make the folder of a profile, and check that a window can be seen where one is needed. Raises as harvest."""
    if engine.profile is not None:
        make_profile_folder(engine.profile)
    if not interactive:
        return
    if engine.virtual_display:
        raise InvalidInput("virtual_display", "hides the window, so nobody can log in there; leave it out")
    if not has_display():
        raise InteractionRequired(
            "A window is needed, and there is no display here (DISPLAY is not set, or nothing answers there). Log in "
            "on a machine with a screen, copy session.json here, and import it with: "
            "aura-browser sessions import session.json. On that machine:",
            command,
        )


async def run_in_thread(work: Callable[[], T], deadline: Deadline) -> T:
    """Run blocking *work* in a thread of its own: *work* may itself wait for asyncio's shared threads.

    On cancellation, cancel its deadline and wait until it has cleaned up.
    """
    executor = ThreadPoolExecutor(1, "aura-browser-harvest")
    loop = asyncio.get_running_loop()
    # A second Ctrl-C ends the loop without cancelling anything, and the program's end waits for its threads.
    deadline.end_when(loop.is_closed)
    job = loop.run_in_executor(executor, work)
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
