"""Places in a session where a value stands, and texts made from them. They are read anew at each use."""

import base64
import json
import math
import re
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from aura_browser.errors import InvalidInput
from aura_browser.session.times import MAX_SECONDS
from aura_browser.site.json_path import follow_path
from aura_browser.urls import read_url

if TYPE_CHECKING:
    from aura_browser.session import Session

CAPTURED: Final = "captured"
"""The name in ``Session.tokens`` of a request header that the browser was seen to send."""

_FORMS: Final = "local_storage.KEY, local_storage.KEY.PATH of a JSON value, cookie.NAME or captured"
_PLACE: Final = re.compile(r"(?:local_storage|cookie)\.[^{}]+|captured")
_IN_TEXT: Final = re.compile(rf"\{{({_PLACE.pattern})\}}")
_JWT: Final = re.compile(r"[A-Za-z0-9_-]{2,}\.([A-Za-z0-9_-]{2,})\.[A-Za-z0-9_-]*")
_MAX_JWT_LENGTH: Final = 64 * 1024


class Template(msgspec.Struct, frozen=True):
    """A text with places in braces, such as ``Bearer {local_storage.tokens.access_token}``. Other braces stay."""

    text: str

    def __post_init__(self) -> None:
        if not isinstance(self.text, str) or not _IN_TEXT.search(self.text):
            raise InvalidInput("template", f"{self.text!r} names no place in braces: {_FORMS}")

    @property
    def is_captured(self) -> bool:
        """Whether it needs a header that the browser was seen to send."""
        return "{captured}" in self.text

    def fill(self, session: "Session", *, in_json: bool = False) -> str | None:
        """Return the text with the values of *session*; None if one of them is not there.

        Args:
            session: the session.
            in_json: write the values as the inside of JSON strings.
        """
        values = {place: read_place(session, place) for place in _IN_TEXT.findall(self.text)}
        if not all(isinstance(value, str | int | float) and value != "" for value in values.values()):
            return None
        return _IN_TEXT.sub(lambda match: _write(values[match[1]], in_json=in_json), self.text)


def _write(value: object, *, in_json: bool) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return json.dumps(text)[1:-1] if in_json else text


class Expiry(msgspec.Struct, frozen=True):
    """Where a session says when it ends.

    Attributes:
        place: a place in the session.
        kind: ``time`` if epoch seconds or milliseconds stand there, ``jwt`` for a JWT.
    """

    place: str
    kind: Literal["time", "jwt"]


def check_place(place: str) -> str:
    """Return *place*. Raises InvalidInput if it has another form."""
    if not _PLACE.fullmatch(place):
        raise InvalidInput("place", f"{place!r} is not a place in a session: {_FORMS}")
    return place


def read_place(session: "Session", place: str) -> Any:  # noqa: ANN401 - JSON
    """Return what stands at *place* in *session*; None for nothing.

    Args:
        session: the session.
        place: ``local_storage.KEY``, with keys and indexes into a JSON value after it; ``cookie.NAME``; or
            ``captured``. The longest key of the local storage that fits is taken, since a key may hold dots.
    """
    kind, _, rest = place.partition(".")
    if kind == "cookie":
        return read_cookie(session, rest)
    if kind == CAPTURED:
        return session.tokens.get(CAPTURED)
    key = find_key(session, rest)
    if key is None:
        return None
    stored = session.local_storage[key]
    return stored if key == rest else follow_path(stored, rest[len(key) + 1 :])


def read_cookie(session: "Session", name: str) -> str | None:
    """Return the value of the cookie *name* that the session's page has, of several the one of the longest path.

    If the page has no cookie of that name, one of another page is taken; None if no cookie has it.
    """
    named = [cookie for cookie in session.cookies if cookie.name == name]
    url = read_url(session.url)
    own = [cookie for cookie in named if cookie.goes_to(url, 0.0)] if len(named) > 1 else named
    return max(own or named, key=lambda cookie: len(cookie.path)).value if named else None


def find_key(session: "Session", path: str) -> str | None:
    """Return the longest key of the local storage that *path* begins with; None if there is none."""
    keys = (key for key in session.local_storage if key and (path == key or path.startswith(f"{key}.")))
    return max(keys, default=None)  # the longest: each begins like those that are shorter


def read_time(value: object) -> float | None:
    """Return a time in epoch seconds; None if *value* is no time. Milliseconds are known by their size."""
    try:
        number = float(value) if isinstance(value, str | int | float) else math.nan
    except (ValueError, OverflowError):
        return None
    seconds = number / 1000 if number > MAX_SECONDS else number
    return seconds if 0 < seconds <= MAX_SECONDS else None


def read_jwt_end(text: str) -> float | None:
    """Return the time at which the JWT in *text* ends (``exp``, RFC 7519 section 4.1.4), in epoch seconds, or None.

    It is not verified: only the site can do that.
    """
    match = _JWT.search(text) if len(text) <= _MAX_JWT_LENGTH else None
    if match is None:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(match[1] + "=" * (-len(match[1]) % 4)))
    except (ValueError, RecursionError):
        return None
    return read_time(claims.get("exp")) if isinstance(claims, dict) else None
