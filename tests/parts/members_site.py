"""A site that knows its members by a cookie, as example.com is in the pages: a page, an API, a file, a WebSocket."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from aiohttp import WSMsgType, web

from tests.parts.servers import serving_in_thread

COOKIE: Final = "sid"
VALUE: Final = "s3cret+/=="
REPORT: Final = bytes(range(256)) * 4096

_APP: Final = "<!doctype html><title>App</title><main id=app>Welcome</main>"


@contextmanager
def serving_members() -> Iterator[str]:
    """Serve it in a thread while the context lasts; yield its origin."""
    with serving_in_thread(_answer) as (_server, origin):
        yield origin


async def _answer(request: web.BaseRequest) -> web.StreamResponse:
    if request.path in {"/", "/app"}:
        headers = {"Set-Cookie": f"{COOKIE}={VALUE}; Path=/; HttpOnly; Max-Age=3600"}
        return web.Response(text=_APP, content_type="text/html", headers=headers)
    if f"{COOKIE}={VALUE}" not in request.headers.get("Cookie", "").split("; "):
        return web.json_response({"error": "who are you?"}, status=401)
    if request.path == "/live":
        return await _talk(request)
    answers: dict[tuple[str, str], Callable[[], web.Response]] = {
        ("GET", "/api/me"): lambda: web.json_response({"name": "Ann"}),
        ("POST", "/api/notes"): lambda: web.json_response({"id": 1}, status=201),
        ("GET", "/files/report.pdf"): lambda: web.Response(body=REPORT, content_type="application/pdf"),
    }
    return answers.get((request.method, request.path), lambda: web.Response(status=404))()


async def _talk(request: web.BaseRequest) -> web.StreamResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        if message.type is WSMsgType.TEXT:
            await socket.send_str(f"you said: {message.data}")
    return socket
