"""Servers on loopback that answer as a test tells them."""

import asyncio
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager
from typing import Final

from aiohttp import web

from aura_browser.listening import BACKLOG, close_runner

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

_START_S: Final = 10.0
_MAX_BODY_BYTES: Final = 64 * 2**20


class Server:
    """A server on loopback that remembers its requests and answers as told."""

    def __init__(self, handler: Handler) -> None:
        self.seen: list[web.BaseRequest] = []
        self.bodies: list[bytes] = []
        self._handler = handler

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.seen.append(request)
        request._client_max_size = _MAX_BODY_BYTES  # below an application nothing else sets it
        self.bodies.append(await request.read())
        return await self._handler(request)


@asynccontextmanager
async def serving(handler: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[tuple[Server, str]]:
    server = Server(handler)
    runner = web.ServerRunner(web.Server(server.handle), shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls, backlog=BACKLOG)
        await site.start()
        yield server, f"{'https' if tls else 'http'}://127.0.0.1:{site.port}"
    finally:
        await close_runner(runner)


@contextmanager
def serving_in_thread(handler: Handler) -> Iterator[tuple[Server, str]]:
    """Serve in a thread while the context lasts; yield the server and its origin."""
    running: Future[tuple[Server, str, asyncio.AbstractEventLoop, asyncio.Event]] = Future()
    thread = threading.Thread(target=lambda: asyncio.run(_serve(handler, running)), name="server", daemon=True)
    thread.start()
    server, origin, loop, stop = running.result(_START_S)
    try:
        yield server, origin
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(_START_S)


async def _serve(
    handler: Handler, running: "Future[tuple[Server, str, asyncio.AbstractEventLoop, asyncio.Event]]"
) -> None:
    stop = asyncio.Event()
    async with serving(handler) as (server, origin):
        running.set_result((server, origin, asyncio.get_running_loop(), stop))
        await stop.wait()


async def _write_on(request: web.BaseRequest, piece: bytes) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(piece)
        await asyncio.sleep(0.01)


def without_end(piece: bytes) -> Handler:
    """Answer with *piece*, again and again."""
    return lambda request: _write_on(request, piece)


def page(body: str = "<p>Hello</p>", **options: object) -> Handler:
    async def handle(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(text=f"<!doctype html><body>{body}</body>", content_type="text/html", **options)  # type: ignore[arg-type]

    return handle
