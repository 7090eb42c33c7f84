"""Gives a proxy its user and password on Chrome's behalf, which takes neither on its command line."""

import asyncio
import os
import re
import socket
import sys
from abc import ABC, abstractmethod
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from yarl import URL

from aura_browser.errors import PageFailed
from aura_browser.proxy.address import PROXY_AWAY, PROXY_REFUSED, credentials, has_credentials, without_credentials

_HOST: Final = "127.0.0.1"
_HEAD_S: Final = 30.0  # Chrome opens connections ahead of need, and opens another where one was closed
_CONNECT_S: Final = 30.0
_LAST_WORDS_S: Final = 5.0
_LONGEST_HEAD: Final = 262_144  # octets; as long as Chrome itself lets a response's be
_CHUNK: Final = 65_536
_MOST_CONNECTIONS: Final = 128  # well over what Chrome opens to one proxy

_END: Final = b"\r\n\r\n"
_TUNNEL: Final = re.compile(rb"CONNECT [^\s/]+:\d+ HTTP/1\.[01]")
_ABSOLUTE: Final = re.compile(rb"[A-Z]+ http://\S+ HTTP/1\.[01]")
# Of one connection alone. What Chrome asks for next comes over a new one, so that its head gets the password too.
_HOP_HEADERS: Final = frozenset({b"connection", b"keep-alive", b"proxy-authorization", b"proxy-connection"})
# Within a tunnel's answer 401 is the proxy's too; tinyproxy says that of a wrong password (measured, 1.11).
_TUNNEL_REFUSED: Final = re.compile(rb"HTTP/\d\.\d 40[17]\b")
_REQUEST_REFUSED: Final = re.compile(rb"HTTP/\d\.\d (407\b|401\b.*\r\nserver: *tinyproxy)", re.DOTALL | re.IGNORECASE)

_SOCKS5: Final = 5
_PASSWORD: Final = 2  # the method in RFC 1928
_GREETING: Final = bytes((_SOCKS5, 2, 0, _PASSWORD))
_ACCEPTED: Final = bytes((_SOCKS5, 0))

_Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def browser_proxy(proxy: str | None, url: str) -> AsyncIterator[str | None]:
    """Yield the proxy to start Chrome with, for a harvest that goes through *proxy*.

    Without user and password it is that one. Otherwise it is a relay on 127.0.0.1 that adds them and lasts as long as
    the context. It serves this user's own processes alone where the system tells whose a connection is (Linux);
    elsewhere anyone on this machine can use the proxy through it meanwhile.

    If the proxy refuses them, the context's body is cancelled at once, as no page will ever come.

    Args:
        proxy: as :func:`aura_browser.proxy.check_proxy` took it, or None.
        url: the page that is harvested, for the error.

    Raises:
        PageFailed: if the proxy refused user and password, or the page failed as the proxy could not be reached.
    """
    if proxy is None or not has_credentials(proxy):
        yield proxy and without_credentials(proxy)
        return
    async with (_SocksRelay if URL(proxy).scheme == "socks5" else _HttpRelay)(proxy, url) as relay:
        yield relay.address


