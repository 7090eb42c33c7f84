"""Sessions that live as long as the process."""

import asyncio
import threading
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from aura_browser.errors import StoreError
from aura_browser.slugs import find_aside
from aura_browser.store.base import Lease, Store

_POLL_INTERVAL_S: Final = 0.02


class MemoryStore(Store):
    """A store in memory. It can serve several event loops."""

    def __init__(self) -> None:
        self._values: dict[str, bytes] = {}
        self._guard = threading.Lock()
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    async def read(self, slug: str) -> bytes | None:
        """Return the value under *slug*, or None."""
        return self._values.get(slug)

    async def swap(
        self,
        slug: str,
        before: bytes | None,
        after: bytes | None,
        *,
        expires_at: float | None = None,  # noqa: ARG002 - nothing outlives the process
        lease: Lease | None = None,  # noqa: ARG002 - a lock in memory can't be lost
    ) -> bool:
        """Replace the value under *slug* by *after* if it equals *before*."""
        with self._guard:
            if self._values.get(slug) != before:
                return False
            if after is None:
                self._values.pop(slug, None)
            else:
                self._values[slug] = after
            return True

    async def slugs(self) -> tuple[str, ...]:
        """Return all slugs."""
        return tuple(sorted(self._values))

    async def set_aside(self, slug: str) -> str:
        """Move the value under *slug* to another slug."""
        with self._guard:
            last, free = find_aside(slug, self._values.__contains__)
            if slug not in self._values:
                return last  # another task has done it
            self._values[free] = self._values.pop(slug)
            return free

    @asynccontextmanager
    async def lock(self, slug: str, *, wait_s: float) -> AsyncIterator[Lease]:
        """Hold the lock. It also works between event loops, so it is polled instead of awaited."""
        lock, deadline = self._locks[slug], time.monotonic() + wait_s
        while not lock.acquire(blocking=False):
            if time.monotonic() > deadline:
                raise StoreError("in memory", f"another task held its lock for over {wait_s:.0f} s. Try again.")
            await asyncio.sleep(_POLL_INTERVAL_S)
        try:
            yield Lease(slug)
        finally:
            lock.release()
