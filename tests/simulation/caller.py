"""Who uses one session: asks at random times, as the package's own client does, and comes again when told to."""

import asyncio
from random import Random
from typing import Final

from aura_browser.errors import AuraError, HarvestCoolingDown
from aura_browser.keeping.lifetime import find_first_due
from aura_browser.keeping.manager import SessionManager
from aura_browser.session import Session
from tests.simulation.simulated_site import HARVEST_S, SimulatedSite
from tests.simulation.tally import Tally

_MOST_JITTER: Final = 1.2  # of the time before its end at which a session is renewed

GAP_S: Final = 300.0  # between two requests of one session, in the mean


class Caller:
    """Asks for the session of one manager.

    Args:
        manager: the manager.
        site: whom the session is for.
        loop: the loop in which time passes.
        start: epoch seconds at the loop's begin.
        chance: when it asks.
        tally: counts what it gets.
        from_when: seconds from which on each request matters, however new the session is.
    """

    def __init__(
        self,
        manager: SessionManager,
        *,
        site: SimulatedSite,
        loop: asyncio.AbstractEventLoop,
        start: float,
        chance: Random,
        tally: Tally,
        from_when: float,
    ) -> None:
        self._manager = manager
        self._site = site
        self._loop = loop
        self._start = start
        self._chance = chance
        self._tally = tally
        self._from_when = from_when
        self._task: asyncio.Task[None] | None = None

    def come_again(self) -> None:
        """Ask at the next random time at which the manager may have something to do.

        The times of requests have no memory, so those in between are left out without a trace: the manager would hand
        out the session that it has, at once.
        """
        now = self._loop.time()
        session = self._manager.current
        idle_until = now if session is None else min(find_idle_end(session) - self._start, self._from_when)
        self._loop.call_at(max(now, idle_until) + self._chance.expovariate(1 / GAP_S), self._ask)

    def _ask(self) -> None:
        self._tally.requests += 1
        session = self._manager.find_ready()
        if session is None or not self._use(session):
            self._task = self._loop.create_task(self._get())
            self._task.add_done_callback(_raise_its_error)
        else:
            self.come_again()

    async def _get(self) -> None:
        began = self._loop.time()
        wait_s: float | None = None
        try:
            session = self._manager.find_ready() or await self._manager.get()
            if not self._use(session):
                await self._replay(session)
        except HarvestCoolingDown as error:
            self._tally.failures["held back"] += 1
            wait_s = error.retry_after_s
        except AuraError as error:
            self._tally.failures[type(error).__name__] += 1
        self._tally.worst_wait_s = max(self._tally.worst_wait_s, self._loop.time() - began)
        if wait_s is None:
            self.come_again()
        else:
            self._loop.call_later(wait_s, self._ask)

    async def _replay(self, refused: Session) -> None:
        session = await self._manager.renew(refused)
        if not self._use(session):
            await self._manager.answers.give_up(session)

    def _use(self, session: Session) -> bool:
        """Send a request; return whether the site took *session*. That nothing answers is no matter of the session."""
        if self._site.is_silent():
            return True
        if not self._site.takes(session):
            return False
        if set_cookies := self._site.answer(session):
            self._manager.answers.accept(session, set_cookies, self._site.url)
        return True


def _raise_its_error(task: "asyncio.Task[None]") -> None:
    """Let the loop's handler have what no caller of a manager expects."""
    if not task.cancelled():
        task.result()


def find_idle_end(session: Session) -> float:
    """Return from when on (epoch seconds) a manager may have something to do for *session* at the earliest."""
    return find_first_due(session, harvest_s=HARVEST_S[2], jitter=_MOST_JITTER)
