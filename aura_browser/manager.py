"""The keeper of one session: gets it, renews it when it is refused, keeps up with its rotation."""

import asyncio
import copy
import logging
import time
from collections.abc import Awaitable, Callable, Sequence

from yarl import URL

from aura_browser.errors import AuraError, HarvestCoolingDown, InteractionRequired, StoreError
from aura_browser.session import Session
from aura_browser.store import SessionKey, Store

_log = logging.getLogger(__name__)

Harvest = Callable[[], Awaitable[Session]]
"""Opens a browser and returns a session. It bounds its own time."""


class SessionManager:
    """Keeps one session for any number of concurrent callers in one event loop.

    However many ask at once, there is one harvest; a caller that is cancelled takes nothing from the others. A
    harvest that failed, or whose session was refused at once, is not repeated before *cool_down_s* has passed, so
    a dead site starts no storm of browsers.

    Args:
        store: where the session is cached.
        key: what it is cached under.
        harvest: gets a new one.
        clock: returns epoch seconds.
        cool_down_s: seconds between a harvest that did not help and the next.
        first: a session to begin with, in place of the cached one.
    """

    def __init__(
        self,
        store: Store,
        key: SessionKey,
        harvest: Harvest,
        *,
        clock: Callable[[], float] = time.time,
        cool_down_s: float = 30.0,
        first: Session | None = None,
    ) -> None:
        self.clock = clock
        self._store = store
        self._key = key
        self._harvest = harvest
        self._cool_down_s = cool_down_s
        self._current = first
        self._flight: asyncio.Task[Session] | None = None
        self._saver: asyncio.Task[None] | None = None
        self._unsaved: Session | None = None
        self._unproven: Session | None = None
        self._failure = ""
        self._failed_until = 0.0

    async def get(self) -> Session:
        """Return the session: the one in use, else the cached one, else a new one.

        Raises:
            AuraError: what the harvest raises, or HarvestCoolingDown soon after it failed.
        """
        return self._current or await self._join(self._load_or_harvest)

    async def renew(self, refused: Session) -> Session:
        """Return another session than the *refused* one: compare-and-swap, by value and not by any clock.

        If the session in use, or the cached one, is another already, that is the answer and no browser starts.

        Raises:
            AuraError: as :meth:`get`.
        """
        if self._current is not None and self._current != refused:
            return self._current
        return await self._join(lambda: self._replace(refused))

    async def harvest(self) -> Session:
        """Return a new session from a browser, whatever is cached; it replaces what is cached.

        Raises:
            AuraError: as :meth:`get`.
        """
        while self._flight is not None:
            await asyncio.wait([self._flight])
        return await self._join(self._harvest_anew)

    def accept(self, session: Session, set_cookies: Sequence[str], url: URL) -> None:
        """Take note that *url* accepted *session* and answered with these ``Set-Cookie`` headers.

        They are folded into the session in use, and written to the store soon. A rotation of a session that has
        been replaced since is dropped.
        """
        current = self._current
        if current is None or current.harvested_at != session.harvested_at:
            return
        self._unproven = None
        rotated = current.fold(set_cookies, url, self.clock()) if set_cookies else current
        if rotated is not current:
            self._current = rotated
            self._save_soon(rotated)

    async def aclose(self) -> None:
        """End a harvest under way and write what is unsaved. The manager must not be used after that."""
        if self._flight is not None:
            self._flight.cancel()
            await asyncio.wait([self._flight])
        if self._saver is not None:
            await asyncio.wait([self._saver])

    async def _join(self, work: Callable[[], Awaitable[Session]]) -> Session:
        """Await the flight under way, or begin one with *work*. The flight belongs to the manager, not the caller."""
        if self._flight is None:
            self._flight = asyncio.ensure_future(work())
            self._flight.add_done_callback(self._landed)
        flight = self._flight
        try:
            return await asyncio.shield(flight)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if flight.cancelled() and task is not None and not task.cancelling():
                raise RuntimeError("the session manager was closed while it was in use") from None
            raise
        except AuraError as error:
            # Each caller gets its own: one object raised in many tasks would mix up their tracebacks.
            raise copy.copy(error) from error

    def _landed(self, flight: "asyncio.Future[Session]") -> None:
        self._flight = None
        if not flight.cancelled():
            flight.exception()  # marks it as seen, for when every caller was cancelled

    async def _load_or_harvest(self) -> Session:
        cached = await self._load()
        if cached is None or cached.is_over(self.clock()):
            return await self._harvest_anew()
        self._current = cached
        return cached

    async def _replace(self, refused: Session) -> Session:
        stored = await self._load()
        if stored is not None and stored != refused and stored.harvested_at >= refused.harvested_at:
            self._current = stored
            return stored
        if self._never_helped(refused):
            self._cool_down("the site refused the session that it had just given")
        return await self._harvest_anew()

    async def _harvest_anew(self) -> Session:
        if (wait := self._failed_until - self.clock()) > 0:
            raise HarvestCoolingDown(wait, self._failure)
        try:
            session = await self._harvest()
        except InteractionRequired:
            raise  # no browser was started, so there is nothing to cool down from
        except AuraError as error:
            self._cool_down(str(error))
            raise
        self._save_soon(session)
        if self._saver is not None:
            await asyncio.wait([self._saver])
        self._current = self._unproven = session
        return session

    def _never_helped(self, refused: Session) -> bool:
        """Tell whether *refused* came from a browser a moment ago, was never once accepted, and is not over."""
        unproven, self._unproven = self._unproven, None
        return (
            unproven is not None
            and unproven.harvested_at == refused.harvested_at
            and self.clock() < refused.harvested_at + self._cool_down_s
            and not refused.is_over(self.clock())
        )

    def _cool_down(self, reason: str) -> None:
        self._failure = reason
        self._failed_until = self.clock() + self._cool_down_s

    async def _load(self) -> Session | None:
        try:
            return await self._store.load(self._key)
        except StoreError as error:
            _log.warning("%s Going on without the cache.", error)
            return None

    def _save_soon(self, session: Session) -> None:
        """Have one writer at a time, so that many rotations become few writes and the last value wins."""
        self._unsaved = session
        if self._saver is None:
            self._saver = asyncio.create_task(self._save())

    async def _save(self) -> None:
        try:
            while (session := self._unsaved) is not None:
                self._unsaved = None
                await self._store.save(self._key, session)
        except StoreError as error:
            _log.warning("%s The session stays in memory only.", error)
        finally:
            self._saver = None
