"""How long a session lasts, and when it is to be renewed before the site refuses it."""

from enum import Enum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from aura_browser.session import Session

_ADVISORY_SHARE: Final = 0.15
_ADVISORY_MOST_S: Final = 600.0
_MANDATORY_SHARE: Final = 0.02
_MANDATORY_MOST_S: Final = 5.0
_HARVESTS_AHEAD: Final = 2.0


class Due(Enum):
    """Whether to renew: no, soon (callers go on with the old session meanwhile), or now (they wait)."""

    NO = "no"
    SOON = "soon"
    NOW = "now"


def renewal_due(session: "Session", now: float, *, harvest_s: float = 0.0, jitter: float = 1.0) -> Due:
    """Tell whether *session* is to be renewed at *now*. One whose end is not known never is.

    The advisory window is the last 15 % of the session's life, at most 10 minutes, and at least the time of two
    harvests so that a short-lived session is replaced in time, but no more than half its life. The mandatory
    window is the last 2 %, at most 5 s. Life is counted from the last proof or rotation, so that a session which
    slides on is never due while it is used.

    Args:
        session: which.
        now: epoch seconds.
        harvest_s: seconds that a harvest takes; 0 if not known.
        jitter: factor on the 15 % and 10 minutes, so that a fleet does not renew in one moment.
    """
    if session.expires_at is None:
        return Due.NO
    life = session.expires_at - max(session.harvested_at, session.verified_at or 0.0)
    left = session.expires_at - now
    if left <= min(_MANDATORY_SHARE * life, _MANDATORY_MOST_S):
        return Due.NOW
    share = min(_ADVISORY_SHARE * life, _ADVISORY_MOST_S) * jitter
    return Due.SOON if left <= min(max(share, _HARVESTS_AHEAD * harvest_s), life / 2) else Due.NO
