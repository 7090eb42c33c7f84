"""A tab that stays open and sends requests: which page it shows, its cookies, and how it ends."""

import asyncio
import os
import signal
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from aiohttp import web
from selenium.common.exceptions import JavascriptException, TimeoutException, WebDriverException
from yarl import URL

from aura_browser.engine import Chrome
from aura_browser.errors import BrowserDied, PageFailed
from aura_browser.session import Cookie
from aura_browser.webdriver.browsers.chrome import open_chrome
from aura_browser.webdriver.cdp.connection import CommandRefused
from aura_browser.webdriver.cdp.driver import CdpDriver
from aura_browser.webdriver.cdp.messages import Malformed, Message
from aura_browser.webdriver.deadline import Deadline
from aura_browser.webdriver.fetching.cookies import delete_cookies, read_cookies, replace_cookies, set_cookies
from aura_browser.webdriver.fetching.events import parse_said
from aura_browser.webdriver.fetching.opening import open_tab, put_session, telling_ends
from aura_browser.webdriver.fetching.stream import PageLost
from aura_browser.webdriver.fetching.tab import FetchTab, PageRequest
from aura_browser.webdriver.options import BrowserOptions
from tests.parts.own_browsers import list_browsers
from tests.parts.ports import free_port
from tests.parts.servers import Handler, page, serving
from tests.parts.sessions import make_cookie, make_session
from tests.parts.waiting import eventually

pytestmark = pytest.mark.chrome

_LASTS_S = 300.0
_SOON_S = 15.0


@pytest.fixture(scope="module")
def chrome() -> Iterator[CdpDriver]:
    """Run one Chrome for the file."""
    with open_chrome(Chrome(), BrowserOptions(Deadline(_LASTS_S))) as driver:
        yield driver


async def show(chrome: CdpDriver, url: str, *, is_static: bool = False, seconds: float = _SOON_S) -> FetchTab:
    """Open the page in the browser's tab."""
    loop, deadline = asyncio.get_running_loop(), Deadline(seconds)
    return await asyncio.to_thread(open_tab, chrome, URL(url), deadline, loop, is_static=is_static)


def answering(**pages: Handler) -> Handler:
    """Answer at the paths of these names, and with a plain page at each other."""

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        return await pages.get(request.path.strip("/").partition(".")[0], page())(request)

    return handle


