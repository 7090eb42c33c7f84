"""Builds session managers and transports from options: the only module that knows every part."""

import os
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypedDict, Unpack, cast, get_args

from yarl import URL

from aura_browser.carriers import Carrier, build_carrier
from aura_browser.engine import Engine, LocalEngine
from aura_browser.errors import InvalidConfiguration, InvalidInput
from aura_browser.harvests import build_refusing_harvest, check_harvest, policy_harvest
from aura_browser.keeping.manager import SessionManager
from aura_browser.keeping.renewal import Harvest
from aura_browser.proxy.address import check_proxy, without_password
from aura_browser.session import Session
from aura_browser.site import Refresh, Site, TransportName
from aura_browser.site.commands import DEFAULT_SESSION, LoginCommand, describe_hidden, list_options
from aura_browser.site.config_folder import find_sites_file
from aura_browser.store import FileStore, MemoryStore, SessionKey, Store
from aura_browser.store.encrypted import Encryption, encrypt_at_rest
from aura_browser.store.place import is_redis
from aura_browser.text import copy_text

if TYPE_CHECKING:
    from aura_browser.request import Transport

_MAX_TIMEOUT_S: Final = 30 * 86_400.0


class SessionOptions(TypedDict, total=False):
    """How a session is obtained and stored. Every client, :func:`assemble` and the commands take these options.

    Attributes:
        proxy: ``http://host:port`` or ``socks5://host:port`` for both browser and client, with ``user:password@``
            before the host if it requires them, or None. SOCKS needs the extra ``socks``.
        session: a :class:`Session` to start with (its own proxy is used), or the name under which one is cached (one
            name per account). A given :class:`Session` is kept in memory unless *store* is given too.
        store: where sessions are cached: None for the user's state folder, ``"memory"``, a folder's path, a Redis
            URL (``redis://…``, to share them between machines), or a :class:`Store`.
        refresh: what a renewal may do: ``never`` opens no browser, ``headless`` opens one without a window,
            ``interactive`` opens a window in which a person can log in, and ``kept`` keeps a browser without a window
            open, which renews what only a living browser can.
        transport: what carries requests: ``http`` for aiohttp, ``page`` for a page of the site in a Chrome that stays
            open, or ``auto`` for that page where the site refuses aiohttp with a session that was renewed.
        encryption: how values are stored if *store* is not a :class:`Store`: ``auto`` encrypts them if
            ``AURA_BROWSER_KEY`` is set, ``keyring`` encrypts with a key in the system's keyring, ``off`` does not.
        engine: which browser a harvest uses: ``Selenium(profile="work")`` keeps a profile, ``Grid(url)`` uses a
            Selenium Grid, and so on (:mod:`aura_browser.engine`). None starts a new Chrome on this machine.
        harvest: an async callable that returns a session, used instead of a browser.
    """

    proxy: str | None
    session: Session | str
    store: Store | str | None
    refresh: Refresh
    transport: TransportName
    encryption: Encryption
    engine: Engine | None
    harvest: Harvest | None


class ClientOptions(SessionOptions, total=False):
    """Options of clients: those of :class:`SessionOptions`, and one more.

    Attributes:
        read_timeout: seconds without a byte after which a response fails; 120 by default.
    """

    read_timeout: float


@dataclass(frozen=True, kw_only=True, repr=False)
class _Settings:
    """:class:`ClientOptions` with defaults, validated."""

    proxy: str | None = None
    session: Session | str = DEFAULT_SESSION
    store: Store | str | None = None
    refresh: Refresh = "headless"
    transport: TransportName = "http"
    encryption: Encryption = "auto"
    engine: Engine | None = None
    harvest: Harvest | None = None
    read_timeout: float = 120.0

    def __post_init__(self) -> None:
        if self.refresh not in get_args(Refresh):
            raise InvalidInput("refresh", f"must be one of {', '.join(get_args(Refresh))}")
        if self.transport not in get_args(TransportName):
            raise InvalidInput("transport", f"must be one of {', '.join(get_args(TransportName))}")
        timeout = self.read_timeout
        if not (isinstance(timeout, (int, float)) and 0 < timeout <= _MAX_TIMEOUT_S):
            raise InvalidInput("read_timeout", f"must be a number of seconds from 0 to {_MAX_TIMEOUT_S:.0f}")


