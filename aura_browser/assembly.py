"""The one place that knows every part: puts together what keeps a site's session, from settings."""

from pathlib import Path
from typing import Final, Literal, get_args

from yarl import URL

from aura_browser.errors import InteractionRequired, InvalidInput
from aura_browser.manager import Harvest, SessionManager
from aura_browser.session import Session
from aura_browser.site import Site
from aura_browser.store import FileStore, MemoryStore, SessionKey, Store

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
    harvest: Harvest | None = None,
) -> SessionManager:
    """Return the manager of *site*'s session. Nothing is opened or read before it is asked.

    Args:
        site: whose session.
        proxy: ``http://host:port`` for browser and client alike, or None.
        session: a session to begin with, or the name that one is cached under.
        store: None for the user's state folder, ``"memory"``, a folder's path, or a store.
        refresh: what renewing may do.
        harvest: gets a new session, in place of the built-in browser.

    Raises:
        InvalidInput: naming the setting that can't work.
    """
    if refresh not in get_args(Refresh):
        raise InvalidInput("refresh", f"must be one of {', '.join(get_args(Refresh))}")
    check_proxy(proxy)
    first = session if isinstance(session, Session) else None
    if first is not None and first.origin != site.origin:
        raise InvalidInput("session", f"is for {first.origin}, not for {site.origin}")
    name = session if isinstance(session, str) else DEFAULT_SESSION
    if refresh == "never":
        harvest = _refusing_harvest(site)
    return SessionManager(
        _store(store),
        SessionKey(site.origin, name, proxy),
        harvest or browser_harvest(site, proxy=proxy, headed=refresh == "interactive"),
        first=first,
    )


def browser_harvest(
    site: Site, *, proxy: str | None = None, headed: bool = False, timeout_s: float | None = None
) -> Harvest:
    """Return a harvest of *site* by the built-in browser; Selenium is imported when it runs.

    Args:
        site: where.
        proxy: ``http://host:port``, or None.
        headed: show a window, in which a person can log in.
        timeout_s: seconds for the whole of it; the webdriver module's own if None.
    """

    async def harvest() -> Session:
        from aura_browser.webdriver import harvest as open_browser

        return await open_browser(site, proxy=proxy, headed=headed, timeout_s=timeout_s)

    return harvest


def check_proxy(proxy: str | None) -> None:
    """Refuse a proxy that can't work with browser and client alike.

    Raises:
        InvalidInput: saying which kind can.
    """
    if proxy is None:
        return
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


def _store(store: Store | str | None) -> Store:
    if isinstance(store, Store):
        return store
    return MemoryStore() if store == "memory" else FileStore(None if store is None else Path(store))


def _refusing_harvest(site: Site) -> Harvest:
    async def harvest() -> Session:
        raise InteractionRequired(
            f"There is no good session for {site.origin}, and the refresh policy is 'never'.",
            f"aura-browser harvest --fresh {site.url}",
        )

    return harvest
