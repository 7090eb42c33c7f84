"""A site that gives its members a new cookie whenever they ask for one, in a thread."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from aiohttp import web

from tests.parts.servers import serving_in_thread

COOKIE: Final = "sid"
FIRST: Final = "s3cret-0+/=="


class RotatingSite:
    """Answers by path, and knows its one member by the last value of a cookie.

    - ``/me`` tells the member its name, and answers 401 to everybody else;
    - ``/rotate`` and ``/rotate.jpg`` do so too, and give the member a new value; the old one is worth nothing then;
    - ``/logout`` ends the member's session, and takes the cookie away;
    - ``/guest`` ends it too, and gives a stranger's cookie of the same name;
    - ``/`` shows everybody the same page; ``/slow`` never answers.

    Attributes:
        origin: where it is.
        value: the cookie's good value; empty after a logout.
        further: what ``/rotate`` sets besides.
        sent: the Cookie headers that it got, in order.
    """

    def __init__(self) -> None:
        self.origin = ""
        self.value = FIRST
        self.further: list[str] = []
        self.sent: list[str] = []
        self._count = 0

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        header = request.headers.get("Cookie", "")
        self.sent.append(header)
        is_member = bool(self.value) and f"{COOKIE}={self.value}" in header.split("; ")
        match request.path:
            case "/":
                return web.Response(text="<!doctype html>Welcome", content_type="text/html")
            case "/slow":
                await asyncio.Event().wait()
        if not is_member:
            return web.json_response({}, status=401)
        return self._answer(request.path)

    def _answer(self, path: str) -> web.Response:
        answer = web.json_response({"name": "Ann"})
        match path:
            case "/rotate" | "/rotate.jpg":
                self._count += 1
                self.value = f"s3cret-{self._count}+/=="
                for cookie in (f"{COOKIE}={self.value}; Path=/; HttpOnly; Max-Age=3600", *self.further):
                    answer.headers.add("Set-Cookie", cookie)
            case "/logout":
                self.value = ""
                answer.headers["Set-Cookie"] = f"{COOKIE}=; Path=/; HttpOnly; Max-Age=0"
            case "/guest":
                self.value = ""
                answer.headers["Set-Cookie"] = f"{COOKIE}=guest; Path=/; HttpOnly"
        return answer


@contextmanager
def serving_rotating() -> Iterator[RotatingSite]:
    """Serve one in a thread while the context lasts."""
    site = RotatingSite()
    with serving_in_thread(site.handle) as (_server, site.origin):
        yield site
