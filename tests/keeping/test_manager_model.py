"""The manager under any schedule: a model that drives it step by step, on a loop in which no real time passes."""

import asyncio
import logging
import shutil
import tempfile
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.internal.conjecture.providers import HypothesisProvider
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from yarl import URL

from aura_browser.errors import HarvestCoolingDown, InteractionRequired, NotReady, SessionRefused, StoreError
from aura_browser.keeping.manager import SessionManager
from aura_browser.session import Session
from aura_browser.session.session import Proof
from aura_browser.site import page_site
from aura_browser.store import FileStore, Lease, MemoryStore, SessionKey, Store
from tests.parts.sessions import make_cookie, make_session, take_as_it_is
from tests.parts.skipping_loop import SkippingLoop

KEY = SessionKey("http://127.0.0.1:8080")
ASKED = URL("http://127.0.0.1:8080/api/chat")
COOL_DOWN_S = 30.0
WINDOW_S = 600.0
MOST_FAILURES = 6

AWAY = StoreError("nowhere", "Permission denied.")
FAILURES: dict[str, Callable[[], Exception]] = {
    "failed": lambda: NotReady(KEY.origin, 503, 60.0, ("selector:x",)),
    "crashed": lambda: OSError("no such browser"),
    "refused": lambda: InteractionRequired("No.", "aura-browser harvest"),
}


@pytest.fixture(autouse=True)
def no_blocking_calls() -> None:
    """Let files be written in the loop: the model's loop has no threads, so that every run is the same."""


@dataclass
class World:
    """What all processes of the model share, and what was found wrong with them."""

    store: Store
    spans_machines: bool
    reached: Counter[str]
    now: float = 10_000.0
    broken: bool = False
    lag: int = 0
    to_hold: int = 0
    held: "list[asyncio.Future[None]]" = field(default_factory=list)
    runs: "list[Run]" = field(default_factory=list)
    numbers: int = 0
    saved: set[float] = field(default_factory=set)
    truths: "dict[str, tuple[Proof, str | None]]" = field(default_factory=dict)
    dropped: set[str] = field(default_factory=set)
    # By harvest and cookie: what a good proof after its expiry removes.
    expired: set[tuple[float, str]] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)
    # By harvest, then cookie: who changed it to what last. None stands for a deletion.
    rotations: "defaultdict[float, dict[str, dict[Process, str | None]]]" = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(dict))
    )

    def clock(self) -> float:
        return self.now

    def is_kept(self, stored: Session, name: str, given: Collection[str | None]) -> bool:
        """Return whether one of the values that processes gave a cookie is stored."""
        value = values(stored).get(name)
        return value in given or (value is None and (stored.harvested_at, name) in self.expired)

    def hold(self, truth: object, problem: str) -> None:
        """Note *problem* unless *truth*; raised inside a task, it would pass for a harvest's failure."""
        if not truth:
            self.problems.append(problem)

    def let_go(self) -> None:
        """Let the store be quick, and go on with what it held back."""
        self.lag = self.to_hold = 0
        for held in self.held:
            if not held.done():
                held.set_result(None)

    async def stored(self) -> Session | None:
        data = await self.store.read(KEY.slug)
        return None if data is None else Session.from_json(data)


