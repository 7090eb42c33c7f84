"""How much is asked at once: places for streams, turns at the site, and the pause that the site itself asks for."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Final

from aura_browser.gateway.trouble import round_up
from aura_browser.gateway.wires.problem import Problem

_MAX_WAITING: Final = 32
_PLACE_WAIT_S: Final = 10.0
_TURN_WAIT_S: Final = 300.0
_BUSY_RETRY_S: Final = 1


class Turns:
    """A fair queue: so many at once, the others in the order in which they came. Who leaves is not waited for.

    Args:
        places: how many at once.
        max_waiting: how many may wait; None for any number.
        wait_s: the longest wait in seconds.
        busy: says what there are too many of, for the client.
    """

    def __init__(self, places: int, *, max_waiting: int | None, wait_s: float, busy: str) -> None:
        self._free = places
        self._max_waiting = max_waiting
        self._wait_s = wait_s
        self._busy = busy
        self._queue: deque[asyncio.Future[None]] = deque()

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._queue)

    @asynccontextmanager
    async def take(self) -> AsyncGenerator[None, None]:
        """Hold a place while the context lasts.

        Raises:
            Problem: 429 if too many wait, or the wait is too long.
        """
        if self._free:  # nobody waits then
            self._free -= 1
        else:
            await self._wait()
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self) -> None:
        if self._max_waiting is not None and len(self._queue) >= self._max_waiting:
            raise self._refuse()
        turn = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        try:
            async with asyncio.timeout(self._wait_s):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():
                self._pass_on()  # it came in the moment of leaving
            elif turn in self._queue:  # or who held the place has passed it by already
                self._queue.remove(turn)
            if isinstance(error, TimeoutError):
                raise self._refuse() from None
            raise

    def _pass_on(self) -> None:
        while self._queue:
            turn = self._queue.popleft()
            if not turn.done():  # one whose request has ended gets none
                turn.set_result(None)
                return
        self._free += 1

    def _refuse(self) -> Problem:
        return Problem(429, "server_busy", self._busy, retry_after_s=_BUSY_RETRY_S)


def make_places(count: int) -> Turns:
    """Return the places for open answers: 32 more requests wait up to 10 s."""
    busy = f"{count} answers are open already (--max-streams). Try again shortly."
    return Turns(count, max_waiting=_MAX_WAITING, wait_s=_PLACE_WAIT_S, busy=busy)


def make_turns(count: int) -> Turns:
    """Return the turns at the site; every open answer may wait for one."""
    busy = f"The site is asked {count} questions at once (--upstream-concurrency), and the queue is too long."
    return Turns(count, max_waiting=None, wait_s=_TURN_WAIT_S, busy=busy)


class Hold:
    """The site's own limit: until it is over, nobody asks.

    Args:
        clock: returns seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._until = 0.0

    @property
    def is_on(self) -> bool:
        """Whether nobody may ask now."""
        return self._clock() < self._until

    def begin(self, seconds: float) -> None:
        """Hold everybody back for so many seconds, unless it is longer already."""
        self._until = max(self._until, self._clock() + seconds)

    def check(self) -> None:
        """Return if the site may be asked.

        Raises:
            Problem: 429, with the time that is left.
        """
        left = self._until - self._clock()
        if left > 0:
            message = f"The site limits requests (429). Wait {round_up(left)} s, then try again."
            raise Problem(429, "rate_limit_exceeded", message, retry_after_s=round_up(left))
