"""How many harvests that do not help a site is worth: a dead one starts a handful of browsers, not thousands."""

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

_MOST_TRIES: Final = 100


class _Record(msgspec.Struct, frozen=True):
    failures: tuple[float, ...] = ()
    reason: str = ""


class HarvestBudget:
    """Counts the harvests at one origin that did not help, in the store, so that all who share it share the count.

    After the nth within the window the next is allowed only *cool_down_s* times 2 to the power of n - 1 later; after
    *most* of them, only when the oldest has left the window. Sessions that live short and are renewed in time don't
    count.

    Args:
        store: where the count is kept.
        origin: whose.
        clock: returns epoch seconds.
        cool_down_s: seconds after the first.
        most: how many within the window.
        window_s: its length in seconds.
    """

    def __init__(
        self,
        store: Store,
        origin: str,
        *,
        clock: Callable[[], float],
        cool_down_s: float = 30.0,
        most: int = 6,
        window_s: float = 600.0,
    ) -> None:
        self._store = store
        self._slug = f"budget-{sha256(origin.encode()).hexdigest()[:12]}"
        self._clock = clock
        self._cool_down_s = cool_down_s
        self._most = most
        self._window_s = window_s
        self._known = _Record()

    async def check(self) -> None:
        """Pass if a harvest is allowed now.

        Raises:
            HarvestCoolingDown: if it isn't; it says when the next is.
            StoreError: if the count can't be read, and the store spans machines.
        """
        record = await self._read()
        wait = self._next_at(record) - self._clock()
        if wait > 0:
            raise HarvestCoolingDown(wait, record.reason)

    async def failed(self, reason: str) -> None:
        """Count a harvest that did not help; *reason* is shown until the next is allowed."""
        now = self._clock()

        def count(record: _Record) -> _Record:
            return _Record((*self._recent(record), now), clean_text(reason))

        self._known = count(self._known)
        try:
            await self._change(count)
        except StoreError as error:
            _log.warning("%s The failed harvest is counted in this process only.", error)

    def _next_at(self, record: _Record) -> float:
        now = self._clock()
        failures = sorted(at for at in record.failures if at <= now)
        if not failures or failures[-1] + self._window_s <= now:
            return 0.0
        # What counted when the last one failed: one that leaves the window meanwhile shortens no pause.
        recent = [at for at in failures if at > failures[-1] - self._window_s]
        pause = min(self._cool_down_s * 2.0 ** (len(recent) - 1), self._window_s)
        spent = recent[-self._most] + self._window_s if len(recent) >= self._most else 0.0
        return max(recent[-1] + pause, spent)

    def _recent(self, record: _Record) -> tuple[float, ...]:
        """Return the failures within the window, oldest first; what a wrong clock dated ahead is left out."""
        now = self._clock()
        return tuple(sorted(at for at in record.failures if now - self._window_s < at <= now))

    async def _read(self) -> _Record:
        try:
            stored = _unpacked(await self._store.read(self._slug))
        except StoreError:
            if self._store.spans_machines:
                raise
        else:
            # What could be counted in this process only counts still.
            failures = tuple(sorted((Counter(stored.failures) | Counter(self._known.failures)).elements()))
            self._known = _Record(failures, stored.reason or self._known.reason)
        return self._known

    async def _change(self, change: Callable[[_Record], _Record]) -> None:
        for _ in range(_MOST_TRIES):
            before = await self._store.read(self._slug)
            after = msgspec.json.encode(change(_unpacked(before)))
            expires_at = self._clock() + self._window_s
            if await self._store.swap(self._slug, before, after, expires_at=expires_at):
                return


def _unpacked(data: bytes | None) -> _Record:
    try:
        return _Record() if data is None else msgspec.json.decode(data, type=_Record)
    except msgspec.MsgspecError:
        return _Record()  # a count that can't be read is no reason to refuse a harvest