class FlakyStore(Store):
    """One process's view of the shared store: slow, or out of use, as the schedule says; and a witness."""

    def __init__(self, world: World, process: "Process") -> None:
        self.spans_machines = world.spans_machines  # type: ignore[misc]  # one class serves both kinds
        self._world = world
        self._process = process

    async def read(self, slug: str) -> bytes | None:
        self._process.is_blind = True
        await self._lag()
        self._process.is_blind = False
        data = await self._world.store.read(slug)
        if slug == KEY.slug:
            await self._lag()
        return data

    async def swap(
        self,
        slug: str,
        before: bytes | None,
        after: bytes | None,
        *,
        expires_at: float | None = None,
        lease: Lease | None = None,
    ) -> bool:
        await self._lag()
        there = await self._world.store.read(slug)
        if slug == KEY.slug and there == before:
            self._look_at(before, after)
        done = await self._world.store.swap(slug, before, after, expires_at=expires_at, lease=lease)
        await self._lag()
        return done

    async def slugs(self) -> tuple[str, ...]:
        return await self._world.store.slugs()

    async def set_aside(self, slug: str) -> str:
        self._world.hold(False, "a session was set aside")  # noqa: FBT003 - a bare complaint
        return await self._world.store.set_aside(slug)

    @asynccontextmanager
    async def lock(self, slug: str, *, wait_s: float) -> AsyncIterator[Lease]:
        self._process.is_unlocked = True
        await self._lag()
        self._process.is_unlocked = False
        async with self._world.store.lock(slug, wait_s=wait_s) as lease:
            yield lease

    async def _lag(self) -> None:
        try:
            await self._pass()
        except StoreError:
            self._process.store_failures += 1
            raise

    async def _pass(self) -> None:
        world = self._world
        for _ in range(world.lag):
            await asyncio.sleep(0)
        if world.to_hold:
            world.to_hold -= 1
            world.held.append(held := asyncio.get_running_loop().create_future())
            try:
                await held
            finally:
                world.held.remove(held)
        if world.broken:
            raise AWAY

    def _look_at(self, before: bytes | None, after: bytes | None) -> None:
        hold = self._world.hold
        if after is None:
            return hold(False, "the session was deleted")  # noqa: FBT003 - a bare complaint
        session = Session.from_json(after)
        hold(is_pure(session), f"cookies of two harvests were stored as one session: {values(session)}")
        self._world.saved.add(session.harvested_at)
        if before is not None and (old := Session.from_json(before)).lineage != session.lineage:
            hold(session.generation > old.generation, f"{session.user_agent} was stored over {old.user_agent}")
            hold(may_replace(old, session), f"{describe(session)} was stored over {describe(old)}")
            self._world.reached["a login was replaced by another"] += old.proof == session.proof == "distinguished"
        return None


@dataclass(eq=False)
class Run:
    """A harvest under way; the schedule ends it."""

    process: "Process"
    end: "asyncio.Future[Session]"


@dataclass(eq=False)
class Caller:
    """A task that waits for a manager."""

    kind: str
    task: "asyncio.Task[Session | None]"
    refused: Session | None = None
    is_cancelled: bool = False


