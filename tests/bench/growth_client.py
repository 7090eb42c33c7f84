"""Grows work in one client and one store, and prints what a unit of it costs as JSON series."""

import asyncio
import gc
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median

import msgspec
from yarl import URL

from aura_browser import AuraClient, FileStore, SessionKey
from tests.bench.raw import QUESTION, made_session
from tests.bench.results import Series, make_series
from tests.bench.server import raise_file_limit

_NAME = "growth"
_LEAST = 200  # units to measure at once, so that one alone is measurable
_LOADS = 100
_SAVES = 10


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What to grow, and to which sizes; the median of *repeats* counts."""

    origin: str
    streams: tuple[int, ...]
    cookies: tuple[int, ...]
    sessions: tuple[int, ...]
    repeats: int


async def _measure(to_do: Settings) -> list[Series]:
    loads, saves, listings = zip(*[await _store(to_do, size) for size in to_do.sessions], strict=True)
    bare = await _request_us(to_do, 0)
    requests = [(size, await _request_us(to_do, size)) for size in to_do.cookies]
    return [
        make_series(
            _NAME,
            "streams at once: CPU of one",
            "µs",
            [(size, await _stream_us(to_do, size)) for size in to_do.streams],
        ),
        make_series(
            _NAME,
            "cookies of a session: Cookie header, for each",
            "µs",
            [(size, _header_us(to_do, size)) for size in to_do.cookies],
        ),
        make_series(_NAME, f"cookies of a session: CPU of a request (none: {bare:.0f} µs)", "µs", requests),
        make_series(_NAME, "sessions in the store: to load one", "µs", loads),
        make_series(_NAME, "sessions in the store: to save one", "µs", saves),
        make_series(_NAME, "sessions in the store: to list all, for each", "µs", listings),
    ]


async def _stream_us(to_do: Settings, size: int) -> float:
    async with AuraClient(to_do.origin, session=made_session(to_do.origin)) as client:

        async def together() -> None:
            await asyncio.gather(*(client.complete(QUESTION) for _ in range(size)))

        await together()  # connects
        rounds = max(1, _LEAST // size)
        return await _median_us(together, to_do.repeats, rounds, clock=time.process_time) / size


async def _request_us(to_do: Settings, cookies: int) -> float:
    async with AuraClient(to_do.origin, session=made_session(to_do.origin, cookies=cookies)) as client:
        return await _median_us(lambda: client.complete(QUESTION), to_do.repeats, _LEAST, clock=time.process_time)


def _header_us(to_do: Settings, size: int) -> float:
    session, url = made_session(to_do.origin, cookies=size), URL(to_do.origin)
    costs = []
    for _ in range(to_do.repeats):
        began = time.process_time()
        for _ in range(_LEAST):
            session.cookie_header(url)
        costs.append((time.process_time() - began) / _LEAST / size * 1e6)
    return median(costs)


async def _store(to_do: Settings, size: int) -> tuple[tuple[int, float], ...]:
    """Return the points (size, cost) of a load, of a save, and of a listing for each session in it."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        store, session = FileStore(folder), made_session("https://example.com")
        keys = [SessionKey(session.origin, f"name{number}") for number in range(size)]
        for key in keys:
            (Path(folder) / f"{key.slug}.json").write_text(session.to_json(), "utf-8")
        key = keys[size // 2]
        load = await _median_us(lambda: store.load(key), to_do.repeats, _LOADS)
        save = await _median_us(lambda: store.save(key, session), to_do.repeats, _SAVES)
        listing = await _median_us(store.slugs, to_do.repeats, 1)
    return (size, load), (size, save), (size, listing / size)


async def _median_us(
    work: Callable[[], Awaitable[object]],
    repeats: int,
    rounds: int,
    *,
    clock: Callable[[], float] = time.perf_counter,
) -> float:
    """Return the microseconds of one *work*, as the median of so many repeats of so many rounds each."""
    costs = []
    for _ in range(repeats):
        gc.collect()
        began = clock()
        for _ in range(rounds):
            await work()
        costs.append((clock() - began) / rounds * 1e6)
    return median(costs)


if __name__ == "__main__":
    raise_file_limit()
    result = asyncio.run(_measure(msgspec.json.decode(sys.argv[1], type=Settings)))
    sys.stdout.write(msgspec.json.encode(result).decode())
