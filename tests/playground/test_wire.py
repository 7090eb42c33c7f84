"""What the site puts on the wire, byte by byte."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from aura_browser.playground import Playground
from aura_browser.playground.answers import split_tokens
from aura_browser.playground.wire import RawResponse
from tests.parts.servers import serving
from tests.parts.waiting import eventually


@pytest.fixture
async def site() -> AsyncIterator[Playground]:
    async with Playground() as running:
        yield running


def _post(site: Playground, body: bytes, path: str = "/api/chat", *headers: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", f"Host: {site.origin.removeprefix('http://')}", *headers]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode("latin-1") + body


def _ask(message: str, **more: object) -> bytes:
    asked = {"model": {"id": "openchat_3.6"}, "messages": [{"role": "user", "content": message}], **more}
    return json.dumps(asked).encode()


async def _connect(site: Playground) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", int(site.origin.rpartition(":")[2]))


async def _exchange(site: Playground, request: bytes) -> tuple[bytes, dict[str, str], bytes]:
    """Return the status line, the headers and the raw body of a whole answer."""
    reader, writer = await _connect(site)
    writer.write(request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1))
    async with asyncio.timeout(20):
        answer = await reader.read()
    writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.split(b"\r\n")
    return (
        status,
        {key.decode(): value.decode("latin-1") for key, _, value in (x.partition(b": ") for x in lines)},
        body,
    )


async def _say(site: Playground, message: str) -> tuple[bytes, dict[str, str], bytes]:
    return await _exchange(site, _post(site, _ask(message)))


def _chunks(*parts: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)


_END = b"0\r\n\r\n"
_SAID = "Grüße, 世界! One family: 👨‍👩‍👧 \n two  spaces "


async def test_a_good_answer_has_no_type_and_one_chunk_per_token(site: Playground) -> None:
    status, headers, body = await _say(site, _SAID)
    assert status == b"HTTP/1.1 200 OK"
    assert set(headers) == {"Transfer-Encoding", "Date", "Connection"}
    assert headers["Transfer-Encoding"] == "chunked"
    assert body == _chunks(*(token.encode() for token in split_tokens(_SAID))) + _END
    assert len(split_tokens(_SAID)) > 5


async def test_cut_sends_each_byte_alone(site: Playground) -> None:
    _, _, body = await _say(site, "/cut né 👩")
    assert body == _chunks(*(bytes([byte]) for byte in "né 👩".encode())) + _END


async def test_html_is_an_answer_without_a_type(site: Playground) -> None:
    status, headers, body = await _say(site, "/html")
    assert status == b"HTTP/1.1 200 OK"
    assert "Content-Type" not in headers
    assert b"<!DOCT" in body


async def test_empty_is_a_clean_200(site: Playground) -> None:
    status, headers, body = await _say(site, "/empty")
    assert status == b"HTTP/1.1 200 OK"
    assert "Content-Type" not in headers
    assert body == _END


async def test_dropped_has_no_terminal_chunk(site: Playground) -> None:
    status, _, body = await _say(site, "/dropped one two")
    assert status == b"HTTP/1.1 200 OK"
    assert body == _chunks(b"one", b" two")


async def test_dropped_without_text_sends_nothing(site: Playground) -> None:
    assert await _say(site, "/dropped") == (b"", {}, b"")


async def test_long_sends_so_many_words(site: Playground) -> None:
    _, _, body = await _say(site, "/long 3")
    assert body == _chunks(b"word0 ", b"word1 ", b"word2 ") + _END
    _, _, body = await _say(site, "/long")
    assert body.count(b"word") == 1000


async def test_slow_waits_before_each_token_and_sends_headers_with_the_first(site: Playground) -> None:
    reader, writer = await _connect(site)
    loop = asyncio.get_running_loop()
    started = loop.time()
    writer.write(_post(site, _ask("/slow 0.1 a b")))
    async with asyncio.timeout(20):
        await reader.readuntil(b"\r\n\r\n1\r\na\r\n")
        first = loop.time() - started
        await reader.readuntil(b"2\r\n b\r\n" + _END)
    writer.close()
    assert first >= 0.1
    assert loop.time() - started >= 0.2


@pytest.mark.parametrize(
    ("message", "status", "body"),
    [
        ("/error Slow down please", b"500 Slow down please", b"Error"),
        ("/error déjà vu ÿ", "500 déjà vu ÿ".encode("latin-1"), b"Error"),
        ("/error медленнее", b"500 Internal Server Error", b"Internal Server Error"),
        ("/error two\nlines", b"500 Internal Server Error", b"Internal Server Error"),
        ("/error " + "x" * 9000, b"500 " + b"x" * 9000, b"Error"),
    ],
)
async def test_an_error_is_a_500_that_says_its_message_in_the_reason(
    site: Playground, message: str, status: bytes, body: bytes
) -> None:
    line, headers, sent = await _say(site, message)
    assert (line, sent) == (b"HTTP/1.1 " + status, body)
    assert headers.get("Content-Type") == ("text/plain;charset=UTF-8" if body == b"Error" else None)


async def test_an_answer_counts_until_it_ends(site: Playground) -> None:
    reader, writer = await _connect(site)
    writer.write(_post(site, _ask("/silent a")))
    await reader.readuntil(b"1\r\na\r\n")
    assert (site.answering, site.chats) == (1, 1)
    await site.stop()
    assert (site.answering, site.chats) == (0, 1)
    writer.close()


async def test_an_error_keeps_the_connection(site: Playground) -> None:
    reader, writer = await _connect(site)
    async with asyncio.timeout(20):
        for _ in range(2):
            writer.write(_post(site, _ask("/error Slow down")))
            assert await reader.readuntil(b"\r\n\r\nError")
    writer.close()


async def test_limit_tells_how_long_to_wait(site: Playground) -> None:
    status, headers, _ = await _say(site, "/limit 7")
    assert (status, headers["Retry-After"]) == (b"HTTP/1.1 429 Too Many Requests", "7")
    status, headers, _ = await _say(site, "/limit")
    assert status == b"HTTP/1.1 429 Too Many Requests"
    assert "Retry-After" not in headers


async def test_gateway_is_an_html_page(site: Playground) -> None:
    status, headers, body = await _say(site, "/gateway")
    assert status == b"HTTP/1.1 502 Bad Gateway"
    assert headers["Content-Type"].startswith("text/html")
    assert body.endswith(b"<center>nginx</center>\r\n</body>\r\n</html>\r\n")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"model": {"id": "gpt-4"}, "messages": []}',
        b'{"model": {"id": "openchat_3.6"}}',
        b'{"model": {"id": "openchat_3.6"}, "messages": [{"role": "user", "content": null}]}',
        b'{"model": {}, "messages": []}',
    ],
)
async def test_a_bad_request_is_a_500_that_tells_nothing(site: Playground, body: bytes) -> None:
    status, _, sent = await _exchange(site, _post(site, body))
    assert (status, sent) == (b"HTTP/1.1 500 Internal Server Error", b"Error")
    assert site.chats == 0


@pytest.mark.parametrize("path", ["/", "/api/chat", "/api/models"])
async def test_a_head_is_not_answered(site: Playground, path: str) -> None:
    status, _, _ = await _exchange(site, _post(site, b"", path).replace(b"POST", b"HEAD", 1))
    assert status == b"HTTP/1.1 405 Method Not Allowed"


@pytest.mark.parametrize(
    ("size", "status"),
    [(2**24 - 1, b"500 Internal Server Error"), (2**24 + 1, b"413 Request Entity Too Large")],
)
async def test_a_body_over_sixteen_mebibytes_is_too_large(site: Playground, size: int, status: bytes) -> None:
    assert (await _exchange(site, _post(site, b"x" * size)))[0] == b"HTTP/1.1 " + status


@pytest.mark.parametrize("path", ["/api/chat", "/api/models"])
async def test_a_get_is_a_500(site: Playground, path: str) -> None:
    status, _, _ = await _exchange(site, _post(site, b"", path).replace(b"POST", b"GET", 1))
    assert status == b"HTTP/1.1 500 Internal Server Error"


async def test_a_trailing_slash_is_a_308(site: Playground) -> None:
    status, headers, _ = await _exchange(site, _post(site, _ask("hello"), "/api/chat/"))
    assert status == b"HTTP/1.1 308 Permanent Redirect"
    assert headers["Location"] == "/api/chat"


async def test_models_are_plain_text(site: Playground) -> None:
    status, headers, body = await _exchange(site, _post(site, b'{"key": ""}', "/api/models"))
    assert status == b"HTTP/1.1 200 OK"
    assert headers["Content-Type"].startswith("text/plain")
    assert json.loads(body) == [
        {"id": "openchat_3.6", "name": "OpenChat 3.6 (latest)"},
        {"id": "openchat_v3.2_mistral", "name": "OpenChat Aura"},
    ]


async def test_a_name_that_was_made_to_resolve_here_is_refused(site: Playground) -> None:
    port = site.origin.rpartition(":")[2].encode()
    for host in (b"evil.example:" + port, b"127.0.0.1", b"127.0.0.1:1"):
        request = _post(site, _ask("hello")).replace(b"127.0.0.1:" + port, host)
        status, _, _ = await _exchange(site, request)
        assert status == b"HTTP/1.1 421 Misdirected Request"
    for host in (b"localhost", b"[::1]"):
        request = _post(site, _ask("hello")).replace(b"127.0.0.1", host)
        assert (await _exchange(site, request))[0] == b"HTTP/1.1 200 OK"


async def test_requests_are_remembered_as_they_came(site: Playground) -> None:
    body = _ask("hello", extra="ü")
    await _exchange(site, _post(site, body, "/api/chat?x=%20", "x-ODD: Grüße", "X-Odd: again"))
    (seen,) = site.requests
    assert (seen.method, seen.path, seen.body, seen.status) == ("POST", "/api/chat?x=%20", body, 200)
    assert ("x-ODD", "Grüße") in seen.headers
    assert seen.header("X-ODD") == "Grüße"
    assert seen.header("Absent") is None
    assert [name for name, _ in seen.headers] == ["Host", "x-ODD", "X-Odd", "Content-Length", "Connection"]


@pytest.mark.parametrize("message", ["/silent a b", "/silent-start", "/long 100000000", "/slow 60 never"])
async def test_stopping_cuts_endless_answers(message: str) -> None:
    site = Playground()
    await site.start()
    reader, writer = await _connect(site)
    writer.write(_post(site, _ask(message)))
    if message == "/silent a b":
        await reader.readuntil(b" b\r\n")
    elif message.startswith("/long"):
        await reader.readuntil(b"word9 ")
    async with asyncio.timeout(20):
        await site.stop()
        rest = await reader.read()
    writer.close()
    assert not rest.endswith(_END)


async def test_a_client_that_leaves_ends_its_answer(caplog: pytest.LogCaptureFixture) -> None:
    async with Playground() as site:
        for message, seen in (("/silent a b", b" b\r\n"), ("/long 100000000", b"word9 ")):
            before = asyncio.all_tasks()
            reader, writer = await _connect(site)
            writer.write(_post(site, _ask(message)))
            await reader.readuntil(seen)
            answering = asyncio.all_tasks() - before
            assert answering
            writer.transport.abort()
            _, left = await asyncio.wait(answering, timeout=20)
            assert not left
    assert not caplog.records


async def test_an_answer_to_who_has_gone_is_not_written() -> None:
    told: asyncio.Future[BaseException | None] = asyncio.get_running_loop().create_future()

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        writer.close()
        await eventually(lambda: request.transport is None)
        response = RawResponse(200, "OK", b"late", None)
        try:
            await response.prepare(request)
        except ConnectionResetError as error:
            told.set_result(error)
        return response

    async with serving(answer) as (_, origin):
        _reader, writer = await asyncio.open_connection("127.0.0.1", int(origin.rpartition(":")[2]))
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        async with asyncio.timeout(20):
            assert str(await told) == "The client has disconnected"