class _Relay(ABC):
    """Carries connections to the proxy. Use it with ``async with``, once."""

    def __init__(self, proxy: str, url: str) -> None:
        self._proxy = URL(proxy)
        self._user, self._password = (text.encode() for text in credentials(proxy))
        self._url = url
        self._connections: set[asyncio.Task[None]] = set()
        self._trouble = ""
        self._cancels = False
        self._is_open = False

    async def __aenter__(self) -> Self:
        self._body = asyncio.current_task()
        self._cancelling = self._body.cancelling() if self._body else 0
        self._server = await asyncio.start_server(self._accept, _HOST, 0, limit=_LONGEST_HEAD)
        self._port: int = self._server.sockets[0].getsockname()[1]
        self._is_open = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._is_open = False
        # As asyncio.timeout tells its own cancellation from others'.
        ours = self._cancels and self._body is not None and self._body.uncancel() <= self._cancelling
        await self._close()
        doomed = isinstance(error, PageFailed) or (ours and isinstance(error, asyncio.CancelledError))
        if doomed and self._trouble:
            raise PageFailed(self._url, self._trouble) from error

    @property
    def address(self) -> str:
        """What Chrome is to be given."""
        return f"{self._proxy.scheme}://{_HOST}:{self._port}"

    async def _close(self) -> None:
        self._server.close()
        for task in self._connections:
            task.cancel()
        if self._connections:
            await asyncio.wait(self._connections)
        await self._server.wait_closed()

    def _refused(self) -> None:
        self._trouble = PROXY_REFUSED
        if self._is_open and self._body is not None and not self._cancels:
            self._cancels = self._body.cancel()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._is_open or len(self._connections) >= _MOST_CONNECTIONS:
            writer.transport.abort()
            return
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with _closing(writer):
                if await asyncio.to_thread(_is_own, writer.get_extra_info("peername"), self._port):
                    await self._carry((reader, writer))
        except* (OSError, asyncio.IncompleteReadError):
            pass  # either side hung up; the other sees that too

    @abstractmethod
    async def _carry(self, chrome: _Streams) -> None:
        """Carry what Chrome says on a new connection to the proxy, and back."""

    async def _connect(self) -> _Streams:
        try:
            async with asyncio.timeout(_CONNECT_S):
                return await asyncio.open_connection(self._proxy.host, self._proxy.port)
        except OSError:
            self._trouble = self._trouble or PROXY_AWAY
            raise


class _HttpRelay(_Relay):
    """Before an HTTP proxy: adds ``Proxy-Authorization`` to each request's head."""

    async def _carry(self, chrome: _Streams) -> None:
        try:
            async with asyncio.timeout(_HEAD_S):
                head = await chrome[0].readuntil(_END)
            request = _Request.read(head)
        except asyncio.LimitOverrunError:
            await _turn_away(chrome, "431 Request Header Fields Too Large")
        except ValueError:
            await _turn_away(chrome, "400 Bad Request")
        else:
            proxy = await self._connect()
            async with _closing(proxy[1]):
                proxy[1].write(request.head(b64encode(self._user + b":" + self._password)))
                await self._exchange(request, chrome, proxy)

    async def _exchange(self, request: "_Request", chrome: _Streams, proxy: _Streams) -> None:
        async with asyncio.TaskGroup() as group:
            if request.is_tunnel:
                group.create_task(_pump(chrome[0], proxy[1]))
            else:
                body = group.create_task(_send(chrome[0], proxy[1], request.length))
            head = await _response_head(proxy[0])
            if (_TUNNEL_REFUSED if request.is_tunnel else _REQUEST_REFUSED).match(head):
                self._refused()
            chrome[1].write(head if request.is_tunnel else _once(head))
            await _pump(proxy[0], chrome[1])
            if not request.is_tunnel:
                body.cancel()
                await asyncio.wait([body])
                await _until_closed(chrome[0])


