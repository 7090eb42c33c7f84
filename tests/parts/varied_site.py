"""A site on loopback that answers each path in a way of its own, for transports to be compared."""

import asyncio
import gzip
from typing import TYPE_CHECKING, Final

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

BIG_BYTES: Final = 12 * 2**20
_PIECE: Final = bytes(range(256)) * 256
_SET_COOKIES: Final = (("Set-Cookie", "turn=1; Path=/; HttpOnly"), ("Set-Cookie", "theme=dark; Path=/"))


class VariedSite:
    """Answers by path; see the methods.

    Attributes:
        written: how many bytes of ``/flood`` were written so far.
        broken_off: how many requests to ``/endless``, and to ``/endless-page`` (503), the other side has ended.
        pieces: how many pieces of them were written so far.
        running: how many requests to ``/held`` have begun and not ended.
        most: the most of them at one time.
        release: lets ``/held`` answer.
    """

    def __init__(self) -> None:
        self.written = 0
        self.broken_off = 0
        self.pieces = 0
        self.running = 0
        self.most = 0
        self.release = asyncio.Event()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        path = request.path
        if path.startswith("/status/"):
            code = int(path.rpartition("/")[2])
            return web.Response(status=code, headers={"Retry-After": "7"}, text="a text", reason="So bad")
        known: dict[str, Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]] = {
            "/robots.txt": _send_robots,
            "/echo": _echo,
            "/me": _greet,
            "/cookies": _send_cookies,
            "/moved": _redirect,
            "/round": _redirect_round,
            "/no-http": _send_no_http,
            "/zip": _send_compressed,
            "/pieces": _send_pieces,
            "/cut": _send_and_cut,
            "/big": self._send_big,
            "/flood": self._flood,
            "/endless": self._send_endless,
            "/endless-page": self._send_endless,
            "/held": self._hold,
            "/silent": _say_nothing,
        }
        return await known.get(path, _send_page)(request)

    async def _send_big(self, request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(BIG_BYTES // len(_PIECE)):
            await response.write(_PIECE)
        return response

    async def _flood(self, request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(_PIECE)
            self.written += len(_PIECE)

    async def _send_endless(self, request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        if request.path == "/endless-page":
            response.set_status(503)
            response.headers["Content-Type"] = "text/html"
        await response.prepare(request)
        try:
            while True:
                await response.write(b"more ")
                self.pieces += 1
                await asyncio.sleep(0.01)
        except (ConnectionResetError, asyncio.CancelledError):
            self.broken_off += 1
            raise

    async def _hold(self, request: web.BaseRequest) -> web.StreamResponse:
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            response = web.StreamResponse()
            await response.prepare(request)
            await response.write(b"held ")
            await self.release.wait()
        finally:
            self.running -= 1
        return response


async def _send_robots(_request: web.BaseRequest) -> web.StreamResponse:
    return web.Response(text="User-agent: *", headers={"Content-Security-Policy": "default-src 'none'; sandbox"})


async def _send_page(_request: web.BaseRequest) -> web.StreamResponse:
    return web.Response(text="<!doctype html><p>Hello", content_type="text/html")


async def _echo(request: web.BaseRequest) -> web.StreamResponse:
    headers = [[name.decode("latin-1"), value.decode("latin-1")] for name, value in request.raw_headers]
    body = (await request.read()).decode("latin-1")
    return web.json_response({"method": request.method, "path": request.path_qs, "headers": headers, "body": body})


async def _greet(request: web.BaseRequest) -> web.StreamResponse:
    return web.Response(status=200 if "sid=" in request.headers.get("Cookie", "") else 401)


async def _send_cookies(_request: web.BaseRequest) -> web.StreamResponse:
    response = web.Response(text="set", headers={"X-Twice": "1"})
    for name, value in (*_SET_COOKIES, ("X-Twice", "2")):
        response.headers.add(name, value)
    return response


async def _redirect(_request: web.BaseRequest) -> web.StreamResponse:
    return web.Response(status=302, headers={"Location": "/echo?moved=1", "Set-Cookie": "hop=1; Path=/"})


async def _redirect_round(_request: web.BaseRequest) -> web.StreamResponse:
    return web.Response(status=302, headers={"Location": "/round"})


async def _send_no_http(request: web.BaseRequest) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.write(b"This is no HTTP at all.\r\n\r\n")
        request.transport.close()
    return web.Response()


async def _send_compressed(_request: web.BaseRequest) -> web.StreamResponse:
    return web.Response(body=gzip.compress(b"long " * 5000), headers={"Content-Encoding": "gzip"})


async def _send_pieces(request: web.BaseRequest) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    for number in range(5):
        await response.write(f"piece{number} ".encode())
        await asyncio.sleep(0.05)
    return response


async def _send_and_cut(request: web.BaseRequest) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "100"})
    await response.prepare(request)
    await response.write(b"only this")
    await asyncio.sleep(0.2)  # what comes together with the end of a connection, a browser may drop
    if request.transport is not None:
        request.transport.close()
    return response


async def _say_nothing(_request: web.BaseRequest) -> web.StreamResponse:
    await asyncio.Event().wait()
    return web.Response()
