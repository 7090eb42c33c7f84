"""WebSockets: each message is passed on, in both directions, until one side closes."""

import asyncio
from typing import Final

from aiohttp import ClientWebSocketResponse, WSMsgType, web

from aura_browser.relay.headers import list_named

MAX_MESSAGE_BYTES: Final = 64 * 2**20

_Socket = ClientWebSocketResponse | web.WebSocketResponse
_ABNORMAL: Final = frozenset({1005, 1006, 1015})  # they are never sent (RFC 6455 section 7.4.1)


def is_handshake(request: web.BaseRequest) -> bool:
    """Return whether *request* asks for a WebSocket (RFC 6455 section 4.1)."""
    return request.headers.get("Upgrade", "").lower() == "websocket" and "upgrade" in list_named(request.headers)


async def pass_messages(client: web.WebSocketResponse, site: ClientWebSocketResponse) -> None:
    """Pass messages between both until one closes, and close the other with its code."""
    tasks = [asyncio.create_task(_pass(client, site)), asyncio.create_task(_pass(site, client))]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        code = _find_code(client if tasks[0].done() else site)
        await asyncio.gather(client.close(code=code), site.close(code=code))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _pass(source: _Socket, target: _Socket) -> None:
    async for message in source:
        if message.type is WSMsgType.TEXT:
            await target.send_str(message.data)
        elif message.type is WSMsgType.BINARY:
            await target.send_bytes(message.data)


def _find_code(socket: _Socket) -> int:
    code = socket.close_code or 1000
    return 1011 if code in _ABNORMAL else code
