"""A request as it would be sent with a session: what the middleware makes of it, caught before it leaves."""

from contextlib import suppress
from typing import TYPE_CHECKING, Final

import aiohttp
from aiohttp import ClientHandlerType, ClientRequest, ClientResponse, Payload, hdrs
from yarl import URL

from aura_browser.http.middleware import SessionMiddleware
from aura_browser.http.outgoing import move_request
from aura_browser.proxy.connection import connection_args
from aura_browser.request import Request
from aura_browser.site.tokens import SAFE_METHODS

if TYPE_CHECKING:
    from aura_browser.keeping.manager import SessionManager

# They belong to one connection, or whoever sends the request writes them.
_NOT_KEPT: Final = frozenset({hdrs.HOST, hdrs.CONTENT_LENGTH, hdrs.TRANSFER_ENCODING, hdrs.ACCEPT_ENCODING})


class _Caught(Exception):
    """Ends a request before it is sent."""


async def build_final_request(manager: "SessionManager", url: URL, request: Request) -> Request:
    """Return *request* with the headers and the body that the site would get.

    What the site has to be asked for first, such as a token against forgery, is asked for; *request* is not sent.

    Args:
        manager: manages the session.
        url: the whole address, which is the site's own.
        request: its body is bytes or None.

    Raises:
        AuraError: if there is no session.
    """
    caught: list[ClientRequest] = []

    async def catch(seen: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        if seen.method in SAFE_METHODS and request.method.upper() not in SAFE_METHODS:
            return await handler(seen)  # it asks for a token
        caught.append(seen)
        raise _Caught

    request, url = move_request(manager.site, await manager.get(), request, url)
    through = connection_args(manager.proxy)
    middlewares = (SessionMiddleware(manager), catch)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), middlewares=middlewares, **through) as http:
        with suppress(_Caught):
            await http.request(request.method, url, data=request.body, headers=request.headers, allow_redirects=False)
        return await _read(caught[0], url)


async def _read(seen: ClientRequest, url: URL) -> Request:
    body = await seen.body.as_bytes() if isinstance(seen.body, Payload) else seen.body
    headers = {name: value for name, value in seen.headers.items() if name not in _NOT_KEPT}
    return Request(seen.method, str(url), headers, bytes(body) or None)
