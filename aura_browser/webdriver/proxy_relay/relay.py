"""A local server that passes Chrome's connections on to a proxy; subclasses speak the proxy's protocol."""

import asyncio
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Final, Self

from yarl import URL

from aura_browser.errors import PageFailed
from aura_browser.listening import stop_accepting
from aura_browser.proxy.address import PROXY_REFUSED, PROXY_UNREACHABLE, read_credentials
from aura_browser.webdriver.proxy_relay.peer import is_own_connection
from aura_browser.webdriver.proxy_relay.streams import Streams, closing

_HOST: Final = "127.0.0.1"
_CONNECT_TIMEOUT_S: Final = 30.0
_MAX_HEAD_SIZE: Final = 262_144  # octets; Chrome's own limit for a response


class Relay(ABC):
    """Passes connections on to the proxy. Use it with ``async with``, once.

    Args:
        proxy: the proxy's URL with user and password.
        url: the page that is harvested, for the error.

    Raises:
        PageFailed: on leaving it, if the proxy refused user and password, or the page failed because the proxy can't be
            reached.
    """

    HEAD_TIMEOUT_S: Final = 30.0  # Chrome preconnects, and reconnects where a connection was closed
    MAX_CONNECTIONS: Final = 128  # well over what Chrome opens to one proxy

    def __init__(self, proxy: str, url: str) -> None:
        self._proxy = URL(proxy)
        self._user, self._password = (text.encode() for text in read_credentials(proxy))
        self._url = url
        self._connections: set[asyncio.Task[None]] = set()
        self._problem = ""
        self._has_cancelled = False
        self._is_open = False

    async def __aenter__(self) -> Self:
        self._body = asyncio.current_task()
        self._cancel_count = self._body.cancelling() if self._body else 0
        self._server = await asyncio.start_server(self._accept, _HOST, 0, limit=_MAX_HEAD_SIZE)
        self._port: int = self._server.sockets[0].getsockname()[1]
        self._is_open = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._is_open = False
        # asyncio.timeout distinguishes its own cancellation in the same way.
        is_own = self._has_cancelled and self._body is not None and self._body.uncancel() <= self._cancel_count
        await self._close()
        is_caused = isinstance(error, PageFailed) or (is_own and isinstance(error, asyncio.CancelledError))
        if is_caused and self._problem:
            raise PageFailed(self._url, self._problem) from error

    @property
    def address(self) -> str:
        """The relay's URL, for Chrome."""
        return f"{self._proxy.scheme}://{_HOST}:{self._port}"

    async def _close(self) -> None:
        try:
            await stop_accepting(self._server.sockets)
        finally:
            self._server.close()
            for task in self._connections:
                task.cancel()
            if self._connections:
                await asyncio.wait(self._connections)

    def _report_refusal(self) -> None:
        """Cancel the context's body: the proxy refused user and password."""
        self._problem = PROXY_REFUSED
        if self._is_open and self._body is not None and not self._has_cancelled:
            self._has_cancelled = self._body.cancel()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._is_open or len(self._connections) >= self.MAX_CONNECTIONS:
            writer.transport.abort()
            return
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with closing(writer):
                peer = writer.get_extra_info("peername")
                if await asyncio.to_thread(is_own_connection, peer, (_HOST, self._port)):
                    await self._relay((reader, writer))
        except* (OSError, asyncio.IncompleteReadError):
            pass  # one side closed the connection; the other side sees that too

    @abstractmethod
    async def _relay(self, chrome: Streams) -> None:
        """Pass a new connection from Chrome on to the proxy, both ways."""

    async def _connect(self) -> Streams:
        try:
            async with asyncio.timeout(_CONNECT_TIMEOUT_S):
                return await asyncio.open_connection(self._proxy.host, self._proxy.port)
        except OSError:
            self._problem = self._problem or PROXY_UNREACHABLE
            raise
