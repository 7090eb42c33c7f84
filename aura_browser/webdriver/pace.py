"""How often a page is looked at: the longer it stays as it is, the less often, since each look costs CPU time."""

import time
from typing import Final

_MAX_INTERVAL_S: Final = 0.25
_INTERVAL_SHARE: Final = 0.1  # of the time that the page was as it is


class Pace:
    """The time between two looks.

    A change is seen late by a tenth of the time that the page was as it is, and by 0.25 s at most.

    Args:
        min_interval_s: seconds between two looks at a page that has just changed.
    """

    def __init__(self, min_interval_s: float) -> None:
        self._min_interval_s = min_interval_s
        self._state: object = None
        self._since = time.monotonic()

    def see(self, state: object) -> float:
        """Return for how many seconds to wait, after a look that found *state*: something that can be compared."""
        now = time.monotonic()
        if state != self._state:
            self._state, self._since = state, now
        return max(self._min_interval_s, min(_MAX_INTERVAL_S, (now - self._since) * _INTERVAL_SHARE))
