"""Asks through a page and through aiohttp in turns, and prints what that took as JSON."""

import asyncio
import sys
import time

import msgspec
import psutil

from aura_browser import AuraClient
from tests.bench.measure import Pair, alternate_async
from tests.bench.raw import QUESTION, made_session


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What to ask: where, how often, how many answers at once, of how many characters, and how long to look on."""

    pairs: int
    origin: str = ""
    characters: int = 0
    at_once: int = 1
    idle_s: float = 0.0


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """What it took, each by a page and by aiohttp.

    Attributes:
        first: seconds until the first text.
        wall: seconds until the last answer was whole.
        cpu: seconds of CPU of this process, and of the browser for a page.
        idle_s: seconds for which the page was only open.
        idle_cpu_s: seconds of CPU of the browser in that time.
    """

    first: list[Pair[float]]
    wall: list[Pair[float]]
    cpu: list[Pair[float]]
    idle_s: float
    idle_cpu_s: float


class Took(msgspec.Struct, frozen=True):
    """What one round took."""

    first_s: float
    wall_s: float
    cpu_s: float


async def _measure(settings: Settings) -> Measured:
    session = made_session(settings.origin)
    async with (
        AuraClient(settings.origin, session=session, transport="page") as page,
        AuraClient(settings.origin, session=session) as http,
    ):

        async def ours() -> Took:
            return await _ask(page, settings)

        async def theirs() -> Took:
            return await _ask(http, settings)

        await ours()  # opens the browser
        pairs = await alternate_async(ours, theirs, settings.pairs)
        before = _count_browser_cpu()
        await asyncio.sleep(settings.idle_s)
        idle = _count_browser_cpu() - before
    return Measured(
        first=[(one.first_s, other.first_s) for one, other in pairs],
        wall=[(one.wall_s, other.wall_s) for one, other in pairs],
        cpu=[(one.cpu_s, other.cpu_s) for one, other in pairs],
        idle_s=settings.idle_s,
        idle_cpu_s=idle,
    )


async def _ask(client: AuraClient, settings: Settings) -> Took:
    began, cpu = time.perf_counter(), _count_cpu()
    firsts = await asyncio.gather(*(_read(client, settings.characters) for _ in range(settings.at_once)))
    return Took(min(firsts) - began, time.perf_counter() - began, _count_cpu() - cpu)


async def _read(client: AuraClient, characters: int) -> float:
    """Return when the first text of an answer came, which is read to its end."""
    first, count = 0.0, 0
    async for text in client.stream(QUESTION):
        first = first or time.perf_counter()
        count += len(text)
    assert count == characters
    return first


def _count_cpu() -> float:
    return time.process_time() + _count_browser_cpu()


def _count_browser_cpu() -> float:
    """Return the seconds of CPU of the browser's processes that run; those that have ended are left out."""
    spent = 0.0
    for process in psutil.Process().children(recursive=True):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        spent += times.user + times.system
    return spent


if __name__ == "__main__":
    result = asyncio.run(_measure(msgspec.json.decode(sys.argv[1], type=Settings)))
    sys.stdout.write(msgspec.json.encode(result).decode())
