"""Carries requests to a site that speaks OpenAI's wire itself, and its answers back: nothing in them is translated.

Only what concerns the session is the gateway's own: a login that is needed, a harvest, the site's limit.
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from typing import Final, NoReturn
from urllib.parse import quote

from aiohttp import web

from aura_browser.chat.dialects import openai
from aura_browser.errors import AuraError, RateLimited
from aura_browser.gateway import routes
from aura_browser.gateway.core import Core
from aura_browser.gateway.limits import Turns
from aura_browser.gateway.sending import AnswerCut, EventStream
from aura_browser.gateway.trouble import read_limit
from aura_browser.gateway.visit import Visit
from aura_browser.gateway.watching import Watch
from aura_browser.gateway.wires.chat import write_failure
from aura_browser.gateway.wires.problem import Problem
from aura_browser.request import Request, Response, fetch_headers
from aura_browser.text import redact_url

_CARRIED: Final[Mapping[str, str]] = {
    "/chat/completions": "POST",
    "/completions": "POST",
    "/responses": "POST",
    "/messages": "POST",
    "/messages/count_tokens": "POST",
    "/embeddings": "POST",
    "/models": "GET",
}
MAX_CARRIED_BYTES: Final = 32 * 2**20
"""Of a request; pictures are sent inside it."""

_BASE: Final = openai.BASE
_ASKED: Final = ("Accept", "Content-Type", "anthropic-version", "anthropic-beta")
_ANSWERED: Final = ("Content-Type", "Cache-Control", "Retry-After", "retry-after-ms", "x-should-retry")
_LIMITED: Final = 429
_FAILED: Final = 400
_NOT_THERE: Final = frozenset({404, 405})
_ONE_MODEL: Final = f"{routes.MODELS}/"
_FOLDERS: Final = frozenset({"", ".", ".."})
_EVENT_ENDS: Final = (b"\n\n", b"\r\n\r\n", b"\r\r")

_LAST_WORD_S: Final = 5.0


def is_carried(path: str, method: str) -> bool:
    """Return whether a request is carried; *path* is below the base, and decoded."""
    if path.startswith(_ONE_MODEL):
        # Servers, and what builds an address, take such parts of a name for folders: ".." leads out of the API.
        is_name = _FOLDERS.isdisjoint(re.split(r"[/\\]", path.removeprefix(_ONE_MODEL)))
        return is_name and method == _CARRIED["/models"]
    return _CARRIED.get(path) == method


class Carrying:
    """Carries requests to one site.

    Args:
        core: knows the client, how many questions the site is asked at once, and the site's own limit.
        places: how many answers may be open.
        watch: watches them.
        clock: returns seconds that only grow.
    """

    def __init__(self, core: Core, places: Turns, watch: Watch, clock: Callable[[], float]) -> None:
        self._client = core.client
        self._places = places
        self._turns = core.turns
        self._watch = watch
        self._hold = core.hold
        self._clock = clock

    async def carry(self, request: web.BaseRequest, visit: Visit, body: bytes | None) -> web.StreamResponse:
        """Carry one request, and the answer back.

        Raises:
            Problem: if the site may not be asked now, or it answers with a page.
            AuraError: if the site or its session fails.
            ConnectionError: if the client has gone.
        """
        self._hold.check()
        carried = Request(request.method, _find_target(request, visit), self._pick_headers(request), body)
        stream: EventStream | None = None
        try:
            async with self._places.take(), self._watch.follow() as running, self._turns.take():
                self._hold.check()
                async with self._client.send(carried) as response:
                    self._note_limit(response)
                    headers = {**visit.headers, **_pick(response.headers, _ANSWERED)}
                    beats = _is_events(response.headers)
                    stream = EventStream(request, headers, self._clock, status=response.status, beats=beats)
                    running.stream = stream
                    await self._pump(visit, response, stream)
        except Problem as problem:  # it was ended, as by a stop or by the site
            if stream is None or not stream.is_open:
                raise
            await self._say_what_failed(visit, stream, problem)
        await stream.close()
        return stream.response

    async def _say_what_failed(self, visit: Visit, stream: EventStream, problem: Problem) -> NoReturn:
        """End an answer that has begun: events with one that says why; the connection is closed in any case."""
        visit.note_problem(problem)
        try:
            if _is_events(stream.response.headers) and not stream.is_closing:
                async with asyncio.timeout(_LAST_WORD_S):
                    await stream.send(write_failure(problem))
        except TimeoutError:
            raise ConnectionResetError("the client takes nothing more") from None
        finally:
            stream.abort()
        raise AnswerCut("the answer was ended")

    async def _pump(self, visit: Visit, response: Response, stream: EventStream) -> None:
        _check_kind(response)
        is_events = stream.beats
        try:
            async for data in response:
                visit.first_at = visit.first_at or self._clock()
                await stream.send(data)
                stream.beats = is_events and data.endswith(_EVENT_ENDS)  # a comment inside an event would break it
        except AuraError as error:
            if not stream.is_open:
                raise
            broken = Problem(502, "stream_interrupted", f"The site's answer broke off. {error}")
            if stream.beats:
                raise broken from None
            # Inside an event nothing can be said, and an end would say that the answer is complete.
            visit.note_problem(broken)
            stream.abort()
            raise AnswerCut("the site's answer broke off") from None

    def _note_limit(self, response: Response) -> None:
        if response.status != _LIMITED:
            return
        try:
            response.raise_for_status()
        except RateLimited as error:
            self._hold.begin(read_limit(error))

    def _pick_headers(self, request: web.BaseRequest) -> dict[str, str]:
        return {**fetch_headers(self._client.site.origin), **_pick(request.headers, _ASKED)}


def _find_target(request: web.BaseRequest, visit: Visit) -> str:
    """Return the path and query to ask for: those of *request*, encoded as they came."""
    path = visit.path
    if path.startswith(_ONE_MODEL):
        encoded = routes.normalize_path(request.rel_url.raw_path)
        path = encoded if encoded.startswith(_ONE_MODEL) else quote(path)
    query = request.rel_url.raw_query_string
    return f"{_BASE}{path}?{query}" if query else f"{_BASE}{path}"


def _check_kind(response: Response) -> None:
    """Check that an answer comes from the API: no redirect, and no page, as of a server before it that fails.

    Raises:
        RateLimited, SiteFailed: what the status of such a page says.
        Problem: if it says nothing.
    """
    if response.status in range(300, 400):
        response.raise_for_status()
    if response.headers.get("Content-Type", "").lower().startswith("text/html"):
        if response.status >= _FAILED and response.status not in _NOT_THERE:
            response.raise_for_status()
        message = f"{redact_url(response.url)} answered with a page, not with JSON: is the base of its API right?"
        raise Problem(502, "site_failed", message, retry=False)


def _is_events(headers: Mapping[str, str]) -> bool:
    return headers.get("Content-Type", "").startswith("text/event-stream")


def _pick(headers: Mapping[str, str], names: tuple[str, ...]) -> dict[str, str]:
    return {name: headers[name] for name in names if name in headers}
