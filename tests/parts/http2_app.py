"""A site for hypercorn, which speaks HTTP/2: each address gets fifty numbered tokens, one by one."""

import asyncio
from typing import Any, Final

TOKENS: Final = 50


async def answer(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI's
    """Answer one request."""
    if scope["type"] != "http":
        return
    number = scope["path"].rpartition("/")[2]
    headers = [(b"x-protocol", scope["http_version"].encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for token in range(TOKENS):
        await send({"type": "http.response.body", "body": f"{number}.{token} ".encode(), "more_body": True})
        await asyncio.sleep(0.02)
    await send({"type": "http.response.body", "body": b"", "more_body": False})