def assemble(
    site: Site, *, command_options: tuple[str, ...] | None = None, **options: Unpack[SessionOptions]
) -> SessionManager:
    """Return the manager of *site*'s session. It opens and reads nothing until it is used.

    Args:
        site: the site that the session is for.
        command_options: the options of the command that errors name, as :func:`list_options` returns them; None for
            those of *options*.
        options: see :class:`SessionOptions`.

    Raises:
        InvalidInput: naming the option that can't work.
    """
    return _assemble(site, _Settings(**_complete(site, options)), command_options)[0]


def assemble_transport(site: Site, **options: Unpack[ClientOptions]) -> "tuple[Transport, SessionManager]":
    """Return the transport for *site*, not opened yet, and the manager of its session.

    Args:
        site: the site that requests go to.
        options: see :class:`ClientOptions`.

    Raises:
        InvalidInput: naming the option that can't work.
    """
    settings = _Settings(**_complete(site, options))
    manager, carrier = _assemble(site, settings)
    return carrier.build_transport(manager, settings.read_timeout), manager


def complete_options(site: Site, options: SessionOptions) -> SessionOptions:
    """Return *options* with what the site's definition says where they say nothing, or None.

    Raises:
        InvalidConfiguration: if the definition names a variable for the proxy that is not set.
    """
    return cast("SessionOptions", _complete(site, options))


def _complete(site: Site, options: Mapping[str, Any]) -> dict[str, Any]:
    given = {name: value for name, value in options.items() if value is not None}
    given.setdefault("engine", site.engine)
    for name in ("refresh", "transport"):
        if (stated := getattr(site, name)) is not None:
            given.setdefault(name, stated)
    # A given session has its own proxy, or none.
    if site.proxy_variable and "proxy" not in given and not isinstance(given.get("session"), Session):
        given["proxy"] = _read_proxy(site)
    return given


def _read_proxy(site: Site) -> str:
    value = os.environ.get(site.proxy_variable, "")
    if not value:
        problem = f"the variable {site.proxy_variable} is not set; put the proxy's URL there"
        raise InvalidConfiguration(str(find_sites_file()), None, f"{site.name}.proxy", problem)
    return value


def _assemble(
    site: Site, settings: _Settings, command_options: tuple[str, ...] | None = None
) -> tuple[SessionManager, Carrier]:
    session, proxy = settings.session, choose_proxy(settings.proxy, settings.session)
    key, place = _choose_key(site, session, proxy), _name_store(_choose_store(settings))
    if command_options is None:
        command_options = _list_options(settings, proxy, place)
    typed_proxy = None if site.proxy_variable else proxy
    hidden = describe_hidden(engine=settings.engine, proxy=typed_proxy, store=place)
    login = LoginCommand(site.login_command(*command_options), hidden)
    store = open_store(_choose_store(settings), settings.encryption)
    carrier = _build_carrier(site, settings, store, key, login=login, command_options=command_options)
    manager = SessionManager(
        site,
        store,
        key,
        harvest=carrier.harvest,
        refresh=carrier.refresh,
        prove=carrier.prove,
        first=session if isinstance(session, Session) else None,
        owns_store=not isinstance(settings.store, Store),
        # A window opens only for a caller who waits for it, never in the background; a page that is kept renews alone.
        renews_early=settings.refresh == "headless",
        opens_browser=settings.refresh != "never",
        login=login,
        opens_window=settings.refresh == "interactive",
        close=carrier.close,
    )
    return manager, carrier


