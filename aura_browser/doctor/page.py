"""A page on loopback, to harvest and to request through a proxy."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from secrets import token_hex
from typing import Final

from aiohttp import web

from aura_browser.listening import close_runner

_HOST: Final = "127.0.0.1"
_SHUTDOWN_TIMEOUT_S: Final = 0.5
_PAGE: Final = "<!doctype html><html lang=en><title>aura-browser doctor</title><p>You can close this.</p></html>"


@dataclass(slots=True)
class LocalPage:
    """The page while it is served.

    Attributes:
        url: its address.
        mark: the random value of the header ``X-Doctor`` in its answers.
        was_fetched: whether it was received through the proxy.
    """

    url: str
    mark: str
    was_fetched: bool = False


@asynccontextmanager
async def serve_page() -> AsyncIterator[LocalPage]:
    """Serve the page on a free port while the context lasts."""
    mark = token_hex()

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(text=_PAGE, content_type="text/html", headers={"X-Doctor": mark})

    app = web.Application()
    app.add_routes([web.get("/{path:.*}", answer)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_TIMEOUT_S)
    await runner.setup()
    try:
        await web.TCPSite(runner, _HOST, 0).start()
        yield LocalPage(f"http://{_HOST}:{runner.addresses[0][1]}/", mark)
    finally:
        await close_runner(runner)
