"""How aiohttp is led through a proxy: what it sends there, and what comes of a proxy that does not play along."""

import asyncio
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from traceback import format_exception
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest

from aura_browser.errors import ConnectionFailed, InvalidInput
from aura_browser.http.exchange import check_proxy_answer, typed_errors
from aura_browser.playground import Playground
from aura_browser.proxy.address import PROXY_REFUSED
from aura_browser.proxy.connection import connection_args, route_through
from tests.parts.proxy_servers import Microsocks, ProxyServer, Tinyproxy
from tests.parts.sessions import make_session
from tests.parts.stream_server import stream_server

STRANGE = "p@s:s/w%?#ö€ +"


async def get(url: str, proxy: str) -> str:
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=2, sock_read=5)
    async with aiohttp.ClientSession(timeout=timeout, **connection_args(proxy)) as http:
        with typed_errors(url, 5):
            async with http.get(url) as response:
                check_proxy_answer(response, proxy)
                return await response.text()


async def failure(url: str, proxy: str) -> str:
    with pytest.raises(ConnectionFailed) as caught:
        await get(url, proxy)
    assert "s3cret" not in f"{caught.value!r} {''.join(format_exception(caught.value))}"
    return caught.value.reason


@asynccontextmanager
async def answering(*answers: bytes) -> AsyncIterator[tuple[str, list[bytes]]]:
    """Serve one answer after another for what comes, then hang up; yield where, and what came."""
    came: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            came.append(await reader.read(65536))
            writer.write(answer)
            await writer.drain()
        writer.close()

    async with stream_server(serve) as port:
        yield f"127.0.0.1:{port}", came


def sent_login(head: bytes) -> str:
    lines = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:] if line)
    return b64decode(lines[b"Proxy-Authorization"].removeprefix(b"Basic ")).decode()


@pytest.mark.parametrize("password", ["s3cret", STRANGE, "grüß", ""])
async def test_user_and_password_reach_an_http_proxy_as_they_are(password: str) -> None:
    async with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi") as (place, came):
        assert await get("http://chat.invalid/x", f"http://m%40e:{quote(password, safe='')}@{place}") == "hi"
    assert came[0].startswith(b"GET http://chat.invalid/x HTTP/1.1\r\n")
    assert sent_login(came[0]) == f"m@e:{password}"


