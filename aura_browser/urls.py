"""URLs: read and joined as browsers do (https://url.spec.whatwg.org/), so that a site gets each as it was written.

yarl alone decodes what need not be encoded: ``%40`` in a path, ``%2F`` in a query. A cookie's path then no longer fits,
a signature no longer holds, and a site that redirects to its own spelling does so for ever.
"""

import re
from functools import lru_cache
from typing import Final, NamedTuple

from yarl import URL

_MAX_AUTHORITY_LENGTH: Final = 1024
_SPECIAL: Final = frozenset({"http", "https", "ws", "wss"})
_BLANK: Final = "".join(map(chr, range(0x21)))
_LINE: Final = re.compile("[\t\r\n]")
_PARTS: Final = re.compile(r"(?:([A-Za-z][A-Za-z0-9+.-]*):)?([^?#]*)(\?[^#]*)?(#.*)?", re.DOTALL)
_IN_PATH: Final = re.compile(r"[^!$-;=@-\]_a-z~%]+")  # Chrome encodes | there, too
_IN_QUERY: Final = re.compile(r"[^!$-&(-;=?-~]+")
_IN_FRAGMENT: Final = re.compile(r"[^!#-;=?-_a-~]+")
_ENCODED_DOT: Final = re.compile("%2e", re.IGNORECASE)


class _Parts(NamedTuple):
    """An address in parts: the scheme in lower case, or ""; slashes only in the place; ``?`` and ``#`` with theirs."""

    scheme: str
    place: str
    query: str
    fragment: str


@lru_cache(maxsize=512)
def read_url(text: str) -> URL:
    """Return *text* as a URL, encoded only where a browser would encode it; without a web scheme as yarl reads it.

    Raises:
        ValueError: if it is no URL.
    """
    parts = _split(text)
    if parts.scheme not in _SPECIAL:
        return _read_plain(str.__str__(text))
    authority, slash, path = parts.place.lstrip("/").partition("/")
    if not authority:
        raise ValueError("not a URL: it has no host")
    origin = _read_plain(f"{parts.scheme}://{authority}")
    if ":" in (origin.raw_host or "") and "[" not in origin.raw_authority:
        raise ValueError("not a URL: yarl drops the brackets of what is no IPv6 address")
    return _build(f"{parts.scheme}://{origin.raw_authority}", slash + path, parts)


def join_url(base: URL, text: str) -> URL:
    r"""Return *text*, a URL or a part of one, as the page at *base* would: ``\\host`` and ``///host`` are other hosts.

    Raises:
        ValueError: if it is no URL.
    """
    parts = _split(text)
    is_whole = parts.scheme not in {"", base.scheme}
    if is_whole or parts.place.startswith("//"):
        return read_url(text if parts.scheme else f"{base.scheme}:{text.strip(_BLANK)}")
    if not parts.place:
        parts = parts._replace(query=parts.query or f"?{base.raw_query_string}")
    folder = "" if parts.place.startswith("/") else base.raw_path.rpartition("/")[0] + "/"
    path = folder + parts.place if parts.place else base.raw_path
    return _build(f"{base.scheme}://{base.raw_authority}", path, parts)


def _split(text: str) -> _Parts:
    try:
        text = _LINE.sub("", str.__str__(text).strip(_BLANK))
    except TypeError:  # no text
        raise ValueError("not a URL") from None
    found = _PARTS.match(text)
    scheme, place, query, fragment = found.groups(default="") if found else ("", "", "", "")
    return _Parts(scheme.lower(), place.replace("\\", "/"), query, fragment)


def _build(origin: str, path: str, parts: _Parts) -> URL:
    return URL(
        origin
        + _encode(_IN_PATH, _remove_dots(path))
        + parts.query[:1]
        + _encode(_IN_QUERY, parts.query[1:])
        + parts.fragment[:1]
        + _encode(_IN_FRAGMENT, parts.fragment[1:]),
        encoded=True,
    )


def _encode(encoded: re.Pattern[str], text: str) -> str:
    return encoded.sub(lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()), text)


def _remove_dots(path: str) -> str:
    """Resolve ``.`` and ``..`` in *path*, which begins with a slash or is empty."""
    if "." not in path and "%2" not in path:
        return path
    names = [_ENCODED_DOT.sub(".", segment) for segment in path.split("/")]
    kept: list[str] = []
    for name, segment in zip(names[1:], path.split("/")[1:], strict=True):
        if name == "..":
            kept[-1:] = []
        elif name != ".":
            kept.append(segment)
    return "/".join(["", *kept, *([""] if names[-1] in {".", ".."} else [])])


def _read_plain(text: str) -> URL:
    if not text.isascii():
        text.encode()  # yarl drops half a surrogate pair
        authority = re.split("[/?#]", text.partition("//")[2], maxsplit=1)[0]
        if len(authority) > _MAX_AUTHORITY_LENGTH and not authority.isascii():
            raise ValueError("not a URL")  # the time to make it an IDN grows with the square of its length
    try:
        return URL(text)
    except (IndexError, AttributeError):  # yarl 1.25.1 fails so for "//@["
        raise ValueError("not a URL") from None