class Process:
    """One process on the shared store: a manager, and who calls it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.manager = SessionManager(
            page_site(KEY.origin),
            FlakyStore(world, self),
            KEY,
            harvest=self._harvest,
            prove=self._prove,
            clock=world.clock,
            cool_down_s=COOL_DOWN_S,
        )
        self.seen: list[Session] = []
        # By harvest and cookie: each value that this process gave it.
        self.gave: defaultdict[tuple[float, str], set[str | None]] = defaultdict(set)
        self.callers: list[Caller] = []
        self.failures: list[float] = []
        self.store_failures = 0
        self.is_unlocked = False
        self.is_blind = False
        self.is_closed = False
        self.flushed = 0.0
        self.newest: Session | None = None

    def call(self, kind: str, work: Coroutine[Any, Any, Session | None], refused: Session | None = None) -> None:
        self.callers.append(Caller(kind, asyncio.get_running_loop().create_task(work), refused))

    async def _harvest(self) -> Session:
        self._begin()
        run = Run(self, asyncio.get_running_loop().create_future())
        self.world.runs.append(run)
        try:
            session = await run.end
        except asyncio.CancelledError:
            self.world.reached["a harvest was cancelled"] += 1
            self.world.hold(self.is_closed, "a caller's end took the harvest with it")
            raise
        except InteractionRequired:
            raise
        except Exception:  # every other failure counts, and goes on to the caller
            if not self.manager._flights.is_optional:  # an optional harvest counts for nothing
                self.failures.append(self.world.now)
            raise
        finally:
            self.world.runs.remove(run)
        return session

    async def _prove(self, session: Session) -> Session:
        await asyncio.sleep(0)
        number = number_of(session)
        if number in self.world.dropped:
            raise SessionRefused(KEY.origin, 401, "status 401", "")
        proof, account = self.world.truths[number]
        if proof == "distinguished":
            over = session.without_expired(self.world.now).cookies
            self.world.expired |= {(session.harvested_at, c.name) for c in session.cookies if c not in over}
        is_login = session.is_login or (session.proof == "distinguished" != proof)
        return msgspec.structs.replace(
            session, proof=proof, identity=account or session.identity, is_login=is_login, verified_at=self.world.now
        )

    def _begin(self) -> None:
        world = self.world
        world.hold(not self.is_closed, "a harvest began after the close")
        for run in world.runs:
            if not run.end.done():
                world.hold(run.process is not self, "two harvests at once in one process")
                are_locked = not (self.is_unlocked or run.process.is_unlocked)
                world.hold(not are_locked, "two harvests at once in two processes")
                world.reached["two harvests while the lock could not be had"] += 1
        world.hold(not (world.broken and world.spans_machines), "a harvest without the store of a fleet")
        record = None if self.is_blind else record_of(world.store)
        wait = wait_s({*self.failures, *(record or ())}, world.now)
        world.hold(wait <= 0, f"a harvest began {wait:.0f} s before its time")

    def accept(self, session: Session, set_cookies: list[str]) -> None:
        before = self.manager._live.current
        self.manager.answers.accept(session, set_cookies, ASKED)
        after = self.manager._live.current
        if before is None or after is None:
            return
        old, new = values(before), values(after)
        for name in old.keys() | new.keys():
            if old.get(name) != new.get(name):
                changed_by = self.world.rotations[after.harvested_at][name]
                changed_by[self] = new.get(name)
                self.gave[after.harvested_at, name].add(new.get(name))
                self.world.reached["two processes rotated one session"] += len(changed_by) > 1

    async def close(self) -> None:
        world, failures = self.world, self.store_failures

        async def end() -> None:
            self.is_closed = True
            await self.manager.aclose()

        closing = asyncio.get_running_loop().create_task(end())
        await asyncio.sleep(0.01)
        world.let_go()
        async with asyncio.timeout(60):
            await closing
        await asyncio.sleep(0.5)
        world.hold(not any(run.process is self for run in world.runs), "a harvest outlived the close")
        world.hold(all(caller.task.done() for caller in self.callers), "a caller outlived the close")
        if self.store_failures == failures and self.manager._live.current is not None:
            self.flushed = self.manager._live.current.harvested_at
            await self._check_flushed(self.manager._live.current)

    async def _check_flushed(self, current: Session) -> None:
        stored = await self.world.stored()
        self.world.hold(
            stored and (stored.generation >= current.generation or not may_replace(stored, current)),
            "a new session was never written",
        )
        owed = self.world.rotations.get(current.harvested_at, {})
        mine = {name: by for name, by in owed.items() if self in by}
        if not mine:
            return None
        self.world.reached["rotations were flushed"] += 1
        if stored is None or (stored.generation < current.generation and may_replace(stored, current)):
            return self.world.hold(False, "a rotation was never written")  # noqa: FBT003 - a bare complaint
        if stored.harvested_at == current.harvested_at:
            for name, by in mine.items():
                # A neighbour may have written an earlier value over this one, and its last may not be stored yet.
                others = [process.gave[current.harvested_at, name] for process in by if process is not self]
                is_kept = self.world.is_kept(stored, name, {by[self]}.union(*others))
                self.world.hold(is_kept, f"the rotation of {name} was lost: {by[self]}")
        return None


def values(session: Session) -> dict[str, str]:
    return {cookie.name: cookie.value for cookie in session.cookies}


def number_of(session: Session) -> str:
    return session.user_agent.removeprefix("harvest ")


def is_pure(session: Session) -> bool:
    """Tell whether all cookies are of the session's own harvest."""
    return all(value.startswith(f"{number_of(session)}.") for value in values(session).values())


