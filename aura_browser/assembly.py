"""The one place that knows every part: puts together what keeps a site's session, from settings."""

import asyncio
from importlib import import_module
from typing import Final, Literal, get_args

from yarl import URL

from aura_browser.errors import InteractionRequired, InvalidInput
from aura_browser.manager import Harvest, SessionManager
from aura_browser.session import Session
from aura_browser.site import Site
from aura_browser.store import FileStore, MemoryStore, SessionKey, Store
from aura_browser.store.encrypted import Encryption, at_rest
from aura_browser.verify import verify

Refresh = Literal["never", "headless", "interactive"]
"""What renewing a session may do: open no browser, one without a window, or one with a window."""

DEFAULT_SESSION: Final = "default"


def assemble(
    site: Site,
    *,
    proxy: str | None = None,
    session: Session | str = DEFAULT_SESSION,
    store: Store | str | None = None,
    refresh: Refresh = "headless",
    encryption: Encryption = "auto",
    harvest: Harvest | None = None,
) -> SessionManager:
    """Return the manager of *site*'s session. Nothing is opened or read before it is asked.

    Args:
        site: whose session.
        proxy: ``http://host:port`` for browser and client alike, or None.
        session: a session to begin with, or the name that one is cached under.
        store: None for the user's state folder, ``"memory"``, a folder's path, a Redis URL, or a store.
        refresh: what renewing may do.
        encryption: how a store named by a text writes values: ``auto`` encrypts if ``AURA_BROWSER_KEY`` is set,
            ``keyring`` with a key in the system's keyring, ``off`` does not.
        harvest: gets a new session, in place of the built-in browser.

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
    harvest = harvest or browser_harvest(site, proxy=proxy, headed=refresh == "interactive")
    return SessionManager(
        store if isinstance(store, Store) else open_store(store, encryption),
        key,
        _verified(site, harvest),
        first=session if isinstance(session, Session) else None,
        owns_store=not isinstance(store, Store),
    )


def browser_harvest(
    site: Site, *, proxy: str | None = None, headed: bool = False, timeout_s: float | None = None
) -> Harvest:
    """Return a harvest of *site* by the built-in browser; Selenium is imported when it runs, off the event loop.

    Args:
        site: where.
        proxy: ``http://host:port``, or None.
        headed: show a window, in which a person can log in.
        timeout_s: seconds for the whole of it; the webdriver module's own if None.
    """

    async def harvest() -> Session:
        webdriver = await asyncio.to_thread(import_module, "aura_browser.webdriver")
        session: Session = await webdriver.harvest(site, proxy=proxy, headed=headed, timeout_s=timeout_s)
        return session

    return harvest


def proxy_of(proxy: str | None, session: Session | str) -> str | None:
    """Return the proxy to go through: the one given, else the one that a given session was harvested through.

    Raises:
        InvalidInput: if the two differ, or it can't work with browser and client alike.
    """
    its_own = session.proxy if isinstance(session, Session) else None
    if proxy and its_own and proxy != its_own:
        raise InvalidInput("proxy", "is another than the session's own; sites bind sessions to addresses")
    proxy = proxy or its_own
    if proxy is not None:
        _check_proxy(proxy)
    return proxy


def _check_proxy(proxy: str) -> None:
    try:
        url = URL(proxy)
        known = url.scheme == "http" and url.host and url.port
    except ValueError:
        known = False
    if not known:
        # aiohttp takes socks5:// for an HTTP proxy without a word, and Chrome alone would not do.
        raise InvalidInput("proxy", "must be an HTTP proxy, written http://host:port; other kinds can't work yet")
    if url.user or url.password:
        raise InvalidInput("proxy", "with a user and password can't work yet: Chrome takes none on its command line")


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
        return await verify(site, await harvest())

    return verified


def _refusing_harvest(site: Site, key: SessionKey, store: Store | str | None) -> Harvest:
    options = ["--session", key.name] if key.name != DEFAULT_SESSION else []
    options += ["--proxy", key.proxy] if key.proxy else []
    # A store's URL may hold a password.
    options += ["--store", store] if isinstance(store, str) and "@" not in store else []

    async def harvest() -> Session:
        reason = f"There is no good session for {key.origin}, and the refresh policy is 'never'."
        raise InteractionRequired(reason, site.login_command(*options))

    return harvest
