"""The relay before a proxy that asks for user and password: what it lets through, and that nothing is lost or left."""

import asyncio
import os
import sys
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp
import pytest
from aiohttp_socks import ProxyError
from yarl import URL

from aura_browser.errors import NotReady, PageFailed
from aura_browser.playground import Playground
from aura_browser.proxy.address import PROXY_REFUSED, PROXY_UNREACHABLE
from aura_browser.proxy.connection import connection_args
from aura_browser.webdriver.proxy_relay import open_browser_proxy
from aura_browser.webdriver.proxy_relay.peer import is_own_connection
from aura_browser.webdriver.proxy_relay.relay import Relay
from tests.parts.proxy_servers import Microsocks, ProxyServer, Tinyproxy
from tests.parts.stream_server import stream_server

PAGE = "http://chat.example.com/"
LOGIN = b"Proxy-Authorization: Basic " + b64encode("me:s3cr\u00e9t".encode())
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi"
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture(autouse=True)
def no_connection_fails_unheard(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail a test in which a connection's task ended with an error: asyncio only logs that, and late."""
    serve = Relay._serve
    unheard: list[Exception] = []

    async def heard(self: Relay, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(self, reader, writer)
        except Exception as error:
            unheard.append(error)
            raise

    monkeypatch.setattr(Relay, "_serve", heard)
    yield
    assert unheard == []


@asynccontextmanager
async def upstream(serve: Serve) -> AsyncIterator[str]:
    """Serve as the proxy does; yield its URL, with a user and a password."""

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await serve(reader, writer)
        writer.close()

    async with stream_server(served) as port:
        yield f"http://me:s3cr%C3%A9t@127.0.0.1:{port}"


@asynccontextmanager
async def to(address: str | None) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    assert address is not None
    reader, writer = await asyncio.open_connection("127.0.0.1", URL(address).port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def said(address: str | None, words: bytes) -> bytes:
    """Return all that comes back for *words*, up to the end of the connection."""
    async with to(address) as (reader, writer), asyncio.timeout(10):
        writer.write(words)
        return await reader.read()


def answering(answer: bytes, heads: list[bytes]) -> Serve:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answer)
        await writer.drain()

    return serve


async def echo_tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Open a tunnel to an echo that ends when its input does."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


@pytest.mark.parametrize(
    ("proxy", "given"),
    [
        (None, None),
        ("http://127.0.0.1:3128", "http://127.0.0.1:3128"),
        ("HTTP://[::1]:80/", "http://[::1]:80"),
        ("socks5://127.0.0.1:1080", "socks5://127.0.0.1:1080"),
    ],
)
async def test_without_a_password_there_is_no_relay(proxy: str | None, given: str | None) -> None:
    async with open_browser_proxy(proxy, PAGE) as address:
        assert address == given


@pytest.mark.parametrize("kind", [Tinyproxy, Microsocks])
async def test_a_real_proxy_is_asked_with_the_password(kind: type[ProxyServer], tmp_path: Path) -> None:
    with kind(tmp_path, user="me", password="s3cret") as proxy:
        async with Playground() as site, open_browser_proxy(proxy.url, PAGE) as address:
            assert address is not None
            assert URL(address).scheme == kind.scheme
            async with aiohttp.ClientSession(**connection_args(address)) as http:
                for _ in range(3):
                    async with http.get(site.origin) as response:
                        assert response.status == 200
                async with http.post(f"{site.origin}/api/models", json={"key": ""}) as response:
                    assert response.status == 200
            if kind is Tinyproxy:
                place = site.origin.removeprefix("http://")
                asked = f"GET / HTTP/1.1\r\nHost: {place}\r\nConnection: close\r\n\r\n"
                tunnelled = f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n\r\n{asked}"
                assert b"HTTP/1.1 200 OK" in await said(address, tunnelled.encode())
        assert len(proxy.targets()) >= 2


async def test_a_requests_head_gets_the_password_and_loses_what_is_for_the_hop() -> None:
    heads: list[bytes] = []
    async with upstream(answering(OK, heads)) as proxy, open_browser_proxy(proxy, PAGE) as address:
        head = b"GET http://a/ HTTP/1.1\r\nHost: a\r\nproxy-authorization: Basic eA==\r\nProxy-Connection: keep-alive"
        assert await said(address, head + b"\r\n\r\n") == OK
    assert heads == [b"GET http://a/ HTTP/1.1\r\nHost: a\r\n" + LOGIN + b"\r\nConnection: close\r\n\r\n"]


async def test_two_relays_run_beside_each_other() -> None:
    heads: list[bytes] = []
    async with (
        upstream(answering(OK, heads)) as proxy,
        open_browser_proxy(proxy, PAGE) as one,
        open_browser_proxy(proxy, PAGE) as other,
    ):
        assert one != other
        for address in (one, other):
            assert await said(address, b"GET http://a/ HTTP/1.1\r\n\r\n") == OK
    assert len(heads) == 2


async def test_an_answer_says_that_its_connection_ends() -> None:
    kept = b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\nContent-Length: 2\r\n\r\nhi"
    async with upstream(answering(kept, [])) as proxy, open_browser_proxy(proxy, PAGE) as address:
        assert await said(address, b"GET http://a/ HTTP/1.1\r\n\r\n") == OK


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 2", b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1_000_000 + b"\r\n\r\nhi"])
async def test_an_answer_with_no_head_to_read_passes_as_it_is(answer: bytes) -> None:
    async with upstream(answering(answer, [])) as proxy, open_browser_proxy(proxy, PAGE) as address:
        assert await said(address, b"GET http://a/ HTTP/1.1\r\n\r\n") == answer


async def test_a_tunnels_head_gets_the_password() -> None:
    heads: list[bytes] = []
    async with (
        upstream(answering(b"HTTP/1.1 200 OK\r\n\r\nhi", heads)) as proxy,
        open_browser_proxy(proxy, PAGE) as address,
    ):
        answer = await said(address, b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\nConnection: keep-alive\r\n\r\n")
    assert answer == b"HTTP/1.1 200 OK\r\n\r\nhi"
    assert heads == [b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n" + LOGIN + b"\r\n\r\n"]


async def test_no_second_request_goes_without_its_own_head() -> None:
    came = bytearray()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.extend(await reader.readuntil(b"abc"))
        writer.write(OK)
        await writer.drain()
        writer.write_eof()
        came.extend(await reader.read())

    async with upstream(serve) as proxy, open_browser_proxy(proxy, PAGE) as address:
        first = b"POST http://a/ HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"
        assert await said(address, first + b"GET http://a/2 HTTP/1.1\r\n\r\n") == OK
    assert came.endswith(b"\r\n\r\nabc")


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 4\r\n\r\nGET http://a/ HTTP/1.1\r\n\r\n",
        b"CONNECT / HTTP/1.1\r\n\r\n",
        b"GET ftp://a/ HTTP/1.1\r\n\r\n",
        b"POST http://a/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST http://a/ HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"POST http://a/ HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
        b"GET http://a/ HTTP/1.1\r\nContent-Length: 0x\r\n\r\n",
        b"\x16\x03\x01\r\n\r\n",
    ],
)
async def test_what_is_no_request_to_a_proxy_goes_nowhere(head: bytes) -> None:
    heads: list[bytes] = []
    async with upstream(answering(OK, heads)) as proxy, open_browser_proxy(proxy, PAGE) as address:
        assert (await said(address, head)).startswith(b"HTTP/1.1 400 ")
    assert heads == []


async def test_a_head_without_end_is_cut_off() -> None:
    async with upstream(echo_tunnel) as proxy, open_browser_proxy(proxy, PAGE) as address:
        assert (await said(address, b"GET http://a/ HTTP/1.1\r\nX: " + b"x" * 2_000_000)).startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize("scheme", ["http", "socks5"])
async def test_a_slow_head_is_cut_off(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Relay, "HEAD_TIMEOUT_S", 0.1)
    async with upstream(echo_tunnel) as proxy, open_browser_proxy(proxy.replace("http", scheme), PAGE) as address:
        assert await said(address, b"\x05") == b""


def socks(answer: bytes, greetings: list[bytes]) -> Serve:
    """Answer a SOCKS greeting, and then echo."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        greetings.append(await reader.readexactly(4))
        writer.write(answer)
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()

    return serve


async def test_a_socks_proxy_that_needs_no_login_gets_none() -> None:
    greetings: list[bytes] = []
    async with (
        upstream(socks(b"\x05\x00", greetings)) as proxy,
        open_browser_proxy(proxy.replace("http", "socks5"), PAGE) as address,
        to(address) as (reader, writer),
        asyncio.timeout(10),
    ):
        writer.write(b"\x05\x01\x00 and what follows")
        assert await reader.readexactly(19) == b"\x05\x00 and what follows"
    assert greetings == [b"\x05\x02\x00\x02"]


async def test_a_socks_proxy_that_takes_no_password_at_all_ends_the_harvest_at_once() -> None:
    async with upstream(socks(b"\x05\xff", [])) as proxy:
        with pytest.raises(PageFailed, match=PROXY_REFUSED):
            await endless_harvest(proxy.replace("http", "socks5"), lambda address: said(address, b"\x05\x01\x00"))


async def test_another_version_of_socks_goes_nowhere() -> None:
    greetings: list[bytes] = []
    async with (
        upstream(socks(b"\x05\x00", greetings)) as proxy,
        open_browser_proxy(proxy.replace("http", "socks5"), PAGE) as address,
    ):
        assert await said(address, b"\x04\x01") == b""
    assert greetings == []


async def test_another_users_connection_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    heads: list[bytes] = []
    monkeypatch.setattr(os, "geteuid", lambda: 4_000_000)
    async with upstream(answering(OK, heads)) as proxy, open_browser_proxy(proxy, PAGE) as address:
        with suppress(ConnectionResetError):
            assert await said(address, b"GET http://a/ HTTP/1.1\r\n\r\n") == b""
    assert heads == []


async def test_a_connection_that_is_not_there_is_nobodys() -> None:
    assert await asyncio.to_thread(is_own_connection, ("127.0.0.1", 1), ("127.0.0.1", 1)) is False


def test_a_connection_that_the_table_missed_or_shows_twice_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    heading, other = "  sl  local_address rem_address", f"0: 0100007F:1000 0100007F:2000 01 0 0 0 {os.geteuid()} 0 7"
    ours = f"1: 0100007F:1001 0100007F:2000 01 0 0 0 {os.geteuid()} 0 8"
    theirs = f"1: 0100007F:1001 0100007F:2000 01 0 0 0 {os.geteuid() + 1} 0 8"
    closed = ours.replace(f"{os.geteuid()} 0 8", "0 0 0")  # no process has it any more
    seen = iter([[other, closed], [other, closed, ours, ours], [ours, theirs]])
    monkeypatch.setattr("aura_browser.webdriver.proxy_relay.peer.read_table", lambda: "\n".join([heading, *next(seen)]))
    assert is_own_connection(("127.0.0.1", 0x1001), ("127.0.0.1", 0x2000))
    assert not is_own_connection(("127.0.0.1", 0x1001), ("127.0.0.1", 0x2000))


async def test_where_the_system_does_not_tell_there_is_no_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    async with upstream(answering(OK, [])) as proxy, open_browser_proxy(proxy, PAGE) as address:
        assert await said(address, b"GET http://a/ HTTP/1.1\r\n\r\n") == OK


async def test_where_the_table_of_connections_can_not_be_read_there_is_no_check(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse() -> str:
        raise PermissionError

    monkeypatch.setattr("aura_browser.webdriver.proxy_relay.peer.read_table", refuse)
    async with upstream(answering(OK, [])) as proxy, open_browser_proxy(proxy, PAGE) as address:
        assert await said(address, b"GET http://a/ HTTP/1.1\r\n\r\n") == OK


async def test_all_of_a_big_body_arrives_both_ways_and_after_the_half_close() -> None:
    body = os.urandom(4_000_000)
    async with (
        upstream(echo_tunnel) as proxy,
        open_browser_proxy(proxy, PAGE) as address,
        to(address) as (reader, writer),
    ):
        writer.write(b"CONNECT a:1 HTTP/1.1\r\n\r\n")

        async def send() -> None:
            writer.write(body)
            await writer.drain()
            writer.write_eof()

        sending = asyncio.create_task(send())
        async with asyncio.timeout(30):
            assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 200 OK\r\n\r\n"
            assert await reader.read() == body
        await sending


async def test_all_of_a_big_upload_and_answer_arrive() -> None:
    body = os.urandom(4_000_000)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        back = await reader.readexactly(len(body))
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n" + back)
        await writer.drain()

    async with upstream(serve) as proxy, open_browser_proxy(proxy, PAGE) as address:
        head = b"POST http://a/ HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body)
        assert await said(address, head + body) == b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + body


async def test_an_answer_that_comes_before_the_upload_has_ended_arrives() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"abc")
        writer.write(OK)

    async with (
        asyncio.timeout(10),
        upstream(serve) as proxy,
        open_browser_proxy(proxy, PAGE) as address,
        to(address) as (reader, writer),
    ):
        writer.write(b"POST http://a/ HTTP/1.1\r\nContent-Length: 100\r\n\r\nabc")
        assert await reader.read() == OK
        assert (await said(address, b"GET / HTTP/1.1\r\n\r\n")).startswith(b"HTTP/1.1 400 ")


async def test_a_reader_that_is_slow_slows_the_proxy_down() -> None:
    sent = 0
    full = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while sent < 100_000_000:
            writer.write(bytes(1_000_000))
            try:
                async with asyncio.timeout(1):
                    await writer.drain()
            except TimeoutError:
                full.set()
                await writer.drain()
            sent += 1_000_000

    async with upstream(serve) as proxy, open_browser_proxy(proxy, PAGE) as address, to(address) as (_reader, writer):
        writer.write(b"CONNECT a:1 HTTP/1.1\r\n\r\n")
        async with asyncio.timeout(30):
            await full.wait()
    assert sent < 50_000_000


@pytest.mark.slow
async def test_many_connections_at_once() -> None:
    async with upstream(answering(OK, [])) as proxy, open_browser_proxy(proxy, PAGE) as address:
        answers = await asyncio.gather(*(said(address, b"GET http://a/ HTTP/1.1\r\n\r\n") for _ in range(100)))
    assert answers == [OK] * 100


async def test_connections_beyond_reason_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Relay, "MAX_CONNECTIONS", 1)
    async with (
        upstream(echo_tunnel) as proxy,
        open_browser_proxy(proxy, PAGE) as address,
        to(address) as (reader, writer),
    ):
        writer.write(b"CONNECT a:1 HTTP/1.1\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        with suppress(ConnectionResetError):
            assert await said(address, b"GET http://a/ HTTP/1.1\r\n\r\n") == b""
        writer.write(b"still here")
        assert await reader.readexactly(10) == b"still here"


@pytest.mark.parametrize("scheme", ["http", "socks5"])
async def test_a_proxy_that_is_away_is_the_reason_why_a_page_fails(scheme: str) -> None:
    async with upstream(echo_tunnel) as proxy:
        pass
    hello = b"GET http://a/ HTTP/1.1\r\n\r\n" if scheme == "http" else b"\x05\x01\x00"

    async def harvest() -> None:
        async with open_browser_proxy(proxy.replace("http", scheme), PAGE) as address:
            assert await said(address, hello) == b""
            raise PageFailed(PAGE, "ERR_EMPTY_RESPONSE")

    with pytest.raises(PageFailed, match=PROXY_UNREACHABLE) as caught:
        await harvest()
    assert caught.value.url == PAGE
    assert isinstance(caught.value.__cause__, PageFailed)


@pytest.mark.parametrize(
    ("error", "words"),
    [(NotReady(PAGE, None, 1, ("x",)), b"GET http://a/ HTTP/1.1\r\n\r\n"), (PageFailed(PAGE, "ERR_X"), b"")],
)
async def test_other_errors_pass(error: Exception, words: bytes) -> None:
    async def harvest() -> None:
        async with open_browser_proxy(proxy, PAGE) as address, to(address) as (reader, writer):
            writer.write(words)
            if words:
                await reader.read()
            raise error

    async with upstream(echo_tunnel) as proxy:
        pass
    with pytest.raises(type(error)) as caught:
        await harvest()
    assert caught.value is error


async def endless_harvest(proxy: str, visit: Callable[[str], Awaitable[object]]) -> None:
    """Have a browser *visit* through the relay, and wait as for a page that never comes."""
    async with asyncio.timeout(10), open_browser_proxy(proxy, PAGE) as address:
        assert address is not None
        with suppress(aiohttp.ClientError, ProxyError):
            await visit(address)
        await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("head", "answer"),
    [
        (b"CONNECT a:1 HTTP/1.1\r\n\r\n", b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n"),
        (b"CONNECT a:1 HTTP/1.1\r\n\r\n", b"HTTP/1.0 401 No\r\nContent-Length: 0\r\n\r\n"),
        (b"GET http://a/ HTTP/1.1\r\n\r\n", b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n"),
        (b"GET http://a/ HTTP/1.1\r\n\r\n", b"HTTP/1.0 401 No\r\nServer: tinyproxy/1.11.1\r\n\r\n"),
    ],
)
async def test_a_password_that_is_refused_ends_the_harvest_at_once(head: bytes, answer: bytes) -> None:
    async with upstream(answering(answer, [])) as proxy:
        with pytest.raises(PageFailed, match=PROXY_REFUSED) as caught:
            await endless_harvest(proxy, lambda address: said(address, head))
    assert caught.value.url == PAGE
    assert "s3cr" not in f"{caught.value} {caught.value!r}"
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_a_sites_own_401_is_not_the_proxys() -> None:
    answer = b"HTTP/1.1 401 No\r\nServer: nginx\r\nConnection: close\r\n\r\n"
    async with upstream(answering(answer, [])) as proxy, open_browser_proxy(proxy, PAGE) as address:
        assert await said(address, b"GET http://a/ HTTP/1.1\r\n\r\n") == answer


@pytest.mark.parametrize("kind", [Tinyproxy, Microsocks])
async def test_a_real_proxy_refuses_the_password(kind: type[ProxyServer], tmp_path: Path) -> None:
    with kind(tmp_path, user="me", password="s3cret") as proxy:
        async with Playground() as site:

            async def get(address: str) -> None:
                async with aiohttp.ClientSession(**connection_args(address)) as http:
                    await http.get(site.origin)

            with pytest.raises(PageFailed, match=PROXY_REFUSED):
                await endless_harvest(proxy.url_with("me", "wrong"), get)
        assert proxy.targets() == []


async def test_a_cancellation_from_outside_stays_one_though_the_proxy_refuses_too() -> None:
    refused = asyncio.Event()

    async def harvest(proxy: str) -> None:
        async with open_browser_proxy(proxy, PAGE) as address:
            assert address is not None
            try:
                await said(address, b"CONNECT a:1 HTTP/1.1\r\n\r\n")
                await asyncio.Event().wait()
            finally:
                refused.set()
                await asyncio.Event().wait()

    async with asyncio.timeout(10), upstream(answering(b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n", [])) as proxy:
        job = asyncio.create_task(harvest(proxy))
        await refused.wait()
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await job


async def test_a_cancellation_from_outside_stays_one_and_closes_everything() -> None:
    closed_there = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await echo_tunnel(reader, writer)
        finally:
            closed_there.set()

    started: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def harvest(proxy: str) -> None:
        async with open_browser_proxy(proxy, PAGE) as address:
            assert address is not None
            started.set_result(address)
            await asyncio.Event().wait()

    async with asyncio.timeout(10), upstream(serve) as proxy:
        job = asyncio.create_task(harvest(proxy))
        address = await started
        async with to(address) as (reader, writer):
            writer.write(b"CONNECT a:1 HTTP/1.1\r\n\r\n" + b"x" * 100_000)
            await reader.readuntil(b"\r\n\r\n")
            job.cancel()
            with pytest.raises(asyncio.CancelledError):
                await job
            with suppress(ConnectionResetError):
                await reader.read()
        await closed_there.wait()
        with pytest.raises(ConnectionRefusedError):
            await said(address, b"")
