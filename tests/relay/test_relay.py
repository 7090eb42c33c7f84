"""The proxy in front of a site: what passes in both directions, and renewal before the first byte."""

import asyncio
import gzip
import io
import json
import logging
import random
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from aura_browser.assembly import assemble_transport
from aura_browser.errors import (
    AnswerTimeout,
    AuraError,
    ConnectionFailed,
    HarvestCoolingDown,
    InteractionRequired,
    InvalidInput,
    SiteFailed,
)
from aura_browser.relay import Relay
from aura_browser.relay.headers import build_response_headers
from aura_browser.request import Request
from aura_browser.session import Session
from aura_browser.site import Probe, Site
from tests.parts.bursts import count_connected
from tests.parts.moved_site import AFTER, BEFORE, serving_moved
from tests.parts.ports import port_taken_at_ipv6
from tests.parts.servers import Server, serving
from tests.parts.sessions import make_cookie, make_session
from tests.parts.waiting import eventually

TOKEN = "t0ken-of-the-test"
COOKIE = "sid"
BIG = bytes(range(256)) * 4096 * 3
NOISE = random.Random(1).randbytes(3 * 2**20)  # noqa: S311 - only to be hard to compress


class Origin:
    """A site that lets the cookie of the day in.

    Attributes:
        value: the good value.
        harvests: how often somebody logged in.
        broken: whether nobody can.
        closed_with: the codes that clients closed its WebSockets with.
    """

    def __init__(self) -> None:
        self.value = "s3cret-one"
        self.harvests = 0
        self.broken = False
        self.closed_with: list[int | None] = []
        self.origin = ""
        self.server: Server

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if f"{COOKIE}={self.value}" not in request.headers.get("Cookie", "").split("; "):
            return web.Response(status=401, text="log in")
        named = {"/ws": self._talk, "/cut": self._cut, "/gzip": self._gzip, "/big": self._big}
        if handler := named.get(request.path):
            return await handler(request)
        if request.path.startswith("/to/"):
            targets = {"own": f"{self.origin}/echo?a=1#f", "relative": "../echo", "away": "https://example.com/x"}
            headers = {"Location": targets[request.path.rpartition("/")[2]]}
            return web.Response(status=302, headers=headers)
        told = {"method": request.method, "path": request.raw_path, "headers": dict(request.headers.items())}
        given = {
            "Set-Cookie": "seen=s3cret; Path=/",
            "X-Kept": "yes",
            "Access-Control-Allow-Origin": "*",
            "ETag": '"1"',
        }
        given |= {"Strict-Transport-Security": "max-age=1", "Connection": "X-Hop", "X-Hop": "1"}
        return web.json_response(told, headers=given)

    async def _talk(self, request: web.BaseRequest) -> web.StreamResponse:
        socket = web.WebSocketResponse(protocols=("v1.kernel", "other"))
        await socket.prepare(request)
        await socket.send_json({"origin": request.headers["Origin"], "cookie": request.headers["Cookie"]})
        async for message in socket:
            if message.type is aiohttp.WSMsgType.TEXT and message.data == "end":
                await socket.close(code=4321, message=b"why")
            elif message.type is aiohttp.WSMsgType.TEXT:
                await socket.send_str(message.data.upper())
            elif message.type is aiohttp.WSMsgType.BINARY:
                await socket.send_bytes(message.data[::-1])
        self.closed_with.append(socket.close_code)
        return socket

    async def _cut(self, request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000000"})
        await response.prepare(request)
        await response.write(b"x" * 400_000)
        assert request.transport is not None
        request.transport.close()
        return response

    async def _gzip(self, request: web.BaseRequest) -> web.StreamResponse:
        if "gzip" not in request.headers["Accept-Encoding"]:
            return web.Response(text="plain")
        return web.Response(body=gzip.compress(b"compressed"), headers={"Content-Encoding": "gzip"})

    async def _big(self, request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(body=BIG, headers={"Accept-Ranges": "bytes"})


@asynccontextmanager
async def relaying(token: str = TOKEN) -> AsyncIterator[tuple[Origin, str]]:
    """Serve a site and a proxy before it; yield the site, and the proxy's origin."""
    origin = Origin()

    async def harvest() -> Session:
        origin.harvests += 1
        if origin.broken:
            raise InteractionRequired("Nobody is logged in.", "aura-browser harvest")
        cookies = (make_cookie(COOKIE, origin.value, http_only=True),)
        return make_session(origin.origin, cookies=cookies, is_login=True, headers={"User-Agent": "Chrome/1 test"})

    async with serving(origin.handle) as (origin.server, origin.origin):
        site = Site(f"{origin.origin}/", probe=Probe("/echo"))
        transport, manager = assemble_transport(site, store="memory", harvest=harvest)
        relay = Relay(site, transport, manager, token=token, port=0)
        await relay.start()
        try:
            yield origin, f"http://127.0.0.1:{relay.port}"
        finally:
            await relay.stop()


@asynccontextmanager
async def asking(**headers: str) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(headers={"X-Aura-Token": TOKEN, **headers}, auto_decompress=False) as http:
        yield http


async def test_the_site_gets_the_session_and_nothing_of_the_proxys() -> None:
    sent = {
        "User-Agent": "tool/1",
        "Cookie": "sid=forged; aura-proxy-1=x",
        "Accept-Language": "xx",
        "sec-ch-ua": '"Tool"',
        "X-Own": "kept",
        "Proxy-Authorization": "x",
        "Keep-Alive": "x",
        "TE": "trailers",
    }
    async with relaying() as (site, origin), asking(**sent) as http:
        sent_here = {"Origin": origin, "Referer": f"{origin}/page?x=1"}
        async with http.request("PROPFIND", f"{origin}/a%2Fb//c?d=%26&e=", headers=sent_here) as response:
            told = await response.json()
            assert (response.status, response.headers["X-Kept"], response.headers["ETag"]) == (200, "yes", '"1"')
            for name in ("Set-Cookie", "Access-Control-Allow-Origin", "Strict-Transport-Security", "X-Hop"):
                assert name not in response.headers
        assert (told["method"], told["path"]) == ("PROPFIND", "/a%2Fb//c?d=%26&e=")
        headers = {name.lower(): value for name, value in told["headers"].items()}
        assert headers["cookie"] == f"sid={site.value}; seen=s3cret"
        assert (headers["user-agent"], headers["x-own"]) == ("Chrome/1 test", "kept")
        assert (headers["origin"], headers["referer"]) == (site.origin, f"{site.origin}/page?x=1")
        assert headers["host"] == site.origin.removeprefix("http://")
        assert not headers.keys() & {
            "x-aura-token",
            "proxy-authorization",
            "keep-alive",
            "te",
            "sec-ch-ua",
            "accept-language",
        }
        assert TOKEN not in json.dumps(told)


async def test_the_token_as_a_password_stays_here_and_other_credentials_pass() -> None:
    async with relaying() as (_, origin), aiohttp.ClientSession() as http:
        auth = aiohttp.encode_basic_auth("any", TOKEN) if hasattr(aiohttp, "encode_basic_auth") else None
        headers = {"Authorization": auth or aiohttp.BasicAuth("any", TOKEN).encode()}
        async with http.get(f"{origin}/x", headers=headers) as response:
            told = await response.json()
            assert "authorization" not in {name.lower() for name in told["headers"]}
        async with http.get(f"{origin}/x", headers={"X-Aura-Token": TOKEN, "Authorization": "Bearer own"}) as response:
            assert (await response.json())["headers"]["Authorization"] == "Bearer own"
        async with http.get(f"{origin}/x") as response:
            assert (response.status, response.headers["WWW-Authenticate"][:5]) == (401, "Basic")


async def test_a_browser_opens_the_address_with_the_token_once() -> None:
    async with relaying() as (site, origin), aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        async with http.get(f"{origin}/{TOKEN}/deep/page?a=1") as response:
            assert response.url.path_qs == "/deep/page?a=1"
            told = await response.json()
        assert TOKEN not in json.dumps(told)
        assert told["headers"]["Cookie"] == f"sid={site.value}; seen=s3cret"
        async with http.post(f"{origin}/more", data=b"x") as response:
            assert response.status == 200
        assert len(site.server.seen) - site.harvests * 2 == 2


async def test_a_refused_request_reaches_no_site() -> None:
    async with relaying() as (site, origin), aiohttp.ClientSession() as http:
        for headers in ({}, {"Host": "example.com", "X-Aura-Token": TOKEN}, {"Origin": "null", "X-Aura-Token": TOKEN}):
            async with http.post(f"{origin}/x", headers=headers, data=b"body") as response:
                assert response.status in {401, 403}
        assert site.server.seen == []


async def test_without_a_token_pages_of_other_sites_are_refused_all_the_same() -> None:
    async with relaying(token="") as (site, origin), aiohttp.ClientSession() as http:
        async with http.get(f"{origin}/x") as response:
            assert response.status == 200
        seen = len(site.server.seen)
        async with http.get(f"{origin}/x", headers={"Sec-Fetch-Site": "cross-site"}) as response:
            assert response.status == 403
        assert len(site.server.seen) == seen


@pytest.mark.parametrize(
    ("path", "location"),
    [("/to/own", "{proxy}/echo?a=1#f"), ("/to/relative", "{proxy}/echo"), ("/to/away", "https://example.com/x")],
)
async def test_redirects_within_the_site_stay_at_the_proxy(path: str, location: str) -> None:
    async with (
        relaying() as (_, origin),
        asking() as http,
        http.get(f"{origin}{path}", allow_redirects=False) as response,
    ):
        assert (response.status, response.headers["Location"]) == (302, location.format(proxy=origin))


async def test_the_redirects_of_a_site_that_moved_stay_at_the_proxy() -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        targets = {"/after": f"{AFTER}/echo", "/before": f"{BEFORE}/echo"}
        headers = {"Location": targets[request.path]} if request.path in targets else {}
        return web.Response(status=302 if headers else 200, text=request.headers.get("Origin", ""), headers=headers)

    async with serving_moved(handle) as moved:
        options = {"session": moved.make_session(), "proxy": moved.proxy, "refresh": "never"}
        transport, manager = assemble_transport(Site(f"{BEFORE}/"), **options)  # type: ignore[arg-type]
        relay = Relay(manager.site, transport, manager, token=TOKEN, port=0)
        await relay.start()
        origin = f"http://127.0.0.1:{relay.port}"
        async with asking() as http:
            for path in ("/after", "/before"):
                async with http.get(f"{origin}{path}", allow_redirects=False) as response:
                    assert (response.status, response.headers["Location"]) == (302, f"{origin}/echo")
            async with http.post(f"{origin}/echo", headers={"Origin": origin}) as response:
                assert await response.text() == AFTER
        await relay.stop()
    assert not [asked for asked in moved.asked if " shop.test/" in asked]


async def test_a_refused_session_is_renewed_before_the_first_byte() -> None:
    async with relaying() as (site, origin), asking() as http:
        for value in ("s3cret-two", "s3cret-three"):
            async with http.put(f"{origin}/x", data=b"a body that is kept") as response:
                assert response.status == 200
            site.value = value
        async with http.get(f"{origin}/x") as response:
            assert (response.status, site.harvests) == (200, 3)
        assert site.server.bodies.count(b"a body that is kept") == 3  # the second was refused and sent again


async def test_a_long_upload_is_streamed_with_a_session_that_was_asked_about_before() -> None:
    async with relaying() as (site, origin), asking() as http:
        async with http.get(f"{origin}/x") as response:
            assert response.status == 200
        site.value = "s3cret-two"

        async def pieces() -> AsyncIterator[bytes]:
            for at in range(0, len(BIG), 100_000):
                yield BIG[at : at + 100_000]

        async with http.put(f"{origin}/x", data=pieces()) as response:
            assert (response.status, site.server.bodies[-1]) == (200, BIG)
        packed = gzip.compress(NOISE)
        async with http.put(f"{origin}/x", data=io.BytesIO(packed), headers={"Content-Encoding": "gzip"}) as response:
            assert (response.status, site.server.bodies[-1]) == (200, NOISE)  # the site decompresses it
        assert site.server.seen[-1].headers["Content-Length"] == str(len(packed))
        assert site.server.seen[-1].headers["Content-Encoding"] == "gzip"


async def test_a_client_that_waits_for_leave_to_send_gets_it() -> None:
    async with (
        relaying() as (site, origin),
        asking() as http,
        asyncio.timeout(20),
        http.put(f"{origin}/x", data=b"late", expect100=True) as response,
    ):
        assert (response.status, site.server.bodies[-1]) == (200, b"late")


async def test_an_answer_that_is_cut_short_is_no_whole_one() -> None:
    async with relaying() as (_, origin), asking() as http:
        with pytest.raises(aiohttp.ClientPayloadError):
            async with http.get(f"{origin}/cut") as response:
                await response.read()


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"Accept-Encoding": "gzip, br"}, b"compressed"),
        ({"Accept-Encoding": "identity"}, b"plain"),
        ({"Accept-Encoding": "gzip", "Range": "bytes=0-"}, b"plain"),
    ],
)
async def test_what_is_compressed_comes_plain(headers: dict[str, str], body: bytes) -> None:
    async with relaying() as (_, origin), asking(**headers) as http, http.get(f"{origin}/gzip") as response:
        assert (await response.read(), "Content-Encoding" in response.headers) == (body, False)


