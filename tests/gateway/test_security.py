"""Who is refused, and how: each refusal is JSON where HTTP got that far, and the gateway serves on."""

import asyncio
import gzip
import json
import logging
import socket
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from aura_browser.gateway.guard import Guard
from aura_browser.gateway.server import Gateway
from aura_browser.gateway.watching import Patience
from aura_browser.gateway.wires.problem import Problem
from aura_browser.playground import Playground
from tests.parts.gateways import QUICK, gateway_to, question

TOKEN = "s3cret-token-of-24-chars"
EXTENSION = "chrome-extension://abcdefghijklmnop"


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    settings: dict[str, Any] = {
        "token": TOKEN,
        "hosts": frozenset({"host.docker.internal"}),
        "origins": frozenset({EXTENSION}),
    }
    async with Playground() as site, gateway_to(site, **settings) as running:
        yield running


async def send(
    gateway: Gateway, headers: dict[str, str], *, method: str = "POST", path: str = "/v1/chat/completions"
) -> tuple[int, str, dict[str, str]]:
    """Send one request with the right token, but for the headers given; return status, code and headers."""
    sent = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"} | headers
    sent = {name: value for name, value in sent.items() if value}
    data = json.dumps(question("hi")) if method == "POST" else None
    async with (
        aiohttp.ClientSession() as http,
        http.request(
            method, f"{gateway.origin}{path}", data=data, headers=sent, skip_auto_headers={"Content-Type"}
        ) as response,
    ):
        body = await response.text()
        code = json.loads(body)["error"]["code"] if response.status >= 400 else ""
        return response.status, code, dict(response.headers)


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "DELETE"])
@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:{port}",
        "localhost.evil.example:{port}",
        "127.0.0.1.nip.io:{port}",
        "127.0.0.1:1",
        "127.0.0.1:{port}@evil.example",
        "localhost.:{port}",
        "[::2]:{port}",
        "192.168.0.7:{port}",
        "host.docker.internal:1",
        "",
    ],
)
async def test_a_foreign_host_is_refused_whatever_the_method(gateway: Gateway, host: str, method: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    shown = host.format(port=gateway.port)
    writer.write(f"{method} /v1/models HTTP/1.1\r\nHost: {shown}\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    writer.close()
    assert head.startswith(b"HTTP/1.1 403 ")
    assert b"application/json" in head


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost:{port}", "LOCALHOST", "[::1]:{port}", "host.docker.internal:{port}"]
)
async def test_its_own_names_are_taken(gateway: Gateway, host: str) -> None:
    status, _, _ = await send(gateway, {"Host": host.format(port=gateway.port)})
    assert status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "https://127.0.0.1"},
        {"Origin": "http://localhost.evil.example"},
        {"Origin": "http://evil.example/127.0.0.1"},
        {"Origin": "chrome-extension://other"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "Cross-Site", "Origin": "http://127.0.0.1"},
    ],
)
async def test_a_foreign_page_is_refused(gateway: Gateway, headers: dict[str, str]) -> None:
    for path, method in (("/v1/chat/completions", "POST"), ("/v1/models", "GET"), ("/", "GET")):
        status, code, got = await send(gateway, headers, method=method, path=path)
        assert (status, code) == (403, "origin_not_allowed")
        assert "Access-Control-Allow-Origin" not in got


async def test_its_own_page_is_taken(gateway: Gateway) -> None:
    headers = {"Origin": f"http://127.0.0.1:{gateway.port}", "Sec-Fetch-Site": "same-origin"}
    status, _, got = await send(gateway, headers)
    assert status == 200
    assert "Access-Control-Allow-Origin" not in got


async def test_an_origin_that_is_named_is_taken_and_may_read(gateway: Gateway) -> None:
    headers = {"Origin": EXTENSION, "Sec-Fetch-Site": "cross-site"}
    status, _, got = await send(gateway, headers)
    assert (status, got["Access-Control-Allow-Origin"], got["Vary"]) == (200, EXTENSION, "Origin")
    assert "Access-Control-Allow-Credentials" not in got
    preflight = headers | {"Authorization": "", "Access-Control-Request-Method": "POST"}
    status, _, got = await send(gateway, preflight, method="OPTIONS")
    assert status == 204
    assert got["Access-Control-Allow-Headers"] == "authorization, content-type, x-api-key"
    assert (got["Access-Control-Allow-Methods"], got["Access-Control-Max-Age"]) == ("GET, POST", "600")
    status, _, got = await send(gateway, {"Access-Control-Request-Method": "POST"}, method="OPTIONS")
    assert status == 405


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "multipart/form-data; boundary=x"},
        {"Content-Type": "application/jsonp"},
        {"Content-Type": ""},
        {"Content-Encoding": "gzip"},
    ],
)
async def test_what_is_not_plain_json_is_refused(gateway: Gateway, headers: dict[str, str]) -> None:
    for path in ("/v1/chat/completions", "/v1/messages/count_tokens"):
        status, head, _ = await send_raw(gateway, headers, path)
        assert status == 415
        assert b"x-should-retry: false" in head.lower()


