"""What a page and its browser say of one response, in any order."""

import asyncio

import pytest

from aura_browser.webdriver.fetching.events import Failed, Head, Headers, Received, Response, Said
from aura_browser.webdriver.fetching.script import PIECE_BYTES
from aura_browser.webdriver.fetching.stream import Answered, FetchFailed, PageLost, PageStream, decode_text

JOINED = Received("1", Response(200, headers={"X-Twice": "1, 2"}), has_headers=True)
APART = Headers("1", {"X-Twice": "1\n2"})
HEAD = Said("1", "head", Head(200, "OK", "basic"))
END = Said("1", "end", "")


def make_stream() -> PageStream:
    return PageStream(lambda _: None, lambda: None)


async def read_head(stream: PageStream) -> Answered:
    async with asyncio.timeout(10):
        return await stream.head


@pytest.mark.parametrize("facts", [(JOINED, APART), (APART, JOINED)])
async def test_a_body_that_ends_before_the_browser_has_spoken_loses_no_header(
    facts: tuple[Received | Headers, ...],
) -> None:
    stream = make_stream()
    stream.take_said(HEAD)
    stream.take_said(END)
    for fact in facts:
        assert not stream.is_over
        stream.take_fact(fact)
    assert stream.is_over
    head = await read_head(stream)
    assert (head.status, head.headers.getall("x-twice")) == (200, ["1", "2"])
    assert await stream.read() == b""


async def test_raw_headers_that_never_come_are_waited_for_for_a_moment_only() -> None:
    stream = make_stream()
    for said in (HEAD, END):
        stream.take_said(said)
    stream.take_fact(JOINED)
    assert (await read_head(stream)).headers.getall("x-twice") == ["1, 2"]


async def test_a_page_that_is_lost_before_the_beginning_is_known_fails_the_response() -> None:
    stream = make_stream()
    stream.take_said(HEAD)
    stream.end(PageLost("it crashed"))
    with pytest.raises(PageLost, match="it crashed"):
        await read_head(stream)


async def test_the_page_is_told_of_each_byte_that_was_read_once() -> None:
    freed: list[int] = []
    stream = PageStream(freed.append, lambda: None)
    for size in (PIECE_BYTES - 1, 1, PIECE_BYTES, 1):
        stream.take_said(Said("1", "data", b"x" * size))
        assert len(await stream.read()) == size
    assert freed == [PIECE_BYTES, PIECE_BYTES], "a piece is told of when it was read, not before"


async def test_nothing_waits_once_it_is_closed() -> None:
    stream = make_stream()
    for said in (HEAD, END):
        stream.take_said(said)
    stream.close()
    stream.take_fact(APART)
    assert stream._timer is None


async def test_an_end_without_a_beginning_is_a_failure() -> None:
    stream = make_stream()
    stream.take_said(END)
    with pytest.raises(FetchFailed):
        await read_head(stream)


@pytest.mark.parametrize("order", ["the page first", "the browser first"])
async def test_a_failure_has_the_browsers_reason_whoever_speaks_first(order: str) -> None:
    stream = make_stream()
    failed, said = Failed("1", "net::ERR_FAILED", "csp"), Said("1", "fail", "TypeError")
    if order == "the page first":
        stream.take_said(said)
        stream.take_fact(failed)
    else:
        stream.take_fact(failed)
        stream.take_said(said)
    with pytest.raises(FetchFailed) as caught:
        await read_head(stream)
    assert (caught.value.code, caught.value.blocked) == ("ERR_FAILED", "csp")


async def test_a_reason_that_never_comes_is_waited_for_for_a_moment_only() -> None:
    stream = make_stream()
    stream.take_said(Said("1", "fail", "TypeError"))
    with pytest.raises(FetchFailed) as caught:
        await read_head(stream)
    assert (caught.value.code, caught.value.blocked) == ("", "")


async def test_nothing_is_added_to_a_response_that_is_over() -> None:
    stops: list[str] = []
    stream = PageStream(lambda _: None, lambda: stops.append("stop"))
    stream.take_fact(JOINED)
    stream.take_fact(APART)
    stream.take_said(HEAD)
    stream.take_said(Said("1", "data", b"all of it"))
    stream.take_said(END)
    stream.take_said(Said("1", "data", b" and more"))
    stream.end(PageLost("it crashed"))
    assert await stream.read() == b"all of it"
    assert await stream.read() == b""
    stream.close()
    assert stops == []  # nothing is left in the page to be ended


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("plain", "plain"),
        ("Grüße €".encode().decode("latin-1"), "Grüße €"),
        ("Grüße \u201a".encode().decode("cp1252"), "Grüße \u201a"),
        ("Gr\xfc\xdfe", "Grüße"),
        ("\u4e2d", "\u4e2d"),
    ],
)
def test_a_headers_bytes_are_read_as_utf_8_where_they_are_that(given: str, text: str) -> None:
    assert decode_text(given) == text
