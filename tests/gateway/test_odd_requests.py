"""Requests that no client sends: other forms of a target, headers that come twice, broken bodies; and the log."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from aura_browser.gateway.server import Gateway
from aura_browser.http.server_log import make_server_log
from aura_browser.playground import Playground
from tests.parts.gateways import QUICK, gateway_to, question

TOKEN = "s3cret-token-of-24-chars"
BODY = json.dumps(question("hi")).encode()
MODELS = "GET /v1/models HTTP/1.1"
ASK = "POST /v1/chat/completions HTTP/1.1"
JSON = ("Content-Type: application/json",)


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    async with Playground() as site, gateway_to(site, token=TOKEN, patience=QUICK) as running:
        yield running


async def send(gateway: Gateway, line: str, *headers: str, body: bytes = b"", host: str = "localhost:{port}") -> bytes:
    """Send one request with the right token; return all that comes until the gateway closes the connection."""
    given = [f"Host: {host}"] if host else []
    lines = [line, *given, f"Authorization: Bearer {TOKEN}", "Connection: close", *headers, "", ""]
    return await send_raw(gateway, "\r\n".join(lines).replace("{port}", str(gateway.port)).encode("latin-1") + body)


async def send_raw(gateway: Gateway, data: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    try:
        async with asyncio.timeout(20):
            writer.write(data)
            return await reader.read()
    finally:
        writer.close()


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def code(answer: bytes) -> str:
    """Return the error's code; what the gateway refuses is JSON."""
    found: str = json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["code"]
    return found


@pytest.mark.parametrize(
    "host",
    [
        *("localhost.", "localhost.:{port}", "127.0.0.1.:{port}", "2130706433:{port}", "0x7f.1:{port}", "127.1:{port}"),
        *("[0:0:0:0:0:0:0:1]:{port}", "[::ffff:127.0.0.1]:{port}", "[::1%25lo]:{port}", "::1", "[::1", "::1]:{port}"),
        *("localhost:{port}:{port}", "localhost:{port}, evil.example", "evil.example, localhost", "localhost@evil"),
        *("localhost:0{port}", "localhost:+{port}", "localhost evil.example", "0.0.0.0:{port}", "[::]:{port}"),
    ],
)
async def test_another_spelling_is_another_name(gateway: Gateway, host: str) -> None:
    answer = await send(gateway, MODELS, host=host)
    assert (status(answer), code(answer)) == (403, "host_not_allowed")


async def test_two_hosts_are_none(gateway: Gateway) -> None:
    for first, second in (("localhost", "evil.example"), ("evil.example", "localhost")):
        assert status(await send(gateway, MODELS, f"Host: {second}", host=first)) == 400


async def test_a_target_with_a_host_of_its_own_has_to_name_the_gateway(gateway: Gateway) -> None:
    for target in ("http://evil.example", "http://localhost.evil.example:{port}", "http://localhost:1", "x://evil"):
        answer = await send(gateway, f"GET {target}/v1/models HTTP/1.1")
        assert (status(answer), code(answer)) == (403, "host_not_allowed"), target
    for target in (
        "http://localhost:{port}/v1/models",
        "http://127.0.0.1:{port}/v1/models?x",
        "/v1/models?x=http://evil",
    ):
        assert status(await send(gateway, f"GET {target} HTTP/1.1")) == 200
    assert status(await send(gateway, "GET http://localhost:{port}/v1/models HTTP/1.1", host="evil.example")) == 403
    assert status(await send(gateway, "CONNECT evil.example:443 HTTP/1.1")) in {400, 403, 404, 405}
    assert status(await send(gateway, "OPTIONS * HTTP/1.1")) == 404


async def test_http_1_0_needs_a_host_too(gateway: Gateway) -> None:
    assert status(await send(gateway, "GET /v1/models HTTP/1.0", host="")) == 403
    assert status(await send(gateway, "GET /v1/models HTTP/1.0")) == 200


@pytest.mark.parametrize(
    "headers",
    [
        ("Origin: http://localhost:{port}", "Origin: https://evil.example"),
        ("Origin: https://evil.example", "Origin: http://localhost:{port}"),
        ("Sec-Fetch-Site: none", "Sec-Fetch-Site: cross-site"),
        ("Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: none"),
        ("Origin: ",),
        ("Origin: http://localhost:{port}/",),
        ("Origin: http://user@localhost:{port}",),
        ("Origin: http://localhost.:{port}",),
        ("Origin: NULL",),
        ("Origin: file://",),
    ],
)
async def test_of_what_comes_twice_each_counts(gateway: Gateway, headers: tuple[str, ...]) -> None:
    length = f"Content-Length: {len(BODY)}"
    answer = await send(gateway, ASK, *JSON, length, *headers, body=BODY)
    assert (status(answer), code(answer)) == (403, "origin_not_allowed")


async def test_a_page_can_not_open_a_web_socket(gateway: Gateway) -> None:
    upgrade = ("Upgrade: websocket", "Sec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==", "Sec-WebSocket-Version: 13")
    assert status(await send(gateway, MODELS, *upgrade, "Origin: https://evil.example")) == 403
    assert status(await send(gateway, MODELS, *upgrade)) == 200, "without one it is an ordinary request"


