"""The one place that knows every part: puts together what keeps a site's session, from settings."""

import asyncio
from importlib import import_module
from types import ModuleType
from typing import Final, Literal, get_args

from aura_browser.engine import Engine, OnWait, Selenium
from aura_browser.errors import InteractionRequired, InvalidInput, NotReady
from aura_browser.manager import Harvest, SessionManager
from aura_browser.proxy import check_proxy, has_password, without_password
from aura_browser.session import Session
from aura_browser.site import Site
from aura_browser.store import FileStore, MemoryStore, SessionKey, Store
from aura_browser.store.encrypted import Encryption, at_rest

Refresh = Literal["never", "headless", "interactive"]
"""What renewing a session may do: open no browser, one without a window, or one with a window."""

DEFAULT_SESSION: Final = "default"

_PROOF: Final = "aura_browser.verify"  # it loads aiohttp
_UNSEEN_S: Final = 20.0  # for a login that holds; a person waits for the window meanwhile


def assemble(
    site: Site,
    *,
    proxy: str | None = None,
    session: Session | str = DEFAULT_SESSION,
    store: Store | str | None = None,
    refresh: Refresh = "headless",
    encryption: Encryption = "auto",
    engine: Engine | None = None,
    harvest: Harvest | None = None,
) -> SessionManager:
    """Return the manager of *site*'s session. Nothing is opened or read before it is asked.

    Args:
        site: whose session.
        proxy: ``http://…`` or ``socks5://[user:password@]host:port`` for browser and client alike, or None.
        session: a session to begin with, or the name that one is cached under.
        store: None for the user's state folder, ``"memory"``, a folder's path, a Redis URL, or a store.
        refresh: what renewing may do.
        encryption: how a store named by a text writes values: ``auto`` encrypts if ``AURA_BROWSER_KEY`` is set,
            ``keyring`` with a key in the system's keyring, ``off`` does not.
        engine: which browser a harvest uses; None for a new Chrome on this machine.
        harvest: gets a new session, in place of all that.

    Raises:
        InvalidInput: naming the setting that can't work.
    """
    if refresh not in get_args(Refresh):
        raise InvalidInput("refresh", f"must be one of {', '.join(get_args(Refresh))}")
    proxy = proxy_of(proxy, session)
    if isinstance(session, Session):
        # Not the place of another account's: what is cached under a name belongs to that name.
        key, store = SessionKey(site.origin, session.fingerprint, proxy), store or "memory"
        if session.origin != site.origin:
            raise InvalidInput("session", f"is for {session.origin}, not for {site.origin}")
    else:
        key = SessionKey(site.origin, session, proxy)
    if refresh == "never":
        harvest = _refusing_harvest(site, key, store)
    harvest = harvest or policy_harvest(site, refresh, engine=engine, proxy=proxy)
    return SessionManager(
        store if isinstance(store, Store) else open_store(store, encryption),
        key,
        _verified(site, harvest),
        first=session if isinstance(session, Session) else None,
        owns_store=not isinstance(store, Store),
        # A window opens for somebody who waits for it, never unasked.
        renews_early=refresh != "interactive",
    )


def policy_harvest(
    site: Site,
    refresh: Refresh,
    *,
    engine: Engine | None = None,
    proxy: str | None = None,
    on_wait: OnWait | None = None,
) -> Harvest:
    """Return the harvest of *site* that a refresh policy allows.

    With ``interactive`` and a profile that is kept, a browser without a window is tried first: the person's last login
    may still hold.

    Args:
        site: where.
        refresh: ``headless`` or ``interactive``.
        engine: as in :func:`browser_harvest`, and so the rest.
        proxy: see there.
        on_wait: see there.
    """
    if refresh != "interactive":
        return browser_harvest(site, engine=engine, proxy=proxy, on_wait=on_wait)
    shown = browser_harvest(site, engine=engine, proxy=proxy, on_wait=on_wait, interactive=True)
    if not (isinstance(engine, Selenium) and engine.profile):
        return shown
    unseen = browser_harvest(site, engine=engine, proxy=proxy, on_wait=on_wait, timeout_s=_UNSEEN_S)

    async def harvest() -> Session:
        try:
            return await unseen()
        except NotReady:
            return await shown()

    return harvest


