"""How an answer is sent: in as few packets as can be, and up to a length."""

import asyncio
import re
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from aura_browser.gateway.server import Gateway
from aura_browser.playground import Playground
from tests.bench.server import Answer, serve
from tests.parts.gateways import MODEL, gateway_to, question, write_post
from tests.parts.servers import serving

_TCP_INFO_BYTES = 160
_DATA_SEGMENTS_AT = 152  # tcpi_data_segs_in of struct tcp_info, linux/tcp.h


Connection = tuple[asyncio.StreamReader, socket.socket]


@asynccontextmanager
async def posting(gateway: Gateway, path: str, body: object) -> AsyncIterator[Connection]:
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(write_post(path, body))
    try:
        yield reader, writer.get_extra_info("socket")
    finally:
        writer.close()


def count_packets(connection: socket.socket) -> int:
    """Return how many packets with data this end of a connection has received."""
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_BYTES)
    return int.from_bytes(info[_DATA_SEGMENTS_AT : _DATA_SEGMENTS_AT + 4], "little")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/chat/completions", question("/silent begun", stream=True)),
        ("/v1/responses", {"model": MODEL, "input": "/silent begun", "stream": True}),
    ],
)
async def test_the_status_comes_with_the_first_text_in_one_packet(path: str, body: dict[str, object]) -> None:
    async with Playground() as site, gateway_to(site) as gateway, posting(gateway, path, body) as (reader, connection):
        await reader.readuntil(b"begun")
        assert count_packets(connection) == 1


async def test_the_end_comes_with_the_last_events_in_one_packet() -> None:
    body = question("hi", stream=True)
    async with (
        Playground() as site,
        gateway_to(site) as gateway,
        posting(gateway, "/v1/chat/completions", body) as (reader, connection),
    ):
        await reader.readuntil(b"0\r\n\r\n")
        assert count_packets(connection) == 2


async def test_text_that_comes_faster_than_a_model_writes_is_gathered() -> None:
    with serve(Answer(chunks=30_000, per_write=1)) as site:
        async with gateway_to(site) as gateway:
            body = question("hi", stream=True)
            async with posting(gateway, "/v1/chat/completions", body) as (reader, _):
                began, answer = time.monotonic(), bytearray()
                while not answer.endswith(b"0\r\n\r\n") and (data := await reader.read(2**16)):
                    answer += data
                took_s = time.monotonic() - began
    # A piece that is read from the site may end in the middle of a word, and so does its event then.
    assert b"".join(re.findall(rb'"content":"([^"]*)"', answer)).count(b"token ") == 30_000
    long = [event for event in answer.split(b"\n\n") if event.count(b"token ") > 64 / len("token ")]
    assert 0 < len(long) <= took_s * 1000 + 1, "one in a millisecond"


@pytest.mark.parametrize(
    ("path", "fields", "length", "said"),
    [
        ("/chat/completions", {}, 4_000_000, None),
        ("/chat/completions", {}, 4_000_001, "The answer is over 4,000,000 characters; ask for it as a stream."),
        ("/chat/completions", {"stream": True}, 4_000_001, None),
        (
            "/responses",
            {"stream": True},
            4_000_001,
            "The answer is over 4,000,000 characters, which this wire can't repeat at its end.",
        ),
    ],
)
async def test_an_answer_that_is_too_long_to_be_held_is_refused(
    path: str, fields: dict[str, Any], length: int, said: str | None
) -> None:
    async def handle(_request: web.BaseRequest) -> web.StreamResponse:
        response = web.Response(body=b"x" * length)
        response.headers.popall("Content-Type", None)
        return response

    body = {"model": MODEL, "input": "hi"} if path == "/responses" else question("hi")
    async with (
        serving(handle) as (_, origin),
        gateway_to(origin) as gateway,
        aiohttp.ClientSession() as http,
        http.post(f"{gateway.base_url}{path}", json=body | fields) as response,
    ):
        answer = await response.text()
        is_refused = said is not None and not fields
        assert (response.status, response.headers.get("x-should-retry")) == (
            (502, "false") if is_refused else (200, None)
        )
    assert ("answer_too_long" in answer) == (said is not None)
    assert said in answer if said else answer.count("x") >= length


async def test_a_stream_is_sent_as_events_that_nothing_on_the_way_keeps() -> None:
    async with Playground() as site, gateway_to(site) as gateway, aiohttp.ClientSession() as http:
        body = question("hi", stream=True)
        async with http.post(f"{gateway.base_url}/chat/completions", json=body) as response:
            assert response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
            assert response.headers["Cache-Control"] == "no-cache"
            assert response.headers["X-Accel-Buffering"] == "no"