def _build_carrier(
    site: Site,
    settings: _Settings,
    store: Store,
    key: SessionKey,
    *,
    login: LoginCommand,
    command_options: tuple[str, ...],
) -> Carrier:
    """Return what harvests, proves and carries the requests of a session."""
    harvest = settings.harvest or policy_harvest(
        site, settings.refresh, engine=settings.engine, proxy=key.proxy, command_options=command_options
    )
    is_own = settings.harvest is None and settings.refresh in {"headless", "kept"} and site.login != "basic"
    is_never = settings.refresh == "never"
    return build_carrier(
        site,
        build_refusing_harvest(key.origin, login) if is_never else check_harvest(site, harvest),
        name=settings.transport,
        is_kept=settings.refresh == "kept",
        may_harvest=is_own and isinstance(settings.engine, LocalEngine | None),
        engine=settings.engine,
        proxy=key.proxy,
        store=store,
        key=key,
        clock=time.time,
    )


def _choose_key(site: Site, session: Session | str, proxy: str | None) -> SessionKey:
    """Return the key of a session: a given one has its own, never the name of another account."""
    if isinstance(session, Session):
        if not site.owns(URL(session.origin)):
            raise InvalidInput("session", f"is for {session.origin}, not for {site.origin}; harvest one there")
        return SessionKey(site.origin, session.fingerprint, proxy)
    if not isinstance(session, str):
        raise InvalidInput("session", "must be a session, or the name that it is cached under")
    return SessionKey(site.origin, copy_text(session), proxy)


def _choose_store(settings: _Settings) -> Store | str | None:
    return settings.store or ("memory" if isinstance(settings.session, Session) else None)


def _list_options(settings: _Settings, proxy: str | None, place: str | None) -> tuple[str, ...]:
    name = settings.session if isinstance(settings.session, str) else DEFAULT_SESSION
    return list_options(engine=settings.engine, proxy=proxy, session=name, store=place, transport=settings.transport)


def choose_proxy(proxy: str | None, session: Session | str) -> str | None:
    """Return the proxy to use: the given one, else the one that a given session was harvested through.

    Raises:
        InvalidInput: if the two differ, or the proxy does not work with both browser and client.
    """
    session_proxy = session.proxy if isinstance(session, Session) else None
    if proxy and session_proxy and without_password(proxy) != without_password(session_proxy):
        raise InvalidInput(
            "proxy", "differs from the session's own, and sites bind sessions to addresses; leave it out"
        )
    proxy = proxy or session_proxy
    if proxy is not None:
        check_proxy(proxy)
    return proxy


def open_store(store: Store | str | None, encryption: Encryption = "auto") -> Store:
    """Return the store that *store* names, encrypted according to *encryption*.

    Args:
        store: None for the user's state folder, ``"memory"``, a folder, or a Redis URL (``redis://host``);
            or a store, which is returned as it is.
        encryption: see :func:`aura_browser.store.encrypted.encrypt_at_rest`.

    Raises:
        InvalidInput: if the Redis URL or the key is malformed, or an extra is not installed.
    """
    if isinstance(store, Store):
        return store
    if store == "memory":
        return MemoryStore()
    if store is not None and is_redis(store):
        from aura_browser.store.redis import RedisStore

        return encrypt_at_rest(RedisStore(store), encryption)
    return encrypt_at_rest(FileStore(store), encryption)


@asynccontextmanager
async def using_store(store: Store | str | None) -> AsyncGenerator[Store, None]:
    """Yield the store that *store* names, and close it at the end if it was opened here. Arguments as above."""
    opened = open_store(store)
    try:
        yield opened
    finally:
        if opened is not store:
            await opened.aclose()


def _name_store(store: Store | str | None) -> str | None:
    """Return the store as ``--store`` takes it; ``memory`` for one that it can't name."""
    if isinstance(store, FileStore):
        return str(store.folder)
    return "memory" if isinstance(store, Store) else store
