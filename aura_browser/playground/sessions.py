"""Session values and how long each is good."""

import base64
import secrets
import threading
import time
from dataclasses import dataclass

_MOST_SESSIONS = 10_000
# Decoded, this begins every value, so that each one holds + and / and ends in ==. Clients that quote or
# encode cookie values are refused by it every time, not one time in ten.
_WEIRD_START = base64.b64decode("a+b/")


def new_value() -> str:
    """Return a new unguessable value with ``+``, ``/`` and ``==``: legal in a cookie, and often mangled."""
    return base64.b64encode(_WEIRD_START + secrets.token_bytes(16)).decode()


@dataclass(frozen=True)
class _Session:
    owner: str
    ends: float


class Sessions:
    """The values that are good now. Safe to use from any thread.

    Args:
        life: seconds that a value stays good after it began.
    """

    def __init__(self, life: float) -> None:
        self._life = life
        self._good: dict[str, _Session] = {}
        self._lock = threading.Lock()

    def begin(self, value: str, owner: str = "") -> None:
        """Make *value* good from now on, for *owner* only."""
        with self._lock:
            self._forget_old()
            self._good[value] = _Session(owner, time.monotonic() + self._life)

    def holds(self, value: str, owner: str = "") -> bool:
        """Tell whether *value* is good now and belongs to *owner*."""
        with self._lock:
            session = self._good.get(value)
        return session is not None and session.owner == owner and time.monotonic() < session.ends

    def end(self, value: str) -> None:
        """Make *value* worthless, if it ever was good."""
        with self._lock:
            self._good.pop(value, None)

    def end_all(self) -> None:
        """Make every value worthless."""
        with self._lock:
            self._good.clear()

    def _forget_old(self) -> None:
        # All lives are equally long, so the first value in is the first to end.
        while self._good:
            oldest = next(iter(self._good))
            if self._good[oldest].ends > time.monotonic() and len(self._good) < _MOST_SESSIONS:
                return
            del self._good[oldest]
