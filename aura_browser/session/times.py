"""Times in a session of another program or machine: milliseconds and the future are put right."""

from typing import Final

import msgspec

from aura_browser.session.cookie import Cookie
from aura_browser.session.session import Session

MAX_SECONDS: Final = 253_402_300_799
"""The end of the year 9999, which some servers say for "never", in epoch seconds: what is later is in milliseconds."""


def correct_times(session: Session, now: float) -> Session:
    """Return *session* with all times in seconds, and what has happened not after *now* (epoch seconds)."""
    return msgspec.structs.replace(
        session,
        cookies=tuple(map(_correct_cookie, session.cookies)),
        harvested_at=min(to_seconds(session.harvested_at), now),
        verified_at=_correct_past(session.verified_at, now),
        rotated_at=_correct_past(session.rotated_at, now),
        expires_at=None if session.expires_at is None else to_seconds(session.expires_at),
    )


def _correct_cookie(cookie: Cookie) -> Cookie:
    if cookie.expires is None or cookie.expires <= MAX_SECONDS:
        return cookie
    return msgspec.structs.replace(cookie, expires=to_seconds(cookie.expires))


def _correct_past(then: float | None, now: float) -> float | None:
    return None if then is None else min(to_seconds(then), now)


def to_seconds(time: float) -> float:
    """Return *time* in seconds, if it is in milliseconds."""
    return time / 1000 if time > MAX_SECONDS else time