async def test_user_and_password_reach_an_http_proxy_before_a_tunnel() -> None:
    async with answering(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n") as (place, came):
        reason = await failure("https://chat.invalid/", f"http://me:{quote(STRANGE, safe='')}@{place}")
    assert reason == "the proxy answered 502"
    assert came[0].startswith(b"CONNECT chat.invalid:443 HTTP/1.1\r\n")
    assert sent_login(came[0]) == f"me:{STRANGE}"


@pytest.mark.parametrize("has_own", [False, True])
async def test_a_clients_own_proxy_goes_before_the_sessions(*, has_own: bool) -> None:
    async def route(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        route_through(request, f"http://me:s3cret@{place}")
        return await handler(request)

    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
    async with answering(answer) as (place, came), answering(answer) as (own, came_to_own):
        options = {"proxy": f"http://{own}"} if has_own else {}
        async with (
            aiohttp.ClientSession(middlewares=(route,)) as http,
            http.get("http://chat.invalid/x", **options) as response,  # type: ignore[arg-type]
        ):
            assert await response.text() == "hi"
    assert (len(came), len(came_to_own)) == ((0, 1) if has_own else (1, 0))


@pytest.mark.parametrize("status", [401, 407])
async def test_a_tunnel_that_an_http_proxy_refuses(status: int) -> None:
    async with answering(b"HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n" % status) as (place, _came):
        assert await failure("https://chat.invalid/", f"http://me:s3cret@{place}") == f"{PROXY_REFUSED} ({status})"


async def test_a_request_that_an_http_proxy_refuses() -> None:
    async with answering(b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n") as (place, _came):
        assert await failure("http://chat.invalid/?s3cret", f"http://me:s3cret@{place}") == f"{PROXY_REFUSED} (407)"


async def test_a_sites_own_401_is_not_the_proxys() -> None:
    async with answering(b"HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\nhi") as (place, _came):
        assert await get("http://chat.invalid/", f"http://me:s3cret@{place}") == "hi"


@pytest.mark.parametrize("kind", [Tinyproxy, Microsocks])
async def test_a_real_proxy_with_a_password(kind: type[ProxyServer], tmp_path: Path) -> None:
    with kind(tmp_path, user="me", password="s3cret") as proxy:
        async with Playground() as site:
            assert "<html" in await get(site.origin, proxy.url)
            for wrong in (proxy.url_with("me", "s3cret2"), proxy.url_with("", "")):
                assert (await failure(site.origin, wrong)).startswith(PROXY_REFUSED)
        assert len(proxy.targets()) == 1


async def test_names_are_resolved_by_the_socks_proxy_and_any_password_reaches_it(tmp_path: Path) -> None:
    with Microsocks(tmp_path, user="me", password="p@s:s/w%?# +") as proxy:
        async with Playground() as site:
            assert "<html" in await get(site.origin.replace("127.0.0.1", "localhost"), proxy.url)
        assert [target.partition(":")[0] for target in proxy.targets()] == ["localhost"]


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ((b"\x05\xff",), PROXY_REFUSED),
        ((b"\x05\x02", b"\x01\x01"), PROXY_REFUSED),
        ((b"\x05\x00", b"\x05\x04\x00\x01\x00\x00\x00\x00\x00\x00"), "the proxy could not reach the site"),
        ((b"HTTP/1.1 400 Bad Request\r\n\r\n",), "the proxy does not speak SOCKS5"),
        ((b"",), "the proxy closed the connection"),
        ((b"\x05\x02", b""), "the proxy closed the connection"),
    ],
)
async def test_a_socks_proxy_that_does_not_play_along(answers: tuple[bytes, ...], reason: str) -> None:
    async with answering(*answers) as (place, _came):
        assert await failure("http://chat.invalid/", f"socks5://me:s3cret@{place}") == reason


async def test_a_socks_proxy_that_is_away() -> None:
    async with answering() as (place, _came):
        pass
    assert await failure("http://chat.invalid/", f"socks5://me:s3cret@{place}") == "the proxy can't be reached"


@pytest.mark.slow
async def test_a_socks_proxy_that_stays_silent() -> None:
    async with answering(b"", b"") as (place, _came):
        assert (
            await failure("http://chat.invalid/", f"socks5://me:s3cret@{place}")
            == "connecting through the proxy timed out"
        )


async def test_no_tls_behind_a_socks_proxy(tmp_path: Path) -> None:
    with Microsocks(tmp_path) as proxy:
        async with Playground() as site:
            reason = await failure(site.origin.replace("http:", "https:"), proxy.url)
    assert reason == "the TLS handshake failed"


async def test_an_unfit_proxy_is_refused_and_none_needs_nothing() -> None:
    with pytest.raises(InvalidInput, match="SOCKS4"):
        connection_args("socks4://127.0.0.1:1080")
    assert connection_args(None) == {}


@pytest.mark.parametrize("proxy", [None, "http://127.0.0.1:9", "socks5://127.0.0.1:9"])
async def test_a_connector_has_its_settings_with_each_kind_of_proxy(proxy: str | None) -> None:
    args = connection_args(proxy, limit=7)
    connector = args.pop("connector")
    assert connector.limit == 7
    assert args == ({"proxy": proxy} if proxy and proxy.startswith("http:") else {})
    await connector.close()


async def test_a_socks_proxy_needs_a_connector_of_its_own() -> None:
    proxy = "socks5://127.0.0.1:9"
    for session_args, is_refused in (({}, True), (connection_args(proxy), False)):
        async with aiohttp.ClientSession(**session_args) as http:
            request: Any = SimpleNamespace(session=http, proxy=None)
            if not is_refused:
                route_through(request, proxy)
                continue
            with pytest.raises(InvalidInput) as caught:
                route_through(request, proxy)
            assert caught.value.name == "proxy"
            assert "ClientSession(**session.client_args())" in caught.value.problem


async def test_a_sessions_client_args_go_through_its_socks_proxy(tmp_path: Path) -> None:
    with Microsocks(tmp_path, user="me", password="s3cret") as proxy:
        async with Playground() as site:
            session = make_session(site.origin, proxy=proxy.url)
            async with aiohttp.ClientSession(**session.client_args()) as http, http.get(site.origin) as response:
                assert response.status == 200
            assert ("User-Agent", session.user_agent) in site.requests[-1].headers
        assert len(proxy.targets()) == 1
        assert "s3cret" not in repr(session)