async def test_heads_have_a_length_and_no_body() -> None:
    async with relaying() as (_, origin), asking() as http:
        async with http.head(f"{origin}/big", headers={"Accept-Encoding": "identity"}) as response:
            assert (response.headers["Content-Length"], await response.read()) == (str(len(BIG)), b"")
        async with http.get(f"{origin}/big") as response:
            assert await response.read() == BIG


async def test_websockets_pass_both_ways_with_their_protocol_and_close_code() -> None:
    async with relaying() as (site, origin), asking() as http:
        async with http.ws_connect(f"{origin}/ws", protocols=("v1.kernel",), headers={"Origin": origin}) as socket:
            assert socket.protocol == "v1.kernel"
            first = await socket.receive_json()
            assert first == {"origin": site.origin, "cookie": f"sid={site.value}; seen=s3cret"}
            await socket.send_str("hello")
            assert await socket.receive_str() == "HELLO"
            await socket.send_bytes(BIG)
            assert await socket.receive_bytes() == BIG[::-1]
            await socket.send_str("end")
            end = await socket.receive()
            assert (end.data, end.extra) == (4321, "why")
        async with http.ws_connect(f"{origin}/ws") as socket:
            assert socket.protocol is None


@pytest.mark.parametrize(("leaves", "code"), [(False, 4000), (True, 1001)])
async def test_a_site_learns_how_a_client_closed_its_websocket(*, leaves: bool, code: int) -> None:
    async with relaying() as (site, origin), asking() as http:
        async with http.ws_connect(f"{origin}/ws") as socket:
            await socket.receive_json()
            if leaves:
                assert socket._response.connection is not None
                assert socket._response.connection.transport is not None
                socket._response.connection.transport.abort()
            else:
                await socket.close(code=4000)
        await eventually(lambda: site.closed_with == [code])


