"""When to renew a session before the site refuses it."""

from enum import Enum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from aura_browser.session import Session

_ADVISORY_SHARE: Final = 0.15
_MAX_ADVISORY_S: Final = 600.0
_HARVESTS_AHEAD: Final = 2.0


class Due(Enum):
    """Whether to renew: no, soon (in the background), or now that the session has probably ended."""

    NO = "no"
    SOON = "soon"
    NOW = "now"


def renewal_due(session: "Session", now: float, *, harvest_s: float = 0.0, jitter: float = 1.0) -> Due:
    """Return whether to renew *session* at *now*. A session without a known expiry is never renewed early.

    The advisory window is the last 15 % of the session's life, at most 10 minutes, and at least the time of two
    harvests so that a short-lived session is replaced in time, but no more than half its life. Life starts at the
    last proof or rotation, so a session with a sliding expiry is never due while it is used. The end is a guess: once
    it has come, the site is asked.

    Args:
        session: the session.
        now: epoch seconds.
        harvest_s: seconds that a harvest takes; 0 if unknown.
        jitter: a factor on the 15 % and 10 minutes, so that a fleet does not renew all at once.
    """
    if session.expires_at is None:
        return Due.NO
    life = session.expires_at - max(session.harvested_at, session.verified_at or 0.0, session.rotated_at or 0.0)
    left = session.expires_at - now
    if left <= 0:
        return Due.NOW
    share = min(_ADVISORY_SHARE * life, _MAX_ADVISORY_S) * jitter
    return Due.SOON if left <= min(max(share, _HARVESTS_AHEAD * harvest_s), life / 2) else Due.NO
