"""What one unit of work costs as work grows: streams, cookies, stored sessions, processes. Straight lines, shown."""

import asyncio
import resource
import subprocess
import tempfile
import time
from typing import Final

import msgspec

from aura_browser.playground import serve_in_thread
from tests.bench.cached import chat_command, check_no_browser, keep, logged_in
from tests.bench.growth_client import Settings
from tests.bench.measure import Effort
from tests.bench.processes import ROOT, environment, in_child
from tests.bench.results import Result, Series, make_series
from tests.bench.server import Answer, serve

NAME: Final = "growth"
_LIMIT_S: Final = 60.0


def run(effort: Effort) -> list[Result]:
    """Measure each in turn."""
    return [*_in_a_client(effort), *_processes(effort)]


def _in_a_client(effort: Effort) -> list[Series]:
    settings = Settings(
        origin="",
        streams=(1, 2) if effort.quick else (1, 10, 100, 500, 1000, 2000),
        cookies=(1, 2) if effort.quick else (1, 10, 30, 90, 180),
        sessions=(1, 2) if effort.quick else (1, 10, 100, 1000, 10_000),
        repeats=effort.of(5),
    )
    with serve(Answer(chunks=50)) as origin:
        settings = msgspec.structs.replace(settings, origin=origin)
        return msgspec.json.decode(in_child("growth_client", settings), type=list[Series])


def _processes(effort: Effort) -> list[Series]:
    sizes = (1, 2) if effort.quick else (1, 2, 4, 8, 16)
    with serve_in_thread("login-401") as site, tempfile.TemporaryDirectory(prefix="bench-") as folder:
        session = asyncio.run(logged_in(site))
        asyncio.run(keep(session, folder))
        _together(1, site.origin, folder)
        points = [(size, _together(size, site.origin, folder)) for size in sizes]
        check_no_browser(site, 1 + sum(sizes))
    cpu = [(size, cpu_ms / size) for size, (cpu_ms, _) in points]
    wall = [(size, wall_ms / size) for size, (_, wall_ms) in points]
    return [
        make_series(NAME, "processes at once on a cached session: CPU of one", "ms", cpu),
        make_series(NAME, "processes at once on a cached session: wall by their number", "ms", wall),
    ]


def _together(count: int, origin: str, folder: str) -> tuple[float, float]:
    """Run so many processes at once; return the milliseconds of CPU and of wall that all of them took."""
    before, began = _children_cpu_s(), time.perf_counter()
    env = environment({"XDG_STATE_HOME": folder})
    running = [
        subprocess.Popen(chat_command(origin), cwd=ROOT, env=env, stdout=subprocess.DEVNULL) for _ in range(count)
    ]
    codes = [process.wait(_LIMIT_S) for process in running]
    assert not any(codes)
    return (_children_cpu_s() - before) * 1000, (time.perf_counter() - began) * 1000


def _children_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
