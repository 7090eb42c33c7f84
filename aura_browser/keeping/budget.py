"""Limits failed harvests per site, so that a broken site starts a few browsers and not thousands."""

import logging
from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from typing import Final

import msgspec

from aura_browser.errors import HarvestCoolingDown, StoreError
from aura_browser.store import Store
from aura_browser.text import clean_text

_log = logging.getLogger(__name__)

_MAX_TRIES: Final = 100


class _Record(msgspec.Struct, frozen=True):
    failures: tuple[float, ...] = ()
    reason: str = ""


class HarvestBudget:
    """Counts failed harvests at one origin, in the store, so that all its users share the count.

    A harvest has failed if it gave no session, or one that the site refused. After the nth failure in the window the
    next harvest is allowed *cool_down_s* times 2 to the power of n - 1 later; after *max_failures*, only when the
    oldest has left the window. Renewals of short-lived sessions don't count.

    Args:
        store: where the count is stored.
        origin: the site's origin.
        clock: returns epoch seconds.
        cool_down_s: seconds to wait after the first failure.
        max_failures: the max_failures failures in the window.
        window_s: the window's length in seconds.
    """

    def __init__(
        self,
        store: Store,
        origin: str,
        *,
        clock: Callable[[], float],
        cool_down_s: float = 30.0,
        max_failures: int = 6,
        window_s: float = 600.0,
    ) -> None:
        self._store = store
        self._slug = f"budget-{sha256(origin.encode()).hexdigest()[:12]}"
        self._clock = clock
        self._cool_down_s = cool_down_s
        self._max_failures = max_failures
        self._window_s = window_s
        self._known = _Record()

    async def check(self) -> None:
        """Check that a harvest is allowed now.

        Raises:
            HarvestCoolingDown: if it is not; carries the time until the next one is.
            StoreError: if the count can't be read, and the store spans machines.
        """
        record = await self._read()
        wait = self._next_allowed_at(record) - self._clock()
        if wait > 0:
            raise HarvestCoolingDown(wait, record.reason)

    async def record_failure(self, reason: str) -> None:
        """Count a failed harvest; *reason* is shown until the next one is allowed."""
        now = self._clock()

        def count(record: _Record) -> _Record:
            return _Record((*self._recent(record), now), clean_text(reason))

        self._known = count(self._known)
        try:
            await self._change(count)
        except StoreError as error:
            _log.warning("%s The failed harvest is counted in this process only.", error)

    def _next_allowed_at(self, record: _Record) -> float:
        now = self._clock()
        failures = sorted(at for at in record.failures if at <= now)
        if not failures or failures[-1] + self._window_s <= now:
            return 0.0
        # The failures in the window when the last one happened: the pause must not shrink as older ones leave it.
        recent = [at for at in failures if at > failures[-1] - self._window_s]
        pause = min(self._cool_down_s * 2.0 ** (len(recent) - 1), self._window_s)
        full_until = recent[-self._max_failures] + self._window_s if len(recent) >= self._max_failures else 0.0
        return max(recent[-1] + pause, full_until)

    def _recent(self, record: _Record) -> tuple[float, ...]:
        """Return the failures in the window, oldest first, without those that a wrong clock dated ahead."""
        now = self._clock()
        return tuple(sorted(at for at in record.failures if now - self._window_s < at <= now))

    async def _read(self) -> _Record:
        try:
            stored = _decode_record(await self._store.read(self._slug))
        except StoreError:
            if self._store.spans_machines:
                raise
        else:
            # Failures that could be counted in this process only still count.
            failures = tuple(sorted((Counter(stored.failures) | Counter(self._known.failures)).elements()))
            self._known = _Record(failures, stored.reason or self._known.reason)
        return self._known

    async def _change(self, change: Callable[[_Record], _Record]) -> None:
        for _ in range(_MAX_TRIES):
            before = await self._store.read(self._slug)
            after = msgspec.json.encode(change(_decode_record(before)))
            expires_at = self._clock() + self._window_s
            if await self._store.swap(self._slug, before, after, expires_at=expires_at):
                return


def _decode_record(data: bytes | None) -> _Record:
    try:
        return _Record() if data is None else msgspec.json.decode(data, type=_Record)
    except msgspec.MsgspecError:
        return _Record()  # an unreadable count must not block harvests
