"""Limits failed harvests per session and per site, so that a broken site starts a few browsers and not thousands."""

import logging
from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from typing import Final

import msgspec

from aura_browser.errors import HarvestCoolingDown, StoreError
from aura_browser.store import SessionKey, Store
from aura_browser.text import clean_text

_log = logging.getLogger(__name__)

_MAX_TRIES: Final = 100
_MAX_HOLD_S: Final = 3600.0
_MAX_RECORDED: Final = 50


class _Record(msgspec.Struct, frozen=True):
    failures: tuple[float, ...] = ()
    reason: str = ""
    held_until: float = 0.0
    needs_person: bool = False
    kept: tuple[int, float] | None = None


class HarvestBudget:
    """Counts failed harvests in the store, so that all its users share the count.

    A harvest has failed if it gave no session, or one that does not help. After the nth failure in the window the next
    harvest of that session is allowed *cool_down_s* times 2 to the power of n - 1 later; after *max_failures* of the
    session, or three times as many at its origin, only when the oldest has left the window. A site's own
    ``Retry-After`` holds back everyone until then.

    Args:
        store: where the count is stored.
        key: the session's key.
        clock: returns epoch seconds.
        cool_down_s: seconds to wait after the first failure.
        max_failures: how many failures of one session the window may hold.
        window_s: the window's length in seconds.
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
    ) -> None:
        self._clock = clock
        self._cool_down_s = cool_down_s
        self._max_failures = max_failures
        self._window_s = window_s
        self._own = _Ledger(store, f"budget-{_digest(key.slug)}", clock, window_s)
        self._shared = _Ledger(store, f"budget-origin-{_digest(key.origin)}", clock, window_s)

    async def check(self, *, is_personal: bool = False) -> None:
        """Check that a harvest is allowed now.

        Args:
            is_personal: whether a person asked for it, who is held back by the site's own limit only.

        Raises:
            HarvestCoolingDown: if it is not; carries the time until the next one is.
            StoreError: if the count can't be read, and the store spans machines.
        """
        shared = await self._shared.read()
        now = self._clock()
        if _is_held(shared, now):
            raise HarvestCoolingDown(shared.held_until - now, shared.reason)
        if is_personal:
            return
        own = await self._own.read()
        allowed_at = max(self._next_allowed_at(own), self._full_until(shared, 3 * self._max_failures))
        if allowed_at > now:
            raise HarvestCoolingDown(allowed_at - now, own.reason or shared.reason)

    async def needs_person(self) -> bool:
        """Return whether the session's last harvest failed because only a person can get it."""
        return (await self._own.read()).needs_person

    async def find_hopeless(self, lineage: tuple[int, float]) -> str:
        """Return why the last failed harvest could not replace the session of that lineage; empty for another one."""
        record = await self._own.read()
        return record.reason if record.kept == lineage else ""

    async def record_failure(
        self,
        reason: str,
        *,
        retry_after_s: float | None = None,
        needs_person: bool = False,
        kept: tuple[int, float] | None = None,
    ) -> None:
        """Count a failed harvest.

        Args:
            reason: is shown until the next one is allowed.
            retry_after_s: seconds for which the site itself asked to be left alone, or None.
            needs_person: whether only a person can get a session.
            kept: the lineage of the login that stays, because what harvests bring can't be proven to be one.
        """
        now = self._clock()
        failure = _Record((now,), clean_text(reason), needs_person=needs_person, kept=kept)
        await self._own.add(failure)
        held_until = now + min(retry_after_s, _MAX_HOLD_S) if retry_after_s else 0.0
        await self._shared.add(msgspec.structs.replace(failure, held_until=held_until))

    def _next_allowed_at(self, record: _Record) -> float:
        now = self._clock()
        failures = sorted(at for at in record.failures if at <= now)
        if not failures or failures[-1] + self._window_s <= now:
            return 0.0
        # The failures in the window when the last one happened: the pause must not shrink as older ones leave it.
        recent = [at for at in failures if at > failures[-1] - self._window_s]
        pause = min(self._cool_down_s * 2.0 ** (len(recent) - 1), self._window_s)
        return max(recent[-1] + pause, self._full_until(record, self._max_failures))

    def _full_until(self, record: _Record, limit: int) -> float:
        now = self._clock()
        failures = sorted(at for at in record.failures if at <= now)
        recent = [at for at in failures if at > failures[-1] - self._window_s and failures[-1] + self._window_s > now]
        return recent[-limit] + self._window_s if len(recent) >= limit else 0.0


class _Ledger:
    """The failures under one slug of the store, and those that could be counted in this process only."""

    def __init__(self, store: Store, slug: str, clock: Callable[[], float], window_s: float) -> None:
        self._store = store
        self._slug = slug
        self._clock = clock
        self._window_s = window_s
        self._known = _Record()

    async def read(self) -> _Record:
        try:
            stored = _decode_record(await self._store.read(self._slug))
        except StoreError:
            if self._store.spans_machines:
                raise
        else:
            failures = tuple(sorted((Counter(stored.failures) | Counter(self._known.failures)).elements()))
            held_until = max(self._held_until(stored), self._held_until(self._known))
            latest = stored if stored.reason else self._known
            self._known = _Record(failures, latest.reason, held_until, latest.needs_person, latest.kept)
        return self._known

    async def add(self, failure: _Record) -> None:
        def count(record: _Record) -> _Record:
            failures = (*self._recent(record), *failure.failures)[-_MAX_RECORDED:]
            held_until = max(self._held_until(record), failure.held_until)
            return msgspec.structs.replace(failure, failures=failures, held_until=held_until)

        self._known = count(self._known)
        try:
            await self._change(count)
        except StoreError as error:
            _log.warning("%s The failed harvest is counted in this process only.", error)

    def _recent(self, record: _Record) -> tuple[float, ...]:
        """Return the failures in the window, oldest first, without those that a wrong clock dated ahead."""
        now = self._clock()
        return tuple(sorted(at for at in record.failures if now - self._window_s < at <= now))

    def _held_until(self, record: _Record) -> float:
        return record.held_until if _is_held(record, self._clock()) else 0.0

    async def _change(self, change: Callable[[_Record], _Record]) -> None:
        for _ in range(_MAX_TRIES):
            before = await self._store.read(self._slug)
            record = change(_decode_record(before))
            expires_at = max(self._clock() + self._window_s, record.held_until)
            if await self._store.swap(self._slug, before, msgspec.json.encode(record), expires_at=expires_at):
                return


def _is_held(record: _Record, now: float) -> bool:
    """Return whether the site asked to be left alone at *now*; a time further ahead is of a wrong clock."""
    return now < record.held_until <= now + _MAX_HOLD_S


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:12]


def _decode_record(data: bytes | None) -> _Record:
    try:
        return _Record() if data is None else msgspec.json.decode(data, type=_Record)
    except (ValueError, RecursionError):
        return _Record()  # an unreadable count must not block harvests
