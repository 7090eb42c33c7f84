"""Manages one session: obtains it, decides when to renew it, and shares it through the store."""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Sequence

from yarl import URL

from aura_browser.errors import AuraError
from aura_browser.keeping.budget import HarvestBudget
from aura_browser.keeping.counters import Counters
from aura_browser.keeping.events import log_event
from aura_browser.keeping.lifetime import Due, renewal_due
from aura_browser.keeping.live_session import LiveSession
from aura_browser.keeping.renewal import Harvest, Prove, Renewal
from aura_browser.keeping.single_flight import SingleFlight
from aura_browser.session import Session
from aura_browser.site import Site
from aura_browser.store import SessionKey, Store

_log = logging.getLogger(__name__)


class SessionManager:
    """Keeps one session for any number of concurrent callers in one event loop, and shares it through its store.

    Concurrent callers, in this process or in others with the same store, share one harvest; a cancelled caller does
    not affect the others. A session with a known expiry is renewed in the background before it. A budget limits
    failed harvests.

    Args:
        site: the site that the session is for.
        store: where the session is cached and shared.
        key: its key in the store.
        harvest: returns a new session.
        prove: checks that the site accepts a session.
        clock: returns epoch seconds.
        cool_down_s: seconds between the first failed harvest and the next; see :class:`HarvestBudget`.
        first: a session to start with, instead of the cached one.
        owns_store: close the store when the manager is closed.
        renews_early: renew in the background before the session expires.

    Attributes:
        site: as given.
        proxy: the URL of the session's proxy, or None.
        clock: as given.
        counters: counts of what was done so far.
    """

    def __init__(
        self,
        site: Site,
        store: Store,
        key: SessionKey,
        *,
        harvest: Harvest,
        prove: Prove,
        clock: Callable[[], float] = time.time,
        cool_down_s: float = 30.0,
        first: Session | None = None,
        owns_store: bool = False,
        renews_early: bool = True,
    ) -> None:
        self.site = site
        self.proxy = key.proxy
        self.clock = clock
        self.counters = Counters()
        self._store = store
        self._owns_store = owns_store
        self._origin = key.origin
        self._renews_early = renews_early
        self._cool_down_s = cool_down_s
        self._budget = HarvestBudget(store, key.origin, clock=clock, cool_down_s=cool_down_s)
        self._live = LiveSession(store, key, first, clock)
        self._renewal = Renewal(
            store,
            key,
            self._live,
            self._budget,
            harvest=harvest,
            prove=prove,
            counters=self.counters,
            clock=clock,
        )
        self._flight: SingleFlight[Session] = SingleFlight(self._log_failure)
        self._requested: asyncio.Task[Session] | None = None
        self._given_up_at = 0.0
        self._jitter = random.uniform(0.8, 1.2)  # noqa: S311 - spreads load, not for secrets
        self._no_early_renewal_before = 0.0

    async def get(self) -> Session:
        """Return the session: the one in use, else the cached one, else a new one.

        In its advisory window the session is renewed in the background. In the mandatory window this waits for the
        renewal, and returns the old session if that fails, because the site may still accept it.

        Raises:
            AuraError: if the harvest fails; HarvestCoolingDown soon after a failure.
        """
        session = self._live.current or await self._join(self._load_or_renew)
        due = renewal_due(session, self.clock(), harvest_s=self._renewal.harvest_s, jitter=self._jitter)
        if due is Due.NO:
            return session
        if due is Due.SOON:
            if self._renews_early:
                self._renew_early(session)
            return session
        return await self._renew_expiring(session)

    async def renew(self, refused: Session) -> Session:
        """Return a session other than the *refused* one: compare-and-swap, by value and not by any clock.

        If the session in use or the cached one is a different one already, it is returned and no browser starts.

        Raises:
            AuraError: as in :meth:`get`.
        """
        self.counters.refusals += 1
        log_event("refused", origin=self._origin, session=refused.fingerprint)
        return await self._replace(refused, "refused")

    async def harvest(self, *, despite_cool_down: bool = False) -> Session:
        """Return a new session from a browser; it replaces the cached one.

        Args:
            despite_cool_down: ignore a cool-down, because a person takes part in the harvest.

        Raises:
            AuraError: as in :meth:`get`.
        """

        async def renew() -> Session:
            return await self._renewal.run(None, "asked", despite_cool_down=despite_cool_down)

        while self._flight.task is not None and self._flight.task is not self._requested:
            await asyncio.wait([self._flight.task])
        if self._flight.task is None:
            self._requested = self._flight.begin(renew)
        return await self._join(renew)

    async def give_up(self, refused: Session) -> None:
        """Record that a session was refused right after its harvest, which counts as a failed harvest."""
        if refused.harvested_at > self._given_up_at:
            self._given_up_at = refused.harvested_at
            await self._budget.record_failure("the site refused the session that it had just given")

    def accept(self, session: Session, set_cookies: Sequence[str], url: URL, date: str = "") -> None:
        """Record that *url* accepted *session* and answered with these ``Set-Cookie`` headers.

        *date* is the response's ``Date`` header. They are applied to the session in use and saved shortly after, and
        ignored if the session has been replaced since.
        """
        if self._live.accept(session, set_cookies, url, date):
            self.counters.rotations += 1

    async def aclose(self) -> None:
        """Cancel a running harvest and save unsaved changes. Don't use the manager after that."""
        self._live.stop_waiting()
        await self._flight.aclose()
        await self._live.aclose()
        if self._owns_store:
            await self._store.aclose()

    async def _join(self, work: Harvest) -> Session:
        self.counters.waits += 1
        return await self._flight.join(work)

    def _log_failure(self, error: BaseException) -> None:
        # Logged because an early renewal, or one whose callers were all cancelled, raises to nobody.
        self._no_early_renewal_before = self.clock() + self._cool_down_s
        _log.info("The session of %s was not renewed: %s", self._origin, error)

    def _renew_early(self, session: Session) -> None:
        if self._flight.task is None and self.clock() >= self._no_early_renewal_before:
            self._flight.begin(lambda: self._renewal.run(session, "early"))

    async def _renew_expiring(self, session: Session) -> Session:
        if self.clock() < self._no_early_renewal_before:
            return session
        try:
            return await self._replace(session, "over")
        except AuraError:
            return session

    async def _replace(self, old: Session, cause: str) -> Session:
        while True:
            current = self._live.current
            if current is not None and current != old:
                return current
            is_ours = self._flight.task is None
            session = await self._join(lambda: self._renewal.run(old, cause))
            # A flight that another caller started may have done something else, such as load the cached session.
            if is_ours or session != old:
                return session

    async def _load_or_renew(self) -> Session:
        cached = await self._live.load()
        return await self._renewal.run(None, "missing") if cached is None else self._live.use(cached)
