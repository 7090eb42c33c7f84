"""Listens: starts the gateway, and stops it without breaking off what is under way."""

import asyncio
import socket
from collections.abc import Coroutine, Mapping
from types import TracebackType
from typing import Final, Self

import msgspec
from aiohttp import web

from aura_browser.chat.client import AuraClient
from aura_browser.chat.messages import DEFAULT_MODEL
from aura_browser.gateway.answering import Answering
from aura_browser.gateway.carrying import Carrying
from aura_browser.gateway.core import Core
from aura_browser.gateway.guard import Guard
from aura_browser.gateway.handling import Handling
from aura_browser.gateway.limits import Hold, make_places, make_turns
from aura_browser.gateway.metrics import Metrics
from aura_browser.gateway.models import Models
from aura_browser.gateway.trouble import describe_stop
from aura_browser.gateway.watching import Patience, Watch
from aura_browser.hosts import host_in_url
from aura_browser.http.server_log import make_server_log
from aura_browser.listening import BACKLOG, LOOPBACK, open_sockets, stop_listening
from aura_browser.site import Site

_EVERYWHERE: Final = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - compared only
_LINGER_S: Final = 2.0  # the rest of a body that is refused is read for so long, so that the client sees why
_CLEAN_UP_S: Final = 1.0


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How a gateway serves.

    Attributes:
        host: the address to listen at; empty for this machine only.
        port: 0 for a free one.
        token: what clients have to show; empty for no token. Never part of ``repr``.
        aliases: names of models that clients may use, with the model of each; ``*`` for all other names.
        max_streams: how many answers may be open.
        upstream_concurrency: how many questions the site is asked at once.
        hosts: further names under which it may be asked.
        origins: origins whose pages may ask.
        patience: how long to wait for what.
    """

    host: str = ""
    port: int = 8787
    token: str = ""
    aliases: Mapping[str, str] = {}
    max_streams: int = 64
    upstream_concurrency: int = 4
    hosts: frozenset[str] = frozenset()
    origins: frozenset[str] = frozenset()
    patience: Patience = Patience()

    def __repr__(self) -> str:
        return f"Settings(host={self.host!r}, port={self.port})"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        return [("host", self.host), ("port", self.port)]


class Gateway:
    """Serves a chat site to programs. Use it with ``async with``, in an event loop.

    Args:
        client: asks the site; it has to be open as long as the gateway is.
        settings: how to serve.

    Attributes:
        port: the port that it listens at, once it does.
        is_stopping: whether it takes no more connections.
    """

    def __init__(self, client: AuraClient, settings: Settings) -> None:
        self.port = settings.port
        self._settings = settings
        self._client = client
        self._runner: web.ServerRunner | None = None
        self.is_stopping = False
        self._hurry = asyncio.Event()
        clock = asyncio.get_running_loop().time
        metrics = Metrics(client.site.origin.partition("://")[2])
        hold = Hold(clock)
        self._models = Models(client, DEFAULT_MODEL, settings.aliases, clock, hold)
        core = Core(client, self._models, make_turns(settings.upstream_concurrency), hold)
        self._watch = Watch(settings.patience, core.waits_for_session, clock)
        places = make_places(settings.max_streams)
        self._answering = Answering(core, places, self._watch, metrics, patience=settings.patience, clock=clock)
        self._carrying = None
        if client.site.dialect == "openai":
            self._carrying = Carrying(core, places, self._watch, clock)
        self._core, self._metrics, self._clock = core, metrics, clock
        self._watching: asyncio.Task[None] | None = None

    @property
    def site(self) -> Site:
        """The site that it serves."""
        return self._client.site

    @property
    def base_url(self) -> str:
        """Where programs find it, such as ``http://127.0.0.1:8787/v1``."""
        return f"{self.origin}/v1"

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return make_origin(self._settings.host, self.port)

    async def start(self) -> None:
        """Listen.

        Raises:
            OSError: if the port is taken, or the address is not this machine's.
        """
        sockets = _open_sockets(self._settings.host, self._settings.port)
        self.port = sockets[0].getsockname()[1]
        settings = self._settings
        guard = Guard(
            port=self.port,
            token=settings.token,
            hosts=settings.hosts | ({host_in_url(settings.host)} if settings.host else set()),
            origins=settings.origins,
        )
        handling = Handling(
            guard,
            self._core,
            self._answering,
            self._metrics,
            carrying=self._carrying,
            clock=self._clock,
            is_stopping=lambda: self.is_stopping,
        )
        server = web.Server(
            handling.handle,
            handler_cancellation=True,
            keepalive_timeout=settings.patience.header,  # aiohttp has no other limit on a header that never ends
            lingering_time=_LINGER_S,
            access_log=None,
            logger=make_server_log(__name__),
        )
        self._runner = web.ServerRunner(server, shutdown_timeout=_CLEAN_UP_S)
        await self._runner.setup()
        for each in sockets:
            await web.SockSite(self._runner, each, backlog=BACKLOG).start()
        self._watching = asyncio.create_task(self._watch.run())

    async def stop(self, *, at_once: bool = False) -> None:
        """Stop: take no more connections, let answers end within 30 s, and end the others with an error.

        Args:
            at_once: don't wait for answers under way.
        """
        runner, self._runner = self._runner, None
        if runner is None:
            return
        self.is_stopping = True
        await stop_listening(runner)
        patience = self._settings.patience
        if not at_once:
            await self._wait_for_answers(patience.stop, self._hurry.wait())
        self._watch.end_all(describe_stop())
        await self._wait_for_answers(_CLEAN_UP_S)
        await self._models.aclose()
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.wait([self._watching])
        await runner.cleanup()

    def hurry(self) -> None:
        """Have :meth:`stop`, which is under way, wait no longer for answers."""
        self._hurry.set()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop(at_once=True)

    async def _wait_for_answers(self, seconds: float, *others: Coroutine[None, None, object]) -> None:
        waits = [asyncio.ensure_future(wait) for wait in (self._watch.wait_until_idle(), *others)]
        try:
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()


def make_origin(host: str, port: int) -> str:
    """Return scheme, host and port of a gateway, as a program on this machine reaches it."""
    shown = LOOPBACK[0] if host in _EVERYWHERE else host_in_url(host)
    return f"http://{shown}:{port}"


def _open_sockets(host: str, port: int) -> list[socket.socket]:
    """Return listening sockets at *host*, or at both addresses of this machine itself."""
    if not host:
        return open_sockets(port)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return [socket.create_server((host, port), family=family)]
