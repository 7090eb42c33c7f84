"""The site as an aiohttp.web application: its page, its two API routes, and the middleware before them."""

import json
from contextlib import aclosing
from importlib.resources import files

from aiohttp import web
from aiohttp.typedefs import Handler

from aura_browser.playground import wire
from aura_browser.playground.answers import Answer, AnswerCut, Answerer, AnswerFailed, answer_command
from aura_browser.playground.conversation import MODELS, BadRequest, Conversation, read_conversation
from aura_browser.playground.gates import Gate, guard, send_new_cookie
from aura_browser.playground.inflight import InFlight
from aura_browser.playground.record import Record, record_status

_MAX_BODY_BYTES = 16 * 2**20
_LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")
_PAGE = files(__package__).joinpath("page.html").read_text("utf-8")


def make_app(gate: Gate | None, answer: Answerer, record: Record, *, sliding: bool) -> web.Application:
    """Build the site.

    Args:
        gate: what protects it, or None.
        answer: answers a chat that is not a command.
        record: keeps the requests.
        sliding: whether each 200 behind the gate sets a new session.
    """
    in_flight, site = InFlight(), _Site(answer, record, gate)
    middlewares = [in_flight.middleware(), record.middleware(), _require_loopback]
    if gate:
        middlewares.append(guard(gate, sliding=sliding))
    app = web.Application(middlewares=middlewares, client_max_size=_MAX_BODY_BYTES)
    app.add_routes([*site.routes(), *(gate.routes() if gate else [])])
    app.on_response_prepare.extend([record_status, wire.drop_headers, send_new_cookie])
    app.on_shutdown.append(in_flight.end)
    return app


class _Site:
    """The handlers and their shared state."""

    def __init__(self, answer: Answerer, record: Record, gate: Gate | None) -> None:
        self._answer = answer
        self._record = record
        self._gate = gate

    def routes(self) -> list[web.RouteDef]:
        # The real app's handlers accept any method, and fail at a GET because it has no body.
        apis = [("/api/chat", self._chat), ("/api/models", self._send_models)]
        return [
            web.get("/", self._send_page, allow_head=False),
            web.get("/favicon.ico", _send_no_content),
            web.post("/playground/revoke", self._revoke),
            *(web.post(path, handler) for path, handler in apis),
            *(web.get(path, handler, allow_head=False) for path, handler in apis),
            *(web.post(path + "/", _redirect_without_slash) for path, _ in apis),
        ]

    async def _send_page(self, _request: web.Request) -> web.StreamResponse:
        self._record.page_loads += 1
        return web.Response(text=_PAGE, content_type="text/html", headers={"Cache-Control": "no-store"})

    async def _send_models(self, request: web.Request) -> web.StreamResponse:
        try:
            json.loads(await request.read())
        except ValueError:
            return wire.make_error()
        return web.Response(text=json.dumps([{"id": key, "name": name} for key, name in MODELS.items()]))

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        try:
            conversation = read_conversation(await request.read())
        except BadRequest:
            return wire.make_error()
        self._record.chats += 1
        self._record.answering += 1
        try:
            return await _send(request, self._begin(conversation))
        except AnswerFailed as failed:
            return wire.make_error(str(failed))
        finally:
            self._record.answering -= 1

    def _begin(self, conversation: Conversation) -> Answer:
        return answer_command(conversation) or self._answer(conversation)

    async def _revoke(self, _request: web.Request) -> web.StreamResponse:
        if self._gate:
            self._gate.revoke_all()
        return web.Response(status=web.HTTPNoContent.status_code)


async def _send(request: web.Request, answer: Answer) -> web.StreamResponse:
    """Send *answer* chunk by chunk; the headers are sent with the first one."""
    response = wire.BareStream()
    async with aclosing(answer) as chunks:
        try:
            async for chunk in chunks:
                if not response.prepared:
                    await response.prepare(request)
                await response.write(chunk)
        except (AnswerCut, ConnectionResetError):
            # The mode closes the connection here, or the client has disconnected.
            if request.transport is not None:
                request.transport.close()
    return response


@web.middleware
async def _require_loopback(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse other host names, against DNS rebinding: a foreign page's name could resolve to this address."""
    name, _, port = request.headers.get("Host", "").rpartition(":")
    if name not in _LOOPBACK_NAMES or port != str(_get_port(request)):
        raise web.HTTPMisdirectedRequest(text="This site answers at 127.0.0.1 and localhost only.")
    return await handler(request)


def _get_port(request: web.Request) -> int | None:
    address = request.transport and request.transport.get_extra_info("sockname")
    return address[1] if address else None


async def _redirect_without_slash(request: web.Request) -> web.StreamResponse:
    raise web.HTTPPermanentRedirect(request.path.rstrip("/"))


async def _send_no_content(_request: web.Request) -> web.StreamResponse:
    return web.Response(status=web.HTTPNoContent.status_code)
