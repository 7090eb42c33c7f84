"""The page that sends requests: what only a page can't do, how it is lost and replaced, and when it is closed."""

import asyncio
import logging
import os
import re
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from yarl import URL

from aura_browser import AuraClient, Chrome, Probe, Site, SiteClient, openchat_site
from aura_browser.errors import ConnectionFailed, InvalidInput, PageFailed, SessionRefused, StreamInterrupted
from aura_browser.http.lanes import Lane
from aura_browser.http.page_errors import convert_error
from aura_browser.http.page_request import build_page_request, collect_body
from aura_browser.http.pages import Pages
from aura_browser.playground import Playground
from aura_browser.request import Request
from aura_browser.session import Session
from aura_browser.webdriver.fetching.stream import FetchFailed, PageLost
from aura_browser.webdriver.proxy_relay.streams import closing
from tests.parts.own_browsers import list_browsers, list_renderers
from tests.parts.servers import Server, page, serving
from tests.parts.sessions import make_cookie, make_session
from tests.parts.shared_pages import SharedPages
from tests.parts.varied_site import VariedSite
from tests.parts.waiting import eventually

HTTP1_LIMIT = 5


@asynccontextmanager
async def using_page(origin: str, **options: Any) -> AsyncIterator[SiteClient]:  # noqa: ANN401 - the client's
    """Yield a client whose requests are sent by a page."""
    given: dict[str, Any] = {"session": make_session(origin), "refresh": "never", "transport": "page"} | options
    async with SiteClient(Site(f"{origin}/", probe=Probe("/me")), **given) as client:
        yield client


@asynccontextmanager
async def serving_varied() -> AsyncIterator[tuple[VariedSite, Server, str]]:
    site = VariedSite()
    async with serving(site.handle) as (server, origin):
        yield site, server, origin


async def read_all(client: SiteClient, path: str) -> bytes:
    async with client.get(path) as response:
        return await response.read()


@pytest.mark.usefixtures("shared_pages")
@pytest.mark.chrome
async def test_five_requests_run_at_once_and_the_next_wait(caplog: pytest.LogCaptureFixture) -> None:
    async with serving_varied() as (site, _server, origin), using_page(origin) as client:
        tasks = [asyncio.create_task(read_all(client, "/held")) for _ in range(12)]
        await eventually(lambda: site.running == HTTP1_LIMIT)
        assert "as many as its browser sends at once" in caplog.text
        cancelled = tasks.pop()  # it waits for its turn
        cancelled.cancel()
        site.release.set()
        assert await asyncio.gather(*tasks) == [b"held "] * 11
        assert site.most == HTTP1_LIMIT
        assert await read_all(client, "/status/200") == b"a text"


async def test_a_lane_admits_those_who_wait_once_the_protocol_allows_more() -> None:
    lane, entered = Lane("https://example.com"), 0
    leave = asyncio.Event()

    async def work() -> None:
        nonlocal entered
        async with lane.enter():
            entered += 1
            await leave.wait()

    tasks = [asyncio.create_task(work()) for _ in range(60)]
    await eventually(lambda: entered == HTTP1_LIMIT)
    lane.learn("h2")
    await eventually(lambda: entered == len(tasks))
    leave.set()
    await asyncio.gather(*tasks)
    assert entered == len(tasks) > HTTP1_LIMIT


async def test_a_turn_that_comes_to_one_who_was_just_cancelled_goes_to_the_next() -> None:
    lane, entered = Lane("https://example.com"), asyncio.Event()

    async def work() -> None:
        async with lane.enter():
            entered.set()

    async with AsyncExitStack() as running:
        for _ in range(HTTP1_LIMIT):
            await running.enter_async_context(lane.enter())
        cancelled, patient = asyncio.create_task(work()), asyncio.create_task(work())
        await asyncio.sleep(0)  # both wait
        cancelled.cancel()
        await running.aclose()  # before the cancelled one hears of it
        with pytest.raises(asyncio.CancelledError):
            await cancelled
        await patient
    assert entered.is_set()


def test_a_header_that_is_derived_takes_the_place_of_the_callers() -> None:
    site = Site("https://a.example/", derive=lambda _session, _method: {"Authorization": "Bearer derived"})
    request = Request("GET", "/x", {"authorization": "mine", "X-Own": "1"})
    built = build_page_request(site, make_session(site.url), request, URL("https://a.example/x"))
    sent = sorted((name.lower(), value) for name, value in built.headers if name.lower() in {"authorization", "x-own"})
    assert sent == [("authorization", "Bearer derived"), ("x-own", "1")]