@pytest.mark.parametrize("headers", [{"Origin": "https://example.com"}, {"X-Aura-Token": "wrong"}])
async def test_websockets_of_others_are_refused(headers: dict[str, str]) -> None:
    async with relaying() as (site, origin), asking() as http:
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await http.ws_connect(f"{origin}/ws", headers=headers)
        assert caught.value.status in {401, 403}
        assert site.server.seen == []


async def test_a_person_who_is_needed_is_a_503_that_says_so() -> None:
    async with relaying() as (site, origin), asking() as http:
        site.broken = True
        async with http.get(f"{origin}/x") as response:
            assert (response.status, await response.text()) == (503, "Nobody is logged in. Run: aura-browser harvest\n")


def test_header_bytes_that_are_not_utf8_are_read_as_latin1() -> None:
    class Answer:
        url = "http://127.0.0.1:1/"
        headers = CIMultiDict({"X-Latin": "caf\udce9", "X-Utf8": "café"})

    returned = build_response_headers(Site("http://127.0.0.1:1/"), Answer(), "http://127.0.0.1:2")  # type: ignore[arg-type]
    assert (returned["X-Latin"], returned["X-Utf8"]) == ("café", "café")


async def test_what_can_not_be_read_is_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with relaying() as (_, place):
        port = URL(place).port
        for line in (f"X-Key: {TOKEN}\x01", f"X Key: {TOKEN}", f"Host: {TOKEN}", "Transfer-Encoding: odd"):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(f"GET /{TOKEN}/ HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{line}\r\n\r\n".encode())
            assert b" 400 " in await reader.readline()
            writer.close()
    assert TOKEN not in caplog.text
    assert "A request could not be read: BadHttpMessage" in caplog.text


