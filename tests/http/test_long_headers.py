"""Responses with more headers than aiohttp takes by default, as Chrome shows them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from aura_browser import Session, SiteClient, page_site
from aura_browser.errors import SiteFailed
from aura_browser.http.proof import prove
from tests.parts.sessions import make_session
from tests.parts.stream_server import stream_server


@asynccontextmanager
async def answering(*heads: bytes) -> AsyncIterator[str]:
    """Serve each request with these heads, one after the other, and a body of two bytes."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for head in heads:
            writer.write(b"HTTP/1.1 " + head + b"\r\n\r\n")
        writer.write(b"hi")
        await writer.drain()
        writer.close()

    async with stream_server(answer) as port:
        yield f"http://127.0.0.1:{port}"


def ok(*lines: bytes) -> bytes:
    return b"\r\n".join([b"200 OK", b"Content-Length: 2", b"Connection: close", *lines])


HEADS = {
    "one of 200 KB": [ok(b"X-Long: " + b"x" * 200_000)],
    "a cookie beside one of 20 KB": [ok(b"Content-Security-Policy: " + b"x" * 20_000, b"Set-Cookie: new=1; Path=/")],
    "1,000 of them": [ok(*(b"X-%d: 1" % number for number in range(1000)))],
    "early hints": [b"103 Early Hints\r\nLink: </a.css>; rel=preload", ok()],
    "two early hints and 100": [
        b"103 Early Hints\r\nLink: </a>",
        b"103 Early Hints\r\nLink: </b>",
        b"100 Continue",
        ok(),
    ],
}


@pytest.mark.parametrize("heads", HEADS.values(), ids=HEADS)
async def test_a_response_reaches_client_proof_and_client_args(heads: list[bytes]) -> None:
    async with answering(*heads) as origin:
        session = make_session(origin)

        async def harvest() -> Session:
            return session

        async with (
            SiteClient(page_site(origin), store="memory", harvest=harvest) as client,
            client.get("/") as response,
        ):
            assert (response.status, await response.text()) == (200, "hi")
        assert (await prove(page_site(origin), session)).verified_at is not None
        async with aiohttp.ClientSession(**session.client_args()) as http, http.get(origin) as answer:
            assert await answer.text() == "hi"


async def test_a_header_that_chrome_does_not_take_is_an_error() -> None:
    async with answering(ok(b"X-Long: " + b"x" * 270_000)) as origin:
        with pytest.raises(SiteFailed, match="not valid HTTP"):
            await prove(page_site(origin), make_session(origin))
