"""How many requests a browser sends to one origin at once: of HTTP/1.1 it opens six connections, and tells nobody."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

_log = logging.getLogger(__name__)

_HTTP1_LIMIT: Final = 5  # of Chrome's six, so that one is left for the page
_HTTP2_LIMIT: Final = 100  # what servers usually allow in one connection
_MULTIPLEXED: Final = frozenset({"h2", "h3"})


class Lane:
    """The requests to one origin. Those beyond the limit wait for their turn.

    Args:
        origin: for the log.
    """

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._limit = _HTTP1_LIMIT
        self._running = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._has_told = False

    def learn(self, protocol: str) -> None:
        """Note which protocol a response came with, as the browser names it; empty if it does not say."""
        if protocol in _MULTIPLEXED:
            self._limit = _HTTP2_LIMIT
            self._admit()

    @asynccontextmanager
    async def enter(self) -> AsyncIterator[None]:
        """Wait for a turn, and have it while the context lasts."""
        if self._running >= self._limit:
            await self._wait()
        else:
            self._running += 1
        try:
            yield
        finally:
            self._running -= 1
            self._admit()

    async def _wait(self) -> None:
        self._tell()
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                self._running -= 1  # it was admitted at the same moment
                self._admit()
            elif turn in self._waiting:  # it may have been passed over already
                self._waiting.remove(turn)
            raise

    def _admit(self) -> None:
        while self._waiting and self._running < self._limit:
            turn = self._waiting.popleft()
            if not turn.done():
                self._running += 1
                turn.set_result(None)

    def _tell(self) -> None:
        level = logging.DEBUG if self._has_told else logging.WARNING
        self._has_told = True
        _log.log(
            level,
            "%d requests to %s run in the page, as many as its browser sends at once; another one waits for its turn.",
            self._running,
            self._origin,
        )