async def test_a_tunnel_is_refused_by_its_method() -> None:
    async with relaying() as (site, origin), aiohttp.ClientSession() as raw:
        async with raw.request("CONNECT", f"{origin}/") as response:
            assert response.status == 405
        assert site.server.seen == []


async def _answer_badly(request: web.BaseRequest) -> web.StreamResponse:
    """Fail in the way that the path names."""
    assert request.transport is not None
    match request.path:
        case "/no-http":
            request.transport.write(b"This is no HTTP at all.\r\n\r\n")
            request.transport.close()
        case "/closed":
            request.transport.close()
        case "/silent":
            await asyncio.Event().wait()
    return web.Response(status=404)


@asynccontextmanager
async def relaying_to(origin: str, *, port: int = 0, patience_s: float = 20.0) -> AsyncIterator[str]:
    """Serve a proxy before the site at *origin*; yield the proxy's origin."""
    site = Site(f"{origin}/")
    session = make_session(origin, cookies=(make_cookie(COOKIE, "s3cret-one"),))
    transport, manager = assemble_transport(
        site, store="memory", session=session, refresh="never", read_timeout=patience_s
    )
    relay = Relay(site, transport, manager, token=TOKEN, port=port)
    try:
        await relay.start()
        yield f"http://127.0.0.1:{relay.port}"
    finally:
        await relay.stop()


