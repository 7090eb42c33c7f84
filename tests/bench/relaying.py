"""The reverse proxy beside a plain relay with aiohttp: to the first byte, and how fast a long answer comes."""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

import aiohttp

from tests.bench.cached import keep, write_headers
from tests.bench.measure import Effort, Pair, alternate_async
from tests.bench.processes import COMMAND, MEMORY_IS_KEPT, ROOT, CommandFailed, environment
from tests.bench.raw import made_session
from tests.bench.results import Goal, Result, make_row
from tests.bench.server import Answer, serve

NAME: Final = "relaying"
_RELAY: Final = Path(__file__).with_name("relaying_script.py")
_VERSUS: Final = "plain aiohttp relay"
_MOST_MS: Final = 1.5
_SLOWEST: Final = 1 / 0.8  # eight tenths of the other's speed


def run(effort: Effort) -> list[Result]:
    """Measure both relays in processes of their own, asked by the same client."""
    long = Answer(chunk="x" * 100, repeat=600, chunks=effort.of(4_000, 50), per_write=1)
    short = asyncio.run(_measure(Answer(chunks=1), effort.of(300), first_byte=True))
    whole = asyncio.run(_measure(long, effort.of(9), first_byte=False))
    size = f"{long.characters / 1e6:.0f} MB"
    return [
        make_row(NAME, "proxy: to the first byte", _VERSUS, "ms", short, goal=Goal("difference", _MOST_MS)),
        make_row(NAME, f"proxy: {size}", _VERSUS, "s", whole, goal=Goal("ratio", _SLOWEST)),
    ]


async def _measure(answer: Answer, count: int, *, first_byte: bool) -> list[Pair[float]]:
    with serve(answer) as origin, tempfile.TemporaryDirectory(prefix="bench-") as folder:
        session = made_session(origin)
        await keep(session, folder)
        facts = write_headers(session, folder)
        ours = [COMMAND, "proxy", origin, "--port", "0", "--no-token"]
        theirs = [sys.executable, str(_RELAY), origin, str(facts)]
        async with _running(ours, folder) as one, _running(theirs, folder) as other, aiohttp.ClientSession() as http:
            return await alternate_async(
                lambda: _ask(http, one, answer, first_byte=first_byte),
                lambda: _ask(http, other, answer, first_byte=first_byte),
                count,
            )


@asynccontextmanager
async def _running(command: Sequence[str], state_home: str) -> AsyncIterator[str]:
    """Run a relay while the context lasts; yield the address that it prints."""
    more = {"XDG_STATE_HOME": state_home} | MEMORY_IS_KEPT
    process = await asyncio.create_subprocess_exec(
        *command, cwd=ROOT, env=environment(more), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        address = (await process.stdout.readline()).decode().strip()
        if not address:
            raise CommandFailed(f"{command[0]}: {(await process.stderr.read()).decode()}")
        yield address
    finally:
        with suppress(ProcessLookupError):  # it has ended
            process.terminate()
        await process.wait()


async def _ask(http: aiohttp.ClientSession, address: str, answer: Answer, *, first_byte: bool) -> float:
    """Return the milliseconds to the first byte, or the seconds to the last one."""
    began, length, first = time.perf_counter(), 0, 0.0
    async with http.post(address) as response:
        async for data in response.content.iter_any():
            first = first or time.perf_counter() - began
            length += len(data)
    assert length == answer.characters, f"{address} gave {length} bytes ({os.getloadavg()[0]})"
    return first * 1000 if first_byte else time.perf_counter() - began
