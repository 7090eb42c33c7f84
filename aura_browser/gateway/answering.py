"""Answers questions over HTTP, on any wire: whole, or as events."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing, suppress
from typing import Final

import msgspec
from aiohttp import web

from aura_browser.errors import AuraError
from aura_browser.gateway.core import Answer, Core
from aura_browser.gateway.limits import Turns
from aura_browser.gateway.metrics import Metrics
from aura_browser.gateway.sending import EVENT_HEADERS, EventStream
from aura_browser.gateway.trouble import describe_trouble
from aura_browser.gateway.visit import Visit
from aura_browser.gateway.watching import Patience, Watch
from aura_browser.gateway.wires.problem import Problem
from aura_browser.gateway.wires.question import Events, Finish, Question, Wire

_LAST_WORD_S: Final = 5.0
# Text that comes faster than a model writes it is gathered: each piece that goes out wakes three programs up.
_FAST_CHARS: Final = 64
_GATHER_S: Final = 0.001
_MAX_ANSWER_CHARS: Final = 4_000_000
_PROBABLY_CUT: Final = b": the site probably cut this answer at its own limit\n\n"


class Answering:
    """Answers questions over HTTP.

    Args:
        core: asks the site.
        places: how many answers may be open.
        watch: watches them.
        metrics: counts.
        patience: how long to wait for what.
        clock: returns seconds that only grow.
    """

    def __init__(
        self,
        core: Core,
        places: Turns,
        watch: Watch,
        metrics: Metrics,
        *,
        patience: Patience,
        clock: Callable[[], float],
    ) -> None:
        self.patience = patience
        self._core = core
        self._places = places
        self._watch = watch
        self._metrics = metrics
        self._clock = clock

    @property
    def count(self) -> int:
        """How many answers are under way."""
        return self._watch.count

    @property
    def waiting(self) -> int:
        """How many requests wait for a place."""
        return self._places.waiting

    async def answer(self, request: web.BaseRequest, visit: Visit, wire: Wire, body: bytes) -> web.StreamResponse:
        """Answer one request.

        Raises:
            Problem: if it can't be answered.
            AuraError: if the site or its session fails.
            ConnectionError: if the client has gone.
        """
        question = wire.read(body)
        async with self._places.take():
            if question.stream:
                return await self._send_events(request, visit, wire, question)
            return await self._send_whole(visit, wire, question)

    async def _send_whole(self, visit: Visit, wire: Wire, question: Question) -> web.Response:
        texts: list[str] = []
        length = 0
        async with self._watch.follow() as running:
            answer = await self._begin(visit, question)
            async with aclosing(answer.pieces()) as pieces:
                async for text in pieces:
                    running.has_text = True
                    visit.first_at = visit.first_at or self._clock()
                    texts.append(text)
                    length += len(text)
                    if length > _MAX_ANSWER_CHARS:
                        message = f"The answer is over {_MAX_ANSWER_CHARS:,} characters; ask for it as a stream."
                        raise Problem(502, "answer_too_long", message, retry=False)
        finish = self._note_end(visit, answer)
        headers = self._headers(visit, answer, question) | {"Content-Type": "application/json"}
        if answer.is_probably_cut:
            headers["x-aura-probably-cut"] = "true"
        return web.Response(body=wire.whole(answer.heading, "".join(texts), finish), headers=headers)

    async def _send_events(
        self, request: web.BaseRequest, visit: Visit, wire: Wire, question: Question
    ) -> web.StreamResponse:
        stream: EventStream | None = None
        try:
            async with self._watch.follow() as running:
                answer = await self._begin(visit, question)
                headers = EVENT_HEADERS | self._headers(visit, answer, question)
                stream = EventStream(request, headers, self._clock)
                running.stream, events = (
                    stream,
                    wire.events(msgspec.structs.replace(answer.heading, request_id=visit.id)),
                )
                await self._pump(visit, answer, events, stream)
        except (Problem, AuraError) as error:
            problem = describe_trouble(error) if isinstance(error, AuraError) else error
            if stream is None or not stream.is_open:
                raise problem from None
            await self._say_what_failed(visit, stream, events, problem)
        return stream.response

    async def _begin(self, visit: Visit, question: Question) -> Answer:
        answer = await self._core.begin(question)
        visit.model = answer.model
        return answer

    async def _pump(self, visit: Visit, answer: Answer, events: Events, stream: EventStream) -> None:
        write, send = events.text, stream.send
        async with aclosing(answer.pieces()) as pieces:
            async for text in pieces:
                if visit.first_at is None:
                    visit.first_at = self._clock()
                await send(write(text))
                if len(text) > _FAST_CHARS:
                    await asyncio.sleep(_GATHER_S)
        finish = self._note_end(visit, answer)
        note = _PROBABLY_CUT if answer.is_probably_cut else b""
        await stream.close(note + events.end(finish))

    async def _say_what_failed(self, visit: Visit, stream: EventStream, events: Events, problem: Problem) -> None:
        visit.note_problem(problem)
        if not stream.is_closing:  # nothing can follow the end, which the client has not taken
            with suppress(TimeoutError):
                async with asyncio.timeout(_LAST_WORD_S):
                    return await stream.close(events.fail(problem))
        stream.abort()
        raise ConnectionResetError("the client does not read")

    def _note_end(self, visit: Visit, answer: Answer) -> Finish:
        finish, now = answer.finish, self._clock()
        if finish is None:
            raise RuntimeError("the answer has not ended")
        visit.tokens = finish.tokens
        first_at = visit.first_at or now
        self._metrics.record_text(answer.model, first_at - visit.began_at, now - first_at, finish.tokens)
        return finish

    def _headers(self, visit: Visit, answer: Answer, question: Question) -> dict[str, str]:
        headers = {**visit.headers, "x-aura-model": answer.model}
        if question.ignored:
            headers["x-aura-ignored"] = ", ".join(question.ignored)
        if self._core.limits:
            headers["x-aura-answer-limit"] = str(self._core.limits.answer_tokens)
        return headers