class DyingPage:
    """A page that is gone by the time its cookies are changed."""

    def __init__(self) -> None:
        self.tab = SimpleNamespace(lost="")
        self.changes = 0

    def is_of(self, _session: Session) -> bool:
        return True

    async def change(self, _session: Session) -> None:
        self.changes += 1
        self.tab.lost = "it crashed"
        raise PageLost(self.tab.lost)


async def test_a_renewed_session_counts_also_where_the_page_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    session, dying = make_session("https://a.example"), DyingPage()
    pages = Pages(Site("https://a.example/"), None, None, is_static=True)
    monkeypatch.setattr(pages, "_page", dying)
    for _ in range(2):  # from then on it is left alone
        await pages.adopt(session, session)
    assert dying.changes == 1


@pytest.mark.usefixtures("shared_pages")
@pytest.mark.chrome
async def test_what_a_page_cannot_send_is_refused_by_name() -> None:
    async with serving_varied() as (_site, server, origin), using_page(origin) as client:
        for name in ("Date", "Via", "Transfer-Encoding", "Proxy-Authorization"):
            with pytest.raises(InvalidInput, match=name):
                await client.get("/echo", headers={name: "x"}).__aenter__()
        with pytest.raises(InvalidInput, match="TRACE"):
            await client.request("TRACE", "/echo").__aenter__()
        with pytest.raises(InvalidInput, match="body"):
            await client.request("GET", "/echo", data=b"x").__aenter__()
        with pytest.raises(InvalidInput, match="WebSocket"):
            await client.ws_connect("/socket").__aenter__()
        assert [request.path for request in server.seen] == []
        mine = {"User-Agent": "mine", "Cookie": "sid=mine", "Sec-Fetch-Site": "none", "Host": "mine", "X-Kept": "1"}
        await read_all(client, "/status/200")
        async with client.get("/echo", headers=mine) as response:
            sent = dict((await response.json())["headers"])
    assert "mine" not in {sent["User-Agent"], sent["Host"]}
    assert sent["Cookie"].startswith("sid=s3cret")
    assert (sent["Sec-Fetch-Site"], sent["X-Kept"], sent["Referer"]) == ("same-origin", "1", f"{origin}/")


@pytest.mark.chrome
@pytest.mark.parametrize(
    "way", ["crash", *(pytest.param(way, marks=pytest.mark.soak) for way in ("leave", "kill", "close"))]
)
async def test_a_lost_page_ends_its_requests_and_the_next_gets_a_new_one(way: str) -> None:
    async with serving_varied() as (_site, _server, origin), using_page(origin) as client:

        async def read() -> None:
            async with client.get("/endless") as response:
                async for _ in response:
                    has_begun.set()

        has_begun = asyncio.Event()
        task = asyncio.create_task(read())
        await has_begun.wait()
        await _lose(client, way)
        with pytest.raises(StreamInterrupted, match="the page that sent the request is gone"):
            await task
        assert await read_all(client, "/status/200") == b"a text"
        assert "sid=" in (await read_all(client, "/echo")).decode()
    assert list_browsers() == []


async def _lose(client: SiteClient, way: str) -> None:
    if way == "crash":
        for renderer in list_renderers():
            renderer.kill()
    elif way == "kill":
        for browser in list_browsers():
            os.kill(browser.pid, signal.SIGKILL)
    else:
        tab = client._transport._pages._page.tab  # type: ignore[attr-defined]
        command, params = ("Page.close", {}) if way == "close" else ("Page.navigate", {"url": "about:blank"})
        tab.connection.send(command, params, session=tab.place.session)


@pytest.mark.chrome
async def test_a_lost_page_interrupts_a_chat_with_its_partial_text() -> None:
    async with Playground() as server, AuraClient(server.origin, store="memory", transport="page") as client:
        text = ""

        async def read() -> None:
            nonlocal text
            async for piece in client.stream("/slow 0.1 one two three four five six seven eight nine ten"):
                text += piece
                if "three" in text:
                    for renderer in list_renderers():
                        renderer.kill()

        with pytest.raises(StreamInterrupted) as caught:
            await read()
        assert caught.value.partial == text
        assert await client.complete("again") == "again"


@pytest.mark.chrome
async def test_a_page_that_nobody_uses_is_closed_and_opened_again() -> None:
    async with serving_varied() as (_site, _server, origin):
        session = make_session(origin)
        pages = Pages(Site(f"{origin}/"), None, None, is_static=True, idle_s=0.2)
        async with pages.use(session):
            await asyncio.sleep(0.5)
            assert len(list_browsers()) == 1
        await eventually(lambda: list_browsers() == [])
        async with pages.use(session) as tab:
            assert not tab.lost
        await pages.aclose()
        assert list_browsers() == []


