"""The time limit of a harvest, shared by the code that blocks and the code that ends it."""

import threading
import time
from typing import Final

_GRACE_S: Final = 2.0


class Deadline:
    """The time at which blocking code must stop. Another thread can bring it forward.

    Args:
        seconds: from now.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds
        self._cancelled = threading.Event()

    @property
    def left_s(self) -> float:
        """Seconds left; 0 once the deadline has passed or was cancelled."""
        return 0.0 if self._cancelled.is_set() else max(0.0, self._end - time.monotonic())

    @property
    def is_overdue(self) -> bool:
        """Whether code that checks the deadline itself should have stopped by now."""
        return self._cancelled.is_set() or time.monotonic() > self._end + _GRACE_S

    @property
    def is_cancelled(self) -> bool:
        """Whether :meth:`cancel` was called."""
        return self._cancelled.is_set()

    def cancel(self) -> None:
        """End the time now."""
        self._cancelled.set()

    def wait(self, seconds: float) -> None:
        """Sleep for *seconds*, but not past the deadline."""
        self._cancelled.wait(min(seconds, self.left_s))