async def send_raw(gateway: Gateway, headers: dict[str, str], path: str) -> tuple[int, bytes, bytes]:
    """Send a body as it is, compressed or not; return status, head and body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    body = json.dumps(question("hi")).encode()
    sent = {"Host": "localhost", "Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"} | headers
    lines = [f"{name}: {value}" for name, value in sent.items() if value]
    head = "\r\n".join([f"POST {path} HTTP/1.1", *lines, f"Content-Length: {len(body)}", "Connection: close", "", ""])
    writer.write(head.encode() + body)
    answer = await reader.read()
    writer.close()
    head_bytes, _, rest = answer.partition(b"\r\n\r\n")
    return int(head_bytes.split()[1]), head_bytes, rest


async def test_parameters_of_the_content_type_are_taken(gateway: Gateway) -> None:
    assert (await send(gateway, {"Content-Type": "application/json; charset=utf-8"}))[0] == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": ""},
        {"Authorization": f"Bearer {TOKEN[:-1]}x"},
        {"Authorization": "Bearer "},
        {"Authorization": TOKEN},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": "", "x-api-key": "wrong"},
        {"Authorization": "Bearer \xff"},
    ],
)
async def test_without_the_right_token_nothing_is_answered(gateway: Gateway, headers: dict[str, str]) -> None:
    for path, method in (("/v1/chat/completions", "POST"), ("/v1/models", "GET"), ("/metrics", "GET"), ("/x", "GET")):
        status, code, got = await send(gateway, headers, method=method, path=path)
        assert (status, code, got["WWW-Authenticate"]) == (401, "invalid_api_key", "Bearer")


async def test_either_header_may_show_the_token(gateway: Gateway) -> None:
    assert (await send(gateway, {"Authorization": "", "x-api-key": TOKEN}))[0] == 200
    assert (await send(gateway, {"Authorization": f"bearer {TOKEN}"}))[0] == 200


async def test_page_and_health_need_no_token_and_say_no_secret(gateway: Gateway) -> None:
    async with aiohttp.ClientSession() as http:
        for path in ("/", "/healthz"):
            async with http.get(f"{gateway.origin}{path}") as response:
                assert response.status == 200
                text = await response.text()
                assert "s3cret" not in text
                assert TOKEN not in text


async def test_without_a_token_any_key_is_taken() -> None:
    async with Playground() as site, gateway_to(site) as gateway:
        for headers in ({}, {"Authorization": "Bearer whatever"}, {"Authorization": "", "x-api-key": "x"}):
            assert (await send(gateway, headers))[0] == 200


async def test_a_token_is_in_no_log_and_no_repr(gateway: Gateway, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await send(gateway, {})
    await send(gateway, {"Authorization": "Bearer s3cret-wrong"})
    await send(gateway, {}, path=f"/v1/models?token={TOKEN}", method="GET")
    assert "s3cret" not in caplog.text
    assert "s3cret" not in repr(gateway._settings)
    assert "s3cret" not in repr(Guard(port=1, token=TOKEN))


async def test_a_log_line_can_not_be_forged(gateway: Gateway, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    await send(gateway, {}, path="/x%0d%0aGET%20/forged", method="GET")
    (line,) = [record.getMessage() for record in caplog.records if "forged" in record.getMessage()]
    assert "\n" not in line
    assert "\r" not in line


async def test_a_body_of_100_mib_is_refused_without_being_read() -> None:
    async with Playground() as site, gateway_to(site) as gateway:
        for header in ("Content-Length: 104857600", "Transfer-Encoding: chunked"):
            reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
            writer.write(
                b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
                b"Content-Type: application/json\r\n%s\r\n\r\n" % header.encode()
            )
            piece = b"x" * 2**16
            framed = piece if "Length" in header else b"10000\r\n" + piece + b"\r\n"
            sent = await send_until_answered(reader, writer, framed)
            head = await reader.readuntil(b"\r\n\r\n")
            writer.close()
            assert head.startswith(b"HTTP/1.1 413 ")
            assert b"x-should-retry: false" in head
            assert sent < 40 * 2**20
        assert await serves(gateway)


async def send_until_answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, piece: bytes) -> int:
    """Send *piece* again and again until an answer comes; return how much was sent."""
    sent = 0
    while not reader._buffer and sent < 100 * 2**20:  # type: ignore[attr-defined] # nothing public tells
        writer.write(piece)
        sent += len(piece)
        try:
            await writer.drain()
        except ConnectionError:
            break
        await asyncio.sleep(0)
    return sent


async def serves(gateway: Gateway) -> bool:
    """Return whether a question is answered."""
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{gateway.base_url}/chat/completions", json=question("hi")) as response,
    ):
        return response.status == 200


@pytest.mark.parametrize("sent", [b"", b"POST /v1/chat", b"GET / HTTP/1.1\r\nHost: localhost\r\nX: "])
async def test_a_header_that_never_ends_closes_the_connection(sent: bytes) -> None:
    async with Playground() as site, gateway_to(site, patience=Patience(header=0.3)) as gateway:
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        writer.write(sent)
        async with asyncio.timeout(20):
            assert await reader.read() == b""
        writer.close()
        assert await serves(gateway)


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
        b"\r\n\r\nnonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 20_000 + b"\r\n\r\n",
    ],
)
async def test_what_is_not_http_ends_its_connection_only(sent: bytes) -> None:
    async with Playground() as site, gateway_to(site) as gateway:
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        writer.write(sent)
        async with asyncio.timeout(20):
            head = await reader.readline()
        writer.close()
        assert b" 400 " in head or b" 403 " in head
        assert await serves(gateway)


async def test_it_listens_at_both_loopback_addresses_and_at_no_other(gateway: Gateway) -> None:
    async with aiohttp.ClientSession() as http:
        for host in ("127.0.0.1", "localhost", "[::1]"):
            async with http.get(f"http://{host}:{gateway.port}/healthz") as response:
                assert response.status == 200
    for family, address in _other_addresses():
        with socket.socket(family) as probe:
            probe.settimeout(1)
            assert probe.connect_ex((address, gateway.port)) != 0, address


def _other_addresses() -> list[tuple[socket.AddressFamily, str]]:
    found = socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET, socket.SOCK_STREAM)
    return [(socket.AF_INET, "127.0.0.2")] + [
        (socket.AF_INET, str(each[4][0])) for each in found if not str(each[4][0]).startswith("127.")
    ]


def test_comparing_tokens_does_not_stop_at_the_first_difference() -> None:
    import inspect

    from aura_browser.gateway import guard

    assert "compare_digest" in inspect.getsource(guard)
    checked = Guard(port=1, token=TOKEN)
    for wrong in ("", "x", TOKEN[:-1], TOKEN + "x", "\udcff"):
        with pytest.raises(Problem):
            checked.check_token("/models", {"Authorization": f"Bearer {wrong}"})
    checked.check_token("/models", {"x-api-key": TOKEN})


async def test_a_model_of_any_name_is_only_text(gateway: Gateway) -> None:
    status, code, _ = await send(gateway, {}, method="GET", path="/v1/models/%3Cscript%3E%0d%0a/../x")
    assert (status, code) == (404, "model_not_found")


async def test_slow_bodies_do_not_hold_others_up() -> None:
    async with Playground() as site, gateway_to(site, patience=QUICK, max_streams=1) as gateway:
        writers = []
        for _ in range(50):
            _, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
            writer.write(
                b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
                b"Content-Type: application/json\r\nContent-Length: 50\r\n\r\n{"
            )
            writers.append(writer)
        assert await serves(gateway)
        for writer in writers:
            writer.close()


@pytest.mark.parametrize("body", [gzip.compress(b"{}", mtime=0), b"no gzip"], ids=["gzip", "no gzip"])
async def test_a_compressed_body_is_refused_however_often_its_encoding_is_named(gateway: Gateway, body: bytes) -> None:
    names = "Content-Encoding: identity\r\nContent-Encoding: gzip"
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n{names}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(head.encode() + body)
    line = await asyncio.wait_for(reader.readline(), 10)
    writer.close()
    assert line.split()[1] == b"415"


async def test_a_page_of_another_port_of_this_machine_is_foreign(gateway: Gateway) -> None:
    for origin in ("http://localhost", "http://127.0.0.1", f"http://127.0.0.1:{gateway.port + 1}"):
        assert (await send(gateway, {"Origin": origin}))[:2] == (403, "origin_not_allowed")
    assert (await send(gateway, {"Origin": f"http://localhost:{gateway.port}"}))[0] == 200
