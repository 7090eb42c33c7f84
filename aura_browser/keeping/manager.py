"""The keeper of one session: gets it, decides when to renew it, and shares it through the store."""

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

    However many ask at once, here or in other processes on the same store, there is one harvest; a caller that is
    cancelled takes nothing from the others. A session whose end is known is renewed in the background before it.
    A budget bounds the harvests that do not help.

    Args:
        site: whose session it is.
        store: where the session is cached and shared.
        key: what it is cached under.
        harvest: gets a new one.
        prove: shows that the site takes it.
        clock: returns epoch seconds.
        cool_down_s: seconds between the first harvest that did not help and the next; see :class:`HarvestBudget`.
        first: a session to begin with, in place of the cached one.
        owns_store: close the store too when this is closed.
        renews_early: renew in the background before the session's end.

    Attributes:
        site: as given.
        proxy: the proxy that the session goes through, or None.
        clock: as given.
        counters: what was done so far.
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
        self._flight: SingleFlight[Session] = SingleFlight(self._note_failure)
        self._asked: asyncio.Task[Session] | None = None
        self._given_up_at = 0.0
        self._jitter = random.uniform(0.8, 1.2)  # noqa: S311 - spreads load, keeps no secret
        self._not_early_before = 0.0

    async def get(self) -> Session:
        """Return the session: the one in use, else the cached one, else a new one.

        Inside its advisory window a new one is got in the background; inside the mandatory one this waits for it, and
        returns the old one if that fails, since the site has the last word.

        Raises:
            AuraError: what the harvest raises, or HarvestCoolingDown soon after it failed.
        """
        session = self._live.current or await self._join(self._load_or_renew)
        due = renewal_due(session, self.clock(), harvest_s=self._renewal.harvest_s, jitter=self._jitter)
        if due is Due.NO:
            return session
        if due is Due.SOON:
            if self._renews_early:
                self._renew_early(session)
            return session
        return await self._renew_at_its_end(session)

    async def renew(self, refused: Session) -> Session:
        """Return another session than the *refused* one: compare-and-swap, by value and not by any clock.

        If the session in use, or the cached one, is another already, that is the answer and no browser starts.

        Raises:
            AuraError: as :meth:`get`.
        """
        self.counters.refusals += 1
        log_event("refused", origin=self._origin, session=refused.fingerprint)
        return await self._replace(refused, "refused")

    async def harvest(self, *, despite_cool_down: bool = False) -> Session:
        """Return a new session from a browser, whatever is cached; it replaces what is cached.

        Args:
            despite_cool_down: don't wait for the end of a cool-down, as a person takes part, who is no storm.

        Raises:
            AuraError: as :meth:`get`.
        """

        async def renew() -> Session:
            return await self._renewal.run(None, "asked", despite_cool_down=despite_cool_down)

        while self._flight.task is not None and self._flight.task is not self._asked:
            await asyncio.wait([self._flight.task])
        if self._flight.task is None:
            self._asked = self._flight.begin(renew)
        return await self._join(renew)

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
        if self._live.accept(session, set_cookies, url):
            self.counters.rotations += 1

    async def aclose(self) -> None:
        """End a harvest under way, write what is unsaved. The manager must not be used after that."""
        self._live.end_waits()
        await self._flight.aclose()
        await self._live.aclose()
        if self._owns_store:
            await self._store.aclose()

    async def _join(self, work: Harvest) -> Session:
        self.counters.waits += 1
        return await self._flight.join(work)

    def _note_failure(self, error: BaseException) -> None:
        # Said here too, for when it was early or every caller was cancelled, and nobody hears of it.
        self._not_early_before = self.clock() + self._cool_down_s
        _log.info("The session of %s was not renewed: %s", self._origin, error)

    def _renew_early(self, session: Session) -> None:
        if self._flight.task is None and self.clock() >= self._not_early_before:
            self._flight.begin(lambda: self._renewal.run(session, "early"))

    async def _renew_at_its_end(self, session: Session) -> Session:
        if self.clock() < self._not_early_before:
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
            # A flight that another began may have had another end, such as to load what is cached.
            if is_ours or session != old:
                return session

    async def _load_or_renew(self) -> Session:
        cached = await self._live.load()
        return await self._renewal.run(None, "missing") if cached is None else self._live.use(cached)
