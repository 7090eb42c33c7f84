"""Failed harvests on record in the store, and those that could be counted in this process only."""

import logging
from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from typing import Final

import msgspec

from aura_browser.errors import StoreError
from aura_browser.store import Store

_log = logging.getLogger(__name__)

_MAX_TRIES: Final = 100
_MAX_HOLD_S: Final = 3600.0
_MAX_RECORDED: Final = 50


class Record(msgspec.Struct, frozen=True):
    """What is on record.

    Attributes:
        failures: when harvests failed, in epoch seconds.
        under_way: when harvests began that have not ended yet, where others had failed.
        reason: why the last one failed.
        held_until: epoch seconds until which the site asked to be left alone; 0 if it did not.
        needs_person: whether only a person can get a session.
        kept: the lineage of the login that stays, because what harvests bring can't be proven to be one.
    """

    failures: tuple[float, ...] = ()
    reason: str = ""
    held_until: float = 0.0
    needs_person: bool = False
    kept: tuple[int, float] | None = None
    under_way: tuple[float, ...] = ()


class Ledger:
    """The failures under one slug of the store.

    Args:
        store: where they are counted.
        kind: what is counted; the first part of the slug.
        whose: whose they are.
        clock: returns epoch seconds.
        window_s: seconds after which a failure is forgotten.
    """

    def __init__(self, store: Store, kind: str, whose: str, clock: Callable[[], float], window_s: float) -> None:
        self._store = store
        self._slug = f"{kind}-{sha256(whose.encode()).hexdigest()[:12]}"
        self._clock = clock
        self._window_s = window_s
        self._stored = Record()
        self._unsaved = Record()

    async def read(self) -> Record:
        """Return what is on record; where the store can't be used, what is known of it.

        Raises:
            StoreError: if it can't be used, and spans machines.
        """
        try:
            self._stored = _decode_record(await self._store.read(self._slug))
        except StoreError:
            if self._store.spans_machines:
                raise
        stored, unsaved = self._stored, self._unsaved
        failures = tuple(sorted((Counter(stored.failures) | Counter(unsaved.failures)).elements()))
        held_until = max(self._held_until(stored), self._held_until(unsaved))
        latest = stored if stored.reason else unsaved
        return msgspec.structs.replace(latest, failures=failures, held_until=held_until)

    def count(self, record: Record) -> int:
        """Return how many of *record*'s harvests have failed in the window, or began in it and have not ended."""
        return len(self._recent(record.failures)) + len(self._recent(record.under_way))

    async def add(self, failure: Record, *, claimed_at: float | None = None) -> None:
        """Add *failure*, of the harvest that was counted in advance at *claimed_at*."""

        def count(record: Record) -> Record:
            under_way = _without(self._recent(record.under_way), claimed_at)
            held_until = max(self._held_until(record), failure.held_until)
            failures = (*self._recent(record.failures), *failure.failures)[-_MAX_RECORDED:]
            return msgspec.structs.replace(failure, failures=failures, held_until=held_until, under_way=under_way)

        try:
            await self._change(count)
        except StoreError as error:
            self._unsaved = count(self._unsaved)
            _log.warning("%s The failed harvest is counted in this process only.", error)

    async def hold(self, until: float, reason: str) -> None:
        """Note that the site asked to be left alone *until* then (epoch seconds), which is no failure of a harvest."""

        def put_off(record: Record) -> Record:
            return msgspec.structs.replace(record, held_until=max(self._held_until(record), until), reason=reason)

        try:
            await self._change(put_off)
        except StoreError as error:
            self._unsaved = put_off(self._unsaved)
            _log.warning("%s That the site is to be left alone is known to this process only.", error)

    async def claim(self, limit: int) -> float | None:
        """Count a harvest in advance, if that makes no more than *limit* with the failures in the window.

        Returns:
            When it was counted, for :meth:`add` and :meth:`settle`; None if there was no room, or others were faster.

        Raises:
            StoreError: if the store can't be used.
        """
        before = await self._store.read(self._slug)
        record, now = _decode_record(before), self._clock()
        if self.count(record) >= limit:
            return None
        record = msgspec.structs.replace(record, under_way=(*self._recent(record.under_way), now))
        return now if await self._swap(before, record) else None

    async def settle(self, *, claimed_at: float | None, worked: bool) -> None:
        """Take off what was counted in advance at *claimed_at*, and, for a harvest that worked, one failure more."""

        def take_off(record: Record) -> Record:
            failures, under_way = self._recent(record.failures), _without(self._recent(record.under_way), claimed_at)
            return msgspec.structs.replace(record, failures=failures[1:] if worked else failures, under_way=under_way)

        try:
            await self._change(take_off)
        except StoreError as error:
            _log.warning("%s A harvest that worked still counts as failed for a while.", error)

    def _recent(self, times: tuple[float, ...]) -> tuple[float, ...]:
        """Return the times in the window, oldest first, without those that a wrong clock dated ahead."""
        now = self._clock()
        return tuple(sorted(at for at in times if now - self._window_s < at <= now))

    def _held_until(self, record: Record) -> float:
        return record.held_until if is_held(record, self._clock()) else 0.0

    async def _change(self, change: Callable[[Record], Record]) -> None:
        for _ in range(_MAX_TRIES):
            before = await self._store.read(self._slug)
            record = _decode_record(before)
            changed = change(record)
            has_any = changed.failures or record.failures or record.under_way or changed.held_until
            if not has_any or await self._swap(before, changed):
                return

    async def _swap(self, before: bytes | None, record: Record) -> bool:
        expires_at = max(self._clock() + self._window_s, record.held_until)
        done = await self._store.swap(self._slug, before, msgspec.json.encode(record), expires_at=expires_at)
        if done:
            self._stored = record
        return done


def is_held(record: Record, now: float) -> bool:
    """Return whether the site asked to be left alone at *now*; a time further ahead is of a wrong clock."""
    return now < record.held_until <= now + _MAX_HOLD_S


def limit_hold(seconds: float) -> float:
    """Return for how long a site is left alone that asked for *seconds*."""
    return min(seconds, _MAX_HOLD_S)


def _without(failures: tuple[float, ...], one: float | None) -> tuple[float, ...]:
    """Return *failures* without one of those at that time, if there is any."""
    if one not in failures:
        return failures
    place = failures.index(one)
    return failures[:place] + failures[place + 1 :]


def _decode_record(data: bytes | None) -> Record:
    try:
        return Record() if data is None else msgspec.json.decode(data, type=Record)
    except (ValueError, RecursionError):
        return Record()  # an unreadable count must not block harvests