def redirect(to: str) -> Handler:
    async def handle(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": to})

    return handle


async def never(_request: web.BaseRequest) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError


def cookie(name: str, value: str = "1", **facts: object) -> Cookie:
    return make_cookie(name, value, **facts)


async def test_new_cookies_take_the_place_of_the_sites_own_and_of_no_others(chrome: CdpDriver) -> None:
    async with serving(page()) as (_server, origin):
        tab = await show(chrome, origin)
        other = cookie("of another site", domain="other.test")
        await set_cookies(tab, [cookie("old"), cookie("same", "before"), other])
        await replace_cookies(tab, [cookie("same", "after"), cookie("new", http_only=True)], URL(origin))
        found = {each.name: each for each in await read_cookies(tab, URL(origin))}
        assert {name: each.value for name, each in found.items()} == {"same": "after", "new": "1"}
        assert found["new"].http_only
        assert [each.name for each in await read_cookies(tab, URL("http://other.test"))] == ["of another site"]


async def test_a_cookie_is_deleted_and_no_other_of_its_name(chrome: CdpDriver) -> None:
    parted = cookie("sid", partition_key="http://127.0.0.1", has_cross_site_ancestor=False, secure=True)
    named = [cookie("sid"), cookie("sid", path="/deep"), parted, cookie("other")]
    async with serving(page()) as (_server, origin):
        tab = await show(chrome, origin)
        for deleted in named:
            await replace_cookies(tab, named, URL(origin))
            await delete_cookies(tab, [deleted])
            left = {each.identity for each in await read_cookies(tab, URL(origin))}
            assert left == {each.identity for each in named} - {deleted.identity}


async def test_a_cookie_that_chrome_refuses_keeps_no_other_from_being_set(chrome: CdpDriver) -> None:
    async with serving(page()) as (_server, origin):
        tab = await show(chrome, origin)
        await replace_cookies(tab, [cookie("first"), cookie("long", "x" * 5000), cookie("last")], URL(origin))
        assert {each.name for each in await read_cookies(tab, URL(origin))} == {"first", "last"}


async def test_where_the_static_page_is_a_download_the_sites_own_is_shown(chrome: CdpDriver) -> None:
    async def download(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(body=b"x", headers={"Content-Disposition": "attachment"})

    async with serving(answering(robots=download)) as (server, origin):
        tab = await show(chrome, f"{origin}/app", is_static=True)
        assert tab.place.origin == origin
        paths = [request.path for request in server.seen if request.path != "/favicon.ico"]
    assert paths == ["/robots.txt", "/app"]


async def test_where_nothing_listens_chromes_code_is_said(chrome: CdpDriver) -> None:
    with pytest.raises(PageFailed, match="ERR_CONNECTION_REFUSED") as caught:
        await show(chrome, f"http://127.0.0.1:{free_port()}/?key=s3cret", is_static=True)
    assert "s3cret" not in str(caught.value)


class Navigation:
    """A driver's stand-in, which answers each navigation, and each look at the page, with the next of these."""

    def __init__(self, navigations: Sequence[object], looks: Sequence[object] = ()) -> None:
        self.asked: list[tuple[str, object]] = []
        self._navigations, self._looks = list(navigations), list(looks)

    def execute_cdp_cmd(self, command: str, arguments: dict[str, object]) -> object:
        self.asked.append((command, arguments))
        return self._navigations.pop(0) if command == "Page.navigate" else {}

    def execute_script(self, _script: str) -> object:
        look = self._looks.pop(0)
        if isinstance(look, Exception):
            raise look
        return look


def fail_to_show(driver: Any, *, seconds: float = 60) -> PageFailed:  # noqa: ANN401 - a stand-in
    with pytest.raises(PageFailed) as caught:
        open_tab(driver, URL("https://a.example/app?b=1"), Deadline(seconds), Any, is_static=True)  # type: ignore[arg-type]
    return caught.value


@pytest.mark.parametrize(
    ("code", "is_tried_again"),
    [
        ("ERR_ABORTED", True),
        ("ERR_HTTP_RESPONSE_CODE_FAILURE", True),
        ("ERR_INVALID_RESPONSE", True),
        ("ERR_FAILED", True),
        ("ERR_CONNECTION_REFUSED", False),
        ("ERR_NAME_NOT_RESOLVED", False),
    ],
)
def test_where_one_page_fails_the_other_is_shown_unless_it_is_the_connection(
    code: str,
    is_tried_again: bool,  # noqa: FBT001 - from the table above
) -> None:
    driver = Navigation([{"errorText": f"net::{code}"}] * 2)
    failed = fail_to_show(driver)
    assert (failed.url, failed.code) == ("https://a.example/app", code)
    shown = ["https://a.example/robots.txt", "https://a.example/app?b=1"]
    assert driver.asked == [
        ("Page.setBypassCSP", {"enabled": True}),
        ("Network.setBypassServiceWorker", {"bypass": True}),
        *(("Page.navigate", {"url": url}) for url in shown[: 1 + is_tried_again]),
    ]


def test_a_page_is_looked_at_until_it_is_there() -> None:
    looks = [["loading", "https://a.example"], ["complete", "null"], ["complete", "://"], None]
    between = [TimeoutException(), JavascriptException()]
    elsewhere = ["interactive", "https://b.example"]
    driver = Navigation([{}, {}], [*looks, *between, elsewhere, elsewhere])
    assert fail_to_show(driver).code == "its pages lead to another address"
    assert driver._looks == []


def test_a_page_for_which_no_time_is_left_did_not_finish() -> None:
    assert fail_to_show(Navigation([{}, {}]), seconds=0).code == "it did not finish loading"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (WebDriverException("disconnected: x\n  (stack)"), "disconnected: x"),
        (WebDriverException("the connection to Chrome ended"), "it ended before its page was open"),
        (ConnectionResetError("s3cret"), "ConnectionResetError"),
        (WebDriverException(), "WebDriverException"),
    ],
)
def test_why_a_browser_ended_before_its_page_was_open_is_said(error: Exception, reason: str) -> None:
    with pytest.raises(BrowserDied) as caught, telling_ends("https://ann:s3cret@a.example/x?b=s3cret"):
        raise error
    assert (caught.value.url, caught.value.reason) == ("https://a.example/x", reason)