@pytest.mark.parametrize(
    ("path", "status", "told"),
    [
        ("/no-http", 502, "the response is not valid HTTP"),
        ("/closed", 502, "closed before the response"),
        ("/silent", 504, "0.2 s"),
    ],
)
async def test_why_the_site_gave_no_answer_is_told_by_the_status(path: str, status: int, told: str) -> None:
    async with (
        serving(_answer_badly) as (_, site),
        relaying_to(site, patience_s=0.2 if told == "0.2 s" else 20.0) as origin,
        asking() as http,
        http.get(f"{origin}{path}?key=s3cret") as response,
    ):
        text = await response.text()
    assert response.status == status
    assert told in text
    assert "s3cret" not in text
    assert response.headers["Cache-Control"] == "no-store"


async def test_a_site_that_is_away_is_a_502() -> None:
    async with serving(_answer_badly) as (_, site):
        pass
    async with relaying_to(site) as origin, asking() as http, http.get(f"{origin}/x") as response:
        assert (response.status, "Connection refused" in await response.text()) == (502, True)


async def test_a_websocket_that_the_site_refuses_has_its_status() -> None:
    async with serving(_answer_badly) as (_, site), relaying_to(site) as origin, asking() as http:
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await http.ws_connect(f"{origin}/none")
    assert caught.value.status == 404