@pytest.mark.chrome
async def test_of_sessions_that_are_tried_out_only_the_last_keeps_a_browser(shared_pages: SharedPages) -> None:
    async with serving_varied() as (_site, _server, origin):
        pages = Pages(Site(f"{origin}/"), None, None, is_static=True)
        for harvested_at in (1000.0, 2000.0):
            async with pages.try_out(make_session(origin, harvested_at=harvested_at)) as tab:
                assert not tab.lost
        await eventually(lambda: shared_pages.lent == 1)
        await pages.aclose()
        assert shared_pages.lent == 0


@pytest.mark.chrome
async def test_a_harvest_that_is_cancelled_before_its_page_is_taken_leaves_no_browser() -> None:
    async with serving(page()) as (_server, origin):
        pages = Pages(Site(f"{origin}/"), None, None, is_static=True)
        harvesting = asyncio.create_task(pages.harvest())
        await eventually(list_browsers)
        async with pages._changing:  # as a request that opens a page meanwhile
            await eventually(lambda: pages._changing._waiters)
            harvesting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await harvesting
        await eventually(lambda: list_browsers() == [])
        await pages.aclose()


@pytest.mark.chrome
async def test_a_site_that_is_not_there_is_the_same_error(shared_pages: SharedPages) -> None:
    async with serving(page()) as (_server, origin):
        pass
    async with using_page(origin) as client:
        with pytest.raises(ConnectionFailed, match="Connection refused"):
            await read_all(client, "/")
    assert shared_pages.lent == 0


@pytest.mark.chrome
async def test_a_site_whose_pages_all_lead_elsewhere_has_no_page(shared_pages: SharedPages) -> None:
    async with serving(page()) as (_elsewhere, away):

        async def lead_away(_request: web.BaseRequest) -> web.StreamResponse:
            return web.Response(status=302, headers={"Location": f"{away}/"})

        async with serving(lead_away) as (_server, origin), using_page(origin) as client:
            with pytest.raises(PageFailed, match="its pages lead to another address"):
                await read_all(client, "/x")
    assert shared_pages.lent == 0


@pytest.mark.usefixtures("shared_pages")
@pytest.mark.chrome
async def test_another_origin_of_the_site_has_to_allow_its_page_to_read() -> None:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        headers = {"Access-Control-Allow-Origin": request.headers["Origin"], "Access-Control-Allow-Credentials": "true"}
        return web.Response(text="data", headers=headers if request.path == "/open" else {})

    async with serving(answer) as (_api, api_origin), serving(page()) as (_server, origin):
        site = Site(f"{origin}/", origins=(api_origin,))
        async with SiteClient(site, session=make_session(origin), refresh="never", transport="page") as client:
            assert await read_all(client, f"{api_origin}/open") == b"data"
            with pytest.raises(ConnectionFailed, match="other origins need CORS") as caught:
                await read_all(client, f"{api_origin}/shut?token=s3cret")
            assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("code", "blocked", "told"),
    [
        ("ERR_BLOCKED_BY_CSP", "csp", r"the browser did not send it \(csp\); send the request with transport='http'"),
        ("ERR_PROXY_CONNECTION_FAILED", "", "proxy"),
        ("ERR_OF_TOMORROW", "", "ERR_OF_TOMORROW"),
    ],
)
def test_what_the_browser_says_of_a_request_is_told(code: str, blocked: str, told: str) -> None:
    error = convert_error(FetchFailed(code, blocked), "https://a.example/x?token=s3cret", 1.0)
    assert isinstance(error, ConnectionFailed)
    assert re.search(told, str(error))
    assert "https://a.example/x" in str(error)
    assert "s3cret" not in str(error)


async def test_a_stream_that_a_page_is_to_send_is_read_up_to_its_limit_only() -> None:
    given = 0

    async def without_end() -> AsyncIterator[bytes]:
        nonlocal given
        while True:
            given += 1
            yield bytes(2**20)

    with pytest.raises(InvalidInput, match=r"over 64 MiB.*transport='http'"):
        await collect_body(without_end())
    assert given == 65
    with pytest.raises(InvalidInput, match="over 64 MiB"):
        await collect_body(bytes(64 * 2**20 + 1))
    assert await collect_body(bytes(64 * 2**20)) == bytes(64 * 2**20)


@pytest.mark.chrome
async def test_cancelling_while_the_page_opens_leaves_nothing() -> None:
    async with serving_varied() as (site, _server, origin), using_page(origin) as client:
        task = asyncio.create_task(read_all(client, "/held"))
        await eventually(list_browsers)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert list_browsers() == []
        site.release.set()
        assert await read_all(client, "/held") == b"held "


