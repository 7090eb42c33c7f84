"""Who is refused, and how: each refusal is JSON where HTTP got that far, and the gateway serves on."""

import asyncio
import base64
import gzip
import json
import logging
import socket
from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from multidict import CIMultiDict
from rich.pretty import pretty_repr

from aura_browser.gateway.guard import Guard
from aura_browser.gateway.reading import read_request
from aura_browser.gateway.server import Gateway
from aura_browser.gateway.watching import Patience
from aura_browser.gateway.wires.problem import Problem
from aura_browser.playground import Playground
from tests.parts.gateways import QUICK, gateway_to, question

TOKEN = "s3cret-token-of-24-chars"
LAST = {"Connection": "close", "x-should-retry": "false"}
"""What a client reads of a connection that ends with a refusal."""
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
    "host",
    ["127.0.0.1", "localhost:{port}", "LOCALHOST", "[::1]:{port}", "[::1]", "host.docker.internal:{port}"],
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
        assert (status, code, got["x-should-retry"]) == (403, "origin_not_allowed", "false")
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
    assert got["Access-Control-Expose-Headers"] == "*"
    for wanted, taken in (("x-stainless-lang,anthropic-version", True), ("a: b", False), ("a\tb", False), ("", False)):
        asking = preflight | {"Access-Control-Request-Headers": wanted}
        _, _, got = await send(gateway, asking, method="OPTIONS")
        assert (got["Access-Control-Allow-Headers"] == wanted) is taken
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
        status, head, body = await send_raw(gateway, headers, path)
        assert (status, b"unsupported_media_type" in body) == (415, path == "/v1/chat/completions")
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


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "application/json; charset=utf-8"},
        {"Content-Type": "Application/JSON ;charset=utf-8"},
        {"Content-Encoding": "Identity"},
    ],
)
async def test_plain_json_is_taken_however_it_is_spelled(gateway: Gateway, headers: dict[str, str]) -> None:
    assert (await send_raw(gateway, headers, "/v1/chat/completions"))[0] == 200


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
        assert got["x-should-retry"] == "false"


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


async def test_the_page_is_held_to_what_is_in_it(gateway: Gateway) -> None:
    async with aiohttp.ClientSession() as http, http.get(f"{gateway.origin}/") as response:
        page, headers = await response.read(), response.headers
    allowed = {
        name: base64.b64encode(sha256(page.split(f"<{name}>".encode())[1].split(f"</{name}>".encode())[0]).digest())
        for name in ("script", "style")
    }
    policy = (
        "default-src 'none'; script-src 'sha256-{script}'; style-src 'sha256-{style}'; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    assert headers["Content-Security-Policy"] == policy.format(
        **{name: each.decode() for name, each in allowed.items()}
    )
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert (headers["Cache-Control"], headers["X-Content-Type-Options"]) == ("no-cache", "nosniff")
    assert (headers["Referrer-Policy"], headers["Cross-Origin-Opener-Policy"]) == ("no-referrer", "same-origin")


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
    guard = Guard(port=1, token=TOKEN, hosts=frozenset({"b", "a"}), origins=frozenset({"d", "c"}))
    assert repr(guard) == pretty_repr(guard) == "Guard(port=1, hosts=['a', 'b'], origins=['c', 'd'])"


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


@pytest.mark.parametrize(
    ("port", "hosts", "headers", "is_own"),
    [
        (80, set(), {"Host": "localhost", "Origin": "http://localhost"}, True),
        (81, set(), {"Host": "localhost", "Origin": "http://localhost"}, False),
        (81, {"nas"}, {"Host": "nas", "Origin": "http://nas"}, True),
        (81, {"nas"}, {"Host": "nas", "Origin": "http://nas:1"}, False),
        (81, {"nas:1"}, {"Host": "nas:1", "Origin": "http://nas:1"}, True),
        (81, {"nas:1"}, {"Host": "nas", "Origin": "http://nas"}, False),
        (81, set(), {"Host": "localhost", "Origin": "localhost:81"}, False),
    ],
)
def test_a_page_is_its_own_by_name_and_port(
    port: int, hosts: set[str], headers: dict[str, str], *, is_own: bool
) -> None:
    guard = Guard(port=port, hosts=frozenset(hosts))
    if is_own:
        return guard.check_place(headers)
    with pytest.raises(Problem):
        guard.check_place(headers)
    return None


def test_an_origin_that_is_named_lets_no_other_in_with_it() -> None:
    guard = Guard(port=1, origins=frozenset({EXTENSION}))
    guard.check_place({"Host": "localhost", "Origin": EXTENSION})
    for others in (("https://evil.example",), (EXTENSION,)):
        origins = [("Origin", each) for each in (EXTENSION, *others)]
        with pytest.raises(Problem) as caught:
            guard.check_place(CIMultiDict([("Host", "localhost"), *origins]))
        assert (caught.value.status, caught.value.code) == (403, "origin_not_allowed")


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER "])
def test_a_token_is_taken_with_spaces_around_it(scheme: str) -> None:
    Guard(port=1, token=TOKEN).check_token("/models", {"Authorization": f"{scheme} {TOKEN} "})


async def read_at_most_ten(request: web.BaseRequest) -> web.StreamResponse:
    try:
        return web.Response(body=await read_request(request, 0.2, 10))
    except Problem as problem:
        return web.json_response([problem.code, problem.headers], status=problem.status)


@pytest.mark.parametrize(
    ("head", "status", "answered"),
    [
        (b"Content-Length: 10\r\n\r\n0123456789", 200, b"0123456789"),
        (b"Content-Length: 11\r\n\r\n", 413, b"request_too_large"),
        (b"Transfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n0\r\n\r\n", 200, b"0123456789"),
        (b"Transfer-Encoding: chunked\r\n\r\nb\r\n0123456789x\r\n", 413, b"request_too_large"),
        (b"Content-Length: 10\r\n\r\n0123", 408, b"request_timeout"),
        (b"Content-Length: 0\r\n\r\n", 200, b""),
    ],
)
async def test_a_body_is_read_up_to_its_limit_and_no_further(head: bytes, status: int, answered: bytes) -> None:
    runner = web.ServerRunner(web.Server(read_at_most_ten, lingering_time=0))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(b"POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + head)
    line, _, rest = (await reader.read()).partition(b"\r\n")
    writer.close()
    await runner.cleanup()
    body = rest.partition(b"\r\n\r\n")[2]
    assert int(line.split()[1]) == status
    assert body == answered if status == 200 else json.loads(body) == [answered.decode(), LAST]
