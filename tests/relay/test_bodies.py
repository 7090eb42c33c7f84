"""How a client's body is read: kept if it is short, so that it can be sent again, and else streamed."""

import asyncio
from collections.abc import AsyncIterable
from typing import Any

import pytest

from aura_browser.relay.bodies import read_request_body
from aura_browser.relay.guard import Refused

MIB = 2**20


class Upload:
    """A request whose body comes in pieces; the last one may not come.

    Attributes:
        headers: the request's.
        written: what the proxy wrote to the client before.
        taken: how many pieces were read.
    """

    def __init__(self, *pieces: bytes, length: int | None = None, expects: bool = False, stays: bool = False) -> None:
        self.headers = {"Expect": "100-continue"} if expects else {}
        self.content_length = length
        self.body_exists = bool(pieces) or stays
        self.content = self.writer = self
        self.output_size = 0
        self.written = b""
        self.taken = 0
        self._pieces, self._stays = list(pieces), stays

    async def readany(self) -> bytes:
        if self._pieces:
            self.taken += 1
            return self._pieces.pop(0)
        if self._stays:
            await asyncio.Event().wait()
        return b""

    async def write(self, data: bytes) -> None:
        self.written += data
        self.output_size += len(data)


async def read(upload: Upload) -> tuple[bytes | None, bool]:
    """Return the body, and whether it is kept."""
    request: Any = upload
    body = await read_request_body(request)
    if not isinstance(body, AsyncIterable):
        return body, True
    return b"".join([piece async for piece in body]), False


@pytest.mark.parametrize(
    ("pieces", "length", "is_kept"),
    [
        ((b"a", b"b"), None, True),
        ((bytes(MIB - 1), b"x"), None, True),
        ((bytes(MIB), b"x"), None, False),
        ((bytes(MIB),), MIB, True),
        ((bytes(MIB), b"x"), MIB + 1, False),
    ],
)
async def test_up_to_a_mebibyte_is_kept(pieces: tuple[bytes, ...], length: int | None, *, is_kept: bool) -> None:
    assert await read(Upload(*pieces, length=length)) == (b"".join(pieces), is_kept)


async def test_what_is_known_to_be_long_is_not_read_before_it_is_sent() -> None:
    upload: Any = Upload(bytes(MIB), b"x", length=MIB + 1)
    assert isinstance(await read_request_body(upload), AsyncIterable)
    assert upload.taken == 0
    unknown: Any = Upload(bytes(MIB), b"x", b"y", b"z")
    assert isinstance(await read_request_body(unknown), AsyncIterable)
    assert unknown.taken == 2


async def test_a_client_that_waits_for_leave_gets_it_and_nothing_else_is_said() -> None:
    waiting, other = Upload(b"a", expects=True), Upload(b"a")
    for upload in (waiting, other):
        assert await read(upload) == (b"a", True)
    assert (waiting.written, waiting.output_size) == (b"HTTP/1.1 100 Continue\r\n\r\n", 0)
    assert other.written == b""
    assert await read(Upload()) == (None, True)


@pytest.mark.parametrize("pieces", [(), (bytes(MIB), b"x")])
async def test_a_client_that_falls_silent_is_told_so(
    pieces: tuple[bytes, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    waits, wait = [], asyncio.timeout

    def wait_less(seconds: float) -> asyncio.Timeout:
        waits.append(seconds)
        return wait(0.01)

    monkeypatch.setattr("aura_browser.relay.bodies.asyncio.timeout", wait_less)
    with pytest.raises(Refused) as caught:
        await read(Upload(*pieces, stays=True))
    assert (caught.value.status, set(waits)) == (408, {60.0})
    assert caught.value.text == "The rest of the request's body did not come within 60 s."
