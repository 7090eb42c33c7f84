"""The store in Redis, against a real redis-server: nothing lost, one holder, no late writer, no secret shown."""

import asyncio
import logging
import re
import subprocess
import sys
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from aura_browser.errors import InvalidInput, StoreError
from aura_browser.session import Session
from aura_browser.store import Lease, SessionKey
from aura_browser.store.base import PREVIOUS
from aura_browser.store.redis import RedisStore
from aura_browser.store.redis_connection import describe_error
from tests.parts.redis_server import RedisServer
from tests.parts.sessions import content, make_session
from tests.parts.waiting import eventually

KEY = SessionKey("https://chat.example.com", "work", "http://me:s3cret@proxy:8080")
OTHER = SessionKey("https://chat.example.com", "home")
LOCK = f"aura-browser:lock:{KEY.slug}"
KEPT = f"aura-browser:session:{KEY.slug}"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with RedisServer(tmp_path) as running:
        yield running


@asynccontextmanager
async def opened(url: str, *, prefix: str = "aura-browser:", lease_s: float = 15.0) -> AsyncIterator[RedisStore]:
    store = RedisStore(url, prefix=prefix, lease_s=lease_s)
    try:
        yield store
    finally:
        await store.aclose()


@pytest.fixture
async def store(server: RedisServer) -> AsyncIterator[RedisStore]:
    async with opened(server.url) as one:
        yield one


@pytest.fixture
async def other(server: RedisServer) -> AsyncIterator[RedisStore]:
    async with opened(server.url) as one:
        yield one


async def refused(work: Awaitable[object], within_s: float = 20.0) -> StoreError:
    """Return the error that *work* has to raise in time."""
    async with asyncio.timeout(within_s):
        with pytest.raises(StoreError) as caught:
            await work
    return caught.value


async def hold(store: RedisStore, wait_s: float = 0) -> Lease:
    """Take the lock and leave it again."""
    async with store.lock(KEY.slug, wait_s=wait_s) as lease:
        return lease


def add_one(session: Session | None) -> Session:
    count = int(session.local_storage["n"]) if session else 0
    return make_session(KEY.origin, local_storage={"n": str(count + 1)})


async def count(store: RedisStore) -> int:
    session = await store.load(KEY)
    return int(session.local_storage["n"]) if session else 0


async def add_many(url: str, times: str) -> None:
    async with opened(url) as store:
        for _ in range(int(times)):
            await store.update(KEY, add_one)


async def enter_alone(url: str, folder: str, times: str) -> None:
    """Hold the lock some times; a second holder at the same time would meet the file of the first."""
    async with opened(url) as store:
        for _ in range(int(times)):
            async with store.lock(KEY.slug, wait_s=30):
                with (Path(folder) / "held").open("x"):
                    await store.read(KEY.slug)
                (Path(folder) / "held").unlink()


async def hold_for_ever(url: str) -> None:
    async with opened(url, lease_s=0.6) as store, store.lock(KEY.slug, wait_s=5):
        print("held", flush=True)  # noqa: T201 - the parent process waits for it
        await asyncio.Event().wait()


async def start_process(work: str, *args: str) -> asyncio.subprocess.Process:
    """Start a Python that runs one of the functions here."""
    code = f"import asyncio, sys; from tests.store.test_redis import {work}; asyncio.run({work}(*sys.argv[1:]))"
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, *args, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )


class Dropper:
    """A proxy before Redis that can drop the connection between a command's work and its answer."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.drops = 0
        self.dropped = 0

    async def __call__(self, near_in: asyncio.StreamReader, near_out: asyncio.StreamWriter) -> None:
        far_in, far_out = await asyncio.open_connection("127.0.0.1", self._port)
        asking = asyncio.create_task(self._pass(near_in, far_out, droppable=False))
        answering = asyncio.create_task(self._pass(far_in, near_out, droppable=True))
        await asyncio.wait([asking, answering], return_when=asyncio.FIRST_COMPLETED)
        for writer in (far_out, near_out):
            writer.close()
        await asyncio.gather(asking, answering, return_exceptions=True)

    async def _pass(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, droppable: bool) -> None:
        while data := await source.read(65536):
            if droppable and self.drops:
                self.drops -= 1
                self.dropped += 1
                return
            sink.write(data)
            await sink.drain()


# What every store does.


async def test_what_is_saved_is_loaded(store: RedisStore) -> None:
    assert await store.load(KEY) is None
    session = make_session(KEY.origin, local_storage={"any": "\x00\r\n\u20ac\U0001f600"})
    await store.save(KEY, session)
    assert await store.load(KEY) == session
    assert await store.load(SessionKey(KEY.origin)) is None
    assert store.spans_machines


async def test_a_corrupt_one_is_set_aside_and_reported(store: RedisStore, caplog: pytest.LogCaptureFixture) -> None:
    await store.swap(KEY.slug, None, b'{"version": 1, "s3cret": ')
    with caplog.at_level(logging.DEBUG):
        assert await store.load(KEY) is None
    assert f"set aside as aura-browser:corrupt:{KEY.slug}" in caplog.text
    assert "s3cret" not in caplog.text
    caplog.clear()
    assert await store.load(KEY) is None
    assert not caplog.text
    assert await store.slugs() == ()


async def test_two_who_set_the_same_aside_both_get_through(store: RedisStore, other: RedisStore) -> None:
    await store.swap(KEY.slug, None, b"s3cret")
    first = await store.set_aside(KEY.slug)
    assert await other.set_aside(KEY.slug) == first
    assert await store.read(KEY.slug) is None
    await store.swap(KEY.slug, None, b"another")
    assert await store.set_aside(KEY.slug) == await other.set_aside(KEY.slug) == f"{first}-2"


async def test_what_is_replaced_is_kept_as_previous(store: RedisStore) -> None:
    sessions = [await store.save(KEY, make_session(KEY.origin, harvested_at=float(n))) for n in range(6)]
    assert [session.generation for session in sessions] == list(range(6))
    assert await store.load(KEY) == sessions[5]
    previous = [await store.read(f"{KEY.slug}{suffix}") for suffix in PREVIOUS]
    assert previous == [session.to_json().encode() for session in sessions[4:1:-1]]
    assert await store.slugs() == (KEY.slug, *(f"{KEY.slug}{suffix}" for suffix in PREVIOUS))


async def test_guests_sessions_push_no_login_out_of_the_history(store: RedisStore) -> None:
    login = await store.save(KEY, make_session(KEY.origin, proof="distinguished"))
    for n in range(6):
        await store.save(KEY, make_session(KEY.origin, harvested_at=float(n), proof="open"), replace=True)
    assert await store.read(f"{KEY.slug}.previous") == login.to_json().encode()
    assert await store.slugs() == (KEY.slug, f"{KEY.slug}.previous")


async def test_a_swap_compares_byte_for_byte(store: RedisStore) -> None:
    slug = KEY.slug
    assert not await store.swap(slug, b"", b"new")
    assert await store.swap(slug, None, b"")
    assert await store.read(slug) == b""
    assert not await store.swap(slug, None, b"new")
    assert await store.swap(slug, b"", b"\x00\xff1")
    assert not await store.swap(slug, b"\x00\xff", b"new")
    assert await store.swap(slug, b"\x00\xff1", None)
    assert await store.read(slug) is None
    assert await store.swap(slug, None, None)


async def test_keys_and_prefixes_are_kept_apart(server: RedisServer, store: RedisStore) -> None:
    await store.save(KEY, make_session(KEY.origin))
    await store.save(OTHER, make_session(KEY.origin, harvested_at=2.0))
    async with opened(server.url, prefix="a*[b-") as starred, opened(server.url, prefix="axx[b-") as plain:
        await plain.save(KEY, make_session(KEY.origin, harvested_at=3.0))
        assert await starred.slugs() == ()
        assert await plain.slugs() == (KEY.slug,)
        await starred.save(OTHER, make_session(KEY.origin))
        assert await starred.slugs() == (OTHER.slug,)
    assert await store.slugs() == tuple(sorted((KEY.slug, OTHER.slug)))


async def test_thousands_of_sessions_are_all_listed(server: RedisServer, store: RedisStore) -> None:
    made = "for n = 1, 5000 do redis.call('HSET', 'aura-browser:session:s' .. n, 'value', 'x') end"
    server.command("EVAL", made, "0")
    assert len(await store.slugs()) == 5000


async def test_it_works_over_a_unix_socket(tmp_path: Path) -> None:
    with RedisServer(tmp_path, over_socket=True, password="s3cret+") as server:
        async with opened(server.url.replace("+", "%2B")) as store:
            await store.save(KEY, make_session(KEY.origin))
            assert await store.load(KEY) == make_session(KEY.origin)
            assert repr(store) == f"RedisStore('unix://{tmp_path}/redis.sock', prefix='aura-browser:')"


async def test_more_tasks_than_connections_wait_for_one(
    server: RedisServer, store: RedisStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aura_browser.store.redis._REPLY_TIMEOUT_S", 60.0)  # for all 200, on a busy machine
    await store.save(KEY, make_session(KEY.origin))
    assert await asyncio.gather(*(store.load(KEY) for _ in range(200))) == [make_session(KEY.origin)] * 200
    [clients] = re.findall(r"connected_clients:(\d+)", server.command("INFO", "clients"))
    assert int(clients) <= 16 + 1


async def test_closing_leaves_no_connection_and_no_task(server: RedisServer) -> None:
    async with opened(server.url) as store:
        await hold(store)
        own = [
            line
            for line in server.command("CLIENT", "LIST").splitlines()
            if "name= " in line and "cmd=client" not in line
        ]
        assert own, "it is connected"
        assert all("resp=2" in line for line in own), "every server supports that"
        assert asyncio.all_tasks() == {asyncio.current_task()}
    await eventually(lambda: "connected_clients:1\r" in server.command("INFO", "clients"))


# Compare and swap.


async def test_updates_of_many_tasks_lose_nothing(store: RedisStore, other: RedisStore) -> None:
    await asyncio.gather(*((store, other)[n % 2].update(KEY, add_one) for n in range(30)))
    assert await count(store) == 30


@pytest.mark.slow
async def test_updates_of_several_processes_lose_nothing(server: RedisServer, store: RedisStore) -> None:
    started = [await start_process("add_many", server.url, "40") for _ in range(3)]
    assert [await process.wait() for process in started] == [0, 0, 0]
    assert await count(store) == 120


async def test_an_answer_that_got_lost_is_asked_for_without_a_second_write(
    server: RedisServer, store: RedisStore
) -> None:
    await store.update(KEY, add_one)
    await hold(store)
    dropper = Dropper(server.port)
    async with AsyncExitStack() as stack:
        listener = await asyncio.start_server(dropper, "127.0.0.1", 0)
        stack.push_async_callback(listener.wait_closed)
        stack.callback(listener.close)
        port = listener.sockets[0].getsockname()[1]
        through = await stack.enter_async_context(opened(f"redis://127.0.0.1:{port}"))
        before = await through.read(KEY.slug)
        dropper.drops = 1
        assert await through.swap(KEY.slug, before, b"new")
        dropper.drops = 1
        assert (await hold(through)).fence
    assert dropper.dropped == 2
    assert await store.read(KEY.slug) == b"new"


async def test_a_session_is_kept_beyond_its_guessed_end_and_a_login_for_good(
    server: RedisServer, store: RedisStore
) -> None:
    def left_s() -> int:
        return int(server.command("TTL", KEPT).strip(":\r\n"))

    month_s = 30 * 86400
    await store.save(KEY, make_session(KEY.origin, expires_at=time.time() + 1000))
    assert month_s + 990 <= left_s() <= month_s + 1000
    await store.update(KEY, lambda _: make_session(KEY.origin))
    assert left_s() == -1
    await store.save(KEY, make_session(KEY.origin, expires_at=5.0))
    assert 50 <= left_s() <= 60  # a minute at least
    assert content(await store.load(KEY)) == make_session(KEY.origin, expires_at=5.0)
    await store.save(KEY, make_session(KEY.origin, expires_at=1e300))
    assert left_s() > 10**9
    for login in (make_session(is_login=True, expires_at=5.0), make_session(proof="distinguished", expires_at=5.0)):
        await store.save(KEY, login, replace=True)
        assert left_s() == -1


# Locks and leases.


@pytest.mark.slow
async def test_never_two_holders_in_tasks_and_processes(server: RedisServer, tmp_path: Path) -> None:
    started = [await start_process("enter_alone", server.url, str(tmp_path), "5") for _ in range(2)]
    await asyncio.gather(*(enter_alone(server.url, str(tmp_path), "2") for _ in range(8)))
    assert [await process.wait() for process in started] == [0, 0]


async def test_waiting_for_a_lock_is_bounded(server: RedisServer, store: RedisStore, other: RedisStore) -> None:
    async with store.lock(KEY.slug, wait_s=0), store.lock(OTHER.slug, wait_s=0):
        started = time.monotonic()
        error = await refused(hold(other, wait_s=0.3))
        assert time.monotonic() - started >= 0.3
        assert "another process held the lock" in str(error)
        asked = re.findall(r"cmdstat_evalsha:calls=(\d+)", server.command("INFO", "commandstats"))
        assert int(asked[0]) < 40, "it asks without a pause"
    await hold(other)


@pytest.mark.slow
async def test_the_lock_of_a_killed_process_ends_with_its_lease(server: RedisServer, store: RedisStore) -> None:
    process = await start_process("hold_for_ever", server.url)
    assert process.stdout is not None
    assert await process.stdout.readline() == b"held\n"
    await refused(hold(store))
    process.kill()
    await process.wait()
    assert (await hold(store, wait_s=10)).fence > 0


async def test_a_lease_is_renewed_as_long_as_it_is_held(server: RedisServer, other: RedisStore) -> None:
    async with opened(server.url, lease_s=0.6) as store, store.lock(KEY.slug, wait_s=0) as lease:
        await refused(hold(other, wait_s=1.5))
        await store.save(KEY, make_session(KEY.origin), lease)
        assert await store.load(KEY) == make_session(KEY.origin)


async def test_a_lock_outlives_no_lease_without_renewal(server: RedisServer, store: RedisStore) -> None:
    async with store.lock(KEY.slug, wait_s=0):
        left_ms = int(server.command("PTTL", LOCK).strip(":\r\n"))
    assert 14_000 < left_ms <= 15_000
    assert server.command("EXISTS", LOCK) == ":0\r\n"


async def test_the_fence_grows_even_if_redis_forgets_everything(server: RedisServer, store: RedisStore) -> None:
    fences = [(await hold(store)).fence for _ in range(3)]
    server.command("FLUSHALL")
    fences.append((await hold(store)).fence)
    assert fences == sorted(set(fences))


async def test_the_fence_grows_though_the_clock_of_redis_was_set_back(server: RedisServer, store: RedisStore) -> None:
    ahead = 8_000_000_000_000_000  # microseconds: the year 2223
    server.command("SET", f"aura-browser:fence:{KEY.slug}", str(ahead))
    assert (await hold(store)).fence == ahead + 1


async def test_a_late_holder_cannot_write_and_cannot_release(
    server: RedisServer, store: RedisStore, other: RedisStore
) -> None:
    winner = make_session(KEY.origin, harvested_at=2.0)
    async with AsyncExitStack() as stack:
        async with store.lock(KEY.slug, wait_s=0) as late:
            server.command("DEL", LOCK)
            assert "lease was lost" in str(await refused(store.save(KEY, make_session(KEY.origin), late)))
            lease = await stack.enter_async_context(other.lock(KEY.slug, wait_s=0))
            await other.save(KEY, winner, lease)
            assert lease.fence > late.fence
            assert "lease was lost" in str(await refused(store.save(KEY, make_session(KEY.origin), late)))
        assert server.command("EXISTS", LOCK) == ":1\r\n"
    assert await store.load(KEY) == winner
    assert await store.read(f"{KEY.slug}.previous") is None


async def test_a_write_behind_the_last_fence_is_refused(server: RedisServer, store: RedisStore) -> None:
    async with store.lock(KEY.slug, wait_s=0) as lease:
        await store.save(KEY, make_session(KEY.origin), lease)
        await store.update(KEY, lambda _: make_session(KEY.origin, harvested_at=2.0))
        # As after a fail-over to a replica that knows an older lock.
        server.command("HSET", KEPT, "fence", str(lease.fence + 1))
        assert "lease was lost" in str(await refused(store.save(KEY, make_session(KEY.origin), lease)))


@pytest.mark.slow
async def test_a_pause_beyond_the_lease_loses_it(
    server: RedisServer, store: RedisStore, caplog: pytest.LogCaptureFixture
) -> None:
    winner = make_session(KEY.origin, harvested_at=2.0)
    async with opened(server.url, lease_s=0.5) as paused, paused.lock(KEY.slug, wait_s=0) as late:
        server.pause()
        await eventually(lambda: "lease" in caplog.text)
        server.resume()
        async with store.lock(KEY.slug, wait_s=5) as lease:
            await store.save(KEY, winner, lease)
            assert "lease was lost" in str(await refused(paused.save(KEY, make_session(KEY.origin), late)))
            assert await store.load(KEY) == winner
    assert [record.getMessage() for record in caplog.records] == [
        f"The lease of {KEY.slug} was lost; a write under it will be refused."
    ]


async def test_a_renewal_finds_a_taken_lock_and_leaves_it(
    server: RedisServer, store: RedisStore, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(server.url, lease_s=0.3) as robbed, robbed.lock(KEY.slug, wait_s=0):
        server.command("SET", LOCK, "7 another", "PX", "60000")
        await eventually(lambda: "lease" in caplog.text)
    assert server.command("GET", LOCK) == "$9\r\n7 another\r\n"


async def test_a_cancelled_holder_frees_the_lock(store: RedisStore, other: RedisStore) -> None:
    inside = asyncio.Event()

    async def work() -> None:
        async with store.lock(KEY.slug, wait_s=0):
            inside.set()
            await asyncio.Event().wait()

    holder = asyncio.create_task(work())
    await inside.wait()
    holder.cancel()
    await asyncio.wait([holder], timeout=20)
    assert holder.cancelled()
    await hold(other)


async def test_a_failed_holder_frees_the_lock_and_fails(store: RedisStore, other: RedisStore) -> None:
    with pytest.raises(LookupError):
        async with store.lock(KEY.slug, wait_s=0):
            raise LookupError
    await hold(other)


async def test_a_cancelled_waiter_leaves_nothing(server: RedisServer, store: RedisStore, other: RedisStore) -> None:
    async with store.lock(KEY.slug, wait_s=0) as lease:
        waiters = [asyncio.create_task(hold(other, wait_s=30)) for _ in range(10)]
        await eventually(lambda: "connected_clients:1\r" not in server.command("INFO", "clients"))
        for waiter in waiters:
            waiter.cancel()
        await asyncio.wait(waiters, timeout=20)
        assert all(waiter.cancelled() for waiter in waiters)
        await store.save(KEY, make_session(KEY.origin), lease)
    await hold(other)


async def test_cancelling_ends_soon_while_redis_stands_still(
    server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aura_browser.store.redis._REPLY_TIMEOUT_S", 60.0)  # a release has a limit of its own
    monkeypatch.setattr("aura_browser.store.redis_connection._SOCKET_TIMEOUT_S", 60.0)
    inside = asyncio.Event()

    async def work(store: RedisStore) -> None:
        async with store.lock(KEY.slug, wait_s=0):
            inside.set()
            await asyncio.Event().wait()

    async with opened(server.url) as store:
        holder = asyncio.create_task(work(store))
        await inside.wait()
        server.pause()
        holder.cancel()
        await asyncio.wait([holder], timeout=20)
        assert holder.cancelled()
        server.resume()


async def test_cancelled_questions_mix_up_no_answers(store: RedisStore) -> None:
    slugs = [f"s{n}" for n in range(20)]
    for slug in slugs:
        await store.swap(slug, None, slug.encode() * 1000)
    for turn in range(30):
        reads = [asyncio.create_task(store.read(slug)) for slug in slugs]
        for _ in range(turn):
            await asyncio.sleep(0)
        for read in reads[::2]:
            read.cancel()
        await asyncio.wait(reads)
        assert [await read for read in reads[1::2]] == [slug.encode() * 1000 for slug in slugs[1::2]]


# Redis away, and back.


async def test_redis_away_is_one_clear_error_and_heals(server: RedisServer) -> None:
    server.kill()
    async with opened(server.url) as store:
        error = await refused(store.load(KEY))
        assert error.place == f"redis://127.0.0.1:{server.port}/0"
        assert "Check that Redis runs there" in error.problem
        await refused(store.save(KEY, make_session(KEY.origin)))
        await refused(store.slugs())
        await refused(hold(store, wait_s=30))
        server.start()
        await hold(store)
        await store.save(KEY, make_session(KEY.origin))
        assert await store.load(KEY) == make_session(KEY.origin)


async def test_a_restart_goes_unnoticed(tmp_path: Path) -> None:
    with RedisServer(tmp_path, persistent=True) as server:
        async with opened(server.url) as store:
            await store.save(KEY, make_session(KEY.origin))
            fence = (await hold(store)).fence
            server.restart()
            assert await store.load(KEY) == make_session(KEY.origin)
            server.restart()
            await store.save(KEY, make_session(KEY.origin, harvested_at=2.0))
            server.command("SCRIPT", "FLUSH")
            assert (await hold(store)).fence > fence


@pytest.mark.slow
async def test_a_pause_is_an_error_in_time_and_heals(server: RedisServer, store: RedisStore) -> None:
    await store.save(KEY, make_session(KEY.origin))
    async with opened(server.url) as new:
        server.pause()
        works = [store.load(KEY), store.save(KEY, make_session(KEY.origin)), store.slugs(), hold(store, 30)]
        works += [new.load(KEY) for _ in range(50)]
        errors = await asyncio.gather(*(refused(work) for work in works))
        assert all("no answer in time" in error.problem for error in errors)
        server.resume()
        assert await store.load(KEY) == await new.load(KEY) == make_session(KEY.origin)


async def test_losing_redis_in_the_middle_does_not_disturb_the_body(server: RedisServer, store: RedisStore) -> None:
    async with store.lock(KEY.slug, wait_s=0) as lease:
        server.restart()
        assert "lease was lost" in str(await refused(store.save(KEY, make_session(KEY.origin), lease)))
    assert (await hold(store)).fence > lease.fence


async def test_a_replica_is_named_and_heals(server: RedisServer, store: RedisStore) -> None:
    server.command("REPLICAOF", "127.0.0.1", "1")
    assert "read-only replica" in str(await refused(store.save(KEY, make_session(KEY.origin))))
    assert "read-only replica" in str(await refused(hold(store)))
    server.command("REPLICAOF", "NO", "ONE")
    async with store.lock(KEY.slug, wait_s=0) as lease:
        await store.save(KEY, make_session(KEY.origin), lease)


@pytest.mark.parametrize(
    ("setting", "problem"),
    [
        (("CONFIG", "SET", "maxmemory", "1"), "out of memory"),
        (("ACL", "SETUSER", "default", "-evalsha"), "access rules forbid"),
        (("SET", KEPT, "a string"), "WRONGTYPE"),
    ],
)
async def test_what_redis_refuses_is_said_without_secrets(
    server: RedisServer, store: RedisStore, setting: tuple[str, ...], problem: str
) -> None:
    server.command(*setting)
    error = await refused(store.swap(KEY.slug, None, b"s3cret"))
    assert problem in str(error)
    assert "s3cret" not in "".join(traceback.format_exception(error))
    assert "\n" not in str(error)


async def test_a_write_without_memory_leaves_what_was_there(server: RedisServer, store: RedisStore) -> None:
    async with store.lock(KEY.slug, wait_s=0) as lease:
        await store.save(KEY, make_session(KEY.origin), lease)
        server.command("CONFIG", "SET", "maxmemory", "1")
        await refused(store.save(KEY, make_session(KEY.origin, harvested_at=2.0), lease))
        assert await store.load(KEY) == make_session(KEY.origin)
    assert server.command("EXISTS", LOCK) == ":0\r\n"


@pytest.mark.parametrize("login", ["", ":wr0ng-s3cret@", "m3-s3cret:wr0ng-s3cret@"])
async def test_a_wrong_password_is_an_error_without_it(tmp_path: Path, login: str) -> None:
    with RedisServer(tmp_path, password="right-s3cret") as server:
        async with opened(server.url.replace(":right-s3cret@", login)) as store:
            for work in (store.load(KEY), store.save(KEY, make_session(KEY.origin)), hold(store)):
                error = await refused(work)
                assert "password" in error.problem
                assert "s3cret" not in "".join(traceback.format_exception(error)) + repr(error)
            assert "s3cret" not in repr(store)
        async with opened(server.url) as store:
            assert await store.load(KEY) is None


async def test_no_secret_is_logged(server: RedisServer, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        async with opened(server.url.replace("//", "//nobody:s3cret@")) as store:
            await refused(store.load(KEY))
        async with opened(server.url, lease_s=0.3) as store, store.lock(KEY.slug, wait_s=0) as lease:
            await store.save(KEY, make_session(KEY.origin), lease)
            server.command("DEL", LOCK)
            await eventually(lambda: "lease" in caplog.text)
            await refused(store.save(KEY, make_session(KEY.origin), lease))
    assert "s3cret" not in caplog.text


# The URL and the extra.


@pytest.mark.parametrize(
    "url",
    [
        "",
        "s3cret",
        "http://me:s3cret@host/0",
        "redis://",
        "redis:///0",
        "redis://:s3cret@",
        "redis://:s3cret@:6379",
        "redis://:s3cret@host:port/0",
        "redis://:s3cret@host:99999/0",
        "redis://:s3cret@host:0/0",
        "redis://:s3cret@host/first",
        "redis://:s3/cret@host",
        "redis://:1/s3cret@host",
        "redis://me:1/s3cret@host",
        "redis://me:1?s3cret@host",
        "redis://me:1#s3cret@host",
        "redis://[::1:s3cret",
        "redis://:s3cret@host/0?db=s3cret",
        "redis://:s3cret@host/0?s3cret=1",
        "redis://:s3cret@host/0?ssl_ca_certs=x",
        "redis://:s3cret@host/0?decode_responses=true",
        "rediss://:s3cret@host/0?ssl_check_hostname=s3cret&db=s3cret",
        "unix://",
        "unix://:s3cret@",
        "unix://s3cret/socket",
        "unix://:s3/cret@/socket",
        "unix:///socket?db=s3cret",
    ],
)
def test_a_malformed_url_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        RedisStore(url)
    assert caught.value.name == "store"
    known = "redis://host:6379/0, rediss://host:6379/0 or unix:///path/to/socket", "the Redis URL has an"
    assert any(each in str(caught.value) for each in known)
    # Python's own frames name the source line only, so what is looked for can only come from messages.
    assert "s3cret" not in "".join(traceback.format_exception(caught.value, limit=0)) + str(caught.value)


async def test_a_lease_is_renewed_on_after_a_moment_without_redis(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[bool | None] = [None, True, None, True, False]
    async with opened("redis://127.0.0.1:1", lease_s=0.6) as store:

        async def run(*_: object) -> int:
            answer = answers.pop(0)
            if answer is None:
                raise StoreError("redis", "no answer in time.")
            return answer

        # A server that is away for a moment, and then has lost the lease.
        monkeypatch.setattr(store, "_run", run)
        await asyncio.wait_for(store._keep_renewing(KEY.slug, "token"), 20)
    assert answers == []
    assert "was lost" in caplog.text


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("redis://host", "redis://host"),
        ("redis://me:s3cret%2F@host:1/2?client_name=x", "redis://host:1/2"),
        ("redis://[::1]:6379/0?password=s3cret&username=s3cret", "redis://[::1]:6379/0"),
        ("rediss://:s3cret@host/0?ssl_ca_certs=/ca.pem", "rediss://host/0"),
        (
            (
                "rediss://host?ssl_ca_certs=/c&ssl_certfile=/c&ssl_keyfile=/k&ssl_check_hostname=True&ssl_cert_reqs=none"
                "&db=0&username=s3cret&password=s3cret&client_name=x"
            ),
            "rediss://host",
        ),
        ("unix://me:s3cret@/run/redis.sock?db=3", "unix:///run/redis.sock"),
    ],
)
def test_a_store_shows_where_it_is_without_who_asks(url: str, place: str) -> None:
    store = RedisStore(url, prefix="p:")
    assert repr(store) == f"RedisStore('{place}', prefix='p:')"
    assert store.place_option == ("" if "s3cret" in url else url)


def test_without_the_extra_it_says_how_to_get_it() -> None:
    code = """if True:
        import sys
        import aura_browser.store.redis as module
        from aura_browser.errors import InvalidInput
        assert "redis" not in sys.modules
        sys.modules["redis"] = None
        try:
            module.RedisStore("redis://:s3cret@host")
        except InvalidInput as error:
            print(error)
    """
    said = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert said.startswith("store: needs redis-py: ")
    assert said.endswith("pip install 'redis>=8.0'\n")


@pytest.mark.parametrize(
    ("kind", "advice"),
    [
        ("AuthenticationError", "Check both in the store's URL."),
        ("AuthenticationWrongNumberOfArgsError", "Check both in the store's URL."),
        ("NoPermissionError", "Allow the user to read, write and run scripts"),
        ("BusyLoadingError", "Try again in a moment."),
        ("ReadOnlyError", "use the primary's URL."),
        ("OutOfMemoryError", "Raise its maxmemory, or delete data."),
        ("TimeoutError", "Check that it runs, is not overloaded, and is reachable from here."),
        ("ResponseError", "EXEC. Check that Redis runs there."),
        ("ConnectionError", "EXEC. Check that Redis runs there."),
    ],
)
def test_each_refusal_of_redis_says_what_to_do_and_quotes_nothing(kind: str, advice: str) -> None:
    from redis import exceptions

    error = getattr(exceptions, kind)("EXEC 's3cret', with args 's3cret'")
    said = describe_error(error)
    assert advice.removeprefix("EXEC") in said
    assert "s3cret" not in said
