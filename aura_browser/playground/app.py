"""The site as an aiohttp.web application: its page, its two calls, and what stands before them."""

import json
from contextlib import aclosing
from importlib.resources import files

from aiohttp import web
from aiohttp.typedefs import Handler

from aura_browser.playground import wire
from aura_browser.playground.answers import Answer, AnswerCut, Answerer, AnswerFailed, commanded
from aura_browser.playground.conversation import MODELS, BadRequest, Conversation, read_conversation
from aura_browser.playground.gates import Gate, guard, send_fresh
from aura_browser.playground.inflight import InFlight
from aura_browser.playground.record import Record, note_status

_LARGEST_BODY = 16 * 2**20
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_PAGE = files(__package__).joinpath("page.html").read_text("utf-8")


def make_app(gate: Gate | None, answer: Answerer, record: Record, *, sliding: bool) -> web.Application:
    """Put the site together.

    Args:
        gate: what stands in front, or None for nothing.
        answer: what answers a chat that asks for no mode of its own.
        record: where requests are remembered.
        sliding: whether each 200 behind the gate carries a fresh session.
    """
    in_flight, site = InFlight(), _Site(answer, record, gate)
    before = [in_flight.middleware(), record.middleware(), _loopback_only]
    if gate:
        before.append(guard(gate, sliding=sliding))
    app = web.Application(middlewares=before, client_max_size=_LARGEST_BODY)
    app.add_routes([*site.routes(), *(gate.routes() if gate else [])])
    app.on_response_prepare.extend([note_status, wire.drop_markers, send_fresh])
    app.on_shutdown.append(in_flight.end)
    return app


class _Site:
    """The handlers and what they share."""

    def __init__(self, answer: Answerer, record: Record, gate: Gate | None) -> None:
        self._answer = answer
        self._record = record
        self._gate = gate

    def routes(self) -> list[web.RouteDef]:
        # The real app's handlers take any method, and fail at a GET for want of a body.
        apis = [("/api/chat", self._chat), ("/api/models", self._models)]
        return [
            web.get("/", self._page, allow_head=False),
            web.get("/favicon.ico", _nothing),
            web.post("/playground/revoke", self._revoke),
            *(web.post(path, handler) for path, handler in apis),
            *(web.get(path, handler, allow_head=False) for path, handler in apis),
            *(web.post(path + "/", _without_slash) for path, _ in apis),
        ]

    async def _page(self, _request: web.Request) -> web.StreamResponse:
        self._record.page_loads += 1
        return web.Response(text=_PAGE, content_type="text/html", headers={"Cache-Control": "no-store"})

    async def _models(self, request: web.Request) -> web.StreamResponse:
        try:
            json.loads(await request.read())
        except ValueError:
            return wire.error()
        return web.Response(text=json.dumps([{"id": key, "name": name} for key, name in MODELS.items()]))

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        try:
            conversation = read_conversation(await request.read())
        except BadRequest:
            return wire.error()
        self._record.chats += 1
        try:
            return await _send(request, self._begin(conversation))
        except AnswerFailed as failed:
            return wire.error(str(failed))

    def _begin(self, conversation: Conversation) -> Answer:
        return commanded(conversation) or self._answer(conversation)

    async def _revoke(self, _request: web.Request) -> web.StreamResponse:
        if self._gate:
            self._gate.revoke_all()
        return web.Response(status=web.HTTPNoContent.status_code)


async def _send(request: web.Request, answer: Answer) -> web.StreamResponse:
    """Send *answer*, a chunk at a time; the headers go out with the first one."""
    response = wire.BareStream()
    async with aclosing(answer) as chunks:
        try:
            async for chunk in chunks:
                if not response.prepared:
                    await response.prepare(request)
                await response.write(chunk)
        except (AnswerCut, ConnectionResetError):
            # The answer ends here, or the client has left.
            if request.transport is not None:
                request.transport.close()
    return response


@web.middleware
async def _loopback_only(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse other names for this address: a foreign page could have its own name resolve to it."""
    name, _, port = request.headers.get("Host", "").rpartition(":")
    if name not in _LOOPBACK or port != str(_port(request)):
        raise web.HTTPMisdirectedRequest(text="This site is at 127.0.0.1 and localhost only.")
    return await handler(request)


def _port(request: web.Request) -> int | None:
    address = request.transport and request.transport.get_extra_info("sockname")
    return address[1] if address else None


async def _without_slash(request: web.Request) -> web.StreamResponse:
    raise web.HTTPPermanentRedirect(request.path.rstrip("/"))


async def _nothing(_request: web.Request) -> web.StreamResponse:
    return web.Response(status=web.HTTPNoContent.status_code)
