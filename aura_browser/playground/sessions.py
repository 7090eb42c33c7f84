"""Session values and their lifetimes."""

import base64
import secrets
import threading
import time
from dataclasses import dataclass

_MAX_SESSIONS = 10_000
# The decoded prefix of every value, so that each contains + and / and ends in ==. Clients that quote or encode
# cookie values are then refused always, not now and then.
_SPECIAL_PREFIX = base64.b64decode("a+b/")


def new_value() -> str:
    """Return a new random value with ``+``, ``/`` and ``==``: legal in a cookie, but often changed by clients."""
    return base64.b64encode(_SPECIAL_PREFIX + secrets.token_bytes(16)).decode()


@dataclass(frozen=True)
class _Session:
    owner: str
    expires_at: float


class Sessions:
    """The valid values. Safe to use from any thread.

    Args:
        life: seconds that a value stays valid after its beginning.
    """

    def __init__(self, life: float) -> None:
        self._life = life
        self._valid: dict[str, _Session] = {}
        self._lock = threading.Lock()

    def begin(self, value: str, owner: str = "") -> None:
        """Make *value* valid from now on, for *owner* only."""
        with self._lock:
            self._remove_old()
            self._valid[value] = _Session(owner, time.monotonic() + self._life)

    def is_valid(self, value: str, owner: str = "") -> bool:
        """Return whether *value* is valid now and belongs to *owner*."""
        with self._lock:
            session = self._valid.get(value)
        return session is not None and session.owner == owner and time.monotonic() < session.expires_at

    def end(self, value: str) -> None:
        """Make *value* invalid; nothing happens if it is not valid."""
        with self._lock:
            self._valid.pop(value, None)

    def end_all(self) -> None:
        """Make every value invalid."""
        with self._lock:
            self._valid.clear()

    def _remove_old(self) -> None:
        # All lifetimes are equal, so the oldest value ends first.
        while self._valid:
            oldest = next(iter(self._valid))
            if self._valid[oldest].expires_at > time.monotonic() and len(self._valid) < _MAX_SESSIONS:
                return
            del self._valid[oldest]
