"""What a page and its browser say of one response, in any order."""

import asyncio
import gc
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from multidict import CIMultiDict
from yarl import URL

from aura_browser.session import Cookie, Session
from aura_browser.webdriver.cdp.connection import CdpError
from aura_browser.webdriver.cdp.messages import Message
from aura_browser.webdriver.fetching.events import (
    Fact,
    Failed,
    Head,
    Headers,
    Received,
    Response,
    Said,
    Sent,
    parse_event,
    parse_said,
)
from aura_browser.webdriver.fetching.held_page import HeldPage
from aura_browser.webdriver.fetching.script import PIECE_BYTES
from aura_browser.webdriver.fetching.stream import Answered, FetchFailed, PageLost, PageStream, decode_text
from aura_browser.webdriver.fetching.tab import FetchTab, PageRequest, Place
from aura_browser.webdriver.restore import build_raw_cookie
from tests.parts.sessions import make_cookie, make_session

JOINED = Received("1", Response(200, headers={"X-Twice": "1, 2"}), has_headers=True)
APART = Headers("1", {"X-Twice": "1\n2"})
HEAD = Said("1", "head", Head(200, "OK", "basic"))
END = Said("1", "end", "")


def make_stream() -> PageStream:
    return PageStream(lambda _: None, lambda: None)


async def read_head(stream: PageStream) -> Answered:
    async with asyncio.timeout(10):
        return await stream.head


@pytest.mark.parametrize("facts", [(JOINED, APART), (APART, JOINED)])
async def test_a_body_that_ends_before_the_browser_has_spoken_loses_no_header(
    facts: tuple[Received | Headers, ...],
) -> None:
    stream = make_stream()
    stream.take_said(HEAD)
    stream.take_said(END)
    for fact in facts:
        assert not stream.is_over
        stream.take_fact(fact)
    assert stream.is_over
    head = await read_head(stream)
    assert (head.status, head.headers.getall("x-twice")) == (200, ["1", "2"])
    assert await stream.read() == b""


async def test_raw_headers_that_never_come_are_waited_for_for_a_moment_only() -> None:
    stream = make_stream()
    for said in (HEAD, END):
        stream.take_said(said)
    stream.take_fact(JOINED)
    assert (await read_head(stream)).headers.getall("x-twice") == ["1, 2"]


async def test_a_page_that_is_lost_before_the_beginning_is_known_fails_the_response() -> None:
    stream = make_stream()
    stream.take_said(HEAD)
    stream.end(PageLost("it crashed"))
    with pytest.raises(PageLost, match="it crashed"):
        await read_head(stream)


async def test_the_page_is_told_of_each_byte_that_was_read_once() -> None:
    freed: list[int] = []
    stream = PageStream(freed.append, lambda: None)
    for size in (PIECE_BYTES - 1, 1, PIECE_BYTES, 1):
        stream.take_said(Said("1", "data", b"x" * size))
        assert len(await stream.read()) == size
    assert freed == [PIECE_BYTES, PIECE_BYTES], "a piece is told of when it was read, not before"


async def test_nothing_waits_once_it_is_closed() -> None:
    stream = make_stream()
    for said in (HEAD, END):
        stream.take_said(said)
    stream.close()
    stream.take_fact(APART)
    assert stream._timer is None


async def test_an_end_without_a_beginning_is_a_failure() -> None:
    stream = make_stream()
    stream.take_said(END)
    with pytest.raises(FetchFailed):
        await read_head(stream)


@pytest.mark.parametrize("order", ["the page first", "the browser first"])
async def test_a_failure_has_the_browsers_reason_whoever_speaks_first(order: str) -> None:
    stream = make_stream()
    failed, said = Failed("1", "net::ERR_FAILED", "csp"), Said("1", "fail", "TypeError")
    if order == "the page first":
        stream.take_said(said)
        stream.take_fact(failed)
    else:
        stream.take_fact(failed)
        stream.take_said(said)
    with pytest.raises(FetchFailed) as caught:
        await read_head(stream)
    assert (caught.value.code, caught.value.blocked) == ("ERR_FAILED", "csp")


