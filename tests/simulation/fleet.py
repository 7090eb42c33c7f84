"""A fleet: many sessions, each with a manager and somebody who uses it, on one loop and one store."""

import asyncio
import gc
import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any, Final

from aura_browser.keeping.manager import SessionManager
from aura_browser.session import Session
from aura_browser.store import SessionKey
from tests.parts.skipping_loop import SkippingLoop
from tests.simulation.caller import Caller, find_idle_end
from tests.simulation.shared_store import SharedStore
from tests.simulation.simulated_site import LIFE_S, Plan, SimulatedSite
from tests.simulation.tally import Tally

START: Final = 1_800_000_000.0  # epoch seconds
_LONGEST_WINDOW_S: Final = 720.0  # before its end, in which a session is renewed early


@dataclass(frozen=True)
class Order:
    """What is simulated.

    Attributes:
        seconds: how long.
        plan: what the sites do.
        away: from when until when the store is away; None if it never is.
        latency_s: seconds that an operation of the store takes.
        machines: how many machines use each session, with a manager each.
    """

    seconds: int
    plan: Plan = field(default_factory=Plan)
    away: tuple[float, float] | None = None
    latency_s: float = 0.0
    machines: int = 1


class Fleet:
    """Sessions on one loop.

    Args:
        order: what is simulated.
        origins: the sites' origins; sessions are dealt out to them in turn.
        seed: of all that is random.
    """

    def __init__(self, order: Order, origins: tuple[str, ...], seed: str) -> None:
        self.tally = Tally(order.seconds)
        self.loop = SkippingLoop()
        self._order = order
        self._chance = Random(seed)  # noqa: S311 - not for secrets
        self._store = SharedStore(self.loop, self._count, self._chance, away=order.away)
        self._sites = [SimulatedSite(origin, self.clock, START, self._chance, order.plan) for origin in origins]
        self._managers: list[SessionManager] = []
        self._fault: BaseException | None = None
        self.loop.set_exception_handler(self._stop)

    def clock(self) -> float:
        """Return epoch seconds."""
        return START + self.loop.time()

    def run(self, numbers: range) -> None:
        """Simulate the sessions with these numbers. All are at work, their ends spread over a life.

        Raises:
            Exception: what a manager raised that it may not raise.
        """
        try:
            self.loop.run_until_complete(self._begin(numbers))
            self.tally.redis.clear()
            self.tally.redis_by_second[0] = 0
            self._store.latency_s = self._order.latency_s
            self.loop.call_at(self._order.seconds, self.loop.stop)
            self.loop.run_forever()
            if self._fault is not None:
                raise self._fault
            for manager in self._managers:
                self.tally.renewals.update(manager.counters.renewals)
                self.tally.adopted += manager.counters.adopted
        finally:
            self._end()

    async def _begin(self, numbers: range) -> None:
        for number in numbers:
            # Nobody is in the window before its end, where most would have been renewed by now.
            age = self._chance.uniform(0.0, LIFE_S - _LONGEST_WINDOW_S)
            site = self._sites[number % len(self._sites)]
            session = site.make(number, START - age)
            matters_from = self._order.plan.out[0] if self._order.plan.refuses_all else float("inf")
            if self._order.plan.rotates:
                matters_from = 0.0
            if min(find_idle_end(session) - START, matters_from) < self._order.seconds:
                self._store.put(SessionKey(site.site.origin, str(number)).slug, session.to_json().encode())
                for _ in range(self._order.machines):
                    await self._employ(number, site, matters_from)

    async def _employ(self, number: int, site: SimulatedSite, matters_from: float) -> None:
        key = SessionKey(site.site.origin, str(number))
        harvest = partial(self._harvest, lambda: site.harvest(number))
        manager = SessionManager(site.site, self._store, key, harvest=harvest, prove=site.prove, clock=self.clock)
        await manager.load()
        self._managers.append(manager)
        caller = Caller(
            manager,
            site=site,
            loop=self.loop,
            start=START,
            chance=self._chance,
            tally=self.tally,
            from_when=matters_from,
        )
        caller.come_again()

    async def _harvest(self, harvest: Callable[[], Awaitable[Session]]) -> Session:
        began = self.loop.time()
        self.tally.began[int(began)] += 1
        try:
            return await harvest()
        finally:
            ended = self.loop.time()
            self.tally.ended[min(int(ended), self._order.seconds)] += 1
            self.tally.harvest_s += ended - began

    def _count(self, kind: str) -> None:
        self.tally.redis[kind] += 1
        self.tally.redis_by_second[int(self.loop.time())] += 1

    def _stop(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """End the simulation where something is wrong with the manager's code, or the simulation's own."""
        self._fault = self._fault or context.get("exception") or RuntimeError(context["message"])
        self.loop.stop()

    def _end(self) -> None:
        while left := asyncio.all_tasks(self.loop):
            for task in left:
                task.cancel()
            self.loop.run_until_complete(asyncio.wait(left))
        self.loop.close()


def run_fleet(order: Order, origins: tuple[str, ...], numbers: range, seed: str) -> Tally:
    """Simulate one fleet, and return its counts; the same for the same seed."""
    with _seeded(seed), _no_collection():
        fleet = Fleet(order, origins, seed)
        fleet.run(numbers)
        return fleet.tally


@contextmanager
def _seeded(seed: str) -> Iterator[None]:
    """Let the package's own jitter be the same for the same seed."""
    before = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(before)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Look for garbage once, at the end: all that lives meanwhile is looked through in vain, again and again."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.collect()
