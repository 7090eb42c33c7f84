"""Harvests and proofs as callables that a manager is given. Browser and HTTP client are imported when they run."""

import asyncio
import base64
import os
import time
from collections.abc import Callable, Coroutine
from functools import partial
from importlib import import_module
from types import ModuleType
from typing import Any, Final

import msgspec
from yarl import URL

from aura_browser.engine import AttachChrome, Engine, LocalEngine, OnWait
from aura_browser.errors import AuraError, InteractionRequired, InvalidInput, LoginNeeded, NotReady, SessionRefused
from aura_browser.keeping.doubt import Prove
from aura_browser.keeping.renewal import Harvest
from aura_browser.session import Browser, Session
from aura_browser.site import Refresh, Site
from aura_browser.site.commands import BASIC_VARIABLE, LoginCommand

_OWN_NAME: Final = "aura-browser"
_PROOF_MODULE: Final = "aura_browser.http.proof"  # imported late, because it loads aiohttp
_HEADLESS_TRY_TIMEOUT_S: Final = 20.0  # enough for a valid login; the person waits meanwhile


def policy_harvest(
    site: Site,
    refresh: Refresh,
    *,
    engine: Engine | None = None,
    proxy: str | None = None,
    on_wait: OnWait | None = None,
    command_options: tuple[str, ...] | None = None,
) -> Harvest:
    """Return the harvest of *site* that a refresh policy allows.

    Where the site asks for a user and a password by HTTP basic authentication, no browser is opened.

    With ``interactive`` and a kept profile, a headless browser is tried first, because the person's last login may
    still be valid. A person's own Chrome is connected to with ``interactive`` only.

    Args:
        site: the site to open.
        refresh: ``headless`` or ``interactive``.
        engine: as in :func:`browser_harvest`.
        proxy: as in :func:`browser_harvest`.
        on_wait: as in :func:`browser_harvest`.
        command_options: as in :func:`browser_harvest`.
    """
    if site.login == "basic":
        return basic_harvest(site, proxy=proxy, command_options=command_options or ())
    open_page = partial(
        browser_harvest, site, engine=engine, proxy=proxy, on_wait=on_wait, command_options=command_options
    )
    if refresh != "interactive":
        return _refuse_to_attach(site, refresh, command_options) if isinstance(engine, AttachChrome) else open_page()
    visible = open_page(interactive=True)
    if not (isinstance(engine, LocalEngine) and engine.profile):
        return visible
    headless, prove = open_page(timeout_s=_HEADLESS_TRY_TIMEOUT_S), build_prove(site)

    async def harvest() -> Session:
        try:
            session = await headless()
            await prove(session)  # conditions may hold although the login in the profile is over
        except (NotReady, LoginNeeded, SessionRefused):
            return await visible()
        return session

    return harvest


def _refuse_to_attach(site: Site, refresh: Refresh, command_options: tuple[str, ...] | None) -> Harvest:
    """Return a harvest that asks for the person: each connection to their Chrome takes a click there."""

    async def harvest() -> Session:
        reason = f"A new session needs your click in your Chrome, and the refresh policy is {refresh!r}."
        raise InteractionRequired(reason, site.login_command(*(command_options or ())))

    return harvest


def browser_harvest(
    site: Site,
    *,
    engine: Engine | None = None,
    proxy: str | None = None,
    interactive: bool = False,
    timeout_s: float | None = None,
    on_wait: OnWait | None = None,
    basic: str | None = None,
    command_options: tuple[str, ...] | None = None,
) -> Harvest:
    """Return a harvest of *site* by a browser. Selenium is imported when it runs, in a thread.

    Args:
        site: the site to open.
        engine: which browser to use; None for a new Chrome on this machine.
        proxy: as in :class:`aura_browser.assembly.SessionOptions`.
        interactive: show a window, in which a person can log in.
        timeout_s: seconds for the whole harvest; None for the webdriver module's default.
        on_wait: is called with the seconds left and the conditions that are not met yet.
        basic: user and password for HTTP basic authentication, ``user:password``.
        command_options: the options of the command that errors name, as :func:`list_options` returns them; None for
            those of *engine* and *proxy*.
    """

    async def harvest() -> Session:
        webdriver = await asyncio.to_thread(_load_browser)
        # Import the proof while the browser starts; imported earlier, it would delay that start.
        loading = asyncio.ensure_future(asyncio.to_thread(import_module, _PROOF_MODULE))
        try:
            session: Session = await webdriver.harvest(
                site,
                engine=engine,
                proxy=proxy,
                interactive=interactive,
                timeout_s=timeout_s,
                on_wait=on_wait,
                prove=_build_needs_no_person(site),
                basic=basic,
                command_options=command_options,
            )
        finally:
            await loading
        return session

    return harvest


