"""One renewal: replace a session while no other task or process renews it."""

import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from typing import Final, NoReturn

import msgspec

from aura_browser.errors import (
    AttachRefused,
    AuraError,
    BrowserNotFound,
    DriverMismatch,
    GridFailed,
    HarvestCoolingDown,
    InteractionRequired,
    InvalidInput,
    LoginNeeded,
    SessionProtected,
    SessionRefused,
    StoreError,
    WindowClosed,
)
from aura_browser.keeping.budget import HarvestBudget
from aura_browser.keeping.counters import Counters
from aura_browser.keeping.doubt import Doubt
from aura_browser.keeping.events import log_event
from aura_browser.keeping.lifetime import ends_later
from aura_browser.keeping.live_session import LiveSession
from aura_browser.keeping.lock import RenewalLock
from aura_browser.keeping.proving import prove_new
from aura_browser.keeping.refresher import Refresher
from aura_browser.session import Session
from aura_browser.session.replacement import refuse_replacement
from aura_browser.site.commands import LoginCommand
from aura_browser.store import Lease, SessionKey, Store

_log = logging.getLogger(__name__)

Harvest = Callable[[], Awaitable[Session]]
"""Opens a browser and returns the session that it reads. It limits its own time."""

_BEFORE_THE_SITE: Final = (
    InteractionRequired,
    InvalidInput,
    BrowserNotFound,
    DriverMismatch,
    GridFailed,
    AttachRefused,
    WindowClosed,
)