def may_replace(old: Session, new: Session) -> bool:
    """Tell whether a session of another harvest may take the place of *old*: the rule, written another way."""
    if old.proof == "distinguished":
        return new.proof == "distinguished" and old.identity in {None, new.identity}
    return not old.is_login or bool(new.is_login) or new.proof == "distinguished"


def describe(session: Session) -> str:
    return f"{session.user_agent} ({session.proof}, {session.identity}, login={session.is_login})"


def wait_s(failures: set[float], now: float) -> float:
    """Return the seconds until a harvest is allowed: the rule, written another way."""
    recent = sorted(at for at in failures if at > now - WINDOW_S)
    if not recent:
        return 0.0
    pause = COOL_DOWN_S
    for _ in recent[1:]:
        pause = min(2 * pause, WINDOW_S)
    ends = [recent[-1] + pause]
    if len(recent) >= MOST_FAILURES:
        ends.append(recent[len(recent) - MOST_FAILURES] + WINDOW_S)
    return max(ends) - now


def record_of(store: Store) -> list[float]:
    """Return the failures that the store has on record."""

    async def read() -> list[float]:
        found: list[float] = []
        for slug in await store.slugs():
            if slug.startswith("budget-") and not slug.startswith("budget-origin-"):
                found += msgspec.json.decode(await store.read(slug) or b"{}").get("failures", ())
        return found

    # No store here suspends, so that this can be asked from within a coroutine's synchronous part.
    coroutine = read()
    try:
        coroutine.send(None)
    except StopIteration as end:
        failures: list[float] = end.value
        return failures
    raise RuntimeError("the store suspended")


WHICH = st.integers(0, 7)
KINDS_OF_SESSIONS: dict[str, tuple[Proof, str | None, bool]] = {
    "open": ("open", None, False),
    "unproven": ("unproven", None, False),
    "a person's": ("unproven", None, True),
    "a person's open one": ("open", None, True),
    "a login": ("distinguished", None, False),
    "ann's": ("distinguished", "ann", False),
    "bob's": ("distinguished", "bob", False),
}
REFUSED = "a refused one"
KINDS = st.sampled_from(list(KINDS_OF_SESSIONS))
LIVES = st.sampled_from([60.0, 1000.0, None])
LONG_TURNS = 5
SECONDS = st.sampled_from([1.0, 29.0, 31.0, 700.0])