def _load_browser() -> ModuleType:
    import_module("aura_browser.webdriver.browsers.selenium")  # most engines use it
    return import_module("aura_browser.webdriver.harvest")


def check_harvest(site: Site, harvest: Harvest) -> Harvest:
    """Return *harvest*; it refuses a session of another site before it is kept, and notes the site's dialect."""

    async def checked() -> Session:
        session = await harvest()
        if not site.owns(URL(session.origin)):
            raise InvalidInput("harvest", f"gave a session of {session.origin}, not of {site.origin}; it is not kept")
        return msgspec.structs.replace(session, dialect=site.dialect) if site.dialect else session

    return checked


def build_refusing_harvest(origin: str, login: LoginCommand) -> Harvest:
    """Return a harvest that opens nothing, as the refresh policy is ``never``: it names the command for a person."""

    async def harvest() -> Session:
        reason = f"There is no valid session for {origin}, and the refresh policy is 'never'.{login.before}"
        raise InteractionRequired(reason, login.text)

    return harvest


def build_prove(site: Site) -> Prove:
    """Return a callable that proves a session of *site* with the real client."""

    async def prove(session: Session) -> Session:
        proof = await asyncio.to_thread(import_module, _PROOF_MODULE)
        proven: Session = await proof.prove(site, session)
        return proven

    return prove


def basic_harvest(
    site: Site,
    *,
    proxy: str | None = None,
    ask: Callable[[], str | None] = lambda: os.environ.get(BASIC_VARIABLE),
    command_options: tuple[str, ...] = (),
) -> Harvest:
    """Return a harvest without a browser, of a site that asks for HTTP basic authentication.

    Args:
        site: the site.
        proxy: the proxy that the session is for.
        ask: returns ``user:password``, or None if nobody gives it.
        command_options: further options of the command that errors name.
    """

    async def harvest() -> Session:
        given = ask()
        if not given or ":" not in given:
            reason = f"{site.origin} asks for a user and a password, and {BASIC_VARIABLE} does not hold user:password."
            raise InteractionRequired(reason, site.login_command(*command_options, how="--basic"))
        return _build_basic_session(site, given, proxy)

    return harvest


def _build_basic_session(site: Site, given: str, proxy: str | None) -> Session:
    """Return a session that is a user and a password. No browser was used, and none is named."""
    headers = {"User-Agent": _OWN_NAME, "Authorization": f"Basic {base64.b64encode(given.encode()).decode()}"}
    return Session(
        origin=site.origin,
        url=site.url,
        user_agent=_OWN_NAME,
        headers=headers,
        cookies=(),
        local_storage={},
        proxy=proxy,
        browser=Browser(name="none", version=""),
        harvested_at=time.time(),
        is_login=True,
    )


def _build_needs_no_person(site: Site) -> Callable[[Session], Coroutine[Any, Any, bool]]:
    """Return a callable that asks the site whether a session is a login already, or needs none."""
    prove = build_prove(site)

    async def needs_no_person(session: Session) -> bool:
        try:
            proven = await prove(session)
        except AuraError:
            return False
        # A chat that answers anybody asks for no login; of another site's open probe that can't be said.
        return proven.proof == "distinguished" or (proven.proof == "open" and bool(site.dialect))

    return needs_no_person
