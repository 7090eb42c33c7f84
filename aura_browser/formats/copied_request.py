"""A request as a browser's developer tools copy it: the value that the parsers of all shells return."""

from typing import Final, NoReturn

import msgspec

from aura_browser.errors import InvalidInput, raise_alone

ADVICE: Final = "in DevTools, copy the request again"
"""What helps where a copy can't be read."""

MAX_LENGTH = 16 * 2**20
"""The longest text that is read, in characters."""


class CopiedCookie(msgspec.Struct, frozen=True):
    """A cookie of a copied request. Its value is never part of ``repr``.

    Attributes:
        name: its name; empty for a cookie without one.
        value: its value, byte for byte.
        domain: the domain that the text names; empty if it names no domain.
    """

    name: str
    value: str
    domain: str = ""

    def __repr__(self) -> str:
        return f"CopiedCookie({self.name!r})"

    def __rich_repr__(self) -> list[tuple[str, str]]:
        return [("name", self.name)]


class CopiedRequest(msgspec.Struct, frozen=True):
    """One request that was copied. Values of headers and cookies, and the body, are never part of ``repr``.

    Attributes:
        method: such as ``GET``.
        url: as copied.
        headers: names and values in their order, without ``Cookie``.
        cookies: in their order.
        body: the body, or None.
        left_out: the options in the text that have no meaning here, by name.
    """

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    cookies: tuple[CopiedCookie, ...] = ()
    body: bytes | None = None
    left_out: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"CopiedRequest({self.method!r}, {self.url.partition('?')[0]!r})"

    def __rich_repr__(self) -> list[tuple[str, str]]:
        return [("method", self.method), ("url", self.url.partition("?")[0])]


def read_cookies(header: str) -> tuple[CopiedCookie, ...]:
    """Return the cookies of a ``Cookie`` header (RFC 6265 section 4.2.1); text without ``=`` is a cookie's value."""
    cookies = []
    for pair in header.split(";"):
        name, separator, value = pair.strip().partition("=")
        if name or value:
            cookies.append(CopiedCookie(name, value) if separator else CopiedCookie("", name))
    return tuple(cookies)


def encode_body(text: str) -> bytes:
    """Return *text* as UTF-8.

    Raises:
        InvalidInput: if it holds half a surrogate pair.
    """
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise_alone(InvalidInput("copied command", "its body holds half a character; copy it again"))


def refuse(problem: str) -> NoReturn:
    """Raise the error for a text that can't be read.

    Args:
        problem: why; never with a value of the text.

    Raises:
        InvalidInput: always.
    """
    raise_alone(InvalidInput("copied command", f"{problem}; {ADVICE}"))