async def test_a_reason_that_never_comes_is_waited_for_for_a_moment_only() -> None:
    stream = make_stream()
    stream.take_said(Said("1", "fail", "TypeError"))
    with pytest.raises(FetchFailed) as caught:
        await read_head(stream)
    assert (caught.value.code, caught.value.blocked) == ("", "")


async def test_nothing_is_added_to_a_response_that_is_over() -> None:
    stops: list[str] = []
    stream = PageStream(lambda _: None, lambda: stops.append("stop"))
    stream.take_fact(JOINED)
    stream.take_fact(APART)
    stream.take_said(HEAD)
    stream.take_said(Said("1", "data", b"all of it"))
    stream.take_said(END)
    stream.take_said(Said("1", "data", b" and more"))
    stream.end(PageLost("it crashed"))
    assert await stream.read() == b"all of it"
    assert await stream.read() == b""
    stream.close()
    assert stops == []  # nothing is left in the page to be ended


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("plain", "plain"),
        ("Grüße €".encode().decode("latin-1"), "Grüße €"),
        ("Grüße \u201a".encode().decode("cp1252"), "Grüße \u201a"),
        ("Gr\xfc\xdfe", "Grüße"),
        ("\u4e2d", "\u4e2d"),
    ],
)
def test_a_headers_bytes_are_read_as_utf_8_where_they_are_that(given: str, text: str) -> None:
    assert decode_text(given) == text


@pytest.mark.parametrize(
    ("kind", "said", "event"),
    [
        (Received, {"requestId": "1", "response": {"status": 200}}, Received("1", Response(200, "", {}, ""))),
        (
            Received,
            {
                "requestId": "1",
                "response": {"status": 200, "statusText": "Fine", "headers": {"A": "b"}, "protocol": "h2"},
                "hasExtraInfo": True,
            },
            Received("1", Response(200, "Fine", {"A": "b"}, "h2"), has_headers=True),
        ),
        (Failed, {"requestId": "1"}, Failed("1", "", "")),
        (
            Failed,
            {"requestId": "1", "errorText": "net::ERR_X", "blockedReason": "csp"},
            Failed("1", "net::ERR_X", "csp"),
        ),
        (Headers, {"requestId": "1", "headers": {"A": "b"}}, Headers("1", {"A": "b"})),
        (Headers, {"requestId": "1"}, None),
        (Received, {"requestId": "1", "response": {}}, None),
    ],
)
def test_an_event_is_read_with_what_it_says_only(kind: type[Fact], said: dict[str, object], event: Fact | None) -> None:
    found = parse_event(msgspec.Raw(msgspec.json.encode(said)), kind)
    assert found == event
    if isinstance(found, Received):
        assert (found.has_headers, found.response.headers) == ("hasExtraInfo" in said, dict(found.response.headers))


def test_a_request_is_read_with_the_response_that_led_to_it() -> None:
    said: dict[str, object] = {"requestId": "1", "request": {"urlFragment": "#a"}}
    first = parse_event(msgspec.Raw(msgspec.json.encode(said)), Sent)
    assert first is not None
    assert (first.id, first.request.fragment, first.redirect, first.has_headers) == ("1", "#a", None, False)
    said |= {"redirectResponse": {"status": 302}, "redirectHasExtraInfo": True}
    later = parse_event(msgspec.Raw(msgspec.json.encode(said)), Sent)
    assert later is not None
    assert (later.redirect, later.has_headers) == (Response(302), True)


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        ('1 head {"status": 200, "reason": "OK", "type": "basic"}', HEAD),
        ("1 data aGk=", Said("1", "data", b"hi")),
        ("1 end", END),
        ("1 fail TypeError", Said("1", "fail", "TypeError")),
        ("1 fail one\ntwo", Said("1", "fail", "one\ntwo")),
    ],
)
def test_what_our_script_says_is_read(payload: str, said: Said) -> None:
    assert parse_said(payload) == said


