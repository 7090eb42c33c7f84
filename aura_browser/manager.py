"""The keeper of one session: gets it, renews it, keeps up with its rotation, and shares it through the store."""

import asyncio
import copy
import logging
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from typing import Final

import msgspec
from yarl import URL

from aura_browser.budget import HarvestBudget
from aura_browser.cookie import Cookie, apply_changes, changes
from aura_browser.counters import Counters
from aura_browser.errors import (
    AuraError,
    BrowserNotFound,
    DriverMismatch,
    GridFailed,
    InteractionRequired,
    InvalidInput,
    SessionLocked,
    StoreError,
    WindowClosed,
)
from aura_browser.events import tell
from aura_browser.lifetime import Due, renewal_due
from aura_browser.session import Session
from aura_browser.store import Lease, SessionKey, Store

_log = logging.getLogger(__name__)

Harvest = Callable[[], Awaitable[Session]]
"""Opens a browser and returns a session that is proven to work. It bounds its own time."""

_LOCK_WAIT_S: Final = 330.0  # the longest harvest, in which a person logs in, and a little
_DEBOUNCE_S: Final = 0.2


class SessionManager:
    """Keeps one session for any number of concurrent callers in one event loop, and shares it through its store.

    However many ask at once, here or in other processes on the same store, there is one harvest; a caller that is
    cancelled takes nothing from the others. A session whose end is known is renewed in the background before it.
    A budget bounds the harvests that do not help.

    Args:
        store: where the session is cached and shared.
        key: what it is cached under.
        harvest: gets a new one.
        clock: returns epoch seconds.
        cool_down_s: seconds between the first harvest that did not help and the next; see :class:`HarvestBudget`.
        first: a session to begin with, in place of the cached one.
        owns_store: close the store too when this is closed.

    Attributes:
        clock: as given.
        counters: what was done so far.
    """

    def __init__(
        self,
        store: Store,
        key: SessionKey,
        harvest: Harvest,
        *,
        clock: Callable[[], float] = time.time,
        cool_down_s: float = 30.0,
        first: Session | None = None,
        owns_store: bool = False,
        renews_early: bool = True,
    ) -> None:
        self.clock = clock
        self.counters = Counters()
        self._store = store
        self._owns_store = owns_store
        self._renews_early = renews_early
        self._key = key
        self._harvest = harvest
        self._cool_down_s = cool_down_s
        self._budget = HarvestBudget(store, key.origin, clock=clock, cool_down_s=cool_down_s)
        self._current = first
        self._flight: asyncio.Task[Session] | None = None
        self._asked: asyncio.Task[Session] | None = None
        self._given_up_at = 0.0
        self._harvest_s = 0.0
        self._jitter = random.uniform(0.8, 1.2)  # noqa: S311 - spreads load, keeps no secret
        self._not_early_before = 0.0
        self._changes: dict[tuple[object, ...], Cookie | None] = {}
        self._is_unsaved = False
        self._writing = asyncio.Lock()
        self._saver: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()

    async def get(self) -> Session:
        """Return the session: the one in use, else the cached one, else a new one.

        Inside its advisory window a new one is got in the background; inside the mandatory one this waits for it, and
        returns the old one if that fails, since the site has the last word.

        Raises:
            AuraError: what the harvest raises, or HarvestCoolingDown soon after it failed.
        """
        session = self._current or await self._join(self._load_or_renew)
        due = renewal_due(session, self.clock(), harvest_s=self._harvest_s, jitter=self._jitter)
        if due is Due.NO:
            return session
        if due is Due.SOON:
            if self._renews_early:
                self._renew_early(session)
            return session
        return await self._renewed_at_its_end(session)

    async def renew(self, refused: Session) -> Session:
        """Return another session than the *refused* one: compare-and-swap, by value and not by any clock.

        If the session in use, or the cached one, is another already, that is the answer and no browser starts.

        Raises:
            AuraError: as :meth:`get`.
        """
        self.counters.refusals += 1
        tell("refused", origin=self._key.origin, session=refused.fingerprint)
        return await self._replaced(refused, "refused")

    async def harvest(self, *, despite_cool_down: bool = False) -> Session:
        """Return a new session from a browser, whatever is cached; it replaces what is cached.

        Args:
            despite_cool_down: don't wait for the end of a cool-down, as a person takes part, who is no storm.

        Raises:
            AuraError: as :meth:`get`.
        """
        while self._flight is not None and self._flight is not self._asked:
            await asyncio.wait([self._flight])
        if self._flight is None:
            self._asked = self._take_off(lambda: self._renew(None, "asked", despite_cool_down=despite_cool_down))
        return await self._join(lambda: self._renew(None, "asked", despite_cool_down=despite_cool_down))

    async def give_up(self, refused: Session) -> None:
        """Take note that a session was refused right after its harvest: a harvest that did not help."""
        if refused.harvested_at > self._given_up_at:
            self._given_up_at = refused.harvested_at
            await self._budget.failed("the site refused the session that it had just given")

    def accept(self, session: Session, set_cookies: Sequence[str], url: URL) -> None:
        """Take note that *url* accepted *session* and answered with these ``Set-Cookie`` headers.

        They are folded into the session in use, and written to the store soon. A rotation of a session that has
        been replaced since is dropped.
        """
        current = self._current
        if current is None or current.harvested_at != session.harvested_at:
            return
        rotated = current.fold(set_cookies, url, self.clock()) if set_cookies else current
        if rotated is not current:
            self.counters.rotations += 1
            self._current = rotated
            self._changes |= changes(current.cookies, rotated.cookies)
            self._save_soon()

    async def aclose(self) -> None:
        """End a harvest under way, write what is unsaved. The manager must not be used after that."""
        self._closing.set()
        if self._flight is not None:
            self._flight.cancel()
            await asyncio.wait([self._flight])
        if self._saver is not None:
            await asyncio.wait([self._saver])
        await self._write_changes()
        if self._owns_store:
            await self._store.aclose()

    async def _join(self, work: Callable[[], Awaitable[Session]]) -> Session:
        """Await the flight under way, or begin one with *work*. The flight belongs to the manager, not the caller."""
        flight = self._flight or self._take_off(work)
        self.counters.waits += 1
        try:
            return await asyncio.shield(flight)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if flight.cancelled() and task is not None and not task.cancelling():
                raise RuntimeError("the session manager was closed while it was in use") from None
            raise
        except AuraError as error:
            # Each caller gets its own: one object raised in many tasks would mix up their tracebacks.
            raise copy.copy(error) from error

    def _take_off(self, work: Callable[[], Awaitable[Session]]) -> "asyncio.Task[Session]":
        if self._closing.is_set():
            raise RuntimeError("the session manager was closed while it was in use")
        self._flight = asyncio.ensure_future(work())
        self._flight.add_done_callback(self._landed)
        return self._flight

    def _landed(self, flight: "asyncio.Future[Session]") -> None:
        self._flight = None
        if not flight.cancelled() and (error := flight.exception()) is not None:
            # Said here too, for when it was early or every caller was cancelled, and nobody hears of it.
            self._not_early_before = self.clock() + self._cool_down_s
            _log.info("The session of %s was not renewed: %s", self._key.origin, error)

    def _renew_early(self, session: Session) -> None:
        if self._flight is None and self.clock() >= self._not_early_before:
            self._take_off(lambda: self._renew(session, "early"))

    async def _renewed_at_its_end(self, session: Session) -> Session:
        if self.clock() < self._not_early_before:
            return session
        try:
            return await self._replaced(session, "over")
        except AuraError:
            return session

    async def _replaced(self, old: Session, cause: str) -> Session:
        while True:
            if self._current is not None and self._current != old:
                return self._current
            is_ours = self._flight is None
            session = await self._join(lambda: self._renew(old, cause))
            # A flight that another began may have had another end, such as to load what is cached.
            if is_ours or session != old:
                return session

    async def _load_or_renew(self) -> Session:
        cached = await self._load()
        if cached is None:
            return await self._renew(None, "missing")
        self._current = cached
        return cached

    async def _renew(self, old: Session | None, cause: str, *, despite_cool_down: bool = False) -> Session:
        """Get another session than *old* while no one else does, here or elsewhere."""
        await self._write_changes()
        async with AsyncExitStack() as exits:
            lease = await self._lease(exits)
            stored = None if cause == "asked" else await self._load()
            if stored is not None and not stored.is_over(self.clock()) and (old is None or _is_newer(stored, old)):
                self.counters.adopted += 1
                tell("adopted", origin=self._key.origin, cause=cause, session=stored.fingerprint)
                self._use(stored)
                return self._current or stored
            if not despite_cool_down:
                await self._budget.check()
            session = await self._harvested(cause)
            return await self._kept(session, lease)

    async def _lease(self, exits: AsyncExitStack) -> Lease | None:
        try:
            return await exits.enter_async_context(self._store.lock(self._key.slug, wait_s=_LOCK_WAIT_S))
        except StoreError as error:
            if self._store.spans_machines:
                raise
            _log.warning("%s Renewing without the lock of other processes.", error)
            return None

    async def _harvested(self, cause: str) -> Session:
        self.counters.harvests += 1
        began = self.clock()
        try:
            session = await self._harvest()
        except (InteractionRequired, InvalidInput, BrowserNotFound, DriverMismatch, GridFailed, WindowClosed):
            self.counters.harvests -= 1  # the site was not asked, so there is nothing to cool down from either
            raise
        except Exception as error:
            self.counters.failures += 1
            tell("harvest_failed", origin=self._key.origin, cause=cause, error=type(error).__name__)
            await self._budget.failed(str(error) if isinstance(error, AuraError) else type(error).__name__)
            raise
        took = self.clock() - began
        self._harvest_s = max(took, 0.8 * self._harvest_s)  # a quick one says little of the next
        self.counters.renewals[cause] = self.counters.renewals.get(cause, 0) + 1
        tell("harvested", origin=self._key.origin, cause=cause, seconds=took, session=session.fingerprint)
        return session

    async def _kept(self, session: Session, lease: Lease | None) -> Session:
        try:
            if lease is None and (stored := await self._load()) is not None and _is_newer(stored, session):
                session = stored  # someone else went on without the lock too, and was quicker
            else:
                await self._store.save(self._key, session, lease)
        except StoreError as error:
            _log.warning("%s The new session stays in memory for now.", error)
            stored = await self._load()
            if stored is not None and _is_newer(stored, session):
                session = stored  # the lease was lost, and who has it now was quicker
            self._use(session)
            self._is_unsaved = session is not stored
            return session
        self._use(session)
        return session

    def _use(self, session: Session) -> None:
        self._is_unsaved = False
        if self._is_in_use(session):
            # A neighbour's rotation of the harvest in use; what was rotated here is to be written still.
            self._current = session.with_cookies(apply_changes(session.cookies, self._changes))
        else:
            self._current = session
            self._changes.clear()

    async def _load(self) -> Session | None:
        try:
            return await self._store.load(self._key)
        except SessionLocked:
            raise  # a new one would open a browser at every start, and could not be kept
        except StoreError as error:
            _log.warning("%s Going on without the cache.", error)
            return None

    def _save_soon(self) -> None:
        """Have one writer at a time, so that many rotations become few writes."""
        if self._saver is None:
            self._saver = asyncio.create_task(self._save())
            self._saver.add_done_callback(self._saved)

    def _saved(self, _saver: "asyncio.Task[None]") -> None:
        self._saver = None

    async def _save(self) -> None:
        while self._changes:
            with suppress(TimeoutError):
                async with asyncio.timeout(_DEBOUNCE_S):
                    await self._closing.wait()
            if not await self._write_changes():
                return

    async def _write_changes(self) -> bool:
        """Fold the cookies that changed here into what is stored; they wait for the next time if that fails."""
        async with self._writing:  # a second one would put an older value over a newer
            mine, written = self._current, self._changes
            if mine is None or not (written or self._is_unsaved):
                return True
            self._changes = {}
            try:
                stored = await self._store.update(self._key, lambda stored: _merged(stored, mine, written))
            except (StoreError, asyncio.CancelledError) as error:
                if self._is_in_use(mine):
                    self._changes = written | self._changes
                if not isinstance(error, StoreError):
                    raise
                _log.warning("%s The session stays in memory for now.", error)
                return False
            if self._is_in_use(mine):
                self._take_up(stored)
            return True

    def _take_up(self, stored: Session | None) -> None:
        """Go on with what is stored now: what neighbours rotated meanwhile is there too."""
        self._is_unsaved = False
        if stored is not None and self._is_in_use(stored):
            self._current = stored.with_cookies(apply_changes(stored.cookies, self._changes))

    def _is_in_use(self, session: Session) -> bool:
        """Tell whether *session* is of the harvest in use; a new one may have come while this one was written."""
        return self._current is not None and self._current.harvested_at == session.harvested_at


def _is_newer(session: Session, other: Session) -> bool:
    return _age(session) > _age(other) and session != other


def _age(session: Session) -> tuple[float, float]:
    return session.harvested_at, session.verified_at or 0.0


def _merged(stored: Session | None, mine: Session, written: dict[tuple[object, ...], Cookie | None]) -> Session | None:
    """Return what is to be stored after *mine* was rotated, or None if a newer harvest is there already."""
    if stored is None or stored.harvested_at < mine.harvested_at:
        return mine
    if stored.harvested_at > mine.harvested_at:
        return None
    verified_at = max(stored.verified_at or 0.0, mine.verified_at or 0.0) or None
    merged = stored.with_cookies(apply_changes(stored.cookies, written))
    return msgspec.structs.replace(merged, verified_at=verified_at)