def browser_harvest(
    site: Site,
    *,
    engine: Engine | None = None,
    proxy: str | None = None,
    interactive: bool = False,
    timeout_s: float | None = None,
    on_wait: OnWait | None = None,
) -> Harvest:
    """Return a harvest of *site* by a browser; Selenium is imported when it runs, off the event loop.

    Args:
        site: where.
        engine: which browser; None for a new Chrome on this machine.
        proxy: as in :func:`assemble`.
        interactive: show a window, in which a person can log in.
        timeout_s: seconds for the whole of it; the webdriver module's own if None.
        on_wait: is told what is waited for.
    """

    async def harvest() -> Session:
        webdriver = await asyncio.to_thread(_load_browser)
        # What proves the session is loaded while the browser starts; loaded before, it would keep that waiting.
        loading = asyncio.ensure_future(asyncio.to_thread(import_module, _PROOF))
        try:
            session: Session = await webdriver.harvest(
                site, engine=engine, proxy=proxy, interactive=interactive, timeout_s=timeout_s, on_wait=on_wait
            )
        finally:
            await loading
        return session

    return harvest


def _load_browser() -> ModuleType:
    import_module("aura_browser.webdriver.chrome")  # which most engines start with
    return import_module("aura_browser.webdriver")


def proxy_of(proxy: str | None, session: Session | str) -> str | None:
    """Return the proxy to go through: the one given, else the one that a given session was harvested through.

    Raises:
        InvalidInput: if the two differ, or it can't work with browser and client alike.
    """
    its_own = session.proxy if isinstance(session, Session) else None
    if proxy and its_own and without_password(proxy) != without_password(its_own):
        raise InvalidInput("proxy", "is another than the session's own; sites bind sessions to addresses")
    proxy = proxy or its_own
    if proxy is not None:
        check_proxy(proxy)
    return proxy


def open_store(store: str | None, encryption: Encryption = "auto") -> Store:
    """Return the store that *store* names, with its values encrypted as *encryption* says.

    Args:
        store: None for the user's state folder, ``"memory"``, a folder, or a Redis URL (``redis://host``).
        encryption: see :func:`aura_browser.store.encrypted.at_rest`.

    Raises:
        InvalidInput: for a Redis URL that is none, a key that is none, or an extra that is missing.
    """
    if store == "memory":
        return MemoryStore()
    if store is not None and store.startswith(("redis://", "rediss://", "unix://")):
        from aura_browser.store.redis import RedisStore

        return at_rest(RedisStore(store), encryption)
    return at_rest(FileStore(store), encryption)


def _verified(site: Site, harvest: Harvest) -> Harvest:
    """Return *harvest* with its session proven through the real client before anyone keeps it."""

    async def verified() -> Session:
        session = await harvest()
        proof = await asyncio.to_thread(import_module, _PROOF)
        proven: Session = await proof.verify(site, session)
        return proven

    return verified


def _refusing_harvest(site: Site, key: SessionKey, store: Store | str | None) -> Harvest:
    options = ["--session", key.name] if key.name != DEFAULT_SESSION else []
    is_secret = key.proxy is not None and has_password(key.proxy)
    options += ["--proxy", key.proxy] if key.proxy and not is_secret else []
    # A store's URL may hold a password.
    options += ["--store", store] if isinstance(store, str) and "@" not in store else []

    async def harvest() -> Session:
        reason = f"There is no good session for {key.origin}, and the refresh policy is 'never'."
        reason += " Put the proxy's URL in AURA_BROWSER_PROXY first." if is_secret else ""
        raise InteractionRequired(reason, site.login_command(*options))

    return harvest
