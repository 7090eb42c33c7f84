"""WebSockets: each message is passed on, in both directions, until one side closes."""

import asyncio
from typing import Final, NamedTuple

from aiohttp import ClientWebSocketResponse, WSCloseCode, WSMsgType, web

from aura_browser.relay.headers import list_named

MAX_MESSAGE_BYTES: Final = 64 * 2**20

_Socket = ClientWebSocketResponse | web.WebSocketResponse


def is_handshake(request: web.BaseRequest) -> bool:
    """Return whether *request* asks for a WebSocket (RFC 6455 section 4.1)."""
    return request.headers.get("Upgrade", "").lower() == "websocket" and "upgrade" in list_named(request.headers)


class _End(NamedTuple):
    """How one side has ended: what the other is closed with."""

    code: int
    reason: bytes = b""


_FAILED: Final = _End(WSCloseCode.INTERNAL_ERROR)


async def pass_messages(client: web.WebSocketResponse, site: ClientWebSocketResponse) -> None:
    """Pass messages between both until one closes, and close the other with its code and reason.

    Args:
        client: must not close by itself. One that goes without a word cancels this; the site is closed with 1001 then.
        site: the other one.
    """
    tasks = [asyncio.create_task(_pass(client, site)), asyncio.create_task(_pass(site, client))]
    end = _End(WSCloseCode.GOING_AWAY)
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        first = tasks[0] if tasks[0].done() else tasks[1]
        end = _FAILED if first.exception() else first.result()
    finally:
        for task in tasks:
            task.cancel()
        closing = (each.close(code=end.code, message=end.reason) for each in (site, client))
        await asyncio.gather(*closing, *tasks, return_exceptions=True)


async def _pass(source: _Socket, target: _Socket) -> _End:
    while True:
        message = await source.receive()
        match message.type:
            case WSMsgType.TEXT:
                await target.send_str(message.data)
            case WSMsgType.BINARY:
                await target.send_bytes(message.data)
            case WSMsgType.CLOSE:  # without a code it is a usual end
                return _End(message.data or WSCloseCode.OK, (message.extra or "").encode())
            case _:
                return _FAILED
