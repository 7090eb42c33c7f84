"""What a page is told to send, of a caller's request, a session and a probe; and how its answer is read."""

import base64
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, cast

import pytest
from multidict import CIMultiDict
from yarl import URL

from aura_browser.errors import AnswerTimeout, ChatError, ConnectionFailed, InvalidInput, StreamInterrupted
from aura_browser.http import page_asking
from aura_browser.http.asking import READ_TIMEOUT_S
from aura_browser.http.lanes import Lane
from aura_browser.http.page_asking import open_page_asker
from aura_browser.http.page_request import build_page_request, collect_body
from aura_browser.http.page_response import PageResponse
from aura_browser.http.page_sending import Sent, send_by_page
from aura_browser.request import Request
from aura_browser.session import Session
from aura_browser.site import Probe, Site
from aura_browser.webdriver.fetching.stream import Answered, FetchFailed, PageLost
from aura_browser.webdriver.fetching.tab import PageRequest
from tests.parts.sessions import make_session

ORIGIN = "https://a.example"
HEAD = Answered(200, "OK\x1b[31m", CIMultiDict([("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]), "h2")


def build(request: Request, *, language: str = "de", **facts: Any) -> PageRequest:  # noqa: ANN401 - a site's
    """Return what a page sends for *request*."""
    headers = {"User-Agent": "Chrome", "Accept-Language": language, "DNT": "1", "X-Held": "1"}
    session = make_session(ORIGIN, headers=headers, url=f"{ORIGIN}/home")
    return build_page_request(Site(f"{ORIGIN}/", **facts), session, request, URL(f"{ORIGIN}{request.url}"))


def test_a_request_is_sent_with_what_the_browser_does_not_send_itself() -> None:
    built = build(Request("POST", "/x?a=1#part", {"X-Own": "2"}, b"ab"))
    assert built == PageRequest(
        "POST",
        f"{ORIGIN}/x?a=1",
        [("X-Held", "1"), ("X-Own", "2"), ("Content-Type", "application/octet-stream")],
        base64.b64encode(b"ab").decode(),
        f"{ORIGIN}/home",
    )


def test_what_the_caller_gives_goes_before_the_sessions() -> None:
    own = {"x-held": "mine", "content-type": "text/plain", "Referer": f"{ORIGIN}/mine", "Accept-Language": "xx"}
    built = build(Request("PUT", "/x", own, b"ab"))
    sent = [("x-held", "mine"), ("content-type", "text/plain"), ("Accept-Language", "xx")]
    assert (list(built.headers), built.referrer) == (sent, f"{ORIGIN}/mine")
    assert build(Request("PUT", "/x", {"referer": ""})).referrer == f"{ORIGIN}/home"


def test_a_request_without_a_body_has_no_type() -> None:
    built = build(Request("GET", "/x"))
    assert (list(built.headers), built.body) == ([("X-Held", "1")], None)


@pytest.mark.parametrize("method", ["GET", "HEAD", "get", "head"])
def test_a_body_that_a_page_can_not_send_is_refused_by_name(method: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        build(Request(method, "/x", {}, b"ab"))
    problem = f"a page can't send a body with {method.upper()}; use transport='http'"
    assert (caught.value.name, caught.value.problem) == ("data", problem)
    with pytest.raises(InvalidInput, match="TRACE"):
        build(Request("TRACE", "/x"))


async def test_a_body_is_collected_or_there_is_none() -> None:
    async def pieces(*given: bytes) -> AsyncIterator[bytes]:
        for piece in given:
            yield piece

    bodies = [await collect_body(body) for body in (None, b"", b"ab", pieces(), pieces(b"a", b"b"))]
    assert bodies == [None, None, b"ab", None, b"ab"]
    with pytest.raises(InvalidInput) as caught:
        await collect_body(bytes(64 * 2**20 + 1))
    assert caught.value.name == "data"


@pytest.mark.parametrize("is_stranger", [False, True])
async def test_a_probe_is_asked_by_the_page_with_or_without_its_cookies(
    monkeypatch: pytest.MonkeyPatch, *, is_stranger: bool
) -> None:
    asked: list[tuple[PageRequest, float, bool]] = []
    closed: list[str] = []

    async def send(
        _pages: object, _session: Session, request: PageRequest, timeout_s: float, *, is_trial: bool = False
    ) -> Sent:
        asked.append((request, timeout_s, is_trial))
        exits = AsyncExitStack()
        exits.callback(closed.append, request.url)
        return Sent(HEAD, cast("Any", Body(b"hi")), exits)

    monkeypatch.setattr(page_asking, "send_by_page", send)
    site, session = Site(f"{ORIGIN}/"), make_session(ORIGIN, url=f"{ORIGIN}/home")
    probe = Probe("/me#part", "POST", {"X-Own": "1"}, b"ab")
    async with open_page_asker(cast("Any", None), site, session) as asker:
        answer = await asker.ask(probe, None if is_stranger else session)
    wanted = PageRequest("POST", f"{ORIGIN}/me", [("X-Own", "1")], "YWI=", f"{ORIGIN}/home", not is_stranger)
    assert (asked, closed) == ([(wanted, READ_TIMEOUT_S, True)], [f"{ORIGIN}/me"])
    assert (answer.status, answer.body, answer.set_cookies) == (200, b"hi", ("a=1", "b=2"))
    assert answer.reason == "OK[31m"


class Body:
    """A body in pieces, and then an error or its end."""

    def __init__(self, *pieces: bytes, then: Exception | None = None) -> None:
        self.left = list(pieces)
        self._then = then

    async def read(self) -> bytes:
        if self.left:
            return self.left.pop(0)
        if self._then is not None:
            raise self._then
        return b""


def make_response(body: Body) -> PageResponse:
    sent = Sent(HEAD, cast("Any", body), AsyncExitStack())
    return PageResponse(URL(f"{ORIGIN}/x?t=s3cret"), sent, cast("Any", None), 5.0)


async def test_looking_ahead_takes_as_much_as_is_needed_and_nothing_away() -> None:
    body = Body(b"abc", b"def", b"ghi")
    response = make_response(body)
    assert await response.peek(6, 10.0) == b"abcdef"
    assert body.left == [b"ghi"]
    assert await response.peek(4, 10.0) == b"abcd"
    assert b"".join([piece async for piece in response]) == b"abcdefghi"
    assert response.reason == "OK[31m"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (FetchFailed("ERR_CONNECTION_RESET"), ConnectionFailed),
        (PageLost("it crashed"), StreamInterrupted),
        (TimeoutError(), AnswerTimeout),
    ],
)
async def test_what_breaks_off_is_an_error_for_its_reader_only(error: Exception, kind: type[ChatError]) -> None:
    response = make_response(Body(b"abc", then=error))
    assert await response.peek(6, 10.0) == b"abc"
    assert await anext(response) == b"abc"
    with pytest.raises(kind) as caught:
        await anext(response)
    assert caught.value.__cause__ is None


class Tab:
    """A page that is there or lost, and sends what it is given."""

    def __init__(self, lost: str = "", error: Exception | None = None) -> None:
        self.lost = lost
        self._error = error
        self.sent: list[PageRequest] = []
        self.closed = 0

    async def start(self, request: PageRequest) -> "Tab":
        self.sent.append(request)
        return self

    @property
    async def head(self) -> Answered:
        if self._error is not None:
            raise self._error
        return HEAD

    def close(self) -> None:
        self.closed += 1


class Pages:
    """Keeps tabs, and notes who uses them how.

    Attributes:
        uses: in which way, in order.
        left: how many uses are over.
        only: the lane of all requests.
    """

    def __init__(self, *tabs: Tab) -> None:
        self._tabs = list(tabs)
        self.uses: list[str] = []
        self.left = 0
        self.only = Lane(ORIGIN)

    def lane(self, _url: URL) -> Lane:
        return self.only

    @asynccontextmanager
    async def use(self, _session: Session, *, renewed: bool = False) -> AsyncIterator[Tab]:
        self.uses.append("renewed" if renewed else "used")
        try:
            yield self._tabs.pop(0)
        finally:
            self.left += 1

    @asynccontextmanager
    async def try_out(self, _session: Session) -> AsyncIterator[Tab]:
        self.uses.append("tried")
        yield self._tabs.pop(0)


REQUEST = PageRequest("GET", f"{ORIGIN}/x?t=s3cret")


@pytest.mark.parametrize(
    ("options", "use"), [({}, "used"), ({"renewed": True}, "renewed"), ({"is_trial": True}, "tried")]
)
async def test_a_page_that_is_lost_while_its_request_waits_is_replaced(options: dict[str, bool], use: str) -> None:
    gone, fresh = Tab("it crashed"), Tab()
    pages: Any = Pages(gone, fresh)
    sent = await send_by_page(pages, make_session(ORIGIN), REQUEST, 5.0, **options)
    assert (gone.sent, fresh.sent, pages.uses) == ([], [REQUEST], [use, use])
    assert (sent.head, fresh.closed) == (HEAD, 0)
    await sent.aclose()
    assert fresh.closed == 1
    async with AsyncExitStack() as stack:
        for _ in range(100):  # the answer's protocol allows so many, and the place of this one is free again
            await stack.enter_async_context(pages.only.enter())


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (FetchFailed("ERR_CONNECTION_RESET"), ConnectionFailed),
        (PageLost("it crashed"), StreamInterrupted),
        (TimeoutError(), AnswerTimeout),
        (KeyError(), KeyError),
    ],
)
async def test_a_request_without_an_answer_leaves_its_page_and_its_place(
    error: Exception, kind: type[Exception], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    tab = Tab(error=error)
    pages: Any = Pages(tab)
    with pytest.raises(kind):
        await send_by_page(pages, make_session(ORIGIN), REQUEST, 5.0)
    assert (tab.closed, pages.left) == (1, 1)
    async with AsyncExitStack() as stack:
        for _ in range(5):
            await stack.enter_async_context(pages.only.enter())
    assert caplog.text == ""
