"""Which headers a session may hold: what a browser says of itself with every request, and nothing of one request."""

from collections.abc import Iterable, Mapping
from typing import Final

from aura_browser.errors import SessionFormatError

CONNECTION_HEADERS: Final = frozenset(
    {"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "http2-settings"}
)
"""Headers of one connection (RFC 9110 section 7.6.1), in lower case."""

SECRET_HEADERS: Final = frozenset({"authorization", "cookie", "proxy-authorization"})
"""Headers that hold a login, in lower case."""

_ALWAYS_KEPT: Final = frozenset({"user-agent", "accept-language"})
_CLIENT_HINTS: Final = "sec-ch-"
# They describe one message or one connection (RFC 9110 sections 7 to 9, RFC 9112), or another field holds them.
_REFUSED: Final = frozenset(
    {
        *CONNECTION_HEADERS,
        *("host", "cookie", "cookie2", "set-cookie", "set-cookie2", "content-length", "content-encoding"),
        *("content-range", "content-md5", "expect", "range", "if-match", "if-none-match", "if-modified-since"),
        *("if-unmodified-since", "if-range", "max-forwards", "date", "via", "x-http-method-override"),
        *("x-http-method", "x-method-override"),
    }
)
_REFUSED_PREFIX: Final = "proxy-"


def is_lasting(name: str, extra: Iterable[str] = ()) -> bool:
    """Return whether a browser's header *name* belongs to its session.

    Those are the user agent, the language and the client hints.

    Args:
        name: in any case.
        extra: names that the site adds. One that no session may hold is ignored.
    """
    lowered = name.lower()
    is_named = any(lowered == other.lower() for other in extra)
    return lowered in _ALWAYS_KEPT or is_client_hint(name) or (is_named and not is_refused(name))


def is_client_hint(name: str) -> bool:
    """Return whether *name* is a client hint, which only the browser itself can set (``Sec-`` is reserved for it)."""
    return name.lower().startswith(_CLIENT_HINTS)


def is_refused(name: str) -> bool:
    """Return whether no session may hold the header *name*, because it belongs to one request or connection."""
    lowered = name.lower()
    return lowered in _REFUSED or lowered.startswith(_REFUSED_PREFIX)


def check_headers(headers: Mapping[str, str]) -> None:
    """Check the names of a session's headers.

    Raises:
        SessionFormatError: naming the first header that no session may hold, or that is there twice.
    """
    seen: set[str] = set()
    for name in headers:
        if is_refused(name):
            raise SessionFormatError(f"headers.{name}", "belongs to one request or connection, so no session holds it")
        if name.lower() in seen:
            raise SessionFormatError(f"headers.{name}", "is there twice")
        seen.add(name.lower())
