"""Handles requests: checks who asks, finds what is asked for, and turns what goes wrong into the client's own error."""

import asyncio
import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from aiohttp import web

from aura_browser.errors import AuraError
from aura_browser.gateway import routes
from aura_browser.gateway.answering import Answering
from aura_browser.gateway.carrying import MAX_CARRIED_BYTES, Carrying, is_carried
from aura_browser.gateway.core import WINDOW, Core
from aura_browser.gateway.guard import Guard, check_content
from aura_browser.gateway.metrics import CONTENT_TYPE, Metrics
from aura_browser.gateway.page import PAGE, PAGE_HEADERS
from aura_browser.gateway.reading import MAX_BODY_BYTES, read_request
from aura_browser.gateway.sending import AnswerCut
from aura_browser.gateway.status import describe_health, list_gauges
from aura_browser.gateway.trouble import describe_stop, describe_trouble
from aura_browser.gateway.visit import Visit
from aura_browser.gateway.wires import anthropic
from aura_browser.gateway.wires.models import write_list, write_one
from aura_browser.gateway.wires.problem import Problem, anthropic_error, openai_error
from aura_browser.text import clean_text

_log = logging.getLogger(__name__)

_JSON: Final = "application/json"
_SHOWN_TO_THE_END: Final = frozenset({routes.HEALTH, routes.METRICS})
_CLIENT_GONE: Final = 499
"""What the log says of a request whose client left; nginx's number."""


class Handling:
    """Handles every request of one gateway.

    Args:
        guard: who may ask.
        core: asks the site.
        answering: answers questions on each wire.
        metrics: counts.
        carrying: carries requests, if the site speaks OpenAI's wire itself; None if not.
        clock: returns seconds that only grow.
        is_stopping: returns whether the gateway takes no more requests.
    """

    def __init__(
        self,
        guard: Guard,
        core: Core,
        answering: Answering,
        metrics: Metrics,
        *,
        carrying: Carrying | None,
        clock: Callable[[], float],
        is_stopping: Callable[[], bool],
    ) -> None:
        self._guard = guard
        self._core = core
        self._answering = answering
        self._metrics = metrics
        self._carrying = carrying
        self._clock = clock
        self._is_stopping = is_stopping

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request, whatever it is."""
        path = routes.normalize_path(request.path)
        visit = Visit(
            began_at=self._clock(),
            path=path,
            is_anthropic=routes.is_anthropic(path, request.headers),
            headers=self._guard.cross_origin_headers(request.headers),
        )
        try:
            response = await self._answer_or_refuse(request, visit)
        except AnswerCut:
            visit.status = HTTPStatus.OK  # as it began
            raise
        except (asyncio.CancelledError, ConnectionError):
            visit.status = _CLIENT_GONE
            self._metrics.record_disconnect("waiting" if visit.first_at is None else "streaming")
            raise
        else:
            visit.status = response.status
            return response
        finally:
            self._report(request, visit)

    async def _answer_or_refuse(self, request: web.BaseRequest, visit: Visit) -> web.StreamResponse:
        try:
            return await self._dispatch(request, visit)
        except Problem as problem:
            return self._refuse(visit, problem)
        except AuraError as error:
            return self._refuse(visit, describe_trouble(error))
        except ConnectionError:
            raise
        except Exception as error:  # noqa: BLE001 - one request must not end the others
            _log.error("%s failed: %s (a bug in aura-browser; report it)", visit.path, type(error).__name__)
            _log.debug("", exc_info=True)
            message = "The gateway failed: a bug in aura-browser. Its log says more (serve --debug)."
            return self._refuse(visit, Problem(500, "internal_error", message, retry=False))

    async def _dispatch(self, request: web.BaseRequest, visit: Visit) -> web.StreamResponse:
        self._guard.check_place(request.headers, request.raw_path)
        if request.method == "OPTIONS" and (allowed := self._guard.preflight_headers(request.headers)):
            return web.Response(status=204, headers={**visit.headers, **allowed})
        self._guard.check_token(visit.path, request.headers)
        if self._is_stopping() and visit.path not in _SHOWN_TO_THE_END:
            raise describe_stop()
        if self._carrying is not None and is_carried(visit.path, request.method):
            body = None if request.method == "GET" else await self._read(request, MAX_CARRIED_BYTES)
            return await self._carrying.carry(request, visit, body)
        routes.check_method(visit.path, request.method)
        if wire := routes.WIRES.get(visit.path):
            return await self._answering.answer(request, visit, wire, await self._read(request))
        if visit.path == routes.COUNT_TOKENS:
            return self._respond(visit, anthropic.count_tokens(await self._read(request)))
        return await self._show(visit)

    async def _read(self, request: web.BaseRequest, limit: int = MAX_BODY_BYTES) -> bytes:
        check_content(request.headers)
        return await read_request(request, self._answering.patience.body, limit)

    async def _show(self, visit: Visit) -> web.Response:
        match visit.path:
            case routes.PAGE:
                return web.Response(body=PAGE, headers={**visit.headers, **PAGE_HEADERS})
            case routes.HEALTH:
                body = describe_health(self._core.client, is_stopping=self._is_stopping())
                return self._respond(visit, body, status=503 if self._is_stopping() else 200)
            case routes.METRICS:
                gauges = list_gauges(self._core, self._answering)
                text = self._metrics.write(gauges, self._core.client.counters.renewals)
                return web.Response(body=text.encode(), headers={**visit.headers, "Content-Type": CONTENT_TYPE})
        return await self._show_models(visit)

    async def _show_models(self, visit: Visit) -> web.Response:
        listed = await self._core.models.list()
        wanted = visit.path.removeprefix(routes.MODELS).lstrip("/")
        window = WINDOW if self._core.limits else 0
        if not wanted:
            return self._respond(visit, write_list(listed, window))
        for model, name in listed:
            if model == wanted:
                return self._respond(visit, write_one(model, name, window))
        self._core.models.check(wanted)
        return self._respond(visit, write_one(wanted, wanted, window))

    def _respond(self, visit: Visit, body: bytes, *, status: int = 200) -> web.Response:
        return web.Response(body=body, status=status, headers={**visit.headers, "Content-Type": _JSON})

    def _refuse(self, visit: Visit, problem: Problem) -> web.Response:
        visit.note_problem(problem)
        body = anthropic_error(problem, visit.id) if visit.is_anthropic else openai_error(problem)
        headers = {**visit.headers, **problem.headers, "Content-Type": _JSON}
        response = web.Response(body=body, status=problem.status, headers=headers)
        if "Connection" in problem.headers:
            response.force_close()
        return response

    def _report(self, request: web.BaseRequest, visit: Visit) -> None:
        took = self._clock() - visit.began_at
        if visit.path in routes.WIRES:
            self._metrics.record_request(visit.model, took, error=visit.error, is_clients=visit.is_clients)
        _log.info(
            "%s %s %d %.0f ms, about %d tokens, %s %s",
            clean_text(request.method, 20),
            clean_text(request.path, 200),
            visit.status,
            took * 1000,
            visit.tokens,
            visit.id,
            visit.error,
        )
