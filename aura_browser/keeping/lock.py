"""The lock of a renewal against other processes, and who does not wait for it."""

import logging
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from aura_browser.errors import StoreError
from aura_browser.store import Lease, SessionKey, Store

_log = logging.getLogger(__name__)

_TIMEOUT_S: Final = 330.0  # a little over the longest harvest, in which a person logs in
_PATIENCE_S: Final = 2.0  # of a person who is to get a window; a renewal that only adopts a session takes less


class RenewalLock:
    """Lets one process at a time renew a session.

    Args:
        store: the store whose lock it is.
        key: the session's key.
        opens_window: whether the renewal opens a window for a person. It does not wait for a harvest without one, which
            may be for nothing: it says so, and goes on. Windows open one after the other.

    Attributes:
        opens_window: as given.
    """

    def __init__(self, store: Store, key: SessionKey, *, opens_window: bool) -> None:
        self._store = store
        self._key = key
        self.opens_window = opens_window

    @asynccontextmanager
    async def hold(self) -> AsyncIterator[Lease | None]:
        """Hold the lock while the context lasts; yield None where the renewal goes on without it.

        Raises:
            StoreError: if the store spans machines and can't be used, or the lock was not free in time.
        """
        async with AsyncExitStack() as exits:
            try:
                lease = await (self._enter_for_window(exits) if self.opens_window else self._enter(exits))
            except StoreError as error:
                if self._store.spans_machines and not self.opens_window:
                    raise
                _log.warning("%s Renewing without the lock of other processes.", error)
                lease = None
            yield lease

    async def _enter(self, exits: AsyncExitStack) -> Lease:
        return await exits.enter_async_context(self._store.lock(self._key.slug, wait_s=_TIMEOUT_S))

    async def _enter_for_window(self, exits: AsyncExitStack) -> Lease | None:
        window, origin = f"{self._key.slug}.window", self._key.origin
        if await self._try(exits, window, _PATIENCE_S) is None:
            _log.warning("Another program has a window open for %s. Waiting until that is closed.", origin)
            await self._try(exits, window, _TIMEOUT_S)
        lease = await self._try(exits, self._key.slug, _PATIENCE_S)
        if lease is None:
            _log.warning(
                "Another program is renewing the session of %s. A window opens without waiting for it.", origin
            )
        return lease

    async def _try(self, exits: AsyncExitStack, name: str, wait_s: float) -> Lease | None:
        """Return the lock of that name; None if it was not free in time. Errors as :meth:`Store.lock`."""
        end = time.monotonic() + wait_s
        try:
            return await exits.enter_async_context(self._store.lock(name, wait_s=wait_s))
        except StoreError:
            if time.monotonic() < end:
                raise
            return None
