"""Holds the one WebSocket to a Chrome that runs already, and passes messages between it and a pipe.

It is a process of its own: Chrome asks the person about each connection, so only who holds this one can close the tab
if the program that harvests is killed. It reads the WebSocket's address and then messages from standard input, and
writes to standard output, each followed by a zero byte. When its input ends, it closes the tabs that were opened
through it. It runs as a script, so it imports the standard library and aiohttp only.
"""

import asyncio
import json
import os
import sys
from collections.abc import Callable
from contextlib import suppress

import aiohttp

CONNECTED = "Holder.connected"
"""The event that says that Chrome has accepted the connection."""
FAILED = "Holder.failed"
"""The event that says that it has not, with the HTTP status (0 for none) and the reason."""

_END = b"\0"
_MAX_MESSAGE_BYTES = 256 * 1024 * 1024
_CONNECT_TIMEOUT_S = 5.0
_TABS_TIMEOUT_S = 5.0
_PARENT_INTERVAL_S = 0.25
_FIRST_OWN_ID = 2**30


class _Tabs:
    """The tabs that were opened through this connection, known by the messages that pass."""

    def __init__(self) -> None:
        self.opened: set[str] = set()
        self.settled = asyncio.Event()
        self.settled.set()
        self._waiting: set[int] = set()

    def expect(self, numbers: set[int]) -> None:
        """Have :attr:`settled` wait for the answers with these ids too."""
        self._waiting |= numbers
        if numbers:
            self.settled.clear()

    def see_command(self, message: bytes) -> None:
        """Look at a command that goes to Chrome."""
        if b'"Target.createTarget"' in message:
            self.expect({json.loads(message[:-1])["id"]})

    def see_answer(self, message: str) -> None:
        """Look at what comes from Chrome."""
        if not self._waiting or '"id"' not in message[:200]:
            return
        answer = json.loads(message)
        if answer.get("id") in self._waiting:
            self._waiting.discard(answer["id"])
            if target := answer.get("result", {}).get("targetId"):
                self.opened.add(target)
            if not self._waiting:
                self.settled.set()


async def hold(read: asyncio.StreamReader, write: Callable[[str], None]) -> None:
    """Connect to Chrome and pass messages until either side ends."""
    url = (await read.readuntil(_END))[:-1].decode()
    parent = os.getppid()
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_TIMEOUT_S)
    async with aiohttp.ClientSession(timeout=timeout) as http:
        first = asyncio.create_task(read.readuntil(_END))
        connecting = asyncio.create_task(_connect(http, url, write))
        orphaned = asyncio.create_task(_wait_for_orphaning(parent))
        await asyncio.wait([connecting, first, orphaned], return_when=asyncio.FIRST_COMPLETED)
        ws = connecting.result() if connecting.done() else None
        if ws is None:
            for task in (first, connecting, orphaned):
                task.cancel()
            await asyncio.gather(first, connecting, orphaned, return_exceptions=True)
            return
        await _pass_messages(ws, read, first, orphaned, write)


async def _connect(
    http: aiohttp.ClientSession, url: str, write: Callable[[str], None]
) -> aiohttp.ClientWebSocketResponse | None:
    """Return the WebSocket, once the person has allowed it; None if there is none."""
    try:
        # Chrome refuses whoever sends an Origin.
        ws = await http.ws_connect(url, max_msg_size=0, compress=0)
    except aiohttp.WSServerHandshakeError as error:
        write(json.dumps({"method": FAILED, "params": {"status": error.status, "reason": "refused"}}))
        return None
    except (aiohttp.ClientError, TimeoutError) as error:
        write(json.dumps({"method": FAILED, "params": {"status": 0, "reason": type(error).__name__}}))
        return None
    write(json.dumps({"method": CONNECTED}))
    return ws


async def _wait_for_orphaning(parent: int) -> None:
    """Return when the program that started this one is gone: a forked child of it may keep the pipe open."""
    while os.getppid() == parent:  # noqa: ASYNC110 - nothing signals it
        await asyncio.sleep(_PARENT_INTERVAL_S)


async def _pass_messages(
    ws: aiohttp.ClientWebSocketResponse,
    read: asyncio.StreamReader,
    first: "asyncio.Task[bytes]",
    orphaned: "asyncio.Task[None]",
    write: Callable[[str], None],
) -> None:
    tabs = _Tabs()

    async def receive() -> None:
        async for message in ws:
            if message.type is aiohttp.WSMsgType.TEXT:
                tabs.see_answer(message.data)
                write(message.data)

    async def send() -> None:
        message = await first
        while True:
            tabs.see_command(message)
            await ws.send_str(message[:-1].decode())
            message = await read.readuntil(_END)

    receiving, sending = asyncio.create_task(receive()), asyncio.create_task(send())
    await asyncio.wait([receiving, sending, orphaned], return_when=asyncio.FIRST_COMPLETED)
    with suppress(TimeoutError, aiohttp.ClientError, ConnectionError):
        async with asyncio.timeout(_TABS_TIMEOUT_S):
            if not receiving.done():
                await tabs.settled.wait()
                await _close_tabs(ws, tabs)
                await tabs.settled.wait()
                os._exit(0)  # whoever waits for this needs no orderly end of Python, which takes a tenth of a second
    for task in (receiving, sending, orphaned):
        task.cancel()
    await asyncio.gather(receiving, sending, orphaned, return_exceptions=True)
    await ws.close()


async def _close_tabs(ws: aiohttp.ClientWebSocketResponse, tabs: _Tabs) -> None:
    numbered = dict(enumerate(tabs.opened, _FIRST_OWN_ID))
    tabs.expect(set(numbered))
    for number, target in numbered.items():
        close = {"id": number, "method": "Target.closeTarget", "params": {"targetId": target}}
        await ws.send_str(json.dumps(close))


async def _main() -> None:
    loop = asyncio.get_running_loop()
    read = asyncio.StreamReader(limit=_MAX_MESSAGE_BYTES)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(read), os.fdopen(0, "rb", buffering=0))
    protocol = asyncio.streams.FlowControlMixin
    out, _ = await loop.connect_write_pipe(protocol, os.fdopen(1, "wb", buffering=0))

    def write(message: str) -> None:
        out.write(message.encode() + _END)

    with suppress(asyncio.IncompleteReadError):
        await hold(read, write)
    out.close()


if __name__ == "__main__":
    asyncio.run(_main())
    sys.exit(0)
