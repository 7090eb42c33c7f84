"""Many processes, threads and clients on one store: one harvest for all, whoever is killed, and whatever is away."""

import asyncio
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import msgspec
import psutil
import pytest

from aura_browser import AuraClient, FileStore, SessionKey
from aura_browser.http import transport  # noqa: F401 - two loops that import it at once would wait for each other
from aura_browser.playground import Playground
from aura_browser.store.base import PREVIOUS
from aura_browser.store.redis import RedisStore
from tests.parts.fleet_worker import Report, Settings, Worker, end_tree, reports_of, workers
from tests.parts.redis_server import RedisServer
from tests.parts.scratch import browsers_left
from tests.parts.store_writer import Result
from tests.parts.waiting import eventually

Start = Callable[..., Playground]

ROOT = Path(__file__).parents[2]
OUTAGE_S = 10.0


@pytest.fixture
def scratch() -> Iterator[Path]:
    """Give a folder for the workers' browsers.

    Not in pytest's own folder: Chrome puts a socket below it, whose path may have some hundred characters only.
    """
    with tempfile.TemporaryDirectory(prefix="fleet-") as name:
        yield Path(name)


@pytest.fixture
def disk() -> Iterator[Path]:
    """Give a folder on a disk: what is written to memory is written so fast that few kills come in the middle."""
    with tempfile.TemporaryDirectory(prefix="fleet-", dir="/var/tmp") as name:
        yield Path(name)


def settings_of(site: Playground, store: str | Path, scratch: Path, **others: object) -> Settings:
    return msgspec.structs.replace(Settings(origin=site.origin, store=str(store), scratch=str(scratch)), **others)


async def all_at_once(running: list[Worker]) -> list[Report]:
    for worker in running:
        worker.go()
    return await reports_of(running)


def refused_chats(site: Playground) -> int:
    return sum(request.path == "/api/chat" and request.status == 503 for request in site.requests)


def assert_one_harvest_for(reports: list[Report], tasks: int) -> None:
    """Assert that all went well in every process, and that one of them opened the only browser."""
    assert [error for report in reports for error in report.errors] == []
    assert [report.right for report in reports] == [tasks] * len(reports)
    assert sum(report.after.harvests - report.before.harvests for report in reports) == 1
    assert sum(report.after.adopted - report.before.adopted for report in reports) == len(reports) - 1


@pytest.mark.soak
@pytest.mark.chrome
async def test_sixteen_processes_on_an_expired_session_open_one_browser(tmp_path: Path, scratch: Path) -> None:
    async with Playground("check-503", check_delay=0.3) as site:
        each = [settings_of(site, tmp_path / "s", scratch, name=f"w{n}", first=True, tasks=50) for n in range(16)]
        async with workers(*each) as running:
            assert (site.page_loads, site.chats) == (1, 16)
            site.revoke_all()
            reports = await all_at_once(running)
        assert_one_harvest_for(reports, tasks=50)
        assert (site.page_loads, site.chats) == (2, 16 + 800)
    assert browsers_left(scratch) == []


@pytest.mark.soak
@pytest.mark.chrome
async def test_a_killed_holder_of_the_lock_costs_the_others_one_harvest(tmp_path: Path, scratch: Path) -> None:
    async with Playground("check-503", check_delay=4) as site:
        each = [settings_of(site, tmp_path / "s", scratch, name=f"w{n}", first=True) for n in range(5)]
        async with workers(*each) as (holder, *others):
            assert site.page_loads == 1
            site.revoke_all()
            asked = len(site.requests)
            holder.go()
            await eventually(lambda: any((r.method, r.path) == ("GET", "/") for r in site.requests[asked:]))
            for worker in others:
                worker.go()
            await eventually(lambda: refused_chats(site) >= 1 + len(others))
            assert site.page_loads == 1, "the harvest was over before its process could be killed"
            kill(holder, scratch)
            reports = await reports_of(others)
        assert_one_harvest_for(reports, tasks=1)
        assert site.page_loads == 2
    assert browsers_left(scratch) == []


