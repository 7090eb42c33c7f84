"""When a session ends, as far as its site's definition says how to know it."""

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import msgspec
from yarl import URL

from aura_browser.session.session import guess_expiry
from aura_browser.site.place import read_jwt_end, read_place, read_time
from aura_browser.site.site import Site

if TYPE_CHECKING:
    from aura_browser.session import Session


def set_expiry(site: Site, session: "Session") -> "Session":
    """Return *session* with its end as *site* knows it; itself if that is no other.

    It is what the definition names; else the end of the token that requests carry, if that is a JWT; else what the
    cookies say, without those that the definition ignores.
    """
    expires_at = _find_end(site, session)
    if expires_at == session.expires_at:
        return session
    return msgspec.structs.replace(session, expires_at=expires_at)


def _find_end(site: Site, session: "Session") -> float | None:
    if site.expires:
        value = read_place(session, site.expires.place)
        if site.expires.kind == "time":
            return read_time(value)
        return read_jwt_end(value) if isinstance(value, str) else None
    token = site.auth.value.fill(session) if site.auth else None
    if token and (end := read_jwt_end(token)) is not None:
        return end
    if not site.ignore_cookies:
        return session.expires_at
    counted = [c for c in session.cookies if not any(fnmatchcase(c.name, each) for each in site.ignore_cookies)]
    return guess_expiry(counted, URL(session.origin))
