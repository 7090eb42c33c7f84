"""When a harvest has to be over, for the code that blocks and for those who end it."""

import threading
import time
from typing import Final

_GRACE_S: Final = 2.0


class Deadline:
    """A point in time that blocking code stops at, and a way to bring it forward from another thread.

    Args:
        seconds: from now.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds
        self._cancelled = threading.Event()

    @property
    def left_s(self) -> float:
        """Seconds until it has come; 0 from then on."""
        return 0.0 if self._cancelled.is_set() else max(0.0, self._end - time.monotonic())

    @property
    def is_overdue(self) -> bool:
        """Whether code that keeps to the deadline by itself would have stopped by now."""
        return self._cancelled.is_set() or time.monotonic() > self._end + _GRACE_S

    @property
    def cancelled(self) -> bool:
        """Whether :meth:`cancel` was called."""
        return self._cancelled.is_set()

    def cancel(self) -> None:
        """Let it come now."""
        self._cancelled.set()

    def wait(self, seconds: float) -> None:
        """Wait so many seconds, or less if the deadline comes before."""
        self._cancelled.wait(min(seconds, self.left_s))