async def test_a_header_of_bytes_that_are_not_utf_8_is_refused_by_name() -> None:
    async with serving(_answer_badly) as (server, site), relaying_to(site) as origin:
        port = URL(origin).port
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        head = f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nX-Aura-Token: {TOKEN}\r\nConnection: close\r\n"
        writer.write(head.encode() + b"X-Name: caf\xe9\r\n\r\n")
        answer = await reader.read()
        writer.close()
        assert (answer[:12], b"headers[X-Name]" in answer) == (b"HTTP/1.1 400", True)
        assert server.seen == []


async def test_a_port_that_another_program_has_at_the_other_address_is_not_shared_with_it() -> None:
    """Programs look at ``::1`` first, so they would ask the other program, and show it the token."""
    with port_taken_at_ipv6() as port:
        async with serving(_answer_badly) as (_, site):
            with pytest.raises(OSError, match="already in use"):
                async with relaying_to(site, port=port):
                    pytest.fail("it listens")
            async with relaying_to(site) as origin, asking() as http:
                at_the_other = origin.replace("127.0.0.1", "[::1]")
                async with http.get(f"{at_the_other}/x") as response:
                    assert response.status == 404
    with socket.create_server(("127.0.0.1", port)):  # nothing of it is left at the first address
        pass


async def test_a_client_that_goes_leaves_the_proxy_working() -> None:
    async with relaying() as (_, origin), asking() as http:
        for _ in range(20):
            async with http.get(f"{origin}/big") as response:
                await response.content.read(10)
                response.close()
        async with http.get(f"{origin}/x") as response:
            assert response.status == 200


async def test_a_browser_forgets_what_was_here_before_and_shares_nothing() -> None:
    async with relaying() as (_, origin), asking() as http:
        async with http.get(f"{origin}/{TOKEN}/", allow_redirects=False) as response:
            assert response.headers["Clear-Site-Data"] == '"cache", "storage"'
            assert response.headers["Cache-Control"] == "no-store"
        async with http.get(f"{origin}/x") as response:
            assert response.headers["Cross-Origin-Resource-Policy"] == "same-origin"


@pytest.mark.parametrize("port", [0, 1])
async def test_its_port_is_known_once_it_listens(port: int) -> None:
    manager: Any = None
    transport: Any = StandIn()
    relay = Relay(Site("http://127.0.0.1:9/"), transport, manager, token="", port=port)
    assert relay.port == port
    await relay.stop()


class StandIn:
    """A transport that answers as told, or raises."""

    def __init__(self, error: AuraError | None = None, *, reason: str = "", then: AuraError | None = None) -> None:
        self._error = error
        facts = {"status": 200, "reason": reason, "url": "http://127.0.0.1:9/x", "headers": CIMultiDict[str]()}
        self._answer = SimpleNamespace(**facts, then=then)

    async def open(self) -> None:
        pass

    async def aclose(self) -> None:
        pass

    @asynccontextmanager
    async def send(self, _request: Request) -> AsyncIterator[Any]:
        if self._error is not None:
            raise self._error
        yield Answered(self._answer)

    connect = send


class Answered:
    """An answer of two bytes, which may break off then."""

    def __init__(self, facts: SimpleNamespace) -> None:
        self._then = facts.then
        self.__dict__.update(vars(facts))

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"hi"
        if self._then is not None:
            raise self._then


@asynccontextmanager
async def relaying_through(transport: Any) -> AsyncIterator[str]:  # noqa: ANN401 - a stand-in
    """Serve a proxy that sends by *transport*, without a token."""
    manager: Any = None
    relay = Relay(Site("http://127.0.0.1:9/"), transport, manager, token="", port=0)
    await relay.start()
    try:
        yield f"http://127.0.0.1:{relay.port}"
    finally:
        await relay.stop()


@asynccontextmanager
async def answer_through(
    transport: StandIn, path: str = "/x", method: str = "GET", **headers: str
) -> AsyncIterator[aiohttp.ClientResponse]:
    """Ask a proxy that sends by *transport*."""
    async with (
        relaying_through(transport) as origin,
        aiohttp.ClientSession() as http,
        http.request(method, f"{origin}{path}", headers=headers) as response,
    ):
        yield response