async def test_a_redirects_status_and_headers_are_those_that_the_browser_tells() -> None:
    stream = make_stream()
    moved = Response(302, "Found", {"Location": "/x"}, "h2")
    redirect = msgspec.json.decode(b'{"requestId": "1", "request": {}}', type=Sent)
    stream.take_fact(msgspec.structs.replace(redirect, redirect=moved))
    stream.take_fact(Received("1", Response(200, "OK")))
    stream.take_said(Said("1", "head", Head(0, "", "opaqueredirect")))
    head = await read_head(stream)
    assert (head.status, head.reason, dict(head.headers), head.protocol) == (302, "Found", {"Location": "/x"}, "h2")


async def test_a_response_of_which_the_browser_says_nothing_is_what_the_page_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("aura_browser.webdriver.fetching.stream._HEADERS_TIMEOUT_S", 0.01)
    stream = make_stream()
    stream.take_said(HEAD)
    assert not stream.head.done()
    assert await read_head(stream) == Answered(200, "OK", CIMultiDict(), "")


async def test_a_response_that_is_closed_is_stopped_once_and_nobody_waits_for_it() -> None:
    stops: list[str] = []
    freed: list[int] = []
    stream = PageStream(freed.append, lambda: stops.append("stop"))
    stream.take_said(Said("1", "data", b"dropped"))
    stream.close()
    stream.close()
    assert (stops, stream.head.cancelled() or stream.head.done()) == (["stop"], True)
    with pytest.raises(FetchFailed) as caught:
        await stream.read()
    assert (caught.value.code, caught.value.blocked, str(caught.value)) == ("ERR_ABORTED", "", "ERR_ABORTED")


async def test_the_page_is_not_told_of_bytes_once_all_have_come() -> None:
    freed: list[int] = []
    stream = PageStream(freed.append, lambda: None)
    for said in (HEAD, Said("1", "data", b"x" * PIECE_BYTES), Said("1", "data", b"y"), END):
        stream.take_said(said)
    assert await stream.read() == b"x" * PIECE_BYTES + b"y"
    assert freed == []


@pytest.mark.parametrize("said", [Said("1", "data", b"late"), END])
async def test_who_waits_for_bytes_is_woken_by_them_and_by_the_end(said: Said) -> None:
    stream = make_stream()
    for fact in (JOINED, APART):
        stream.take_fact(fact)
    stream.take_said(HEAD)
    reading = asyncio.create_task(stream.read())
    await asyncio.sleep(0)
    stream.take_said(said)
    async with asyncio.timeout(10):
        assert await reading == (b"late" if said is not END else b"")


async def test_a_response_that_fails_with_nobody_waiting_is_no_ones_matter(caplog: pytest.LogCaptureFixture) -> None:
    make_stream().end(PageLost("it crashed"))
    gc.collect()
    assert caplog.messages == []