async def test_a_method_is_the_one_in_the_first_line(gateway: Gateway) -> None:
    overrides = ("X-HTTP-Method-Override: POST", "X-Method-Override: POST", "X-HTTP-Method: POST")
    line = "GET /v1/chat/completions?_method=POST HTTP/1.1"
    answer = await send(gateway, line, *overrides, *JSON, f"Content-Length: {len(BODY)}", body=BODY)
    assert (status(answer), code(answer)) == (405, "method_not_allowed")


async def test_a_token_in_the_address_opens_nothing(gateway: Gateway) -> None:
    for name in ("token", "key", "api_key", "access_token"):
        line = f"GET /v1/models?{name}={TOKEN} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        answer = await send_raw(gateway, line.encode())
        assert (status(answer), code(answer)) == (401, "invalid_api_key")


async def test_each_request_of_a_connection_is_checked(gateway: Gateway) -> None:
    own = f"{MODELS}\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
    last = own.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")
    answer = await send_raw(gateway, (own + own.replace("localhost", "evil.example") + last).encode())
    assert [part[:3] for part in answer.split(b"HTTP/1.1 ")[1:]] == [b"200", b"403", b"200"]


@pytest.mark.slow
async def test_bodies_in_pieces(gateway: Gateway) -> None:
    chunked = (*JSON, "Transfer-Encoding: chunked")
    whole = b"%x;x=y\r\n%s\r\n0\r\nX-Trailer: y\r\n\r\n" % (len(BODY), BODY)
    assert status(await send(gateway, ASK, *chunked, body=whole)) == 200
    assert status(await send(gateway, ASK, *chunked, body=b"zz\r\n")) == 400
    assert status(await send(gateway, ASK, *chunked, f"Content-Length: {len(BODY)}", body=whole)) == 400
    assert status(await send(gateway, ASK, *chunked, body=b"5\r\n{}")) == 408
    assert status(await send(gateway, ASK, *JSON, "Transfer-Encoding: odd", body=BODY)) == 400
    for lengths in (("5", "6"), ("-1",), ("9" * 30,), ("0x5",)):
        assert (
            status(await send(gateway, ASK, *JSON, *(f"Content-Length: {each}" for each in lengths), body=BODY)) == 400
        )


async def test_a_client_that_waits_for_leave_to_send_gets_it(gateway: Gateway) -> None:
    lines = [ASK, "Host: localhost", f"Authorization: Bearer {TOKEN}", "Connection: close", *JSON]
    head = "\r\n".join([*lines, f"Content-Length: {len(BODY)}", "Expect: 100-Continue", "", ""])
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    async with asyncio.timeout(20):
        writer.write(head.encode())
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(BODY)
        assert status(await reader.read()) == 200
    writer.close()


async def test_a_body_that_is_no_text_in_utf_8_is_refused_by_name(gateway: Gateway) -> None:
    for body in (BODY.decode().encode("utf-16"), BODY.replace(b"hi", b"\xff"), BODY.replace(b"hi", b"\\ud800")):
        answer = await send(gateway, ASK, *JSON, f"Content-Length: {len(body)}", body=body)
        assert (status(answer), code(answer)) == (400, "invalid_json")


async def test_many_and_long_headers_end_the_connection_only(gateway: Gateway) -> None:
    assert status(await send(gateway, MODELS, *(f"X-{number}: y" for number in range(5000)))) == 400
    assert status(await send(gateway, f"GET /{'a' * 20_000} HTTP/1.1")) == 400
    assert status(await send(gateway, MODELS)) == 200


@pytest.mark.parametrize("level", [logging.WARNING, logging.DEBUG])
async def test_what_can_not_be_read_is_in_no_log(
    gateway: Gateway, level: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(level)
    for headers, body in (
        ((f"X-Key: {TOKEN}\x01",), b""),
        ((f"X Key: {TOKEN}",), b""),
        ((*JSON, "Transfer-Encoding: odd"), b'{"s3cret": 1}'),
        ((*JSON, "Content-Encoding: gzip", "Content-Length: 13"), b'{"s3cret": 1}'),
    ):
        answer = await send(gateway, ASK, *headers, body=body)
        assert status(answer) in {400, 415}
    assert "s3cret" not in caplog.text
    assert [each for each in caplog.records if each.levelno >= logging.WARNING] == []
    assert ("could not be read" in caplog.text) == (level == logging.DEBUG)


@pytest.mark.parametrize("level", [logging.WARNING, logging.DEBUG])
async def test_a_connection_that_was_cut_is_no_error_of_the_gateway(
    level: int, caplog: pytest.LogCaptureFixture
) -> None:
    async def cut(_request: web.BaseRequest) -> web.StreamResponse:
        raise ConnectionResetError("s3cret")

    caplog.set_level(level)
    runner = web.ServerRunner(web.Server(cut, logger=make_server_log("aura_browser.gateway.server")))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    await reader.read()
    writer.close()
    await runner.cleanup()
    said = [each[2] for each in caplog.record_tuples if each[0] == "aura_browser.gateway.server.connections"]
    assert said == (["A connection was cut: ConnectionResetError"] if level == logging.DEBUG else [])
    assert "s3cret" not in caplog.text
