"""Asks a gateway and prints figures as JSON pairs; the other side is the site itself, or the smallest relay."""

import asyncio
import gc
import json
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Literal

import aiohttp
import msgspec
import psutil

from tests.bench.measure import alternate_async
from tests.bench.raw import QUESTION, RawClient, made_session, raw_http
from tests.bench.server import raise_file_limit

What = Literal["speed", "first", "cpu", "memory", "hang-up"]
_MODEL = "openchat_3.6"
_MESSAGES = [{"role": "user", "content": QUESTION}]
_BODIES: dict[str, dict[str, Any]] = {
    "/chat/completions": {"messages": _MESSAGES},
    "/completions": {"prompt": QUESTION},
    "/responses": {"input": QUESTION},
    "/messages": {"messages": _MESSAGES, "max_tokens": 2**30},
}


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What to measure: whom, how, and how often.

    Attributes:
        what: the figure.
        path: the wire, by its path below the base.
        gateway: the gateway's origin.
        pid: the gateway's process.
        other: what it is compared with: the site's origin, or the relay's.
        other_pid: the relay's process; 0 for the site.
        pairs: how many.
        characters: of the answer's text.
        streams: at once, for memory.
    """

    what: What
    path: str
    gateway: str
    pid: int
    other: str
    other_pid: int = 0
    pairs: int
    characters: int
    streams: int = 0


class _Asker:
    """Asks one server for an answer as events."""

    def __init__(self, http: aiohttp.ClientSession, origin: str, settings: Settings) -> None:
        self._http = http
        self._settings = settings
        self._url = f"{origin}/v1{settings.path}"
        self._body = {"model": _MODEL, "stream": True, **_BODIES[settings.path]}

    async def speed(self) -> float:
        """Return the seconds for the whole answer, whose text has to be complete."""
        began, parts = time.perf_counter(), []
        async with self._http.post(self._url, json=self._body) as response:
            async for data in response.content.iter_any():
                parts.append(data)  # noqa: PERF401 - as fast as can be
        took = time.perf_counter() - began
        characters = _count_characters(b"".join(parts))
        assert characters == self._settings.characters, characters
        return took

    async def first(self) -> float:
        """Return the milliseconds until the first bytes of the answer."""
        began = time.perf_counter()
        async with self._http.post(self._url, json=self._body) as response:
            await response.content.readany()
            took = time.perf_counter() - began
            await response.read()
        return took * 1000

    async def cpu(self, pid: int) -> float:
        """Return the microseconds of CPU that the server's process takes for a token of six characters."""
        gc.collect()
        before = _cpu_s(pid)
        await self.speed()
        return (_cpu_s(pid) - before) * 1e6 / (self._settings.characters / 6)


def _count_characters(events: bytes) -> int:
    """Return how much text is in events of any of the wires."""
    total = 0
    for line in events.split(b"\n"):
        if line.startswith(b"data: {"):
            event = json.loads(line[6:])
            choice = (event.get("choices") or [{}])[0]
            delta = event.get("delta") if event.get("type") != "message_delta" else None
            text = choice.get("text") or choice.get("delta", {}).get("content") or delta or ""
            total += len(text["text"] if isinstance(text, dict) else text)
    return total


def _cpu_s(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


async def _measure(settings: Settings) -> list[tuple[float, float]]:
    async with raw_http() as http:
        ours = _Asker(http, settings.gateway, settings)
        match settings.what:
            case "speed" | "first":
                theirs = _pick_other(http, settings)
                return await alternate_async(getattr(ours, settings.what), theirs, settings.pairs)
            case "cpu":
                other = _Asker(http, settings.other, settings)
                return await alternate_async(
                    lambda: ours.cpu(settings.pid), lambda: other.cpu(settings.other_pid), settings.pairs
                )
            case "memory":
                return [(await _hold_many(ours, settings), 0.0) for _ in range(settings.pairs)]
            case "hang-up":
                return [(took, 0.0) for took in await _hang_up(settings)]


def _pick_other(http: aiohttp.ClientSession, settings: Settings) -> Callable[[], Awaitable[float]]:
    if settings.other_pid:
        other = _Asker(http, settings.other, settings)
        return other.speed if settings.what == "speed" else other.first
    raw = RawClient(http, made_session(settings.other))

    async def speed() -> float:
        gc.collect()
        began = time.perf_counter()
        assert await raw.stream() == settings.characters
        return time.perf_counter() - began

    async def first() -> float:
        began = time.perf_counter()
        async with raw.post() as response:
            await response.content.readany()
            took = time.perf_counter() - began
            await response.read()
        return took * 1000

    return speed if settings.what == "speed" else first


async def _hold_many(asker: _Asker, settings: Settings) -> float:
    """Read many answers at once, each of which has to be complete; return the peak of the server's memory in MiB."""
    process, peak = psutil.Process(settings.pid), 0.0
    reading = asyncio.gather(*(asker.speed() for _ in range(settings.streams)))
    while not reading.done():
        await asyncio.wait([reading], timeout=0.05)
        peak = max(peak, process.memory_info().rss / 2**20)
    await reading
    return peak


class _Site:
    """A site that sends a word, or nothing, and then notes when it is left."""

    def __init__(self, first: bytes) -> None:
        self._first = first
        self.asked = asyncio.Event()
        self.left_at: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if self._first:
            writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%s" % self._first)
        self.asked.set()
        with suppress(ConnectionError):
            while await reader.read(2**16):
                pass
        self.left_at.set_result(time.perf_counter())
        writer.close()


async def _hang_up(settings: Settings) -> list[float]:
    """Return the milliseconds from a client's leaving to the site's seeing it, before and after the first text."""
    from tests.bench.gateway import serve_wire

    took = []
    for first in (b"", b"5\r\nword \r\n"):
        for _ in range(settings.pairs):
            site = _Site(first)
            server = await asyncio.start_server(site.serve, "127.0.0.1", 0)
            origin = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            with serve_wire("gateway", origin) as (gateway, _):
                took.append(await _leave(gateway, settings, site, waits=bool(first)))
            server.close()
    return took


async def _leave(gateway: str, settings: Settings, site: _Site, *, waits: bool) -> float:
    host, port = gateway.removeprefix("http://").split(":")
    body = json.dumps({"model": _MODEL, "stream": True, **_BODIES[settings.path]}).encode()
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(
        f"POST /v1{settings.path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n".encode()
        + body
    )
    await site.asked.wait()
    if waits:
        await reader.readuntil(b"word ")
    began = time.perf_counter()
    writer.transport.abort()
    return (await site.left_at - began) * 1000


if __name__ == "__main__":
    raise_file_limit()
    result = asyncio.run(_measure(msgspec.json.decode(sys.argv[1], type=Settings)))
    sys.stdout.write(msgspec.json.encode(result).decode())
