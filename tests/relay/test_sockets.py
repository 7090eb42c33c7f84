"""WebSockets behind the proxy: who asks for one, and how the end of one side reaches the other."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import WSMessage, WSMsgType
from multidict import CIMultiDict

from aura_browser.relay.sockets import is_handshake, pass_messages


@pytest.mark.parametrize(
    ("headers", "is_one"),
    [
        ({"Upgrade": "websocket", "Connection": "Upgrade"}, True),
        ({"upgrade": "WebSocket", "connection": "keep-alive, upgrade"}, True),
        ({"Upgrade": "websocket"}, False),
        ({"Upgrade": "websocket", "Connection": "close"}, False),
        ({"Upgrade": "h2c", "Connection": "Upgrade"}, False),
        ({"Connection": "Upgrade"}, False),
        ({}, False),
    ],
)
def test_a_handshake_names_the_upgrade_twice(headers: dict[str, str], *, is_one: bool) -> None:
    request: Any = SimpleNamespace(headers=CIMultiDict(headers))
    assert is_handshake(request) is is_one


class Socket:
    """One side: what it says, and how it ends; if it does not stay.

    Attributes:
        got: what was passed to it.
        closed_with: the codes and reasons that it was closed with.
    """

    def __init__(self, *said: WSMessage, stays: bool = False) -> None:
        self._said = list(said)
        self._stays = stays
        self.got: list[str | bytes] = []
        self.closed_with: list[tuple[int, bytes]] = []

    async def receive(self) -> WSMessage:
        if not self._said and self._stays:
            await asyncio.Event().wait()
        return self._said.pop(0)

    async def send_str(self, text: str) -> None:
        self.got.append(text)

    async def send_bytes(self, data: bytes) -> None:
        self.got.append(data)

    async def close(self, *, code: int, message: bytes) -> None:
        self.closed_with.append((code, message))


TEXT, BINARY = WSMessage(WSMsgType.TEXT, "a", None), WSMessage(WSMsgType.BINARY, b"b", None)


@pytest.mark.parametrize(
    ("end", "closed"),
    [
        (WSMessage(WSMsgType.CLOSE, 1000, ""), (1000, b"")),
        (WSMessage(WSMsgType.CLOSE, 4321, "why é"), (4321, "why é".encode())),
        (WSMessage(WSMsgType.CLOSE, 0, None), (1000, b"")),
        (WSMessage(WSMsgType.CLOSED, None, None), (1011, b"")),
        (WSMessage(WSMsgType.ERROR, OSError(), None), (1011, b"")),
    ],
)
@pytest.mark.parametrize("who", ["client", "site"])
async def test_the_end_of_one_side_is_that_of_the_other(who: str, end: WSMessage, closed: tuple[int, bytes]) -> None:
    """An end without a close is that of a failure."""
    ending, other = Socket(TEXT, BINARY, end), Socket(stays=True)
    sides: Any = (ending, other) if who == "client" else (other, ending)
    async with asyncio.timeout(10):
        await pass_messages(*sides)
    assert (other.got, other.closed_with, ending.closed_with) == (["a", b"b"], [closed], [closed])


async def test_nothing_is_left_behind_of_a_side_that_fails() -> None:
    class Failing(Socket):
        async def send_str(self, text: str) -> None:
            raise ConnectionResetError(text)

    before = asyncio.all_tasks()
    client, site = Socket(TEXT, stays=True), Failing(stays=True)
    sides: Any = (client, site)
    async with asyncio.timeout(10):
        await pass_messages(*sides)
    assert asyncio.all_tasks() == before
    assert site.closed_with == [(1011, b"")]


async def test_a_client_that_goes_without_a_word_has_gone_away() -> None:
    client, site = Socket(stays=True), Socket(stays=True)
    sides: Any = (client, site)
    passing = asyncio.create_task(pass_messages(*sides))
    await asyncio.sleep(0)
    passing.cancel()
    await asyncio.wait([passing])
    assert passing.cancelled()
    assert site.closed_with == [(1001, b"")]