class Schedules(RuleBasedStateMachine):
    """Any interleaving of what callers, sites, stores and clocks do to one or two managers on one store."""

    reached: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.loop = SkippingLoop()
        self.loop.set_exception_handler(self._unheard)
        self.dead: list[Process] = []

    def make_store(self) -> Store:
        return MemoryStore()

    @initialize(processes=st.sampled_from([2, 1, 2]), spans_machines=st.booleans(), life_s=LIVES, kind=KINDS)
    def begin(self, processes: int, life_s: float | None, kind: str, *, spans_machines: bool) -> None:
        """Begin with a session that all processes have, so that few steps go a long way."""
        self.world = World(self.make_store(), spans_machines, self.reached)
        self.processes = [Process(self.world) for _ in range(processes)]
        for process in self.processes:
            self._do("get", lambda process=process: process.call("get", process.manager.get()))  # type: ignore[misc]
        self._drain(life_s, kind)

    # What callers do.

    @rule(which=WHICH)
    def get(self, which: int) -> None:
        process = self._process(which)
        self._do("get", lambda: process.call("get", process.manager.get()))

    @rule(which=WHICH, back=st.integers(0, 2))
    def renew(self, which: int, back: int) -> None:
        process = self._process(which)
        if process.seen:
            refused = process.seen[max(-1 - back, -len(process.seen))]
            self._do("renew", lambda: process.call("renew", process.manager.renew(refused), refused))

    @rule(which=WHICH)
    def harvest(self, which: int) -> None:
        process = self._process(which)
        self._do("harvest", lambda: process.call("harvest", process.manager.harvest()))

    @rule(which=WHICH, whose=WHICH)
    def cancel(self, which: int, whose: int) -> None:
        process = self._process(which)
        if process.callers:
            caller = process.callers[whose % len(process.callers)]
            caller.is_cancelled = True
            self._do("cancel", caller.task.cancel)

    @rule(which=WHICH, back=st.integers(0, 2), what=st.sampled_from(["sid", "csrf", "both", "delete", "nothing"]))
    def accept(self, which: int, back: int, what: str) -> None:
        process = self._process(which)
        if process.seen:
            session = process.seen[max(-1 - back, -len(process.seen))]
            set_cookies = self._set_cookies(number_of(session), what)
            self._do(f"accept {what}", lambda: process.accept(session, set_cookies))

    @rule(which=WHICH)
    def give_up(self, which: int) -> None:
        process = self._process(which)
        if process.seen:
            session = process.seen[-1]
            self._do("give_up", lambda: process.call("give_up", process.manager.answers.give_up(session)))

    # What harvests do.

    @precondition(lambda self: self._runs())
    @rule(which=WHICH, life_s=LIVES, kind=KINDS | st.just(REFUSED))
    def finish(self, which: int, life_s: float | None, kind: str) -> None:
        runs = self._runs()
        run = runs[which % len(runs)]
        self._do(f"finish with {kind}", lambda: run.end.set_result(self._new_session(life_s, kind)))

    @precondition(lambda self: self._runs())
    @rule(which=WHICH, how=st.sampled_from(list(FAILURES)))
    def fail(self, which: int, how: str) -> None:
        runs = self._runs()
        run = runs[which % len(runs)]
        self._do(f"harvest {how}", lambda: run.end.set_exception(FAILURES[how]()))

    # What the world does.

    @rule(which=WHICH)
    def the_site_drops_the_session(self, which: int) -> None:
        current = self._process(which).manager._live.current
        if current is not None:
            self.world.dropped.add(number_of(current))
            self._count("dropped")

    @rule(seconds=SECONDS)
    def clock_moves(self, seconds: float) -> None:
        self.world.now += seconds
        self._count("clock")

    @rule(which=WHICH, left_s=st.sampled_from([7.0, 1.0, 0.0]), asks=st.booleans())
    def clock_moves_to_the_end_of_a_session(self, which: int, left_s: float, *, asks: bool) -> None:
        """Go to its advisory window, its mandatory one, or its end; one caller may ask for it there."""
        current = self._process(which).manager._live.current
        if current is not None and current.expires_at is not None:
            self.world.now = max(self.world.now, current.expires_at - left_s)
            self._count("end")
            if asks:
                self.get(which)

    @rule(seconds=st.sampled_from([0.01, 0.03, 0.25]), turns=st.integers(1, 8))
    def time_passes(self, seconds: float, turns: int) -> None:
        """Let the loop turn a few times, or as often as it does in some time."""
        self._count("time" if turns > LONG_TURNS else "turns")
        self.world.now += seconds
        self._run(asyncio.sleep(seconds) if turns > LONG_TURNS else self._turn(turns))

    @rule(how=st.sampled_from(["works", "lags", "breaks", "holds"]), much=st.integers(1, 3))
    def store_changes(self, how: str, much: int) -> None:
        self._count(f"store {how}")
        self.world.broken = how == "breaks"
        self.world.lag = much if how == "lags" else 0
        self.world.to_hold = much if how == "holds" else 0

    @precondition(lambda self: self._held())
    @rule(which=WHICH, is_well=st.booleans())
    def store_answers(self, which: int, *, is_well: bool) -> None:
        """End one operation that the store holds back."""
        held = self._held()
        chosen = held[which % len(held)]
        name = f"store answers {'well' if is_well else 'badly'}"
        self._do(name, lambda: chosen.set_result(None) if is_well else chosen.set_exception(AWAY))

    @rule(which=WHICH, life_s=LIVES, kind=KINDS)
    def rest(self, which: int, life_s: float | None, kind: str) -> None:
        """Close one process and begin it anew, or let all come to rest."""
        if which < len(self.processes):
            self._close(self._process(which))
        else:
            self._drain(life_s, kind)

    def _close(self, process: Process) -> None:
        self.reached["closed during a harvest"] += any(run.process is process for run in self.world.runs)
        self._count("close")
        self._run(process.close())
        self._reap(process)
        self.dead.append(process)
        self.processes[self.processes.index(process)] = Process(self.world)

    def _drain(self, life_s: float | None, kind: str) -> None:
        """While the store works and harvests end, nobody waits for ever."""
        self._count("drain")
        self.world.broken = False
        for _ in range(12):
            self.world.let_go()
            for run in self._runs():
                run.end.set_result(self._new_session(life_s, kind))
            self._run(asyncio.sleep(0.5))
        for process in self.processes:
            self._reap(process)
            assert not process.callers, f"{[caller.kind for caller in process.callers]} wait for ever"

    # What always holds.

    @invariant()
    def nothing_went_wrong(self) -> None:
        for process in getattr(self, "processes", ()):
            self._reap(process)
            current = process.manager._live.current
            if current is not None:
                self._compare(process.newest, current)
                process.newest = current
                assert is_pure(current), f"the manager mixed two harvests: {values(current)}"
        if hasattr(self, "world"):
            assert not self.world.problems, "; ".join(self.world.problems)

    def _compare(self, before: Session | None, after: Session) -> None:
        if before is not None:
            assert after.generation >= before.generation, "the manager went back to an older session"
        if before is not None and before.lineage != after.lineage:
            assert may_replace(before, after), f"{describe(after)} is used in place of {describe(before)}"

    def teardown(self) -> None:
        try:
            if hasattr(self, "world"):
                self._end()
        finally:
            self.world.broken = False
            self.world.let_go()
            while left := asyncio.all_tasks(self.loop):
                for task in left:
                    task.cancel()
                self._run(self._turn(9))
            self.loop.close()

    def _end(self) -> None:
        self.world.broken = False
        for process in self.processes:
            self._run(process.close())
            self._reap(process)
        self._check_rotations()
        for process in (*self.processes, *self.dead):
            self._tally(process)
        self.nothing_went_wrong()

    def _check_rotations(self) -> None:
        stored = self.loop.run_until_complete(self.world.stored())
        rotations = self.world.rotations.get(stored.harvested_at, {}) if stored else {}
        for name, by in rotations.items():
            # A later change that the store could not take hides which one was written before.
            if stored and all(process.flushed == stored.harvested_at for process in by):
                assert self.world.is_kept(stored, name, by.values()), f"the rotation of {name} was lost in the end"

    def _tally(self, process: Process) -> None:
        counters = process.manager.counters
        self.reached["adopted"] += counters.adopted
        self.reached["rotated"] += counters.rotations
        self.reached.update({f"renewed: {cause}": count for cause, count in counters.renewals.items()})

    def _reap(self, process: Process) -> None:
        for caller in [caller for caller in process.callers if caller.task.done()]:
            process.callers.remove(caller)
            outcome = self._outcome(process, caller)
            self.reached[f"{caller.kind} ended: {outcome}"] += 1
            self.reached[f"ended: {outcome}"] += 1

    def _outcome(self, process: Process, caller: Caller) -> str:
        if caller.task.cancelled():
            assert caller.is_cancelled, "a caller was cancelled that nobody cancelled"
            return "cancelled"
        error = caller.task.exception()
        if isinstance(error, RuntimeError):
            assert process.is_closed, error
        elif isinstance(error, StoreError):
            assert self.world.spans_machines, error
        elif error is not None:
            expected = (NotReady, OSError, InteractionRequired, HarvestCoolingDown, SessionRefused)
            assert isinstance(error, expected), error
        elif (session := caller.task.result()) is not None:
            self._look_at(process, caller, session)
        return type(error).__name__ if error else "well"

    def _look_at(self, process: Process, caller: Caller, session: Session) -> None:
        process.seen.append(session)
        if not process.store_failures:
            assert session.harvested_at in self.world.saved, "a session was handed out before it was saved"
        if caller.refused is not None:
            assert session != caller.refused
            assert session.generation >= caller.refused.generation

    def _process(self, which: int) -> Process:
        return self.processes[which % len(self.processes)]

    def _runs(self) -> list[Run]:
        return [run for run in self.world.runs if not run.end.done()]

    def _held(self) -> "list[asyncio.Future[None]]":
        return [held for held in self.world.held if not held.done()]

    def _new_session(self, life_s: float | None, kind: str) -> Session:
        world = self.world
        proof, account, is_login = KINDS_OF_SESSIONS.get(kind, ("unproven", None, False))
        world.numbers += 1
        world.now += 0.001  # no two harvests end in one instant
        sid = make_cookie("sid", f"{world.numbers}.h", http_only=True, expires=life_s and world.now + life_s)
        world.truths[str(world.numbers)] = proof, account
        if kind == REFUSED:
            world.dropped.add(str(world.numbers))
        session = make_session(user_agent=f"harvest {world.numbers}", harvested_at=world.now, is_login=is_login)
        return session.with_cookies((sid, make_cookie("csrf", f"{world.numbers}.h")))

    def _set_cookies(self, harvest: str, what: str) -> list[str]:
        self.world.numbers += 1
        value = f"{harvest}.r{self.world.numbers}"
        headers = {"sid": f"sid={value}; Path=/; HttpOnly; Max-Age=60", "csrf": f"csrf={value}; Path=/"}
        match what:
            case "both":
                return list(headers.values())
            case "delete":
                return ["csrf=; Path=/; Max-Age=0"]
        return [headers[what]] if what in headers else []

    def _do(self, name: str, act: Callable[[], object]) -> None:
        self._count(name)
        self._run(self._turn(0, act))

    def _count(self, name: str) -> None:
        self.reached[f"rule: {name}"] += 1

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        self.loop.run_until_complete(work)

    async def _turn(self, turns: int, act: Callable[[], object] = int) -> None:
        act()
        for _ in range(turns):
            await asyncio.sleep(0)

    def _unheard(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self.world.hold(False, f"nobody heard of: {context}")  # noqa: FBT003 - a bare complaint


class SchedulesOnFiles(Schedules):
    """The same on files."""

    reached: ClassVar[Counter[str]] = Counter()

    def make_store(self) -> Store:
        self.folder = tempfile.mkdtemp()
        return FileStore(self.folder)

    def teardown(self) -> None:
        super().teardown()
        if hasattr(self, "folder"):
            shutil.rmtree(self.folder)


ENDINGS = [
    *("well", "cancelled", "NotReady", "OSError", "StoreError"),
    *("InteractionRequired", "HarvestCoolingDown", "RuntimeError", "SessionRefused"),
]
INTERESTING = [
    "a harvest was cancelled",
    "adopted",
    "closed during a harvest",
    "rotated",
    "rotations were flushed",
    "two processes rotated one session",
    *(f"renewed: {cause}" for cause in ("missing", "refused", "early", "over", "asked")),
    *(f"ended: {ending}" for ending in ENDINGS),
    *(f"{kind} ended: {ending}" for kind in ("get", "renew", "harvest") for ending in ("well", "cancelled")),
    *(f"rule: {name}" for name in ("cancel", "give_up", "close", "drain", "clock", "end", "time", "turns", "dropped")),
    *(f"rule: finish with {kind}" for kind in KINDS_OF_SESSIONS),
    "a login was replaced by another",
    *(f"rule: harvest {how}" for how in FAILURES),
    *(f"rule: accept {what}" for what in ("sid", "csrf", "both", "delete", "nothing")),
    *(f"rule: store {how}" for how in ("works", "lags", "breaks", "holds", "answers well", "answers badly")),
]


@pytest.fixture
def no_log() -> Iterator[None]:
    """Keep a hundred thousand warnings of stores that break out of the report."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


def explore(machine: type[Schedules], examples: int, steps: int) -> None:
    machine.reached.clear()
    with pytest.MonkeyPatch.context() as patch:
        # It would draw numbers from all modules that are loaded: other schedules for each order of the tests.
        patch.setattr(HypothesisProvider, "_maybe_draw_constant", lambda *_args, **_options: None)
        _explore(machine, examples, steps)


def _explore(machine: type[Schedules], examples: int, steps: int) -> None:
    plan = settings(
        max_examples=examples,
        stateful_step_count=steps,
        # The same schedules each time: a red run says that the code has changed.
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.data_too_large, HealthCheck.filter_too_much],
    )
    run_state_machine_as_test(machine, settings=plan)


@pytest.mark.slow
@pytest.mark.timeout(600)  # a schedule that breaks one is made short, which takes minutes
@pytest.mark.parametrize(("machine", "examples"), [(Schedules, 120), (SchedulesOnFiles, 20)])
def test_no_short_search_finds_a_schedule_that_breaks_a_promise(
    machine: type[Schedules], examples: int, no_log: None
) -> None:
    explore(machine, examples, steps=50)
    assert {"adopted", "rotated", "renewed: asked", "get ended: cancelled", "rule: drain"} <= set(+machine.reached)


@pytest.mark.soak
@pytest.mark.timeout(600)  # as above
def test_no_schedule_breaks_a_promise(no_log: None) -> None:
    explore(Schedules, examples=900, steps=50)
    assert not [what for what in INTERESTING if not Schedules.reached[what]]


@pytest.mark.soak
@pytest.mark.timeout(600)  # as above
def test_no_schedule_breaks_a_promise_on_files(no_log: None) -> None:
    explore(SchedulesOnFiles, examples=100, steps=40)
    assert SchedulesOnFiles.reached["rotations were flushed"]
    assert SchedulesOnFiles.reached["renewed: refused"]


async def test_a_rotation_is_kept_when_a_neighbours_is_adopted() -> None:
    """The schedule is too long to be come upon: it has to happen while a renewal waits for the lock of another."""

    async def harvest() -> Session:
        raise AssertionError("what the neighbour stored is newer")

    store, world = MemoryStore(), World(MemoryStore(), spans_machines=False, reached=Counter())
    await store.save(KEY, make_session(cookies=(make_cookie("sid", "1"), make_cookie("csrf", "1"))))
    mine, neighbour = (
        SessionManager(page_site(KEY.origin), store, KEY, harvest=harvest, prove=take_as_it_is, clock=world.clock)
        for _ in range(2)
    )
    refused, shared = await mine.get(), await neighbour.get()
    async with store.lock(KEY.slug, wait_s=1):
        renewing = asyncio.create_task(mine.renew(refused))
        await asyncio.sleep(0)
        neighbour.answers.accept(shared, ["csrf=2; Path=/"], ASKED)
        await neighbour.aclose()
        mine.answers.accept(refused, ["sid=2; Path=/"], ASKED)
    assert values(await renewing) == {"sid": "2", "csrf": "2"}
    await mine.aclose()
    stored = await store.load(KEY)
    assert stored is not None
    assert values(stored) == {"sid": "2", "csrf": "2"}
