"""Manages one session: obtains it, decides when to renew it, and shares it through the store."""

import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from aura_browser.errors import SessionRefused
from aura_browser.keeping.answers import Answers
from aura_browser.keeping.budget import HarvestBudget
from aura_browser.keeping.counters import Counters
from aura_browser.keeping.doubt import Doubt, Prove
from aura_browser.keeping.events import log_event
from aura_browser.keeping.flights import Flights
from aura_browser.keeping.lifetime import Due
from aura_browser.keeping.live_session import LiveSession
from aura_browser.keeping.lock import RenewalLock
from aura_browser.keeping.refresher import RefreshBySite, Refresher
from aura_browser.keeping.renewal import Harvest, Renewal
from aura_browser.session import Session
from aura_browser.site import Site
from aura_browser.site.commands import LoginCommand
from aura_browser.site.expiry import set_expiry
from aura_browser.store import SessionKey, Store

if TYPE_CHECKING:
    import asyncio


async def _close_nothing() -> None:
    """Close what is kept open where nothing is."""


class SessionManager:
    """Keeps one session for any number of concurrent callers in one event loop, and shares it through its store.

    Callers, in this process or in others with the same store, share one harvest; a cancelled one affects no other.

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
        opens_browser: whether a harvest may open a browser; if not, no failure is counted.
        login: the command that errors name; None for that of the site.
        opens_window: whether a harvest opens a window for a person, who does not wait for other processes' harvests.
        refresh: renews a session by a request, without a browser; None if the site has no such request.
        close: closes what the session's harvests and proofs keep open.

    Attributes:
        site: as given.
        login: the command that errors name.
        proxy: the URL of the session's proxy, or None.
        clock: as given.
        counters: counts of what was done so far.
        answers: what the site's answers say of the session.
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
        opens_browser: bool = True,
        login: LoginCommand | None = None,
        opens_window: bool = False,
        refresh: RefreshBySite | None = None,
        close: Callable[[], Awaitable[None]] = _close_nothing,
    ) -> None:
        self.site = site
        self.login = login or LoginCommand(site.login_command())
        self.proxy = key.proxy
        self.clock = clock
        self.counters = Counters()
        self._store, self._owns_store = store, owns_store
        self._close = close
        self._origin = key.origin
        budget = HarvestBudget(store, key, clock=clock, cool_down_s=cool_down_s)
        self._live = LiveSession(store, key, first, clock, partial(set_expiry, site))
        self._doubt = Doubt(prove, self._live.keep_proven, self.counters, clock)
        self.answers = Answers(self._live, self._doubt, budget, self.counters)
        shown = budget if opens_browser else None
        refresher = refresh and Refresher(refresh, live=self._live, counters=self.counters, clock=clock, budget=shown)
        self._renewal = Renewal(
            store,
            key,
            live=self._live,
            budget=shown,
            harvest=harvest,
            doubt=self._doubt,
            counters=self.counters,
            clock=clock,
            login=self.login,
            lock=RenewalLock(store, key, opens_window=opens_window),
            refresher=refresher,
            harvests_early=renews_early,
        )
        self._flights = Flights(
            key.origin,
            live=self._live,
            renewal=self._renewal,
            counters=self.counters,
            clock=clock,
            cool_down_s=cool_down_s,
            renews_early=renews_early or refresh is not None,
        )
        self._unknown: Session | None = None

    @property
    def current(self) -> Session | None:
        """The session in use; None if none is loaded yet. Nothing is read or asked."""
        return self._live.current

    @property
    def is_renewing(self) -> bool:
        """Whether a session is being renewed that callers wait for."""
        return self._flights.task is not None and not self._flights.is_optional

    def is_awaited_by(self, task: "asyncio.Task[Any]") -> bool:
        """Return whether *task* waits here for a session that is being renewed."""
        return self._flights.is_awaited_by(task)

    def find_ready(self) -> Session | None:
        """Return the session in use if :meth:`get` would return it at once; None if it may have to do something."""
        session = self._live.current
        if session is None or session.expires_at is None or session is self._unknown:
            return session
        return session if self._flights.find_due(session) is Due.NO else None

    async def load(self) -> Session | None:
        """Return the session in use, else the cached one, which is in use from now on; None if there is neither.

        No browser is opened, and the site is not asked.

        Raises:
            SessionUnreadable: if the cached one can't be read.
        """
        if self._live.current is None and self._flights.task is None and (cached := await self._live.load()):
            self._live.use(cached)
        return self._live.current

    async def get(self) -> Session:
        """Return the session: the one in use, else the cached one, else a new one.

        Before its probable end a new one is got in the background, and after it if the site takes this one no longer.

        Raises:
            AuraError: if a session has to be harvested and can't be, or HarvestCoolingDown soon after such a failure.
        """
        session = self._live.current or await self._flights.load_or_renew()
        due = self._flights.find_due(session)
        if due is Due.SOON:
            self._flights.renew_early(session)
        if due is not Due.NOW or session is self._unknown:
            return session
        opinion = await self._doubt.ask(session)
        if opinion == "open" and session.is_protected:
            return await self._flights.replace(self._live.find_current(session), "over")
        if opinion == "refused":
            return await self._flights.replace(session, "over")
        if opinion != "good":
            self._unknown = self._live.current  # asked once for each value
        return self._live.current or session

    async def prove(self) -> Session:
        """Return the session after asking the site whether it takes it; a new one if it does not.

        Raises:
            AuraError: as :meth:`get`, and what keeps the site from answering.
        """
        began = time.monotonic()
        session = await self.get()
        if self.was_harvested_since(session, began):
            return session  # it was proven a moment ago
        try:
            proven = await self._doubt.prove(session)
        except SessionRefused:
            return await self.renew(session)
        self._live.confirm(session, proven)
        return self._live.current or proven

    async def renew(self, refused: Session) -> Session:
        """Return a session other than the *refused* one: compare-and-swap, by value and not by any clock.

        If the session in use or the cached one is a different one already, it is returned and no browser starts.

        Raises:
            AuraError: as in :meth:`get`.
        """
        self.counters.refusals += 1
        log_event("refused", origin=self._origin, session=refused.fingerprint)
        return await self._flights.replace(refused, "refused")

    async def harvest(self, *, despite_cool_down: bool = False, replace: bool = False) -> Session:
        """Harvest a new session, even if a valid one is cached, and save it.

        Args:
            despite_cool_down: ignore earlier failures and other processes' harvests, because a person waits for it.
            replace: replace a person's login even by a session that is not proven to be one.

        Raises AuraError as :meth:`get`.
        """
        work = partial(self._renewal.run, None, "asked", is_personal=despite_cool_down, replace=replace)
        return await self._flights.renew_as_asked(work)

    def was_harvested_since(self, session: Session, began: float) -> bool:
        """Return whether *session* comes from a harvest here that began after *began* (monotonic seconds)."""
        latest = self._renewal.latest
        return latest is not None and latest[0] == session.lineage and latest[1] >= began

    async def aclose(self) -> None:
        """End a harvest under way, and save unsaved changes. The manager must not be used after that."""
        self._live.stop_waiting()
        await self._flights.aclose()
        await self._doubt.aclose()
        await self._live.aclose()
        await self._close()
        if self._owns_store:
            await self._store.aclose()
