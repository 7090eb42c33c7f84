"""Bodies that are far longer than they look: bounded work, bounded memory, and a loop that goes on."""

import asyncio
import gzip
import time
import tracemalloc
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from aura_browser import AuraClient, SiteClient
from aura_browser.charsets import decode_text
from aura_browser.errors import ConnectionFailed, SiteFailed, StreamInterrupted
from aura_browser.http.body import peek, read_body, read_first, read_start
from tests.parts.servers import Handler, serving
from tests.parts.sessions import make_session

MIB = 2**20


def compress_repeated(piece: bytes, times: int) -> bytes:
    """Return gzip of *piece*, a mebibyte, repeated *times*; one of these is compressed, so it takes no time."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    segment = packer.compress(piece) + packer.flush(zlib.Z_FULL_FLUSH)
    return b"\x1f\x8b\x08\0\0\0\0\0\0\x03" + segment * times


def answer_with(body: bytes, *, status: int = 200, **headers: str) -> Handler:
    async def handle(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=status, body=body, headers={"Content-Encoding": "gzip", **headers})

    return handle


def site_client(origin: str) -> SiteClient:
    return SiteClient(origin, store="memory", session=make_session(origin))


def chat_client(origin: str) -> AuraClient:
    return AuraClient(origin, store="memory", session=make_session(origin))


@asynccontextmanager
async def watching() -> AsyncIterator[list[float]]:
    """Yield a list whose last element becomes the longest time for which the loop did not go round."""
    longest = [0.0]

    async def tick() -> None:
        while True:
            began = time.monotonic()
            await asyncio.sleep(0.01)
            longest.append(max(longest[-1], time.monotonic() - began))

    ticking = asyncio.create_task(tick())
    tracemalloc.start()
    try:
        yield longest
    finally:
        assert tracemalloc.get_traced_memory()[1] < 64 * MIB
        tracemalloc.stop()
        ticking.cancel()


async def test_a_small_page_that_becomes_a_huge_one_is_judged_at_once() -> None:
    page = gzip.compress(b"<body" * 95_000)
    assert len(page) < 1000
    handler = answer_with(page, status=503, **{"Content-Type": "text/html"})
    async with (
        serving(handler) as (_, origin),
        SiteClient(origin, store="memory", session=make_session(origin)) as http,
    ):
        began = time.process_time()
        async with http.get("/") as response:
            assert response.status == 503
            assert time.process_time() - began < 1  # milliseconds on a machine that does nothing else


async def test_looking_ahead_takes_no_more_than_asked_for_and_nothing_away() -> None:
    handler = answer_with(compress_repeated(b"x" * MIB, 16))
    async with serving(handler) as (_, origin), aiohttp.ClientSession() as http, http.get(origin) as response:
        assert len(await peek(response.content, 65536, 5.0)) == 65536
        assert response.content.total_bytes <= MIB
        assert await read_start(response.content, 100_000) == b"x" * 100_000
        assert response.content.total_bytes <= 2 * MIB


async def test_an_answer_that_goes_on_for_ever_ends_with_its_end() -> None:
    handler = answer_with(compress_repeated(b"x" * MIB, 3000))
    async with (
        serving(handler) as (_, origin),
        AuraClient(origin, store="memory", session=make_session(origin)) as chat,
    ):
        async with watching() as longest:
            with pytest.raises(StreamInterrupted, match=r"over 4,000,000 characters.*stream\(\)") as caught:
                await chat.complete("Hello")
        assert 1_000_000 <= len(caught.value.partial) <= 4_000_000
        assert max(longest) < 2


async def test_a_list_of_models_that_goes_on_for_ever_is_an_error() -> None:
    handler = answer_with(compress_repeated(b'{"id":"a","name":"b"},' * (MIB // 22), 3000))
    async with (
        serving(handler) as (_, origin),
        AuraClient(origin, store="memory", session=make_session(origin)) as chat,
    ):
        async with watching() as longest:
            with pytest.raises(SiteFailed, match="the response is over 4 MiB"):
                await chat.models()
        assert max(longest) < 2


async def test_whoever_reads_a_large_body_lets_others_run() -> None:
    handler = answer_with(compress_repeated(b"x" * MIB, 512))
    async with (
        serving(handler) as (_, origin),
        SiteClient(origin, store="memory", session=make_session(origin)) as http,
    ):
        async with watching() as longest, http.get("/") as response:
            async for _ in response:
                if len(longest) > 20:
                    break
        assert len(longest) > 20
        assert max(longest) < 2


async def test_a_body_is_read_up_to_its_limit() -> None:
    async def chunks(*sizes: int) -> AsyncIterator[bytes]:
        for size in sizes:
            yield b"x" * size

    assert await read_body(chunks(MIB - 1, 1), MIB, "https://a.example/?x", 200) == b"x" * MIB
    with pytest.raises(SiteFailed) as caught:
        await read_body(chunks(MIB, 1), MIB, "https://a.example/x?token=s3cret", 200, advice="read it in pieces")
    assert str(caught.value) == "https://a.example/x answered 200: the response is over 1 MiB; read it in pieces."


@pytest.mark.parametrize(
    ("charset", "text"),
    [("", "ü�"), ("latin-1", "Ã¼ÿ"), ("LATIN1", "Ã¼ÿ"), ("nothing", "ü�")]
    + [(name, "ü�") for name in ("idna", "punycode", "undefined", "unicode_escape", "hex_codec", "a\0b", "x" * 999)],
)
def test_a_text_is_decoded_whatever_its_charset_is_called(charset: str, text: str) -> None:
    assert decode_text(b"\xc3\xbc\xff", charset) == text


async def test_a_damaged_compressed_body_is_named() -> None:
    async with serving(answer_with(b"this is not gzip")) as (_, origin), site_client(origin) as http:
        with pytest.raises(ConnectionFailed, match="compressed body is damaged"):
            async with http.get("/") as response:
                await response.read()


async def test_a_peek_has_what_came_in_time_and_leaves_the_whole_body() -> None:
    rest = asyncio.Event()

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        if request.path == "/slow":
            await response.write(b"first ")
            await rest.wait()
            await response.write(b"then the rest")
        return response

    async with serving(handle) as (_, origin), aiohttp.ClientSession() as http:
        async with http.get(f"{origin}/slow") as response:
            assert await peek(response.content, 100, 0.2) == b"first "
            rest.set()
            assert await response.read() == b"first then the rest"
        async with http.get(f"{origin}/empty") as response:
            assert await peek(response.content, 100, 5.0) == b""
            assert await response.read() == b""


@pytest.mark.parametrize(
    ("limit", "first", "taken"), [(2, b"ab", 1), (3, b"abc", 1), (4, b"abcd", 2), (6, b"abcdef", 2), (7, b"abcdef", 2)]
)
async def test_the_first_bytes_are_no_more_than_was_asked_for(limit: int, first: bytes, taken: int) -> None:
    left = [b"def", b"abc"]

    async def pieces() -> AsyncIterator[bytes]:
        while left:
            yield left.pop()

    assert await read_first(pieces(), limit) == first
    assert 2 - len(left) == taken, "nothing is read that is not needed"


async def test_a_body_over_its_limit_is_an_error_without_advice_too() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield bytes(2 * MIB + 1)

    with pytest.raises(SiteFailed) as caught:
        await read_body(chunks(), 2 * MIB, "https://a.example/", 200)
    assert caught.value.message == "the response is over 2 MiB"


@pytest.mark.parametrize(("size", "others"), [(64 * 1024 - 1, 0), (64 * 1024, 3), (MIB, 3)])
async def test_others_run_after_each_large_piece_that_was_there_already(size: int, others: int) -> None:
    turns = 0

    async def take_turns() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield bytes(size)

    other = asyncio.create_task(take_turns())
    await asyncio.sleep(0)
    await read_body(chunks(), 4 * MIB, "https://a.example/", 200)
    assert turns == others
    other.cancel()
