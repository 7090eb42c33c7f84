"""A site of no particular kind behind a login: pages, an API with a probe, uploads, downloads and a WebSocket."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import WSMsgType, web

from aura_browser.site import Condition, Probe, Site
from tests.parts.servers import Server, serving

COOKIE: Final = "token"
_LOGIN: Final = "<!doctype html><form><input type=password name=p></form>"
_REDIRECTS: Final = {
    ("GET", "/old"): (302, "/api/me"),
    ("GET", "/away"): (302, "http://elsewhere.invalid/"),
    ("GET", "/round"): (302, "/round"),
    ("POST", "/form"): (303, "/api/me"),
}
_PIECE: Final = bytes(range(256)) * 256


class GenericSite:
    """Lets in whoever shows the cookie of the day. ``GET /enter`` sets it, as a login would.

    Attributes:
        value: the cookie's good value.
        enters: how often someone logged in.
        uploads: the bodies of PUT requests.
    """

    def __init__(self) -> None:
        self.value = "first+/=="
        self.enters = 0
        self.uploads: list[bytes] = []

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        if request.path == "/enter":
            self.enters += 1
            page = "<!doctype html><main id=app>Welcome</main>"
            headers = {"Set-Cookie": f"{COOKIE}={self.value}; Path=/; HttpOnly"}
            return web.Response(text=page, content_type="text/html", headers=headers)
        if f"{COOKIE}={self.value}" not in request.headers.get("Cookie", "").split("; "):
            return web.Response(status=401, text=_LOGIN, content_type="text/html")
        return await self._serve(request)

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        if (answer := _REDIRECTS.get((request.method, request.path))) is not None:
            status, location = answer
            return web.Response(status=status, headers={"Location": location})
        handlers = {
            ("GET", "/api/me"): self._me,
            ("POST", "/api/echo"): self._echo,
            ("PUT", "/files/one"): self._upload,
            ("GET", "/download"): self._download,
            ("GET", "/ws"): self._talk,
        }
        return await handlers.get((request.method, request.path), self._nothing)(request)

    async def _me(self, _request: web.BaseRequest) -> web.StreamResponse:
        return web.json_response({"user": "ann"})

    async def _echo(self, request: web.BaseRequest) -> web.StreamResponse:
        return web.json_response({"got": json.loads(await request.read()), "type": request.content_type})

    async def _upload(self, request: web.BaseRequest) -> web.StreamResponse:
        self.uploads.append(await request.read())
        return web.Response(status=201)

    async def _nothing(self, _request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=404, text="nothing here")

    async def _download(self, request: web.BaseRequest) -> web.StreamResponse:
        mib = int(request.query["mib"])
        response = web.StreamResponse(headers={"Content-Length": str(mib * 2**20)})
        await response.prepare(request)
        for _ in range(mib * 2**20 // len(_PIECE)):
            await response.write(_PIECE)
        return response

    async def _talk(self, request: web.BaseRequest) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await socket.send_str(f"{request.headers['Origin']} said {message.data}")
        return socket


@asynccontextmanager
async def serving_generic() -> AsyncIterator[tuple[GenericSite, Server, Site]]:
    """Serve one while the context lasts; yield it, its server, and what the client has to know of it."""
    generic = GenericSite()
    async with serving(generic.handle) as (server, origin):
        site = Site(
            f"{origin}/enter",
            ready=(Condition("selector", "#app"),),
            api_paths=("/api/",),
            probe=Probe("/api/me"),
        )
        yield generic, server, site
