"""The one place that knows every part: from options to what keeps a site's session, and what carries requests."""

import asyncio
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Final, Literal, TypedDict, Unpack, get_args

from aura_browser.engine import Engine, OnWait, Selenium
from aura_browser.errors import InteractionRequired, InvalidInput, NotReady
from aura_browser.keeping.manager import SessionManager
from aura_browser.keeping.renewal import Harvest, Prove
from aura_browser.proxy.address import check_proxy, has_password, without_password
from aura_browser.session import Session
from aura_browser.site import Site
from aura_browser.store import FileStore, MemoryStore, SessionKey, Store
from aura_browser.store.encrypted import Encryption, encrypt_at_rest

if TYPE_CHECKING:
    from aura_browser.request import Transport

Refresh = Literal["never", "headless", "interactive"]
"""What renewing a session may do: open no browser, one without a window, or one with a window."""

DEFAULT_SESSION: Final = "default"

_PROOF: Final = "aura_browser.http.proof"  # it loads aiohttp
_UNSEEN_S: Final = 20.0  # for a login that holds; a person waits for the window meanwhile


class SessionOptions(TypedDict, total=False):
    """How a session is got and kept. Every client, :func:`assemble` and the commands take these.

    Attributes:
        proxy: ``http://host:port`` or ``socks5://host:port`` for browser and client alike, with ``user:password@``
            before the host if it asks for them, or None. SOCKS needs the extra ``socks``.
        session: a :class:`Session` to begin with, with the proxy that is in it; or the name that one is cached under (a
            name for each account). A given one is kept in memory unless *store* says otherwise.
        store: where sessions are cached: None for the user's state folder, ``"memory"``, a folder's path, a Redis
            URL (``redis://…``, to share them between machines), or a :class:`Store`.
        refresh: what renewing a session may do: ``never`` opens no browser, ``headless`` opens one without a
            window, ``interactive`` opens a window in which a person can log in.
        encryption: how values are written where *store* is not a :class:`Store`: ``auto`` encrypts them if
            ``AURA_BROWSER_KEY`` is set, ``keyring`` with a key in the system's keyring, ``off`` does not.
        engine: which browser a harvest uses: ``Selenium(profile="work")`` keeps a profile, ``Grid(url)`` has one of a
            Selenium Grid, and so on (:mod:`aura_browser.engine`). None for a new Chrome on this machine.
        harvest: an async callable that returns a session, in place of a browser.
    """

    proxy: str | None
    session: Session | str
    store: Store | str | None
    refresh: Refresh
    encryption: Encryption
    engine: Engine | None
    harvest: Harvest | None


class ClientOptions(SessionOptions, total=False):
    """What clients take besides :class:`SessionOptions`.

    Attributes:
        read_timeout: seconds without a byte after which an answer has ended; 120 unless given.
    """

    read_timeout: float


@dataclass(frozen=True, kw_only=True, repr=False)
class _Settings:
    """:class:`ClientOptions` with their defaults, checked."""

    proxy: str | None = None
    session: Session | str = DEFAULT_SESSION
    store: Store | str | None = None
    refresh: Refresh = "headless"
    encryption: Encryption = "auto"
    engine: Engine | None = None
    harvest: Harvest | None = None
    read_timeout: float = 120.0

    def __post_init__(self) -> None:
        if self.refresh not in get_args(Refresh):
            raise InvalidInput("refresh", f"must be one of {', '.join(get_args(Refresh))}")
        if not (isinstance(self.read_timeout, (int, float)) and self.read_timeout > 0):
            raise InvalidInput("read_timeout", "must be a number of seconds over 0")


def assemble(site: Site, **options: Unpack[SessionOptions]) -> SessionManager:
    """Return the manager of *site*'s session. Nothing is opened or read before it is asked.

    Args:
        site: whose session.
        options: see :class:`SessionOptions`.

    Raises:
        InvalidInput: naming the option that can't work.
    """
    return _assemble(site, _Settings(**options))


def assemble_transport(site: Site, **options: Unpack[ClientOptions]) -> "tuple[Transport, SessionManager]":
    """Return what carries requests to *site*, and the manager that it keeps the session with. It is not open yet.

    Args:
        site: where requests go.
        options: see :class:`ClientOptions`.

    Raises:
        InvalidInput: naming the option that can't work.
    """
    from aura_browser.http.transport import HttpTransport

    settings = _Settings(**options)
    manager = _assemble(site, settings)
    return HttpTransport(manager, settings.read_timeout), manager


def _assemble(site: Site, settings: _Settings) -> SessionManager:
    session, store = settings.session, settings.store
    proxy = choose_proxy(settings.proxy, session)
    if isinstance(session, Session):
        # Not the place of another account's: what is cached under a name belongs to that name.
        key, store = SessionKey(site.origin, session.fingerprint, proxy), store or "memory"
        if session.origin != site.origin:
            raise InvalidInput("session", f"is for {session.origin}, not for {site.origin}")
    else:
        key = SessionKey(site.origin, session, proxy)
    harvest = settings.harvest or policy_harvest(site, settings.refresh, engine=settings.engine, proxy=proxy)
    return SessionManager(
        site,
        store if isinstance(store, Store) else open_store(store, settings.encryption),
        key,
        harvest=_refusing_harvest(site, key, store) if settings.refresh == "never" else harvest,
        prove=_real_proof(site),
        first=session if isinstance(session, Session) else None,
        owns_store=not isinstance(store, Store),
        # A window opens for somebody who waits for it, never unasked.
        renews_early=settings.refresh != "interactive",
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
        proxy: as in :class:`SessionOptions`.
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
    import_module("aura_browser.webdriver.browsers.selenium")  # which most engines start with
    return import_module("aura_browser.webdriver")


def choose_proxy(proxy: str | None, session: Session | str) -> str | None:
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
        encryption: see :func:`aura_browser.store.encrypted.encrypt_at_rest`.

    Raises:
        InvalidInput: for a malformed Redis URL, a malformed key, or an extra that is missing.
    """
    if store == "memory":
        return MemoryStore()
    if store is not None and store.startswith(("redis://", "rediss://", "unix://")):
        from aura_browser.store.redis import RedisStore

        return encrypt_at_rest(RedisStore(store), encryption)
    return encrypt_at_rest(FileStore(store), encryption)


def _real_proof(site: Site) -> Prove:
    """Return what proves a session of *site* through the real client."""

    async def prove(session: Session) -> Session:
        proof = await asyncio.to_thread(import_module, _PROOF)
        proven: Session = await proof.prove(site, session)
        return proven

    return prove


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
