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
    """One side: what it says, and with which code it ends; without one it stays.

    Attributes:
        got: what was passed to it.
        closed_with: the codes that it was closed with.
    """

    def __init__(self, *said: WSMessage, ends_with: int | None = None, stays: bool = False) -> None:
        self._said = list(said)
        self.close_code = ends_with
        self._stays = stays
        self.got: list[str | bytes] = []
        self.closed_with: list[int] = []

    def __aiter__(self) -> "Socket":
        return self

    async def __anext__(self) -> WSMessage:
        if self._said:
            return self._said.pop(0)
        if self._stays:
            await asyncio.Event().wait()
        raise StopAsyncIteration

    async def send_str(self, text: str) -> None:
        self.got.append(text)

    async def send_bytes(self, data: bytes) -> None:
        self.got.append(data)

    async def close(self, *, code: int = 1000) -> None:
        self.closed_with.append(code)


@pytest.mark.parametrize(
    ("ends_with", "code"),
    [(1000, 1000), (1001, 1001), (4321, 4321), (1005, 1011), (1006, 1011), (1015, 1011), (None, 1000)],
)
@pytest.mark.parametrize("who", ["client", "site"])
async def test_the_end_of_one_side_is_that_of_the_other(who: str, ends_with: int | None, code: int) -> None:
    """Codes that are never sent become that of a failure."""
    ending = Socket(WSMessage(WSMsgType.TEXT, "a", None), WSMessage(WSMsgType.BINARY, b"b", None), ends_with=ends_with)
    other = Socket(stays=True, ends_with=3999)
    sides: Any = (ending, other) if who == "client" else (other, ending)
    async with asyncio.timeout(10):
        await pass_messages(*sides)
    assert (other.got, other.closed_with, ending.closed_with) == (["a", b"b"], [code], [code])


async def test_nothing_is_left_behind_of_a_side_that_fails() -> None:
    class Failing(Socket):
        async def send_str(self, text: str) -> None:
            raise ConnectionResetError(text)

    before = asyncio.all_tasks()
    client, site = Socket(WSMessage(WSMsgType.TEXT, "a", None), ends_with=1001), Failing(stays=True)
    sides: Any = (client, site)
    async with asyncio.timeout(10):
        await pass_messages(*sides)
    assert asyncio.all_tasks() == before
    assert site.closed_with == [1001]