class _SocksRelay(_Relay):
    """Before a SOCKS5 proxy: logs in (RFC 1929) where Chrome, which can't, is told that there is no need to."""

    async def _carry(self, chrome: _Streams) -> None:
        reader, writer = chrome
        async with asyncio.timeout(_HEAD_S):
            version, methods = await reader.readexactly(2)
            if version != _SOCKS5:
                return
            await reader.readexactly(methods)
        proxy = await self._connect()
        async with _closing(proxy[1]):
            if not await self._log_in(*proxy):
                self._refused()
                return
            writer.write(_ACCEPTED)
            async with asyncio.TaskGroup() as group:
                group.create_task(_pump(reader, proxy[1]))
                group.create_task(_pump(proxy[0], writer))

    async def _log_in(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        async with asyncio.timeout(_HEAD_S):
            writer.write(_GREETING)
            _version, method = await reader.readexactly(2)
            if method != _PASSWORD:
                return method == 0
            user, password = (bytes((len(text),)) + text for text in (self._user, self._password))
            writer.write(b"\x01" + user + password)
            _version, status = await reader.readexactly(2)
            return status == 0


@dataclass(frozen=True)
class _Request:
    """The head of a request to a proxy, without what is between Chrome and us alone."""

    line: bytes
    headers: tuple[bytes, ...]
    length: int

    @classmethod
    def read(cls, head: bytes) -> "_Request":
        """Read a whole head; ValueError if it is none that Chrome sends to a proxy.

        A web page can have its browser send one to this port, but only in another form: without the ``http://``.
        """
        line, *lines = head.removesuffix(_END).split(b"\r\n")
        if not (_TUNNEL.fullmatch(line) or _ABSOLUTE.fullmatch(line)):
            raise ValueError("not a request to a proxy")
        fields = [(_name(each), each) for each in lines]
        if any(name == b"transfer-encoding" for name, _ in fields):
            raise ValueError("a body whose length is not told")
        lengths = [each.partition(b":")[2].strip() for name, each in fields if name == b"content-length"] or [b"0"]
        if len(lengths) > 1 or not lengths[0].isdigit():
            raise ValueError("a body whose length is told twice, or not in digits")
        return cls(line, tuple(each for name, each in fields if name not in _HOP_HEADERS), int(lengths[0]))

    @property
    def is_tunnel(self) -> bool:
        """Whether all that follows is for the site and not for the proxy."""
        return self.line.startswith(b"CONNECT ")

    def head(self, basic: bytes) -> bytes:
        """Return it as it goes to the proxy, with these credentials."""
        added = [b"Proxy-Authorization: Basic " + basic] + ([] if self.is_tunnel else [b"Connection: close"])
        return b"\r\n".join([self.line, *self.headers, *added]) + _END


async def _turn_away(chrome: _Streams, status: str) -> None:
    reader, writer = chrome
    writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
    writer.write_eof()
    await _until_closed(reader)


async def _until_closed(reader: asyncio.StreamReader) -> None:
    """Wait for the other side to close: closing before what it sent is read would cut off what it was answered."""
    async with asyncio.timeout(_LAST_WORDS_S):
        while await reader.read(_CHUNK):
            pass


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Carry all that comes, and then its end: the other direction goes on."""
    while data := await reader.read(_CHUNK):
        writer.write(data)
        await writer.drain()
    writer.write_eof()


async def _send(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, length: int) -> None:
    """Carry *length* octets."""
    while length and (data := await reader.read(min(length, _CHUNK))):
        writer.write(data)
        await writer.drain()
        length -= len(data)


def _once(head: bytes) -> bytes:
    """Return a response's head that has Chrome ask for what is next over a new connection."""
    if not head.endswith(_END):
        return head
    line, *lines = head.removesuffix(_END).split(b"\r\n")
    kept = [each for each in lines if _name(each) not in _HOP_HEADERS]
    return b"\r\n".join([line, *kept, b"Connection: close"]) + _END


def _name(header: bytes) -> bytes:
    return header.partition(b":")[0].strip().lower()


async def _response_head(reader: asyncio.StreamReader) -> bytes:
    """Return what comes up to the end of the head; nothing of one too long for a refusal, which stays to be read."""
    try:
        return await reader.readuntil(_END)
    except asyncio.IncompleteReadError as error:
        return error.partial
    except asyncio.LimitOverrunError:
        return b""


@asynccontextmanager
async def _closing(writer: asyncio.StreamWriter) -> AsyncIterator[None]:
    """Close *writer* in the end. What is written goes out first, unless the body failed or nobody reads it."""
    try:
        yield
        writer.close()
        async with asyncio.timeout(_LAST_WORDS_S):
            await writer.wait_closed()
    finally:
        writer.transport.abort()
        with suppress(OSError):
            await writer.wait_closed()


def _is_own(peer: tuple[str, int], port: int) -> bool:
    """Tell whether *peer*, connected to our *port*, is a process of this user; True where that can't be told."""
    if not sys.platform.startswith("linux"):
        return True
    try:
        table = Path("/proc/net/tcp").read_text("ascii")
    except OSError:
        return True
    ends = [_in_table(*peer), _in_table(_HOST, port)]
    # Sockets that no process holds any more have the inode 0, and count as root's.
    owners = [fields[7] for fields in map(str.split, table.splitlines()) if fields[1:3] == ends and fields[9] != "0"]
    return owners == [str(os.geteuid())]


def _in_table(host: str, port: int) -> str:
    number = int.from_bytes(socket.inet_aton(host), sys.byteorder)
    return f"{number:08X}:{port:04X}"