class Chrome:
    """A connection's stand-in: it notes what is asked and sent."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, object]] = []
        self.tells: list[Callable[[], None]] = []
        self.error: Exception | None = None

    def when_lost(self, tell: Callable[[], None]) -> None:
        self.tells.append(tell)

    def send(self, method: str, params: dict[str, object], *, session: str) -> None:
        self.heard.append((f"{session} {method} {params.get('functionDeclaration')}", params.get("arguments")))

    async def ask(self, method: str, params: dict[str, object], *, session: str, timeout_s: float) -> object:
        assert timeout_s == 10
        self.send(method, params, session=session)
        if self.error is not None:
            raise self.error
        return {}


def make_tab() -> tuple[Any, Chrome]:
    chrome: Any = Chrome()
    place = Place("S", "script", "bind", "h2", "https://a.example")
    return FetchTab(chrome, place, asyncio.get_running_loop()), chrome


async def hear(tab: FetchTab, method: str, session: str = "S", **params: object) -> None:
    tab.hear(Message(method=method, params=msgspec.Raw(msgspec.json.encode(params)), session=session))
    await asyncio.sleep(0)


async def test_a_request_is_sent_through_our_script_with_all_that_it_has() -> None:
    tab, chrome = make_tab()
    await tab.start(PageRequest("GET", "https://a.example/x"))
    stream = await tab.start(
        PageRequest("POST", "https://a.example/y", [("A", "b")], "aGk=", "https://a.example/z", has_cookies=False)
    )
    start = "S Runtime.callFunctionOn function() { this.start(...arguments); }"
    plain: dict[str, object] = {"method": "GET", "url": "https://a.example/x", "headers": [], "body": None}
    full: dict[str, object] = {"method": "POST", "url": "https://a.example/y", "headers": [["A", "b"]], "body": "aGk="}
    expected = [
        (start, "bind1", plain | {"credentials": "include", "referrer": ""}),
        (start, "bind2", full | {"credentials": "omit", "referrer": "https://a.example/z"}),
    ]
    assert chrome.heard == [(code, [{"value": number}, {"value": request}]) for code, number, request in expected]
    chrome.heard.clear()
    await hear(tab, "Runtime.bindingCalled", name="bind", payload=f"bind2 data {'eHh4' * (PIECE_BYTES // 3 + 1)}")
    size = len(await stream.read())
    stream.close()
    assert chrome.heard == [
        (start.replace("start", "free"), [{"value": "bind2"}, {"value": size}]),
        (start.replace("start", "stop"), [{"value": "bind2"}]),
    ]


async def test_raw_headers_that_come_before_their_request_are_its() -> None:
    tab, _ = make_tab()
    stream = await tab.start(PageRequest("GET", "https://a.example/x"))
    await hear(tab, "Network.responseReceivedExtraInfo", requestId="7", headers={"X-Twice": "1\n2"})
    await hear(tab, "Network.requestWillBeSent", requestId="7", request={"urlFragment": "#bind1"})
    await hear(tab, "Network.responseReceived", requestId="7", response={"status": 200}, hasExtraInfo=True)
    await hear(tab, "Runtime.bindingCalled", name="bind", payload='bind1 head {"status":200,"reason":"","type":""}')
    assert (await read_head(stream)).headers.getall("X-Twice") == ["1", "2"]


@pytest.mark.parametrize(
    ("method", "session", "params", "reason"),
    [
        ("Target.detachedFromTarget", "", {"sessionId": "S"}, "it was closed"),
        ("Inspector.targetCrashed", "S", {}, "it crashed"),
        ("Page.frameNavigated", "S", {"frame": {}}, "it went to another address"),
        ("Page.frameNavigated", "S", {"frame": {"parentId": "F"}}, ""),
        ("Inspector.targetCrashed", "of another tab", {}, ""),
    ],
)
async def test_why_a_page_is_gone_is_said_once(
    method: str, session: str, params: dict[str, object], reason: str
) -> None:
    tab, chrome = make_tab()
    told: list[str] = []
    tab.when_lost(lambda: told.append(tab.lost))
    stream = await tab.start(PageRequest("GET", "https://a.example/x"))
    await hear(tab, method, session, **params)
    assert (tab.lost, told) == (reason, [reason] if reason else [])
    if reason:
        chrome.tells[0]()  # its browser ends too
        await asyncio.sleep(0)
        assert told == [reason]
        await tab.wait_until_idle()
        with pytest.raises(PageLost, match=reason):
            await stream.head
        chrome.heard.clear()
        stream.close()
        assert chrome.heard == [], "there is nothing to be stopped"


async def test_a_page_is_idle_once_its_last_request_has_ended() -> None:
    tab, _ = make_tab()
    for _ in range(2):
        await tab.start(PageRequest("GET", "https://a.example/x"))
    idle = asyncio.create_task(tab.wait_until_idle())
    await hear(tab, "Runtime.bindingCalled", name="bind", payload="bind2 end")
    await asyncio.sleep(0)
    assert not idle.done()
    await hear(tab, "Runtime.bindingCalled", name="bind", payload="bind1 fail TypeError")
    async with asyncio.timeout(10):
        await idle


async def test_a_page_that_does_not_answer_is_lost_with_all_its_requests() -> None:
    tab, chrome = make_tab()
    first = await tab.start(PageRequest("GET", "https://a.example/x"))
    chrome.error = CdpError("no answer")
    with pytest.raises(PageLost, match="it does not answer"):
        await tab.ask("Network.getAllCookies")
    assert tab.lost == "", "a command may fail"
    with pytest.raises(PageLost, match="it does not answer"):
        await tab.start(PageRequest("GET", "https://a.example/x"))
    with pytest.raises(PageLost, match="it does not answer"):
        await first.head
    await tab.wait_until_idle()


class Tab:
    """A page's stand-in, whose browser has these cookies."""

    def __init__(self, *cookies: Cookie) -> None:
        self.cookies = cookies
        self.sent: list[PageRequest] = []
        self.events: list[str] = []

    async def ask(self, _method: str) -> object:
        return {"cookies": [_raw(each) for each in self.cookies]}

    async def start(self, request: PageRequest) -> PageStream:
        self.sent.append(request)
        stream = PageStream(lambda _: None, lambda: self.events.append("stopped"))
        stream.end(FetchFailed("ERR_X"))
        return stream

    async def wait_until_idle(self) -> None:
        self.events.append("idle")

    def lose(self, reason: str) -> None:
        self.events.append(reason)

    async def aclose(self) -> None:
        self.events.append("closed")


