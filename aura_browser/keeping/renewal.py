"""One renewal: replace a session while no other task or process renews it."""

import logging
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Final

from aura_browser.errors import (
    AuraError,
    BrowserNotFound,
    DriverMismatch,
    GridFailed,
    InteractionRequired,
    InvalidInput,
    StoreError,
    WindowClosed,
)
from aura_browser.keeping.budget import HarvestBudget
from aura_browser.keeping.counters import Counters
from aura_browser.keeping.events import log_event
from aura_browser.keeping.live_session import LiveSession, is_newer
from aura_browser.session import Session
from aura_browser.store import Lease, SessionKey, Store

_log = logging.getLogger(__name__)

Harvest = Callable[[], Awaitable[Session]]
"""Opens a browser and returns the session that it reads. It limits its own time."""

Prove = Callable[[Session], Awaitable[Session]]
"""Sends a session to its site and returns it proven; raises the error for the site's response."""

_LOCK_TIMEOUT_S: Final = 330.0  # a little over the longest harvest, in which a person logs in
_BEFORE_THE_SITE: Final = (InteractionRequired, InvalidInput, BrowserNotFound, DriverMismatch, GridFailed, WindowClosed)


class Renewal:
    """Replaces a session: lock, adopt, budget, harvest, prove, save.

    Args:
        store: where sessions are cached and shared.
        key: the session's key in the store.
        live: the session in use, which is replaced.
        budget: limits failed harvests.
        harvest: returns a new session.
        prove: checks that the site accepts it.
        counters: counts harvests and renewals.
        clock: returns epoch seconds.

    Attributes:
        harvest_s: seconds that a harvest takes; 0 before the first one.
    """

    def __init__(
        self,
        store: Store,
        key: SessionKey,
        live: LiveSession,
        budget: HarvestBudget,
        *,
        harvest: Harvest,
        prove: Prove,
        counters: Counters,
        clock: Callable[[], float],
    ) -> None:
        self.harvest_s = 0.0
        self._store = store
        self._key = key
        self._live = live
        self._budget = budget
        self._harvest = harvest
        self._prove = prove
        self._counters = counters
        self._clock = clock

    async def run(self, old: Session | None, cause: str, *, despite_cool_down: bool = False) -> Session:
        """Return a session other than *old*: a newer one of another process, or one from a browser.

        Args:
            old: the session to replace; None accepts any valid cached one.
            cause: the cause, for counters and events; ``asked`` always harvests.
            despite_cool_down: ignore a cool-down.

        Raises:
            AuraError: if the harvest or the proof fails, or the budget does not allow a harvest.
        """
        await self._live.write()
        async with AsyncExitStack() as exits:
            lease = await self._lock(exits)
            stored = None if cause == "asked" else await self._live.load()
            if stored is not None and not stored.is_over(self._clock()) and (old is None or is_newer(stored, old)):
                self._counters.adopted += 1
                log_event("adopted", origin=self._key.origin, cause=cause, session=stored.fingerprint)
                return self._live.use(stored)
            if not despite_cool_down:
                await self._budget.check()
            return await self._keep(await self._get_new(cause), lease)

    async def _lock(self, exits: AsyncExitStack) -> Lease | None:
        try:
            return await exits.enter_async_context(self._store.lock(self._key.slug, wait_s=_LOCK_TIMEOUT_S))
        except StoreError as error:
            if self._store.spans_machines:
                raise
            _log.warning("%s Renewing without the lock of other processes.", error)
            return None

    async def _get_new(self, cause: str) -> Session:
        self._counters.harvests += 1
        began = self._clock()
        try:
            session = await self._prove(await self._harvest())
        except _BEFORE_THE_SITE:
            self._counters.harvests -= 1  # the site was not contacted, so no cool-down is needed either
            raise
        except Exception as error:
            self._counters.failures += 1
            log_event("harvest_failed", origin=self._key.origin, cause=cause, error=type(error).__name__)
            await self._budget.record_failure(str(error) if isinstance(error, AuraError) else type(error).__name__)
            raise
        seconds = self._clock() - began
        self.harvest_s = max(seconds, 0.8 * self.harvest_s)  # one fast harvest does not predict the next
        self._counters.renewals[cause] = self._counters.renewals.get(cause, 0) + 1
        log_event("harvested", origin=self._key.origin, cause=cause, seconds=seconds, session=session.fingerprint)
        return session

    async def _keep(self, session: Session, lease: Lease | None) -> Session:
        try:
            if lease is None and (stored := await self._live.load()) is not None and is_newer(stored, session):
                session = stored  # another process renewed without the lock too, and was faster
            else:
                await self._store.save(self._key, session, lease)
        except StoreError as error:
            _log.warning("%s The new session is kept in memory for now.", error)
            stored = await self._live.load()
            if stored is not None and is_newer(stored, session):
                session = stored  # the lease was lost, and its new holder was faster
            return self._live.use(session, is_saved=session is stored)
        return self._live.use(session)
