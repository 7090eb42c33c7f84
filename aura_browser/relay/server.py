"""The proxy itself: it listens on this machine alone, and passes requests on with the session."""

import logging
from collections.abc import AsyncIterable, Mapping
from typing import TYPE_CHECKING, Final

import msgspec
from aiohttp import web

from aura_browser.errors import AnswerTimeout, AuraError, ConnectionFailed, InvalidInput, SiteFailed
from aura_browser.http.server_log import make_server_log
from aura_browser.listening import BACKLOG, close_runner, open_sockets
from aura_browser.relay.bodies import read_request_body
from aura_browser.relay.guard import Guard, Refused
from aura_browser.relay.headers import build_request_headers, build_response_headers
from aura_browser.relay.sockets import MAX_MESSAGE_BYTES, is_handshake, pass_messages
from aura_browser.request import Request, Response
from aura_browser.text import clean_text

if TYPE_CHECKING:
    from aura_browser.keeping.manager import SessionManager
    from aura_browser.request import Transport
    from aura_browser.site import Site

_log = logging.getLogger(__name__)

_KEEP_ALIVE_S: Final = 30.0  # an unfinished header is ended by this too
_SHUTDOWN_S: Final = 5.0
_MAX_HEADER_BYTES: Final = 64 * 1024
_MAX_TEXT_LENGTH: Final = 2000
# What a browser holds of the site that was served here before is another site's.
_FRESH: Final = {"Cache-Control": "no-store", "Clear-Site-Data": '"cache", "storage"'}
_NOT_PASSED: Final = frozenset({"CONNECT", "TRACE"})
_LATER: Final = 503  # a person has to log in, or a harvest failed just now


class Relay:
    """Serves one site with its session, until it is stopped.

    Args:
        site: the site.
        transport: sends to it; opened and closed here.
        manager: manages its session.
        token: what clients have to show; empty for no token.
        port: where to listen; 0 picks a free one.

    Attributes:
        port: where it listens, once it is started.
    """

    def __init__(
        self, site: "Site", transport: "Transport", manager: "SessionManager", *, token: str, port: int
    ) -> None:
        self.port = port
        self._site = site
        self._transport = transport
        self._manager = manager
        self._token = token
        self._guard = Guard(port, token)
        self._runner: web.ServerRunner | None = None

    async def start(self) -> None:
        """Listen on the loopback addresses. If it fails, :meth:`stop` is needed all the same.

        Raises:
            OSError: if the port is taken at one of them.
        """
        await self._transport.open()
        server = web.Server(
            self._handle,
            handler_cancellation=True,
            keepalive_timeout=_KEEP_ALIVE_S,
            auto_decompress=False,
            max_line_size=_MAX_HEADER_BYTES,
            max_field_size=_MAX_HEADER_BYTES,
            logger=make_server_log(__name__),
        )
        self._runner = web.ServerRunner(server, shutdown_timeout=_SHUTDOWN_S)
        await self._runner.setup()
        sockets = open_sockets(self.port)
        self.port = sockets[0].getsockname()[1]
        self._guard = Guard(self.port, self._token)
        for each in sockets:
            await web.SockSite(self._runner, each, backlog=BACKLOG).start()

    async def stop(self) -> None:
        """Close the listener, end what is under way, and close the transport."""
        try:
            if self._runner is not None:
                await close_runner(self._runner)
        finally:
            await self._transport.aclose()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request of a client."""
        try:
            return await self._admit_and_pass(request)
        except Refused as error:
            return _explain(error.status, error.text, error.headers)
        except AuraError as error:
            _log.info("%s %s was not passed on: %s", request.method, request.path, error)
            return _explain(_find_status(error), str(error))

    async def _admit_and_pass(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.raw_path
        if request.method in _NOT_PASSED or not path.startswith("/"):
            raise Refused(405, "This proxy passes on requests for the site's own paths only.")
        admitted = self._guard.admit(path, request.headers)
        if admitted.location:
            headers = {"Location": admitted.location, "Set-Cookie": self._guard.set_cookie, **_FRESH}
            return web.Response(status=307, headers=headers)
        own_origin = f"http://{request.headers['Host']}"
        headers = build_request_headers(
            self._site, request.headers, own_origin, drops_authorization=admitted.uses_authorization
        )
        outgoing = Request(request.method, f"{self._site.origin}{path}", headers)
        if is_handshake(request):
            return await self._pass_socket(request, outgoing)
        return await self._pass(request, outgoing, own_origin)

    async def _pass(self, request: web.BaseRequest, outgoing: Request, own_origin: str) -> web.StreamResponse:
        body = await read_request_body(request)
        if isinstance(body, AsyncIterable):
            await self._manager.prove()  # it can be sent once only, so the session is renewed before
            if request.content_length is not None:
                sized = {"Content-Length": str(request.content_length)}
                outgoing = msgspec.structs.replace(outgoing, headers={**outgoing.headers, **sized})
        async with self._transport.send(msgspec.structs.replace(outgoing, body=body)) as response:
            return await self._answer(request, response, own_origin)

    async def _answer(self, request: web.BaseRequest, response: Response, own_origin: str) -> web.StreamResponse:
        """Pass the site's answer on as it arrives. An answer that is cut short is cut short for the client, too."""
        headers = build_response_headers(self._site, response, own_origin)
        answer = web.StreamResponse(status=response.status, reason=response.reason or None, headers=headers)
        await answer.prepare(request)
        try:
            async for chunk in response:
                await answer.write(chunk)
            await answer.write_eof()
        except AuraError as error:
            _log.info("The answer to %s %s was cut short: %s", request.method, request.path, error)
            if request.transport is not None:
                request.transport.abort()
        return answer

    async def _pass_socket(self, request: web.BaseRequest, outgoing: Request) -> web.StreamResponse:
        async with self._transport.connect(outgoing) as site:
            protocols = (site.protocol,) if site.protocol else ()
            client = web.WebSocketResponse(protocols=protocols, max_msg_size=MAX_MESSAGE_BYTES, autoclose=False)
            await client.prepare(request)
            await pass_messages(client, site)
            return client


def _find_status(error: AuraError) -> int:
    match error:
        case SiteFailed():
            return error.status if error.status >= 400 else 502  # noqa: PLR2004 - the site refused a WebSocket
        case AnswerTimeout():
            return 504
        case ConnectionFailed():
            return 502
        case InvalidInput():
            return 400
    return _LATER


def _explain(status: int, text: str, headers: Mapping[str, str] | None = None) -> web.Response:
    safe = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return web.Response(
        status=status, text=f"{clean_text(text, _MAX_TEXT_LENGTH)}\n", headers={**safe, **(headers or {})}
    )
