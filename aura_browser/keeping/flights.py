"""Renewals of one session, one at a time, shared by all callers in this event loop."""

import asyncio
import logging
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from aura_browser.keeping.counters import Counters
from aura_browser.keeping.lifetime import Due, Term, compare_due, find_first_due
from aura_browser.keeping.live_session import LiveSession
from aura_browser.keeping.renewal import Harvest, Renewal
from aura_browser.keeping.single_flight import SingleFlight
from aura_browser.session import Session

_log = logging.getLogger(__name__)

_SPREAD: Final = (0.8, 1.2)  # of the time before its end at which a session is renewed


class Flights:
    """Begins renewals, and has those who need one at the same time wait for the same.

    Args:
        origin: the site's, for log lines.
        live: the session in use.
        renewal: does one renewal.
        counters: counts who waits.
        clock: returns epoch seconds.
        cool_down_s: seconds between a failed harvest and the next optional one.
        renews_early: renew before a session's end.
    """

    def __init__(
        self,
        origin: str,
        *,
        live: LiveSession,
        renewal: Renewal,
        counters: Counters,
        clock: Callable[[], float],
        cool_down_s: float,
        renews_early: bool,
    ) -> None:
        self._origin = origin
        self._live = live
        self._renewal = renewal
        self._counters = counters
        self._clock = clock
        self._cool_down_s = cool_down_s
        self._flight: SingleFlight[Session] = SingleFlight(self._note_failure)
        self._asked: asyncio.Task[Session] | None = None
        self._early: asyncio.Task[Session] | None = None
        self._jitter = random.uniform(*_SPREAD)  # noqa: S311 - spreads load, not for secrets
        self._renews_early = renews_early
        self._not_early_before = 0.0
        self._term = Term()
        self._seen: Session | None = None
        self._first_due = 0.0
        self._waiting: set[asyncio.Task[Any] | None] = set()

    @property
    def task(self) -> "asyncio.Task[Session] | None":
        """The renewal under way, or None."""
        return self._flight.task

    @property
    def is_optional(self) -> bool:
        """Whether the renewal under way is an early one, which nobody waits for."""
        return self._flight.task is not None and self._flight.task is self._early

    def is_awaited_by(self, task: "asyncio.Task[Any]") -> bool:
        """Return whether *task* waits for a renewal."""
        return task in self._waiting

    def find_due(self, session: Session) -> Due:
        """Return whether *session* is to be renewed now."""
        if session is not self._seen:  # each request asks
            life_s = self._term.find_life(session)
            self._first_due = find_first_due(
                session, harvest_s=self._renewal.harvest_s, jitter=self._jitter, life_s=life_s
            )
            self._seen = session
        return compare_due(session, self._first_due, self._clock())

    async def _join(self, work: Harvest) -> Session:
        """Await the renewal under way, or *work*. Errors as :meth:`SingleFlight.join`."""
        self._counters.waits += 1
        with self._noting_who_waits():
            return await self._flight.join(work)

    @contextmanager
    def _noting_who_waits(self) -> Iterator[None]:
        task = asyncio.current_task()
        self._waiting.add(task)
        try:
            yield
        finally:
            self._waiting.discard(task)

    async def load_or_renew(self) -> Session:
        """Return the cached session, or a new one. Errors as :meth:`SingleFlight.join`."""
        return await self._join(self._load_or_renew)

    async def renew_as_asked(self, work: Harvest) -> Session:
        """Await *work*, or another one that was asked for; any other renewal ends first.

        Errors as :meth:`SingleFlight.join`.
        """
        while self._flight.task is not None and self._flight.task is not self._asked:
            await asyncio.wait([self._flight.task])
        if self._flight.task is None:
            self._asked = self._flight.begin(work)
        return await self._join(work)

    def renew_early(self, session: Session) -> None:
        """Begin to replace *session* before its end, in the background, if nothing speaks against it."""
        if self._renews_early and self._flight.task is None and self._clock() >= self._not_early_before:
            self._early = self._flight.begin(lambda: self._renew_if_better(session))

    async def replace(self, old: Session, cause: str) -> Session:
        """Return a session other than *old*. Errors as :meth:`Renewal.run`."""
        while True:
            current = self._live.current
            if current is not None and current != old:
                return current
            await self._wait_for_early()
            current = self._live.current
            if current is not None and current != old:
                return current
            is_ours = self._flight.task is None
            session = await self._join(lambda: self._renewal.run(old, cause))
            # A flight that another caller began may only have loaded the cached session.
            if is_ours or session != old:
                return session

    async def aclose(self) -> None:
        """End a renewal under way; none can begin after that."""
        await self._flight.aclose()

    async def _load_or_renew(self) -> Session:
        cached = await self._live.load()
        return await self._renewal.run(None, "missing") if cached is None else self._live.use(cached)

    async def _renew_if_better(self, session: Session) -> Session:
        """Replace *session* before its end; if that brings nothing better, don't try again before it has come."""
        renewed = await self._renewal.run(session, "early")
        if renewed is session:
            self._not_early_before = session.expires_at or self._not_early_before
        return renewed

    async def _wait_for_early(self) -> None:
        """Let an optional harvest end first; whatever becomes of it says nothing to a caller who needs one."""
        if self._early is not None and self.is_optional:
            with self._noting_who_waits():
                await asyncio.wait([self._early])

    def _note_failure(self, error: BaseException) -> None:
        # Logged here too, because an early renewal has no caller, and other callers may have been cancelled.
        current, now = self._live.current, self._clock()
        left = (current.expires_at or now) - now if current else 0.0
        self._not_early_before = now + max(self._cool_down_s, left / 2)
        _log.info("The session of %s was not renewed: %s", self._origin, error)
