"""What aiohttp is told, and the watch over an answer's silence."""

import asyncio
import time
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.base_protocol import BaseProtocol
from multidict import CIMultiDict
from yarl import URL

from aura_browser import Site, SiteClient, openchat_site, page_site
from aura_browser.errors import AnswerTimeout, ConnectionFailed, SiteFailed
from aura_browser.http.transport import HttpResponse
from aura_browser.site.place import Template
from tests.parts.servers import page, serving
from tests.parts.sessions import make_session


def reader() -> aiohttp.StreamReader:
    loop = asyncio.get_running_loop()
    protocol = BaseProtocol(loop)
    protocol.connection_made(asyncio.Transport())
    return aiohttp.StreamReader(protocol, 2**16, loop=loop)


class Received:
    """What aiohttp received, as far as reading it goes."""

    url = "http://127.0.0.1/"

    def __init__(self, content: aiohttp.StreamReader) -> None:
        self.content = content

    def release(self) -> None:
        pass

    async def wait_for_close(self) -> None:
        pass


def response(content: aiohttp.StreamReader) -> HttpResponse:
    return HttpResponse(Received(content), None, 0.05)  # type: ignore[arg-type]


async def test_silence_is_a_time_out() -> None:
    answer = response(reader())
    with pytest.raises(AnswerTimeout):
        await anext(answer)


async def test_a_reader_that_takes_its_time_is_no_silence() -> None:
    content = reader()
    answer = response(content)
    for text in (b"a", b"b"):
        await asyncio.sleep(0.12)
        content.feed_data(text)
        assert await anext(answer) == text
    await answer.aclose()


async def test_what_came_before_a_connection_broke_is_given_first() -> None:
    content = reader()
    answer = response(content)
    content.feed_data(b"a")
    content.feed_data(b"b")
    content.set_exception(aiohttp.ClientPayloadError("it ended early"))
    assert await anext(answer) == b"ab"
    for _ in range(2):
        with pytest.raises(ConnectionFailed):
            await anext(answer)
    await answer.aclose()


async def test_a_program_that_was_busy_for_longer_loses_nothing() -> None:
    content = reader()
    answer = response(content)
    reading = asyncio.ensure_future(answer.__anext__())
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_soon(content.feed_data, b"a")
    time.sleep(0.1)  # noqa: ASYNC251 - a program that keeps its loop busy
    assert await reading == b"a"
    content.feed_data(b"b")
    assert await anext(answer) == b"b"
    content.feed_eof()
    with pytest.raises(StopAsyncIteration):
        await anext(answer)
    await answer.aclose()


@pytest.mark.parametrize(("size", "others"), [(64 * 1024 - 1, 0), (64 * 1024, 1)])
async def test_others_run_after_each_large_piece_that_was_there_already(size: int, others: int) -> None:
    turns = 0

    async def take_turns() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    content = reader()
    answer = response(content)
    other = asyncio.create_task(take_turns())
    await asyncio.sleep(0)
    content.feed_data(bytes(size))
    assert len(await anext(answer)) == size
    assert turns == others
    other.cancel()
    await answer.aclose()


@pytest.mark.parametrize(("status", "is_error"), [(200, False), (201, True)])
async def test_a_page_that_is_no_success_is_an_error_but_for_the_usual_status(status: int, *, is_error: bool) -> None:
    received: Any = Received(reader())
    received.url, received.status, received.reason = URL("https://a.example/api/chat"), status, "Why"
    received.headers = CIMultiDict({"Content-Type": "text/html"})
    manager: Any = SimpleNamespace(site=openchat_site("https://a.example"), clock=lambda: 0.0)
    answer = HttpResponse(received, manager, 5.0)
    if is_error:
        with pytest.raises(SiteFailed, match="201: Why"):
            answer.raise_for_status()
    else:
        answer.raise_for_status()
    await answer.aclose()


async def test_a_client_opens_as_many_connections_as_wanted_and_waits_for_bytes_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened: list[aiohttp.ClientSession] = []
    begin = aiohttp.ClientSession.__init__

    def note(self: aiohttp.ClientSession, **options: Any) -> None:  # noqa: ANN401 - aiohttp's
        begin(self, **options)
        opened.append(self)

    monkeypatch.setattr(aiohttp.ClientSession, "__init__", note)
    async with SiteClient("http://127.0.0.1:8080/", store="memory", session=make_session(), read_timeout=7.0):
        (http,) = opened
        assert http.timeout == aiohttp.ClientTimeout(total=None, sock_connect=30.0, sock_read=7.0)
        assert isinstance(http.cookie_jar, aiohttp.DummyCookieJar)
        assert isinstance(http.connector, aiohttp.TCPConnector)
        assert (http.connector.limit, http.connector._keepalive_timeout) == (0, 3.0)
    assert http.closed


