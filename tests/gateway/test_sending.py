"""How an answer is sent: in as few packets as can be, and up to a length."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from aura_browser.gateway.server import Gateway
from aura_browser.playground import Playground
from tests.bench.server import Answer, serve
from tests.parts.gateways import MODEL, gateway_to, question, write_post

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
    assert answer.count(b"token ") == 30_000
    long = [event for event in answer.split(b"\n\n") if event.count(b"token ") > 64 / len("token ")]
    assert 0 < len(long) <= took_s * 1000 + 1, "one in a millisecond"


@pytest.mark.parametrize(
    ("path", "fields", "said"),
    [
        ("/chat/completions", {}, "The answer is over 20 characters; ask for it as a stream."),
        ("/chat/completions", {"stream": True}, None),
        ("/responses", {"stream": True}, "The answer is over 20 characters, which this wire can't repeat at its end."),
    ],
)
async def test_an_answer_that_is_too_long_to_be_held_is_refused(
    monkeypatch: pytest.MonkeyPatch, path: str, fields: dict[str, Any], said: str | None
) -> None:
    monkeypatch.setattr("aura_browser.gateway.answering._MAX_ANSWER_CHARS", 20)
    monkeypatch.setattr("aura_browser.gateway.wires.responses._MAX_TEXT_CHARS", 20)
    body = {"model": MODEL, "input": "/long 9"} if path == "/responses" else question("/long 9")
    async with (
        Playground() as site,
        gateway_to(site) as gateway,
        aiohttp.ClientSession() as http,
        http.post(f"{gateway.base_url}{path}", json=body | fields) as response,
    ):
        answer = await response.text()
        assert (response.status, response.headers.get("x-should-retry")) == ((200, None) if fields else (502, "false"))
    assert ("answer_too_long" in answer) == (said is not None)
    assert said is None or said in answer
