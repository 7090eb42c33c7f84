"""Does something once nobody has used a thing for a while."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class IdleTimer:
    """Counts who uses a thing.

    Args:
        idle_s: seconds without anybody after which *act* is called; None for never.
        act: is called in the event loop.
    """

    def __init__(self, idle_s: float | None, act: Callable[[], None]) -> None:
        self._idle_s = idle_s
        self._act = act
        self._users = 0
        self._timer: asyncio.TimerHandle | None = None

    @contextmanager
    def use(self) -> Iterator[None]:
        """Use the thing while the context lasts."""
        self._users += 1
        self.stop()
        try:
            yield
        finally:
            self._users -= 1
            if self._users == 0 and self._idle_s is not None:
                self._timer = asyncio.get_running_loop().call_later(self._idle_s, self._act)

    def stop(self) -> None:
        """Don't act, until somebody has used it again."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
