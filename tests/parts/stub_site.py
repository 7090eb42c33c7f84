"""A stub site in a thread: each path answers a good, another and no session in a way of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from aiohttp import web

from tests.parts.servers import Server, serving_in_thread

COOKIE: Final = "sid"
GOOD: Final = "s3cret-good"
_PAGE: Final = "<!doctype html><main id=app>Welcome</main>"
_FORM: Final = "<!doctype html><form><input type=password name=p></form>"
_STATUSES: Final = {"/broken": 500, "/missing": 404, "/limited": 429}


class StubSite:
    """Answers by path.

    - ``/members`` shows a page to the good session, and redirects everybody else to ``/login``;
    - ``/rotating`` does so too, and sets the good cookie anew;
    - ``/public`` shows everybody the same page, and gives a stranger a cookie;
    - ``/login`` shows everybody a form with a password field;
    - ``/shy`` answers 503 without a cookie;
    - ``/broken`` answers everybody 500, ``/missing`` 404, ``/limited`` 429;
    - ``/api/me`` tells the good session its name, and answers 401 to everybody else.
    """

    def __init__(self) -> None:
        self.origin = ""
        self.server: Server

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        cookies = request.headers.get("Cookie", "").split("; ")
        is_good = f"{COOKIE}={GOOD}" in cookies
        if request.path in _STATUSES:
            return web.Response(status=_STATUSES[request.path])
        match request.path:
            case "/public":
                headers = {} if is_good else {"Set-Cookie": f"{COOKIE}=anonymous; Path=/; HttpOnly"}
                return web.Response(text=_PAGE, content_type="text/html", headers=headers)
            case "/login":
                return web.Response(text=_FORM, content_type="text/html")
            case "/shy":
                return web.Response(status=200 if is_good else 503)
            case "/api/me":
                return web.json_response({"name": "Ann"} if is_good else {}, status=200 if is_good else 401)
        return _answer_member(request.path) if is_good else web.Response(status=302, headers={"Location": "/login"})


def _answer_member(path: str) -> web.Response:
    headers = {"Set-Cookie": "seen=s3cret; Path=/; HttpOnly"} if path == "/rotating" else {}
    return web.Response(text=_PAGE, content_type="text/html", headers=headers)


@contextmanager
def serving_stub() -> Iterator[StubSite]:
    """Serve one in a thread while the context lasts."""
    stub = StubSite()
    with serving_in_thread(stub.handle) as (stub.server, stub.origin):
        yield stub
