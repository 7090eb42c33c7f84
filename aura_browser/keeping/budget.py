"""Limits failed harvests per session and per site, so that a broken site starts a few browsers and not thousands."""

import random
from collections.abc import Callable
from typing import Final

import msgspec

from aura_browser.errors import HarvestCoolingDown, StoreError
from aura_browser.keeping.ledger import Ledger, Record, is_held, limit_hold
from aura_browser.store import SessionKey, Store
from aura_browser.text import clean_text

_MAX_TRIES: Final = 100
_ORIGIN_FACTOR: Final = 3


class HarvestBudget:
    """Counts failed harvests in the store, so that all its users share the count.

    A harvest has failed if it gave no session, or one that does not help. After the nth failure in the window the next
    harvest of that session is allowed *cool_down_s* times 2 to the power of n - 1 later; after *max_failures* of the
    session, or three times as many at its origin, only when the oldest has left the window. A site's own
    ``Retry-After`` holds back everyone until then.

    Optional harvests, which nobody waits for, count apart, *max_failures* for an origin: they hold back each
    other only.

    While an origin has failures on record, harvests under way there count like failures: otherwise all that begin
    before the first of them has failed would be allowed. One that the site proved takes a failure off the record, since
    the origin is not dead.

    Args:
        store: where the count is stored.
        key: the session's key.
        clock: returns epoch seconds.
        cool_down_s: seconds to wait after the first failure.
        max_failures: how many failures of one session the window may hold.
        window_s: the window's length in seconds.
        spread: by which share of a window the sessions that wait for their origin are told to come later, from 0 to 1.
            None for a random one in a fleet, so that its sessions don't come again at the same moment, and 0 on one
            machine.
    """

    def __init__(
        self,
        store: Store,
        key: SessionKey,
        *,
        clock: Callable[[], float],
        cool_down_s: float = 30.0,
        max_failures: int = 6,
        window_s: float = 600.0,
        spread: float | None = None,
    ) -> None:
        self._clock = clock
        self._cool_down_s = cool_down_s
        self._max_failures = max_failures
        self._window_s = window_s
        if spread is None:
            spread = random.random() if store.spans_machines else 0.0  # noqa: S311 - spreads load, not for secrets
        self._spread = spread
        self._own = Ledger(store, "budget", key.slug, clock, window_s)
        self._shared = Ledger(store, "budget-origin", key.origin, clock, window_s)
        self._optional = Ledger(store, "budget-origin-optional", key.origin, clock, window_s)
        self._spans_machines = store.spans_machines
        self._claim: float | None = None

    async def check(self, *, is_personal: bool = False, is_optional: bool = False) -> Record:
        """Return what is on record at the origin, if a harvest is allowed now.

        Args:
            is_personal: whether a person asked for it, who is held back by the site's own limit only.
            is_optional: whether nobody waits for it.

        Raises:
            HarvestCoolingDown: if it is not; carries the time until the next one is.
            StoreError: if the count can't be read, and the store spans machines.
        """
        shared = await self.check_hold(is_personal=is_personal)
        now = self._clock()
        if is_personal:
            return shared
        record = await self._optional.read() if is_optional else shared
        own = await self._own.read()
        own_at, origin_at = self._next_allowed_at(own), self._full_until(shared, self._find_limit(is_optional=False))
        if is_optional:
            origin_at = max(origin_at, self._full_until(record, self._find_limit(is_optional=True)))
        if max(own_at, origin_at) > now:
            told = origin_at + self._spread * self._window_s if origin_at > now else 0.0
            raise HarvestCoolingDown(max(own_at, told) - now, own.reason or shared.reason or record.reason)
        return record

    async def check_hold(self, *, is_personal: bool = False) -> Record:
        """Return what is on record at the origin, unless the site itself asked to be left alone.

        Raises:
            HarvestCoolingDown: if it did; carries the time until that ends, later for some who don't wait themselves.
            StoreError: as :meth:`check`.
        """
        shared, now = await self._shared.read(), self._clock()
        if is_held(shared, now):
            left = shared.held_until - now
            later = 0.0 if is_personal else self._spread * min(left / 2, self._window_s)
            raise HarvestCoolingDown(left + later, shared.reason)
        return shared

    async def begin(self, *, is_personal: bool = False, is_optional: bool = False) -> None:
        """Check as :meth:`check`, and count the harvest in advance where others have failed, until :meth:`end`."""
        for _ in range(_MAX_TRIES):
            record = await self.check(is_personal=is_personal, is_optional=is_optional)
            if is_personal or not record.failures:
                return
            if self._choose(is_optional=is_optional).count(record) >= self._find_limit(is_optional=is_optional):
                break
            if await self._claim_one(is_optional=is_optional):
                await self._check_own_again(is_optional=is_optional)
                return
        # What becomes of those under way is known soon, whatever it is.
        raise HarvestCoolingDown(self._cool_down_s * (1 + self._spread), record.reason)

    async def end(self, *, is_optional: bool = False, is_proven: bool = False) -> None:
        """Note that a harvest has ended; without effect for one whose failure was recorded.

        Args:
            is_optional: as it began.
            is_proven: whether it gave a session that the site tells from none.
        """
        claim, self._claim = self._claim, None
        if claim is not None or is_proven:
            await self._choose(is_optional=is_optional).settle(claimed_at=claim, worked=is_proven)

    async def needs_person(self) -> bool:
        """Return whether the session's last harvest failed because only a person can get it."""
        return (await self._own.read()).needs_person

    async def find_hopeless(self, lineage: tuple[int, float]) -> str:
        """Return why the last failed harvest could not replace the session of that lineage; empty for another one."""
        record = await self._own.read()
        return record.reason if record.kept == lineage else ""

    async def hold(self, reason: str, seconds: float) -> None:
        """Note that the site asked to be left alone for so many seconds, which holds back everyone until then."""
        await self._shared.hold(self._clock() + limit_hold(seconds), clean_text(reason))

    async def record_failure(
        self,
        reason: str,
        *,
        retry_after_s: float | None = None,
        needs_person: bool = False,
        kept: tuple[int, float] | None = None,
        is_optional: bool = False,
    ) -> None:
        """Count a failed harvest.

        Args:
            reason: is shown until the next one is allowed.
            retry_after_s: seconds for which the site itself asked to be left alone, or None. That holds back everyone,
                even if the harvest was optional.
            needs_person: whether only a person can get a session.
            kept: the lineage of the login that stays, because what harvests bring can't be proven to be one.
            is_optional: whether nobody waited for it.
        """
        now = self._clock()
        failure = Record((now,), clean_text(reason), needs_person=needs_person, kept=kept)
        claim, self._claim = self._claim, None
        if is_optional:
            await self._optional.add(failure, claimed_at=claim)
            claim = None
        if not is_optional or retry_after_s:
            await self._own.add(failure)
            held_until = now + limit_hold(retry_after_s) if retry_after_s else 0.0
            await self._shared.add(msgspec.structs.replace(failure, held_until=held_until), claimed_at=claim)

    async def _claim_one(self, *, is_optional: bool) -> bool:
        """Count a harvest in advance; return False if there was no room, or others were faster."""
        limit = self._find_limit(is_optional=is_optional)
        try:
            self._claim = await self._choose(is_optional=is_optional).claim(limit)
        except StoreError:
            if self._spans_machines:
                raise
            return True
        return self._claim is not None

    async def _check_own_again(self, *, is_optional: bool) -> None:
        """Check what another process may have counted for the session while this harvest was counted in advance."""
        own = await self._own.read()
        left = self._next_allowed_at(own) - self._clock()
        if left > 0:
            await self.end(is_optional=is_optional)
            raise HarvestCoolingDown(left, own.reason)

    def _choose(self, *, is_optional: bool) -> Ledger:
        return self._optional if is_optional else self._shared

    def _find_limit(self, *, is_optional: bool) -> int:
        return self._max_failures if is_optional else _ORIGIN_FACTOR * self._max_failures

    def _next_allowed_at(self, record: Record) -> float:
        now = self._clock()
        failures = sorted(at for at in record.failures if at <= now)
        if not failures:
            return 0.0
        # The failures in the window when the last one happened: the pause must not shrink as older ones leave it.
        recent = [at for at in failures if at > failures[-1] - self._window_s]
        pause = min(self._cool_down_s * 2.0 ** (len(recent) - 1), self._window_s)
        return max(recent[-1] + pause, self._full_until(record, self._max_failures))

    def _full_until(self, record: Record, limit: int) -> float:
        now = self._clock()
        failures = sorted(at for at in record.failures if at <= now)
        recent = [at for at in failures if at > failures[-1] - self._window_s]
        return recent[-limit] + self._window_s if len(recent) >= limit else 0.0