@pytest.mark.chrome
async def test_an_answer_that_runs_goes_on_while_the_session_is_renewed(shared_pages: SharedPages) -> None:
    async with Playground("check-503", check_delay=0.05) as server:
        site = openchat_site(server.origin)
        async with AuraClient(site, store="memory", transport="page") as client:
            assert await client.complete("first") == "first"
            running = asyncio.create_task(client.complete("/slow 0.2 one two three four five six seven eight nine ten"))
            await eventually(lambda: server.answering == 1)
            server.revoke_all()
            assert await client.complete("second") == "second"
            assert client.counters.harvests == 2
            assert await running == "one two three four five six seven eight nine ten"
            await eventually(lambda: shared_pages.lent == 1)  # the one before is closed with its last answer
    assert shared_pages.lent == 0


@pytest.mark.chrome
async def test_the_page_runs_in_the_profile_that_is_kept(tmp_path: Path) -> None:
    profile = tmp_path / "kept"
    async with Playground("check-503", check_delay=0.05) as server:
        site, engine = openchat_site(server.origin), Chrome(profile=profile)
        async with AuraClient(site, store="memory", engine=engine, transport="page") as client:
            assert await client.complete("one") == "one"
            server.revoke_all()
            assert await client.complete("two") == "two"
            assert client.counters.harvests == 2
        loads = server.page_loads
        async with AuraClient(site, store="memory", engine=engine, transport="page") as client:
            assert await client.complete("three") == "three"
        assert server.page_loads == loads + 1  # the profile's cookie is still good, so there was no check
    assert list_browsers() == []


@pytest.mark.usefixtures("shared_pages")
@pytest.mark.chrome
async def test_cookies_that_the_page_gets_are_those_of_the_next_client() -> None:
    async with serving_varied() as (_site, _server, origin):
        async with using_page(origin) as client:
            await read_all(client, "/cookies")
            session = await client.session()
        async with using_page(origin, session=session, transport="http") as client:
            assert "turn=1" in (await read_all(client, "/echo")).decode()


@pytest.mark.usefixtures("shared_pages")
@pytest.mark.chrome
async def test_a_cookie_that_a_browser_refuses_is_named(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    async with serving_varied() as (_site, _server, origin):
        session = make_session(origin, cookies=(make_cookie(), make_cookie("__Secure-x", "1")))
        async with using_page(origin, session=session) as client:
            assert "sid=" in (await read_all(client, "/echo")).decode()
    assert "The page works without this part of the session: cookie __Secure-x" in caplog.text


async def _answer_raw(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Set a cookie that is not UTF-8, and let in who sends it."""
    async with closing(writer):
        while head := (await reader.readuntil(b"\r\n\r\n") if not reader.at_eof() else b""):
            is_refused = head.startswith(b"GET /me ") and b"sid=caf\xe9" not in head
            status = b"401 Unauthorized" if is_refused else b"200 OK"
            cookie = b"Set-Cookie: sid=caf\xe9; Path=/; HttpOnly\r\n" if head.startswith(b"GET / ") else b""
            kind = b"Content-Type: text/html\r\nContent-Length: 2\r\n\r\nhi"
            writer.write(b"HTTP/1.1 " + status + b"\r\n" + cookie + kind)
            await writer.drain()


@pytest.mark.usefixtures("shared_pages")
@pytest.mark.chrome
async def test_a_cookie_that_is_not_utf_8_works_through_a_page(caplog: pytest.LogCaptureFixture) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            await _answer_raw(reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    site = Site(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", probe=Probe("/me"))
    async with server:
        async with SiteClient(site, store="memory", transport="page") as client:
            assert (await client.session()).proof == "distinguished"
            assert await read_all(client, "/me") == b"hi"
        assert "Only requests that the browser sends have it (--transport page)" in caplog.text
        async with SiteClient(site, store="memory") as client:
            with pytest.raises(SessionRefused):
                await client.session()


@pytest.mark.parametrize("stated", [{}, {"authorization": "Basic czNjcmV0"}])
def test_a_password_goes_to_its_own_origin_only(stated: dict[str, str]) -> None:
    site = Site("https://app.example.com/", origins=("https://api.example.com",), stated_headers=stated)
    held = {} if stated else {"Authorization": "Basic czNjcmV0"}
    session = make_session(site.origin, headers={"User-Agent": "x", **held})
    urls = (f"{site.origin}/x", "https://api.example.com/x")
    sent = [str(build_page_request(site, session, Request("GET", url), URL(url)).headers) for url in urls]
    assert ["czNjcmV0" in headers for headers in sent] == [True, False]
