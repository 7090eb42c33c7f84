"""When to renew a session before the site refuses it."""

from enum import Enum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from aura_browser.session import Session

_ADVISORY_SHARE: Final = 0.15
_MAX_ADVISORY_S: Final = 600.0
_MANDATORY_SHARE: Final = 0.02
_MAX_MANDATORY_S: Final = 5.0
_HARVESTS_AHEAD: Final = 2.0


class Due(Enum):
    """Whether to renew: no, soon (callers use the old session meanwhile), or now (callers wait)."""

    NO = "no"
    SOON = "soon"
    NOW = "now"


def renewal_due(session: "Session", now: float, *, harvest_s: float = 0.0, jitter: float = 1.0) -> Due:
    """Return whether to renew *session* at *now*. A session without a known expiry is never renewed early.

    The advisory window is the last 15 % of the session's life, at most 10 minutes, and at least the time of two
    harvests so that a short-lived session is replaced in time, but no more than half its life. The mandatory
    window is the last 2 %, at most 5 s. Life starts at the last proof or rotation, so a session with a sliding
    expiry is never due while it is used.

    Args:
        session: the session.
        now: epoch seconds.
        harvest_s: seconds that a harvest takes; 0 if unknown.
        jitter: a factor on the 15 % and 10 minutes, so that a fleet does not renew all at once.
    """
    if session.expires_at is None:
        return Due.NO
    life = session.expires_at - max(session.harvested_at, session.verified_at or 0.0)
    left = session.expires_at - now
    if left <= min(_MANDATORY_SHARE * life, _MAX_MANDATORY_S):
        return Due.NOW
    share = min(_ADVISORY_SHARE * life, _MAX_ADVISORY_S) * jitter
    return Due.SOON if left <= min(max(share, _HARVESTS_AHEAD * harvest_s), life / 2) else Due.NO
