"""A site that has moved from a bare host to ``www``: a server that is asked through itself as the proxy."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

import msgspec
from aiohttp import web

from aura_browser.session import Session
from tests.parts.servers import Handler, Server, serving, serving_in_thread
from tests.parts.sessions import make_cookie, make_session

BEFORE: Final = "http://shop.test"
AFTER: Final = "http://www.shop.test"
SECRET: Final = "s3cret-1"


class MovedSite(msgspec.Struct):
    """The server, as a proxy that knows both hosts, and what it was asked.

    Attributes:
        server: remembers the requests.
        proxy: its address.
    """

    server: Server
    proxy: str

    @property
    def asked(self) -> list[str]:
        """Method, host and path of each request, in order."""
        return [f"{each.method} {each.host}{each.rel_url.path}" for each in self.server.seen]

    def make_session(self, **facts: object) -> Session:
        """Return a session as a browser gets it, which followed the redirect."""
        cookies = (make_cookie("sid", SECRET, domain="www.shop.test"),)
        return make_session(AFTER, **{"cookies": cookies, "proxy": self.proxy, **facts})


def _redirecting(handler: Handler) -> Handler:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if request.host == "shop.test":
            return web.Response(status=301, headers={"Location": f"{AFTER}{request.rel_url.path_qs}"})
        return await handler(request)

    return handle


@asynccontextmanager
async def serving_moved(handler: Handler) -> AsyncIterator[MovedSite]:
    """Serve with *handler* at ``www.shop.test``; ``shop.test`` redirects there."""
    async with serving(_redirecting(handler)) as (server, origin):
        yield MovedSite(server, origin)


@contextmanager
def serving_moved_in_thread(handler: Handler) -> Iterator[MovedSite]:
    """Serve as :func:`serving_moved`, in a thread."""
    with serving_in_thread(_redirecting(handler)) as (server, origin):
        yield MovedSite(server, origin)
