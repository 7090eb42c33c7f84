"""Serves a site on the OpenAI wire, in a process of its own: with the gateway, or with the smallest relay there is.

It prints its port, and ends when its standard input closes.
"""

import asyncio
import json
import logging
import os
import sys
from typing import Literal

import aiohttp
import msgspec
from aiohttp import web

from aura_browser import AuraClient, Site
from aura_browser.gateway.server import Gateway, Settings
from tests.bench.raw import RawClient, made_session, raw_http
from tests.bench.server import raise_file_limit

Who = Literal["gateway", "carrying", "relay"]
_MANY = 1000


class Served(msgspec.Struct, frozen=True, kw_only=True):
    """What to serve, and how."""

    who: Who
    origin: str


class _Relay:
    """Passes each piece on as an event, and knows nothing else."""

    def __init__(self, http: aiohttp.ClientSession, origin: str) -> None:
        self._raw = RawClient(http, made_session(origin))

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        await request.read()
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        async with self._raw.post() as answer:
            await response.prepare(request)
            async for data in answer.content.iter_any():
                event = {
                    "id": "chatcmpl-1",
                    "object": "chat.completion.chunk",
                    "created": 1,
                    "model": "openchat_3.6",
                    "choices": [{"index": 0, "delta": {"content": data.decode()}, "finish_reason": None}],
                }
                await response.write(f"data: {json.dumps(event)}\n\n".encode())
        await response.write(b"data: [DONE]\n\n")
        return response


async def _relay(origin: str) -> None:
    async with raw_http() as http:
        runner = web.ServerRunner(web.Server(_Relay(http, origin).handle))
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        await _serve(site.port)


async def _gateway(site: str | Site, origin: str) -> None:
    settings = Settings(port=0, max_streams=_MANY, upstream_concurrency=_MANY)
    async with AuraClient(site, session=made_session(origin)) as client, Gateway(client, settings) as gateway:
        await _serve(gateway.port)


async def _serve(port: int) -> None:
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), os._exit, 0)
    await asyncio.Event().wait()


if __name__ == "__main__":
    raise_file_limit()
    logging.disable(logging.WARNING)
    served = msgspec.json.decode(sys.argv[1], type=Served)
    # A site of OpenAI's API, whose answers are carried.
    carried = Site(f"{served.origin}/", dialect="openai", api_paths=("/v1/",))
    site = carried if served.who == "carrying" else served.origin
    asyncio.run(_relay(served.origin) if served.who == "relay" else _gateway(site, served.origin))
