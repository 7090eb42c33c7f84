"""Which headers a page can set on a request, and which of them its browser sends by itself.

The names are those of https://fetch.spec.whatwg.org/#forbidden-request-header.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from aura_browser.errors import InvalidInput

_BY_THE_BROWSER: Final = frozenset(
    {
        *("accept-encoding", "connection", "content-length", "cookie", "host", "keep-alive", "origin"),
        *("referer", "user-agent"),
    }
)
_FORBIDDEN: Final = frozenset(
    {
        *("accept-charset", "access-control-request-headers", "access-control-request-method"),
        *("access-control-request-private-network", "cookie2", "date", "dnt", "expect", "set-cookie", "te"),
        *("trailer", "transfer-encoding", "upgrade", "via"),
    }
)
_OVERRIDES: Final = frozenset({"x-http-method", "x-http-method-override", "x-method-override"})
_FORBIDDEN_METHODS: Final = frozenset({"CONNECT", "TRACE", "TRACK"})
_PROBLEM: Final = "a page can't set it; leave it out, or send the request with transport='http'"


def select_headers(headers: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the headers that a page sets: those that the browser sends by itself are left out.

    Args:
        headers: the request's, as its caller wants them. Each character of a value that is returned is a byte.

    Raises:
        InvalidInput: naming the first header that a page can't set.
    """
    return list(_select(headers.items()))


def can_set(name: str) -> bool:
    """Return whether a page sets the header *name*, whatever its value is."""
    lowered = name.lower()
    return not (is_own(name) or lowered in _FORBIDDEN or lowered.startswith("proxy-") or lowered in _OVERRIDES)


def check_method(method: str) -> None:
    """Check that a page can send requests of *method*.

    Raises:
        InvalidInput: if it can't.
    """
    if method.upper() in _FORBIDDEN_METHODS:
        raise InvalidInput("method", f"a page can't send {method.upper()}; use transport='http'")


def is_own(name: str) -> bool:
    """Return whether the browser sends the header *name* by itself, whatever a page wants."""
    lowered = name.lower()
    return lowered in _BY_THE_BROWSER or lowered.startswith("sec-")


def _select(headers: Iterable[tuple[str, str]]) -> Iterable[tuple[str, str]]:
    for name, value in headers:
        lowered = name.lower()
        if is_own(name):
            continue
        is_override = lowered in _OVERRIDES and {v.strip().upper() for v in value.split(",")} & _FORBIDDEN_METHODS
        if lowered in _FORBIDDEN or lowered.startswith("proxy-") or is_override:
            raise InvalidInput(f"headers[{name}]", _PROBLEM)
        yield name, value.encode().decode("latin-1")
