"""When to renew a session before the site refuses it."""

import math
from enum import Enum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from aura_browser.session import Session

_ADVISORY_SHARE: Final = 0.15
_MIN_ADVISORY_S: Final = 3.0  # sites count whole seconds, an answer takes time, and so does a renewal
_MAX_ADVISORY_S: Final = 600.0
_HARVESTS_AHEAD: Final = 2.0
_SAME_END_S: Final = 2.0  # sites say how long a cookie lives to the second


class Due(Enum):
    """Whether to renew: no, soon (in the background), or now that the session has probably ended."""

    NO = "no"
    SOON = "soon"
    NOW = "now"


class Term:
    """How long a session lasts from the change that put its end off, as far as this process has seen.

    A site that sets another cookie with each answer, and leaves the session's end where it is, would else shorten its
    life with each, until nothing of the window before its end was left.
    """

    def __init__(self) -> None:
        self._end = self._life_s = 0.0

    def find_life(self, session: "Session") -> float:
        """Return for how long *session* lasts, in seconds."""
        end = session.expires_at or 0.0
        if abs(end - self._end) > _SAME_END_S:
            self._end, self._life_s = end, end - _find_last_change(session)
        return self._life_s


def renewal_due(
    session: "Session", now: float, *, harvest_s: float = 0.0, jitter: float = 1.0, life_s: float | None = None
) -> Due:
    """Return whether to renew *session* at *now*. A session without a known expiry is never renewed early.

    The advisory window is the last 15 % of the session's life, at most 10 minutes, and at least the time of two
    harvests and 3 seconds so that a short-lived session is replaced in time, but no more than half its life. Life
    starts at the last proof or rotation that put its end off, so a session with a sliding expiry is never due while it
    is used. The end is a guess: once it has come, the site is asked.

    Args:
        session: the session.
        now: epoch seconds.
        harvest_s: seconds that a harvest takes; 0 if unknown.
        jitter: a factor on the 15 % and 10 minutes, so that a fleet does not renew all at once.
        life_s: seconds that it lasts; None for those from its last proof or rotation to its end.
    """
    first_due = find_first_due(session, harvest_s=harvest_s, jitter=jitter, life_s=life_s)
    return compare_due(session, first_due, now)


def compare_due(session: "Session", first_due: float, now: float) -> Due:
    """Return whether to renew *session* at *now*, if it is due from *first_due* on; both are epoch seconds."""
    if session.expires_at is None or now < first_due:
        return Due.NO
    return Due.NOW if session.expires_at <= now else Due.SOON


def find_first_due(
    session: "Session", *, harvest_s: float = 0.0, jitter: float = 1.0, life_s: float | None = None
) -> float:
    """Return from when on :func:`renewal_due` does not return ``Due.NO``, in epoch seconds. Arguments as there."""
    end = session.expires_at
    if end is None:
        return math.inf
    life = end - _find_last_change(session) if life_s is None else life_s
    share = min(_ADVISORY_SHARE * life, _MAX_ADVISORY_S) * jitter
    return end - max(min(max(share, _HARVESTS_AHEAD * harvest_s, _MIN_ADVISORY_S), life / 2), 0.0)


def ends_later(session: "Session", other: "Session") -> bool:
    """Return whether *session* ends later than *other*, by more than the rounding of what sites say."""
    if session.expires_at is None or other.expires_at is None:
        return True
    return session.expires_at > other.expires_at + _SAME_END_S


def _find_last_change(session: "Session") -> float:
    return max(session.harvested_at, session.verified_at or 0.0, session.rotated_at or 0.0)