@pytest.mark.parametrize(("rotated_at", "is_set"), [(None, False), (5.0, True)])
def test_a_profile_that_is_kept_gets_the_cookies_that_answers_have_changed(
    rotated_at: float | None,
    is_set: bool,  # noqa: FBT001 - from the table above
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Profile:
        def execute_cdp_cmd(self, command: str, _arguments: object) -> object:
            asked.append(command)
            return {"cookies": []}

    asked: list[str] = []
    driver: Any = Profile()
    put_session(driver, make_session(rotated_at=rotated_at), Deadline(9), is_new=False)
    assert asked == (["Network.setCookies", "Network.getAllCookies"] if is_set else [])
    told = "The page works without this part of the session: cookie sid of 127.0.0.1: Chrome dropped it"
    assert [message.startswith(told) for message in caplog.messages] == [True] * is_set


async def test_a_site_whose_pages_all_lead_elsewhere_is_said(chrome: CdpDriver) -> None:
    async with serving(page()) as (_there, other):
        away = redirect(other)
        async with serving(answering(robots=away, app=away)) as (_server, origin):
            with pytest.raises(PageFailed, match="its pages lead to another address"):
                await show(chrome, f"{origin}/app", is_static=True)


async def test_a_page_that_never_finishes_loading_is_said_so(chrome: CdpDriver) -> None:
    async def endless(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/html"})
        await response.prepare(request)
        await response.write(b"<!doctype html><body><p>Hello" + b" " * 4096)
        await asyncio.Event().wait()
        return response

    async with serving(endless) as (_server, origin):
        with pytest.raises(PageFailed, match="it did not finish loading"):
            await show(chrome, origin, seconds=0.5)


async def test_a_site_that_does_not_answer_is_no_browser_that_ended(
    chrome: CdpDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(answering(app=never)) as (_server, origin):
        monkeypatch.setattr(chrome, "_deadline", Deadline(0.5))
        with pytest.raises(PageFailed, match=r"it did not answer within 0\.5 s") as caught:
            await show(chrome, f"{origin}/app?key=s3cret", seconds=0.5)
        assert "s3cret" not in str(caught.value)


async def test_a_page_that_is_cancelled_in_the_middle_of_a_start_has_no_request_left(chrome: CdpDriver) -> None:
    async with serving(answering(one=never)) as (_server, origin):
        tab = await show(chrome, origin)
        starting = asyncio.ensure_future(tab.start(PageRequest("GET", f"{origin}/one")))
        await asyncio.sleep(0)  # it has begun
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting
        async with asyncio.timeout(_SOON_S):
            await tab.wait_until_idle()
        stream = await tab.start(PageRequest("GET", f"{origin}/two"))
        assert (await stream.head).status == 200
        stream.close()


async def test_a_frame_of_the_page_may_go_elsewhere_and_the_page_itself_may_not(chrome: CdpDriver) -> None:
    framed = "<iframe src=/inner></iframe><script>onmessage = () => { document.title = 'heard' }</script>"
    inner = "<script>if (location.search) parent.postMessage(1, '*')</script>"
    async with serving(answering(app=page(framed), inner=page(inner))) as (server, origin):
        tab = await show(chrome, f"{origin}/app")
        await asyncio.to_thread(chrome.execute_script, "document.querySelector('iframe').src = '/inner?again'")
        title = "return document.title"
        await eventually(lambda: asyncio.to_thread(chrome.execute_script, title), _SOON_S)
        stream = await tab.start(PageRequest("GET", f"{origin}/one"))
        assert (await stream.head).status == 200
        assert tab.lost == ""
        told: list[str] = []
        tab.when_lost(lambda: told.append(tab.lost))
        await asyncio.to_thread(chrome.get, f"{origin}/elsewhere")
        await eventually(lambda: told, _SOON_S)
        assert told == ["it went to another address"]
        with pytest.raises(PageLost, match="it went to another address"):
            await tab.start(PageRequest("GET", f"{origin}/late"))
        stream.close()
    assert "/late" not in [request.path for request in server.seen]


async def test_a_script_that_is_gone_is_a_page_that_does_not_answer(chrome: CdpDriver) -> None:
    async with serving(page()) as (_server, origin):
        tab = await show(chrome, origin)
        gone = FetchTab(chrome.connection, replace(tab.place, script="1.2.3"), asyncio.get_running_loop())
        with pytest.raises(PageLost, match="it does not answer"):
            await gone.start(PageRequest("GET", origin))
        assert gone.lost == "it does not answer"


async def test_what_chrome_refuses_is_no_lost_page(chrome: CdpDriver) -> None:
    async with serving(page()) as (_server, origin):
        tab = await show(chrome, origin)
        with pytest.raises(CommandRefused, match=r"Storage\.no"):
            await tab.ask("Storage.no")
        assert tab.lost == ""


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("Target.detachedFromTarget", {"sessionId": 1}),
        ("Target.detachedFromTarget", {"sessionId": "of another tab"}),
        ("Runtime.bindingCalled", {"name": 1}),
        ("Runtime.bindingCalled", {"name": "of another", "payload": "1 end"}),
        ("Runtime.bindingCalled", {"name": "", "payload": "what our script never says"}),
        ("Network.responseReceived", {"requestId": 1}),
        ("Network.somethingNew", {}),
    ],
)
async def test_an_event_that_says_nothing_of_the_page_changes_nothing(
    chrome: CdpDriver, method: str, params: dict[str, object]
) -> None:
    async with serving(page("<p>Hello")) as (_server, origin):
        tab = await show(chrome, origin)
        if params.get("name") == "":
            params = params | {"name": tab.place.binding}
        tab.hear(Message(method=method, params=msgspec.Raw(msgspec.json.encode(params)), session=tab.place.session))
        stream = await tab.start(PageRequest("GET", origin))
        assert (await stream.head).status == 200
        assert b"Hello" in await stream.read()
        stream.close()
        assert tab.lost == ""


@pytest.mark.parametrize(
    "said", ["", "1", "1 other", "1 head {}", "1 head x", "1 data ?", "1 data YQ", "1 data é", "1 data Y!Q==", "Ü end"]
)
def test_what_our_script_never_says_is_not_taken(said: str) -> None:
    with pytest.raises(Malformed, match="our script never says"):
        parse_said(said)


async def test_headers_of_requests_that_are_not_ours_are_not_kept_for_ever(chrome: CdpDriver) -> None:
    async with serving(page()) as (_server, origin):
        tab = await show(chrome, origin)
        for number in range(2000):
            params = msgspec.Raw(msgspec.json.encode({"requestId": f"x{number}", "headers": {"X": "1"}}))
            method = "Network.responseReceivedExtraInfo"
            tab.hear(Message(method=method, params=params, session=tab.place.session))
        await eventually(lambda: "x1999" in tab._unknown, _SOON_S)
        assert len(tab._unknown) < 500


async def test_a_browser_that_ends_ends_its_page_and_what_is_asked_of_it() -> None:
    def run(handle: "asyncio.Future[FetchTab]", origin: str, may_end: asyncio.Event) -> None:
        loop = handle.get_loop()
        with open_chrome(Chrome(), BrowserOptions(Deadline(60))) as driver:
            tab = open_tab(driver, URL(origin), Deadline(_SOON_S), loop, is_static=False)
            loop.call_soon_threadsafe(handle.set_result, tab)
            asyncio.run_coroutine_threadsafe(may_end.wait(), loop).result(_SOON_S)
            with pytest.raises(BrowserDied, match=r"it ended before its page was open\. Try again"):
                put_session(driver, make_session(origin), Deadline(_SOON_S), is_new=True)

    async with serving(answering(never=never)) as (_server, origin):
        opened: asyncio.Future[FetchTab] = asyncio.get_running_loop().create_future()
        before, may_end = {each.pid for each in list_browsers()}, asyncio.Event()
        running = asyncio.ensure_future(asyncio.to_thread(run, opened, origin, may_end))
        tab = await opened
        stream = await tab.start(PageRequest("GET", f"{origin}/never"))
        [own] = [each.pid for each in list_browsers() if each.pid not in before]
        os.killpg(own, signal.SIGKILL)
        with pytest.raises(PageLost, match="its browser ended"):
            await stream.head
        with pytest.raises(PageLost, match="its browser ended"):
            await tab.ask("Network.getAllCookies")
        may_end.set()
        await running
