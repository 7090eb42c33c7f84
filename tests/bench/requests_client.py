"""Sends one request after another with and without the package, and prints the CPU of one each as JSON pairs."""

import asyncio
import gc
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Literal

import aiohttp
import msgspec

from aura_browser import AuraClient, SessionMiddleware, assemble, openchat_site
from aura_browser.session import Session
from tests.bench.measure import Pair, alternate_async
from tests.bench.raw import QUESTION, RawClient, made_session, raw_http, wire_request

Way = Literal["middleware", "client"]
Ask = Callable[[], Awaitable[object]]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What to ask: where, through what, how many pairs, and how many requests in each."""

    origin: str
    way: Way
    pairs: int
    requests: int


async def _measure(settings: Settings) -> list[Pair[float]]:
    session = made_session(settings.origin)
    opened = _middleware(session) if settings.way == "middleware" else _client(session)
    async with opened as ours, raw_http() as http:
        raw = RawClient(http, session)
        return await alternate_async(
            lambda: _each_us(ours, settings.requests), lambda: _each_us(raw.stream, settings.requests), settings.pairs
        )


async def _each_us(ask: Ask, times: int) -> float:
    gc.collect()
    began = time.process_time()
    for _ in range(times):
        await ask()
    return (time.process_time() - began) / times * 1e6


@asynccontextmanager
async def _client(session: Session) -> AsyncIterator[Ask]:
    async with AuraClient(session.origin, session=session) as client:
        yield lambda: client.complete(QUESTION)


@asynccontextmanager
async def _middleware(session: Session) -> AsyncIterator[Ask]:
    """Ask with aiohttp as the other side does; only the session is the package's to add."""
    site = openchat_site(session.origin)
    manager = assemble(site, session=session)
    plain, wire = raw_http(), wire_request(session.origin)
    async with (
        plain,
        aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=plain.timeout,
            middlewares=(SessionMiddleware(manager),),
        ) as http,
    ):
        ask = RawClient(http, msgspec.structs.replace(session, headers={}, cookies=()))
        assert ask.url.path == wire.url
        yield ask.stream
    await manager.aclose()


if __name__ == "__main__":
    result = asyncio.run(_measure(msgspec.json.decode(sys.argv[1], type=Settings)))
    sys.stdout.write(msgspec.json.encode(result).decode())