@pytest.mark.parametrize(("scheme", "of_socket"), [("http", "ws"), ("https", "wss")])
async def test_a_web_socket_is_asked_for_as_a_page_does(
    scheme: str, of_socket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[object, dict[str, Any]]] = []

    async def connect(_self: object, url: object, **options: Any) -> None:  # noqa: ANN401 - aiohttp's
        asked.append((url, options))
        raise ConnectionResetError

    monkeypatch.setattr(aiohttp.ClientSession, "ws_connect", connect)
    origin = f"{scheme}://a.example"
    async with SiteClient(f"{origin}/", session=make_session(origin), refresh="never") as client:
        headers = {"origin": "http://mine.example", "Sec-WebSocket-Protocol": "v1, ,v2 ", "X-Own": "1"}
        with pytest.raises(ConnectionFailed):
            async with client.ws_connect("/ws?a=1", headers=headers):
                pass
    ((url, options),) = asked
    assert str(url) == f"{of_socket}://a.example/ws?a=1"
    assert options == {
        "headers": {"X-Own": "1"},
        "origin": origin,
        "protocols": ("v1", "v2"),
        "max_msg_size": 64 * 2**20,
    }


async def test_a_first_message_is_json_whatever_the_session_holds() -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_str(await socket.receive_str(timeout=10))
        return socket

    async with serving(handle) as (_, origin):
        site = Site(f"{origin}/", first_messages={"/ws": Template('{"theme":"{local_storage.theme}"}')})
        session = make_session(origin, local_storage={"theme": 'a"b'})
        async with SiteClient(site, session=session, refresh="never") as client, client.ws_connect("/ws") as socket:
            assert await socket.receive_str(timeout=10) == '{"theme":"a\\"b"}'


async def test_the_hops_of_a_redirect_share_a_connection() -> None:
    connections = []

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        connections.append(request.transport)
        hop = int(request.path[1:])
        headers = {"Location": f"/{hop + 1}"} if hop < 4 else {}
        return web.Response(status=302 if headers else 200, text="hi", headers=headers)

    async with serving(handle) as (_, origin):
        site, session = Site(f"{origin}/", not_dropped="302"), make_session(origin)
        client = SiteClient(site, session=session, refresh="never")
        async with client, client.get("/1", allow_redirects=True) as answer:
            assert (answer.url, await answer.text()) == (f"{origin}/4", "hi")
    assert (len(connections), len(set(connections))) == (4, 1)


@pytest.mark.parametrize("size", [5, 2**20, 2**20 + 1])
async def test_a_body_of_any_size_arrives_with_its_length(size: int) -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(text=request.headers.get("Content-Length", "none"))

    async with serving(handle) as (server, origin):
        client = SiteClient(f"{origin}/", session=make_session(origin), refresh="never")
        async with client, client.request("POST", "/x", data=bytes(size)) as answer:
            assert await answer.text() == str(size)
    assert server.bodies == [bytes(size)]


@pytest.mark.parametrize(
    ("headers", "encoding"),
    [
        ({}, "gzip"),
        ({"Range": "bytes=0-9"}, "identity"),
        ({"range": "bytes=0-9", "Accept-Encoding": "br"}, "br"),
    ],
)
async def test_a_part_of_a_body_is_asked_for_as_it_is(headers: dict[str, str], encoding: str) -> None:
    async with serving(page()) as (server, origin):
        client = SiteClient(page_site(origin), session=make_session(origin), refresh="never", store="memory")
        async with client, client.get("/x", headers=headers):
            pass
    assert server.seen[-1].headers["Accept-Encoding"].split(",")[0] == encoding


async def test_no_answer_is_waited_for_before_a_body_is_sent() -> None:
    async with serving(page()) as (server, origin):
        client = SiteClient(page_site(origin), session=make_session(origin), refresh="never", store="memory")
        async with client, client.post("/x", data=b"body", headers={"expect": "100-continue"}) as response:
            assert response.status == 200
    assert "Expect" not in server.seen[-1].headers