URL_ = "http://127.0.0.1:9/x"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (SiteFailed(URL_, 0, "no HTTP"), 502),
        (SiteFailed(URL_, 399, "odd"), 502),
        (SiteFailed(URL_, 400, "bad"), 400),
        (SiteFailed(URL_, 418, "tea"), 418),
        (AnswerTimeout(URL_, 1.0), 504),
        (ConnectionFailed(URL_, "gone"), 502),
        (InvalidInput("headers[X]", "no"), 400),
        (InteractionRequired("Nobody is logged in.", "aura-browser harvest"), 503),
        (HarvestCoolingDown(5.0, "it failed"), 503),
    ],
)
@pytest.mark.parametrize("is_socket", [False, True])
async def test_each_error_has_its_status_and_is_kept_by_nobody(
    error: AuraError, status: int, *, is_socket: bool
) -> None:
    headers = {"Upgrade": "websocket", "Connection": "upgrade"} if is_socket else {}
    async with answer_through(StandIn(error), **headers) as response:
        assert (response.status, await response.text()) == (status, f"{error}\n")
    kept = {name: response.headers[name] for name in ("Cache-Control", "X-Content-Type-Options")}
    assert kept == {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


async def test_an_error_is_told_up_to_two_thousand_characters() -> None:
    async with answer_through(StandIn(InvalidInput("url", "x" * 5000))) as response:
        assert len(await response.text()) == 2001


@pytest.mark.parametrize(("reason", "given"), [("So good", "So good"), ("", "OK")])
async def test_the_reason_is_the_sites_or_the_usual_one(reason: str, given: str) -> None:
    async with answer_through(StandIn(reason=reason)) as response:
        assert (response.reason, await response.text()) == (given, "hi")


async def test_an_answer_of_unknown_length_that_is_cut_short_is_no_whole_one() -> None:
    async with answer_through(StandIn(then=ConnectionFailed(URL_, "gone"))) as response:
        assert "Content-Length" not in response.headers
        with pytest.raises(aiohttp.ClientPayloadError):
            async with asyncio.timeout(10):
                await response.read()


@pytest.mark.parametrize("method", ["TRACE", "CONNECT"])
async def test_a_method_that_is_not_passed_on_is_named_as_such(method: str) -> None:
    async with answer_through(StandIn(), method=method) as response:
        text = "This proxy passes on requests for the site's own paths only.\n"
        assert (response.status, await response.text()) == (405, text)


@pytest.mark.parametrize("target", ["http://127.0.0.1:9/x", "*"])
async def test_an_address_that_is_no_path_is_not_passed_on(target: str) -> None:
    async with relaying_through(StandIn()) as origin:
        port = URL(origin).port
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"OPTIONS {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode())
        assert b" 405 " in (await reader.read()).splitlines()[0]
        writer.close()


async def test_a_browser_is_sent_on_without_the_token_and_keeps_what_it_sends() -> None:
    async with (
        relaying() as (_, origin),
        aiohttp.ClientSession() as http,
        http.post(f"{origin}/{TOKEN}/deep?a=1", allow_redirects=False) as response,
    ):
        assert (response.status, response.headers["Location"]) == (307, "/deep?a=1")
        assert response.headers["Set-Cookie"].startswith(f"aura-proxy-{URL(origin).port}=")


@pytest.mark.parametrize(("size", "is_taken"), [(60_000, True), (70_000, False)])
async def test_a_header_may_be_64_kib_long(size: int, *, is_taken: bool) -> None:
    async with relaying_through(StandIn()) as origin, aiohttp.ClientSession() as http:
        for path, headers in (("/x", {"X-Long": "x" * size}), (f"/{'x' * size}", {})):
            async with http.get(f"{origin}{path}", headers=headers) as response:
                assert response.status == (200 if is_taken else 400)


async def test_five_hundred_connections_at_once_are_taken() -> None:
    async with relaying_to("http://127.0.0.1:9") as proxy:
        assert count_connected(int(proxy.rpartition(":")[2]), 500) == 500
