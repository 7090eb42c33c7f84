"""Sessions that live as long as the process."""

import asyncio
import threading
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from aura_browser.errors import StoreError
from aura_browser.store.base import Lease, Store

_GLANCE_S: Final = 0.02


class MemoryStore(Store):
    """A store in memory; one may serve several event loops."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}
        self._guard = threading.Lock()
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    async def read(self, slug: str) -> bytes | None:
        """Return what is under *slug*, or None."""
        return self._kept.get(slug)

    async def swap(
        self,
        slug: str,
        before: bytes | None,
        after: bytes | None,
        *,
        expires_at: float | None = None,  # noqa: ARG002 - the process is short-lived enough
        lease: Lease | None = None,  # noqa: ARG002 - a lock in memory can't be lost
    ) -> bool:
        """Put *after* under *slug* if *before* is there."""
        with self._guard:
            if self._kept.get(slug) != before:
                return False
            if after is None:
                self._kept.pop(slug, None)
            else:
                self._kept[slug] = after
            return True

    async def slugs(self) -> tuple[str, ...]:
        """Return all slugs."""
        return tuple(sorted(self._kept))

    async def set_aside(self, slug: str) -> str:
        """Move what is under *slug* to another slug."""
        aside = f"{slug}.corrupt"
        if (data := self._kept.pop(slug, None)) is not None:
            self._kept[aside] = data
        return aside

    @asynccontextmanager
    async def lock(self, slug: str, *, wait_s: float) -> AsyncIterator[Lease]:
        """Hold the lock; it works between event loops too, so it is looked at and not waited on."""
        lock, end = self._locks[slug], time.monotonic() + wait_s
        while not lock.acquire(blocking=False):
            if time.monotonic() > end:
                raise StoreError("in memory", f"another holds its lock for more than {wait_s:.0f} s")
            await asyncio.sleep(_GLANCE_S)
        try:
            yield Lease(slug)
        finally:
            lock.release()
