"""Prints what an idle client holds in MiB, or what an open silent stream does in KiB.

Each side imports only what it needs, so nothing is imported at the top that the other one would not have.
"""

import asyncio
import gc
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal, TypedDict

Who = Literal["client", "aiohttp"]
Ask = Callable[[Callable[[], None]], Awaitable[None]]
"""Asks, calls back at the first text, and reads on."""

_WARM = 20


class Settings(TypedDict):
    """What to hold: whose, asked how, and how many streams; 0 for an idle client."""

    who: Who
    url: str
    streams: int
    session: str
    headers: dict[str, str]
    body: str


async def _measure(settings: Settings) -> float:
    opened = _client(settings) if settings["who"] == "client" else _aiohttp(settings)
    async with opened as ask:
        if not settings["streams"]:
            await ask(lambda: None)
            return _resident_kib() / 1024
        held = [await _open(ask) for _ in range(_WARM)]
        before = _resident_kib()
        held += [await _open(ask) for _ in range(settings["streams"])]
        each = (_resident_kib() - before) / settings["streams"]
        assert not any(stream.done() for stream in held)
        for stream in held:
            stream.cancel()
        await asyncio.wait(held)
        return each


async def _open(ask: Ask) -> "asyncio.Task[None]":
    begun = asyncio.Event()
    stream = asyncio.ensure_future(ask(begun.set))
    await begun.wait()
    return stream


@asynccontextmanager
async def _client(settings: Settings) -> AsyncIterator[Ask]:
    from aura_browser import AuraClient, Session

    session = Session.from_json(settings["session"])

    async def ask(began: Callable[[], None]) -> None:
        async for _ in client.stream("Why is the sky blue?"):
            began()

    async with AuraClient(session.origin, session=session) as client:
        yield ask


@asynccontextmanager
async def _aiohttp(settings: Settings) -> AsyncIterator[Ask]:
    import aiohttp

    async def ask(began: Callable[[], None]) -> None:
        async with http.post(settings["url"], data=settings["body"].encode(), headers=settings["headers"]) as response:
            async for _ in response.content.iter_any():
                began()

    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=30.0, sock_read=120.0),
    ) as http:
        yield ask


def _resident_kib() -> float:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024


if __name__ == "__main__":
    sys.stdout.write(str(asyncio.run(_measure(json.loads(sys.argv[1])))))
