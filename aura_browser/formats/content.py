"""What a file of another program holds of a session."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from yarl import URL

from aura_browser.hosts import origin_of, parse_url
from aura_browser.session import Cookie, Session
from aura_browser.session.session import Unknown
from aura_browser.session.times import to_seconds
from aura_browser.text import list_names

CookieFacts = dict[str, Any]
"""The fields of a :class:`Cookie`, not yet checked. ``domain`` may have a leading dot; ``expires`` may be in
milliseconds, and 0 or less for none."""

_MAX_DOMAIN_LENGTH: Final = 260  # the time to make a longer one an IDN grows with the square of its length
_PLAIN_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,60}")


@dataclass(frozen=True, kw_only=True)
class Content:
    """What a file of another program holds of a session.

    Attributes:
        cookies: its cookies, of any site.
        url: the page it is for; None if it does not say.
        user_agent: None if it does not say.
        headers: headers that a browser sends with every request.
        origins: what a browser's storage holds by origin, as in Playwright's storage state.
        session: the whole session, if the file was made from one.
        unknown: what it can't say.
        left_out: what of it is not kept: one sentence each, without values.
    """

    cookies: tuple[Cookie, ...] = ()
    url: str | None = None
    user_agent: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    origins: tuple[dict[str, Any], ...] = field(default=(), repr=False)
    session: Session | None = None
    unknown: tuple[Unknown, ...] = ()
    left_out: tuple[str, ...] = ()


def build_cookies(facts: Iterable[CookieFacts]) -> tuple[tuple[Cookie, ...], tuple[str, ...]]:
    """Return the cookies of *facts*, of several with one identity the last, and sentences on what is no cookie."""
    kept: dict[tuple[object, ...], Cookie] = {}
    spoilt: Counter[str] = Counter()
    for each in facts:
        try:
            cookie = _build(each)
        except (msgspec.ValidationError, UnicodeError):
            spoilt[show_name(each.get("name"))] += 1
            continue
        kept[cookie.identity] = cookie
    left_out = f"{spoilt.total()} that no browser would keep as cookies: {list_names(spoilt)}" if spoilt else ""
    return tuple(kept.values()), (left_out,) if left_out else ()


def show_name(name: object) -> str:
    """Return the name of a cookie, to show."""
    # In a damaged file a value may stand where the name should.
    return name if isinstance(name, str) and _PLAIN_NAME.fullmatch(name) else "(no usual name)"


def _build(facts: CookieFacts) -> Cookie:
    domain = facts["domain"]
    if not isinstance(domain, str) or len(domain) > _MAX_DOMAIN_LENGTH:
        raise msgspec.ValidationError
    host = domain.strip().removeprefix(".").strip("[]").lower()
    if not host.isascii():
        host = host.encode("idna").decode()
    return msgspec.convert(facts | {"domain": host, "expires": _read_expiry(facts.get("expires"))}, Cookie)


def _read_expiry(expires: float | None) -> float | None:
    """Return an expiry in epoch seconds; None for 0 and less, which means that there is none."""
    if expires is None or not 0 < expires < float("inf"):
        return None
    return float(to_seconds(expires))


def find_user_agent(headers: Mapping[str, str]) -> str | None:
    """Return the user agent among *headers*; None if it is not there."""
    return next((value for name, value in headers.items() if name.lower() == "user-agent"), None)


def undo_latin1(value: str) -> str | None:
    """Return a cookie's value if it is probably UTF-8 that a program took for Latin-1, as those in Python do.

    None if it is not.
    """
    if value.isascii():
        return None
    try:
        return value.encode("latin-1").decode()
    except UnicodeError:
        return None


def read_address(text: str) -> URL:
    """Return *text* as the address of a website.

    Raises:
        ValueError: if it is not one, or its host is a name that yarl reads and can't write (1.25.1).
    """
    address = parse_url(text, {"http", "https", "ws", "wss"})
    origin_of(address)
    return address