class Renewal:
    """Replaces a session: lock, adopt, refresh, budget, harvest, prove, save.

    Args:
        store: where sessions are cached and shared.
        key: the session's key in the store.
        live: the session in use, which is replaced.
        budget: limits failed harvests; None where no browser may be opened.
        harvest: returns a new session.
        doubt: proves it.
        counters: counts harvests and renewals.
        clock: returns epoch seconds.
        login: the command that errors name.
        lock: is held meanwhile.
        refresher: renews a session without a browser; None if the site can't.
        harvests_early: whether a browser may be opened for a renewal that nobody waits for.

    Attributes:
        harvest_s: seconds that a harvest takes; 0 before the first one.
        latest: the lineage of the last session harvested here, and when its harvest began (monotonic seconds).
    """

    def __init__(
        self,
        store: Store,
        key: SessionKey,
        *,
        live: LiveSession,
        budget: HarvestBudget | None,
        harvest: Harvest,
        doubt: Doubt,
        counters: Counters,
        clock: Callable[[], float],
        login: LoginCommand,
        lock: RenewalLock,
        refresher: Refresher | None,
        harvests_early: bool,
    ) -> None:
        self._refresher = refresher
        self._harvests_early = harvests_early
        self.harvest_s = 0.0
        self.latest: tuple[tuple[int, float], float] | None = None
        self._store = store
        self._key = key
        self._live = live
        self._budget = budget
        self._harvest = harvest
        self._doubt = doubt
        self._counters = counters
        self._clock = clock
        self._login = login
        self._lock = lock

    async def run(
        self, old: Session | None, cause: str, *, is_personal: bool = False, replace: bool = False
    ) -> Session:
        """Return a session other than *old*: a newer one of another process, or one from a browser.

        Args:
            old: the session to replace; None accepts any valid cached one.
            cause: the cause, for counters and events; ``asked`` always harvests, ``early`` is optional.
            is_personal: whether a person waits for it, who is not held back by earlier failures or others' harvests.
            replace: replace a person's login even by a session that is not proven to be one.

        Raises:
            InteractionRequired: if only a person can get a session that may replace the old one, which stays.
            AuraError: if the harvest or the proof fails, or the budget does not allow a harvest.
        """
        await self._live.write()
        async with nullcontext() if is_personal else self._lock.hold() as lease:
            stored = None if cause == "asked" else await self._live.load()
            if stored is not None and self._may_use(stored, old, cause):
                self._counters.adopted += 1
                log_event("adopted", origin=self._key.origin, cause=cause, session=stored.fingerprint)
                return self._live.use(stored)
            began = time.monotonic()
            session = await self._refresh(stored or old, cause)
            if session is None:
                if cause == "early" and old is not None and not self._harvests_early:
                    return old
                session = await self._get_within_budget(old, cause, is_personal=is_personal)
            if session is old:
                return session
            kept = await self._keep(session, lease, cause, replace=replace)
            self.latest = kept.lineage, began
            return kept

    async def _refresh(self, session: Session | None, cause: str) -> Session | None:
        if self._refresher is None or session is None or cause == "asked":
            return None
        return await self._refresher.try_refresh(session, cause)

    async def _get_within_budget(self, old: Session | None, cause: str, *, is_personal: bool) -> Session:
        """Return what :meth:`_get_new` returns, if the budget allows a harvest."""
        if (budget := self._budget) is None:
            return await self._get_new(old, cause)
        is_optional, is_proven = cause == "early", False
        await self._begin(budget, old, is_personal=is_personal, is_optional=is_optional)
        try:
            session = await self._get_new(old, cause)
            is_proven = session is not old and session.proof == "distinguished"
            return session
        finally:
            await budget.end(is_optional=is_optional, is_proven=is_proven)

    async def _begin(self, budget: HarvestBudget, old: Session | None, *, is_personal: bool, is_optional: bool) -> None:
        opens_window = self._lock.opens_window
        if old is not None and not opens_window and (reason := await budget.find_hopeless(old.lineage)):
            raise InteractionRequired(reason, self._login.text)
        try:
            await budget.begin(is_personal=is_personal, is_optional=is_optional)
        except HarvestCoolingDown as error:
            if await budget.needs_person():  # a later harvest will not help either
                raise InteractionRequired(f"{error.reason}{self._login.before}", self._login.text) from None
            raise

    async def _get_new(self, old: Session | None, cause: str) -> Session:
        """Return a new session that is proven; *old* itself if an optional harvest brought nothing better."""
        self._counters.harvests += 1
        began = self._clock()
        try:
            session = await prove_new(await self._harvest(), old, self._live, self._doubt)
            session = self._live.correct(session)
        except _BEFORE_THE_SITE:
            self._counters.harvests -= 1  # the site was not contacted, so no cool-down is needed either
            raise
        except Exception as error:
            if isinstance(error, SessionRefused) and error.asks_for_login:
                error.advice += f"{self._login.before} Run: {self._login.text}"
            await self._note_failure(cause, error)
            raise
        seconds = self._clock() - began
        self.harvest_s = max(seconds, 0.8 * self.harvest_s)  # one fast harvest does not predict the next
        if cause == "early" and old is not None and not _is_better(session, old):
            log_event("harvest_useless", origin=self._key.origin, cause=cause, seconds=seconds)
            return old
        self._counters.renewals[cause] = self._counters.renewals.get(cause, 0) + 1
        log_event("harvested", origin=self._key.origin, cause=cause, seconds=seconds, session=session.fingerprint)
        return session

    async def _note_failure(self, cause: str, error: Exception, kept: Session | None = None) -> None:
        self._counters.failures += 1
        log_event("harvest_failed", origin=self._key.origin, cause=cause, error=type(error).__name__)
        if self._budget is None:
            return
        reason, needs_person = _describe_failure(error)
        await self._budget.record_failure(
            reason,
            retry_after_s=getattr(error, "retry_after_s", None),
            needs_person=needs_person,
            kept=kept.lineage if kept else None,
            is_optional=cause == "early",
        )

    async def _keep(self, session: Session, lease: Lease | None, cause: str, *, replace: bool) -> Session:
        current = self._live.current
        session = msgspec.structs.replace(session, generation=current.generation + 1 if current else 1)
        if not replace and current is not None and (problem := refuse_replacement(current, session)):
            await self._refuse(problem, cause)
        try:
            stored = await self._live.load() if lease is None and cause != "asked" else None
            if stored is not None and self._may_follow(stored, session):
                session = stored  # another process renewed without the lock too, and was faster
            else:
                session = await self._store.save(self._key, session, lease, replace=replace)
        except SessionProtected as error:
            await self._refuse(error.problem.rstrip("."), cause)
        except StoreError as error:
            return await self._keep_in_memory(session, error)
        return self._live.use(session)

    async def _keep_in_memory(self, session: Session, error: StoreError) -> Session:
        _log.warning("%s The new session is kept in memory for now.", error)
        stored = await self._live.load()
        if stored is not None and self._may_follow(stored, session):
            session = stored  # the lease was lost, and its new holder was faster
        return self._live.use(session, is_saved=session is stored)

    def _may_use(self, stored: Session, old: Session | None, cause: str) -> bool:
        """Return whether *stored* is to be used in place of *old*, or of none."""
        if cause == "early" and old is not None and not ends_later(stored, old):
            return False  # it is the same one, as another answer has rotated it meanwhile
        return not stored.is_over(self._clock()) and (old is None or self._may_follow(stored, old))

    def _may_follow(self, stored: Session, session: Session) -> bool:
        """Return whether *stored*, of another process, is to be used rather than *session*."""
        return self._live.is_later(stored, session) and not refuse_replacement(session, stored)

    async def _refuse(self, problem: str, cause: str) -> NoReturn:
        """Keep the old session, and say what a person can do."""
        error = InteractionRequired(
            f"The login of {self._key.origin} is over or refused, and {problem}. The old session is kept."
            f"{self._login.before}",
            self._login.text,
        )
        await self._note_failure(cause, error, self._live.current)
        raise error


def _is_better(session: Session, old: Session) -> bool:
    """Return whether *session* may replace *old* and lives longer."""
    if session.cookies == old.cookies or refuse_replacement(old, session):
        return False
    return session.expires_at is None or old.expires_at is None or session.expires_at > old.expires_at


def _describe_failure(error: Exception) -> tuple[str, bool]:
    """Return why a harvest failed, and whether only a person can get a session."""
    if isinstance(error, InteractionRequired):
        return error.reason, True
    if isinstance(error, LoginNeeded):
        return f"{error.url} asks for a login ({error.mark}).", True
    return str(error) if isinstance(error, AuraError) else type(error).__name__, False
