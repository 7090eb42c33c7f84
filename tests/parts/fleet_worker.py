"""One process of a fleet: a client that asks some questions and tells as JSON what became of them.

The program (``python -m tests.parts.fleet_worker SETTINGS``) prints ``ready``, begins when it gets a line on stdin, and
prints one report. Tests start it with :func:`workers`, the other half of this file.
"""

import asyncio
import logging
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

import msgspec
import psutil

from aura_browser import AuraClient

_ROOT: Final = Path(__file__).parents[2]
_READY_S: Final = 90.0


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker does.

    Attributes:
        origin: the site.
        store: as the client takes it.
        scratch: a folder for temporary files, browsers' profiles among them.
        home: where its state is kept, apart from others'; the test's own if empty.
        name: part of every question.
        first: ask one question before being ready, so that the client has a session.
        tasks: questions.
        spread_s: seconds that their beginnings are spread over, evenly; 0 asks all at once.
        limit_s: seconds for each.
    """

    origin: str
    store: str
    scratch: str
    home: str = ""
    name: str = "worker"
    first: bool = False
    tasks: int = 1
    spread_s: float = 0.0
    limit_s: float = 120.0


class Count(msgspec.Struct, frozen=True):
    """The client's counters."""

    harvests: int
    failures: int
    renewals: dict[str, int]
    adopted: int
    waits: int
    refusals: int
    replays: int
    rotations: int


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a worker's questions.

    Attributes:
        right: answers that were what they should be.
        errors: types and texts of what came instead.
        slowest_s: seconds that the slowest took.
        harvests_s: seconds that each harvest took.
        before: counters before the questions.
        after: counters after them.
        fingerprint: of the session in use at the end; empty if every question failed.
    """

    right: int
    errors: list[tuple[str, str]]
    slowest_s: float
    harvests_s: list[float]
    before: Count
    after: Count
    fingerprint: str


class Worker:
    """A worker as the test sees it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def ready(self) -> None:
        """Wait until its client is open."""
        async with asyncio.timeout(_READY_S):
            assert await self._line() == b"ready\n", "it failed; see its stderr"

    def go(self) -> None:
        """Let it ask its questions."""
        assert self.process.stdin is not None
        self.process.stdin.write(b"go\n")

    async def report(self, within_s: float = 150.0) -> Report:
        """Wait until it is done; return what it tells."""
        async with asyncio.timeout(within_s):
            told = await self._line()
            assert await self.process.wait() == 0, "it failed; see its stderr"
        return msgspec.json.decode(told, type=Report)

    async def end(self) -> None:
        """End it and all that it started, if it is still there, and take note of its end."""
        if self.process.returncode is None:
            end_tree(self.process.pid)
        await self.process.communicate()

    async def _line(self) -> bytes:
        assert self.process.stdout is not None
        return await self.process.stdout.readline()


@asynccontextmanager
async def workers(*settings: Settings) -> AsyncIterator[list[Worker]]:
    """Run a worker for each of *settings*; all are ready, and at the end none is left."""
    running: list[Worker] = []
    try:
        for one in settings:
            running.append(await _start(one))  # noqa: PERF401 - those before a failure have to be ended
        async with asyncio.TaskGroup() as group:
            for worker in running:
                group.create_task(worker.ready())
        yield running
    finally:
        for worker in running:
            await worker.end()


async def reports_of(running: list[Worker]) -> list[Report]:
    """Wait until all are done; return what they tell."""
    async with asyncio.TaskGroup() as group:
        told = [group.create_task(worker.report()) for worker in running]
    return [task.result() for task in told]


def end_tree(pid: int) -> None:
    """Kill a process, and all below it."""
    with suppress(psutil.NoSuchProcess):
        root = psutil.Process(pid)
        below = root.children(recursive=True)
        for process in (root, *below):
            with suppress(psutil.NoSuchProcess):
                process.kill()


async def _start(settings: Settings) -> Worker:
    environment = os.environ | {"TMPDIR": settings.scratch}
    if settings.home:
        environment["XDG_STATE_HOME"] = settings.home
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "error", "-m", __name__, msgspec.json.encode(settings).decode()),
        cwd=_ROOT,
        env=environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=2**24,
    )
    return Worker(process)


class _Harvests(logging.Handler):
    """Keeps how long each harvest took."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    def emit(self, record: logging.LogRecord) -> None:
        facts: dict[str, float] = getattr(record, "facts", {})
        if getattr(record, "event", "") == "harvested":
            self.seconds.append(facts["seconds"])


class _Tally:
    """Asks, and keeps what came."""

    def __init__(self, client: AuraClient, settings: Settings) -> None:
        self.right = 0
        self.errors: list[tuple[str, str]] = []
        self.slowest_s = 0.0
        self._client = client
        self._settings = settings

    async def ask_all(self) -> None:
        began = asyncio.get_running_loop().time()
        step = self._settings.spread_s / self._settings.tasks
        async with asyncio.TaskGroup() as group:
            for n in range(self._settings.tasks):
                group.create_task(self._ask(f"{self._settings.name} {n}", began + n * step))

    async def _ask(self, question: str, at: float) -> None:
        # The pace of the load; nothing is waited for here.
        await asyncio.sleep(at - asyncio.get_running_loop().time())
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._settings.limit_s):
                answer = await self._client.complete(question)
        except Exception as error:  # noqa: BLE001 - whatever it is, the test has to see it
            self.errors.append((type(error).__name__, str(error)))
        else:
            self._note(question, answer)
        self.slowest_s = max(self.slowest_s, time.monotonic() - began)

    def _note(self, question: str, answer: str) -> None:
        if answer == question:
            self.right += 1
        else:
            self.errors.append(("wrong answer", answer))


async def _work(settings: Settings) -> Report:
    harvests = _listen()
    async with AuraClient(settings.origin, store=settings.store) as client:
        if settings.first:
            await client.complete("first")
        await _told_to_begin()
        before, tally = _count(client), _Tally(client, settings)
        await tally.ask_all()
        return Report(
            right=tally.right,
            errors=tally.errors,
            slowest_s=tally.slowest_s,
            harvests_s=harvests.seconds,
            before=before,
            after=_count(client),
            fingerprint=(await client.session()).fingerprint if tally.right else "",
        )


def _listen() -> _Harvests:
    harvests, log = _Harvests(), logging.getLogger("aura_browser.events")
    log.addHandler(harvests)
    log.setLevel(logging.INFO)
    log.propagate = False
    return harvests


async def _told_to_begin() -> None:
    print("ready", flush=True)  # noqa: T201 - the parent process waits for it
    if not await asyncio.to_thread(sys.stdin.readline):
        raise SystemExit("nobody is there any more")


def _count(client: AuraClient) -> Count:
    return msgspec.convert(client.counters, Count, from_attributes=True)


if __name__ == "__main__":
    _report = asyncio.run(_work(msgspec.json.decode(sys.argv[1], type=Settings)))
    print(msgspec.json.encode(_report).decode(), flush=True)  # noqa: T201 - the parent process reads it
