"""A store as Redis is one: for many machines, with leases that run out; held in memory, and away when told."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from random import Random
from typing import ClassVar, Final

from aura_browser.errors import StoreError
from aura_browser.store import Lease, Store

LEASE_S: Final = 15.0  # as of RedisStore, and so are the other figures here
_POLL_INTERVAL_S: Final = (0.05, 0.1)
_PLACE: Final = "the simulated Redis"

Count = Callable[[str], None]
"""Is called with the kind of each operation that is sent to the store."""


@dataclass(eq=False)
class Hold:
    """A lock that is held, until its lease runs out."""

    fence: int
    until: float
    renewing: asyncio.TimerHandle | None = None


class SharedStore(Store):
    """Serves one simulation.

    Args:
        loop: whose time is the store's.
        count: counts operations.
        chance: when a taken lock is asked for again.
        away: from when until when each operation fails, in the loop's seconds; None if none does.

    Attributes:
        latency_s: seconds that an operation takes; 0 for none, where sessions have nothing to do with each other.
    """

    spans_machines: ClassVar[bool] = True

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        count: Count,
        chance: Random,
        *,
        away: tuple[float, float] | None = None,
    ) -> None:
        self._loop = loop
        self._count = count
        self._chance = chance
        self.latency_s = 0.0
        self._away = away or (0.0, 0.0)
        self._values: dict[str, bytes] = {}
        self._holds: dict[str, Hold] = {}

    def put(self, slug: str, value: bytes) -> None:
        """Store what was there before the simulation began."""
        self._values[slug] = value

    async def read(self, slug: str) -> bytes | None:
        await self._send("read")
        return self._values.get(slug)

    async def swap(
        self,
        slug: str,
        before: bytes | None,
        after: bytes | None,
        *,
        expires_at: float | None = None,
        lease: Lease | None = None,
    ) -> bool:
        await self._send("swap")
        if lease is not None and not self._is_held(lease):
            raise StoreError(_PLACE, f"the lease was lost while {slug} was renewed.")
        if self._values.get(slug) != before:
            return False
        if after is None:
            self._values.pop(slug, None)
        else:
            self._values[slug] = after
        return True

    async def slugs(self) -> tuple[str, ...]:
        await self._send("scan")
        return tuple(sorted(self._values))

    async def set_aside(self, slug: str) -> str:
        raise AssertionError(f"{slug} can't be read, though only the package's code writes it")

    @asynccontextmanager
    async def lock(self, slug: str, *, wait_s: float) -> AsyncIterator[Lease]:
        hold = await self._acquire(slug, wait_s)
        self._renew_later(hold)
        try:
            yield Lease(slug, hold.fence)
        finally:
            if hold.renewing is not None:
                hold.renewing.cancel()
            with suppress(StoreError):  # then the lease runs out
                await self._send("release")
                hold.until = 0.0

    async def _acquire(self, slug: str, wait_s: float) -> Hold:
        deadline = self._loop.time() + wait_s
        while True:
            await self._send("acquire")
            now, last = self._loop.time(), self._holds.get(slug)
            if last is None or last.until <= now:
                hold = self._holds[slug] = Hold(1 if last is None else last.fence + 1, now + LEASE_S)
                return hold
            if now > deadline:
                raise StoreError(_PLACE, f"another process held the lock of {slug} for over {wait_s:g} s.")
            await asyncio.sleep(self._chance.uniform(*_POLL_INTERVAL_S))

    def _renew_later(self, hold: Hold) -> None:
        hold.renewing = self._loop.call_later(LEASE_S / 3, self._renew, hold)

    def _renew(self, hold: Hold) -> None:
        self._count("lease")
        now = self._loop.time()
        if not self._is_away():
            if hold.until <= now:
                return  # lost
            hold.until = now + LEASE_S
        self._renew_later(hold)

    def _is_held(self, lease: Lease) -> bool:
        hold = self._holds.get(lease.slug)
        return hold is not None and hold.fence == lease.fence and hold.until > self._loop.time()

    def _is_away(self) -> bool:
        begin, end = self._away
        return begin <= self._loop.time() < end

    async def _send(self, kind: str) -> None:
        self._count(kind)
        if self.latency_s:
            await asyncio.sleep(self.latency_s)
        if self._is_away():
            raise StoreError(_PLACE, "Connection refused.")
