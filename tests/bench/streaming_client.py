"""Streams answers through the client and through aiohttp alone, and prints the CPU of each as JSON pairs."""

import asyncio
import gc
import sys
import time

import msgspec

from aura_browser import AuraClient
from tests.bench.measure import alternate_async
from tests.bench.raw import QUESTION, RawClient, made_session, raw_http


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What to stream: from where, how often, and how many characters have to come."""

    origin: str
    pairs: int
    characters: int


async def _measure(settings: Settings) -> list[tuple[float, float]]:
    session = made_session(settings.origin)
    async with AuraClient(settings.origin, session=session) as client, raw_http() as http:
        raw = RawClient(http, session)

        async def ours() -> float:
            began, characters = _begin(), 0
            async for text in client.stream(QUESTION):
                characters += len(text)
            return _cpu_since(began, characters)

        async def theirs() -> float:
            began = _begin()
            return _cpu_since(began, await raw.stream())

        def _cpu_since(began: float, characters: int) -> float:
            took = time.process_time() - began
            assert characters == settings.characters
            return took

        return await alternate_async(ours, theirs, settings.pairs)


def _begin() -> float:
    gc.collect()
    return time.process_time()


if __name__ == "__main__":
    result = asyncio.run(_measure(msgspec.json.decode(sys.argv[1], type=Settings)))
    sys.stdout.write(msgspec.json.encode(result).decode())