def _raw(cookie: Cookie) -> dict[str, object]:
    facts: dict[str, object] = build_raw_cookie(cookie)
    return {"httpOnly": False, **facts, "size": len(cookie.name + cookie.value), "session": cookie.expires is None}


def hold(session: Session, *cookies: Cookie) -> tuple[HeldPage, Tab]:
    tab: Any = Tab(*cookies)
    return HeldPage(tab, tab, session), tab


def test_a_session_of_a_later_harvest_takes_the_place_of_what_a_page_holds() -> None:
    held, _ = hold(make_session(generation=5))
    for generation, harvested_at, is_before in [
        (5, 1000.0, False),
        (9, 1000.0, False),
        (4, 2.0, False),
        (5, 2.0, True),
    ]:
        session = make_session(generation=generation, harvested_at=harvested_at)
        assert held.is_of(session) is (harvested_at == 1000.0)
        assert held.is_before(session) is is_before


async def test_a_page_sends_one_request_before_a_renewal_whatever_is_answered() -> None:
    held, tab = hold(make_session())
    await held.touch(URL("https://a.example/x?a=1#top"))
    assert tab.sent == [PageRequest("GET", "https://a.example/x?a=1")]


@pytest.mark.parametrize(
    ("now", "is_change"),
    [({}, False), ({"value": "new"}, True), ({"expires": 2e9}, True), ({"http_only": True}, False)],
)
async def test_another_value_or_end_of_a_cookie_is_a_change(
    monkeypatch: pytest.MonkeyPatch, now: dict[str, object], *, is_change: bool
) -> None:
    monkeypatch.setattr("aura_browser.webdriver.fetching.held_page.CHANGE_TIMEOUT_S", 0.02)
    before, after = make_cookie("sid", "old"), make_cookie(**({"name": "sid", "value": "old"} | now))  # type: ignore[arg-type]
    held, _ = hold(make_session(cookies=(before,)), after)
    async with asyncio.timeout(10):
        found = await held.wait_for_change()
    assert (found is not None) is is_change


async def test_a_page_that_is_retired_waits_and_one_that_is_closed_does_not() -> None:
    for way, events in ("retire", ["idle", "closed"]), ("aclose", ["not needed", "closed"]):
        held, tab = hold(make_session())
        await (held.retire() if way == "retire" else held.aclose("not needed"))
        assert tab.events == events