def kill(holder: Worker, scratch: Path) -> None:
    """Kill a process and nothing else with SIGKILL, then what it leaves behind: its browser and the folder of that."""
    folders = browsers_left(scratch)
    below = psutil.Process(holder.process.pid).children(recursive=True)
    assert [child.name() for child in below if "chromedriver" in child.name()] != []
    holder.process.kill()
    for process in below:
        end_tree(process.pid)
    psutil.wait_procs(below, timeout=30)
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.soak
@pytest.mark.chrome
def test_threads_and_clients_on_one_store_open_one_browser(aura_playground: Start, tmp_path: Path) -> None:
    site = aura_playground("check-503", check_delay=0.3)
    store = FileStore(tmp_path / "sessions")
    # Before each round every session ends, and then both threads begin.
    begin = threading.Barrier(2, action=site.revoke_all, timeout=60)

    async def ask(name: str) -> list[str]:
        answers: list[str] = []
        async with AsyncExitStack() as exits, asyncio.timeout(120):
            clients = [await exits.enter_async_context(AuraClient(site.origin, store=store)) for _ in range(4)]
            for number in range(2):
                await asyncio.to_thread(begin.wait)
                questions = [(client, f"{name} {number} {n}") for client in clients for n in range(10)]
                answers += await asyncio.gather(*(client.complete(question) for client, question in questions))
        return answers

    with ThreadPoolExecutor(2) as pool:
        answered = list(pool.map(lambda name: asyncio.run(ask(name)), "ab"))
    assert answered == [
        [f"{name} {number} {n}" for number in range(2) for _ in range(4) for n in range(10)] for name in "ab"
    ]
    assert site.page_loads == 2
    assert site.chats == 160


@pytest.mark.soak
def test_a_thousand_killed_writers_never_cost_the_session(disk: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.parts.store_writer", str(disk / "s"), "1000", "7"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    result = msgspec.json.decode(done.stdout, type=Result)
    assert (result.complete, result.missing, result.broken, result.kept_whole) == (1000, 0, 0, 1000)
    assert result.hits >= 50, "the kills did not come while a file was written"
    # What a kill leaves half written is used up by the next writer, so it never piles up; nothing was set aside.
    assert result.most_leftovers == 1
    assert [name for name in result.names if not name.endswith(".json")] == [".swap"]
    assert len(result.names) == 1 + 1 + len(PREVIOUS)


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    folder = tmp_path / "redis"
    folder.mkdir()
    with RedisServer(folder) as server:
        yield server


@asynccontextmanager
async def opened(server: RedisServer) -> AsyncIterator[RedisStore]:
    store = RedisStore(server.url)
    try:
        yield store
    finally:
        await store.aclose()


@pytest.mark.soak
@pytest.mark.chrome
async def test_two_machines_on_one_redis_open_one_browser(redis: RedisServer, tmp_path: Path, scratch: Path) -> None:
    async with Playground("check-503", check_delay=0.3) as site:
        each = []
        for machine in ("here", "there"):
            own = scratch / machine
            own.mkdir()
            home = str(tmp_path / machine)
            each += [
                settings_of(site, redis.url, own, home=home, name=f"{machine} {n}", first=True, tasks=50)
                for n in range(8)
            ]
        async with workers(*each) as running:
            assert (site.page_loads, site.chats) == (1, 16)
            site.revoke_all()
            reports = await all_at_once(running)
        assert_one_harvest_for(reports, tasks=50)
        assert (site.page_loads, site.chats) == (2, 16 + 800)
    assert browsers_left(scratch) == []
    assert not (tmp_path / "here").exists(), "something was kept beside Redis"


@pytest.mark.soak
@pytest.mark.chrome
@pytest.mark.parametrize("how", ["stopped", "killed"])
async def test_redis_may_be_away_while_the_session_is_good(
    redis: RedisServer, tmp_path: Path, scratch: Path, how: str
) -> None:
    """The session lives shorter than Redis is away, so it has to be followed in memory."""
    async with Playground("check-503", sliding=True, life=8, check_delay=0.2) as site, opened(redis) as store:
        key = SessionKey(site.origin)

        async def is_written_since(moment: float) -> bool:
            session = await store.load(key)
            return session is not None and (session.rotated_at or 0.0) > moment

        load = settings_of(site, redis.url, scratch, first=True, tasks=500, spread_s=25)
        async with workers(load) as [worker]:
            began = time.time()
            worker.go()
            await eventually(lambda: is_written_since(began))
            asked = site.chats
            redis.pause() if how == "stopped" else redis.kill()
            await asyncio.sleep(OUTAGE_S)  # how long Redis is away; nothing is waited for
            answered_meanwhile = site.chats - asked
            back = time.time()
            redis.resume() if how == "stopped" else redis.start()
            await eventually(lambda: is_written_since(back))
            assert site.chats < 1 + 500, "the load was over before anything was written again"
            report = await worker.report()
        assert report.errors == []
        assert report.right == 500
        assert answered_meanwhile >= 100
        assert report.after.waits == report.before.waits
        assert report.after.rotations - report.before.rotations == 500
        kept = await store.load(key)
        assert kept is not None
        assert kept.fingerprint == report.fingerprint
        assert site.page_loads == 1
    assert browsers_left(scratch) == []
