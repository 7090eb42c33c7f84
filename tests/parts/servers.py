"""Servers on loopback that answer as a test tells them."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class Server:
    """A server on loopback that remembers its requests and answers as told."""

    def __init__(self, handler: Handler) -> None:
        self.seen: list[web.BaseRequest] = []
        self.bodies: list[bytes] = []
        self._handler = handler

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.seen.append(request)
        self.bodies.append(await request.read())
        return await self._handler(request)


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[tuple[Server, str]]:
    server = Server(handler)
    runner = web.ServerRunner(web.Server(server.handle), shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield server, f"http://127.0.0.1:{site.port}"
    finally:
        await runner.cleanup()


def page(body: str = "<p>Hello</p>", **options: object) -> Handler:
    async def handle(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(text=f"<!doctype html><body>{body}</body>", content_type="text/html", **options)  # type: ignore[arg-type]

    return handle
