"""Make text and URLs from outside safe to print, and format durations, counts and names."""

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

_MAX_TEXT_LENGTH: Final = 300
_MAX_NAMES: Final = 8
_MAX_NAME_LENGTH: Final = 60
_UNPRINTABLE: Final = frozenset({"Cc", "Cf", "Cs"})
# What can steer a terminal: control characters, which begin escape sequences, but for tab and newline; and what changes
# the direction of the text around it. Half a surrogate pair can't be written at all.
_STEERING: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_BLANKS: Final = "".join(map(chr, range(33)))

_SECRET_NAME: Final = re.compile(r"(?:^|&)[^=&]*(?:code|token|key|secret|pass|session|auth|sig)[^=&]*=", re.IGNORECASE)


def clean_text(text: str, limit: int = _MAX_TEXT_LENGTH) -> str:
    """Make text from outside safe to print on one line of a terminal.

    Control, format (bidirectional) and surrogate characters are removed, white space is collapsed, and text over
    *limit* characters is truncated.
    """
    one_line = "".join(" " if char.isspace() else char for char in text[: 16 * limit])
    collapsed = " ".join(drop_unprintable(one_line).split())
    is_short = len(collapsed) <= limit and len(text) <= 16 * limit
    return collapsed if is_short else collapsed[: limit - 1] + "…"


def drop_unprintable(text: str) -> str:
    """Return *text* without control, format and surrogate characters, line ends among them."""
    if text.isprintable():
        return text
    return "".join(char for char in text if unicodedata.category(char) not in _UNPRINTABLE)


def redact_url(url: object) -> str:
    """Return *url* without its parts that may be secret (user, password, query, fragment), cleaned for a terminal.

    Args:
        url: a string or a ``yarl.URL``. It need not be well-formed.
    """
    # Browsers drop these characters, so a URL that is split by them is still the same one.
    address = drop_unprintable(str(url)[: 16 * _MAX_TEXT_LENGTH].strip(_BLANKS))
    address = address.partition("#")[0].partition("?")[0]
    scheme, separator, rest = address.partition("://")
    if not separator:
        return clean_text(address)
    authority, slash, path = rest.partition("/")
    return clean_text(f"{scheme}://{authority.rpartition('@')[2]}{slash}{path}")


def has_secret(url: str) -> bool:
    """Return whether *url* has a part that may be secret: a password, a query or a fragment. A path never has."""
    _, separator, rest = url.partition("://")
    return bool(separator) and (":" in rest.rpartition("@")[0] or "?" in rest or "#" in rest)


def hide_tokens(url: str) -> str:
    """Return *url* to show in a command: whole, unless its query or fragment names what looks like a secret."""
    address, separator, more = url.partition("?")
    if not separator:
        return url.partition("#")[0]
    query = more.partition("#")[0]
    return address if _SECRET_NAME.search(query) else f"{address}?{query}"


def copy_text(text: str) -> str:
    """Return *text* as exactly ``str``: encoders refuse subclasses, such as markupsafe's ``Markup``."""
    # Not str(text): a subclass may return something else there, as enumerations do.
    return text if type(text) is str else str.__str__(text)


class TerminalFilter:
    """Replaces what could steer a terminal by U+FFFD, in text that arrives in pieces. Tabs and line ends stay."""

    def __init__(self) -> None:
        self._held = ""

    def feed(self, text: str) -> str:
        """Return what can be shown of *text*; a carriage return at its end waits for what follows."""
        text = self._held + text
        self._held = "\r" if text.endswith("\r") else ""
        return make_inert(text.removesuffix("\r"))

    def flush(self) -> str:
        """Return what was held back, at the end of the text."""
        held, self._held = self._held, ""
        return make_inert(held)


def make_inert(text: str) -> str:
    """Return *text* with U+FFFD for whatever could steer a terminal. Tabs and line ends stay; CRLF becomes LF."""
    return _STEERING.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n"))


def format_duration(seconds: float) -> str:
    """Return a duration in its largest whole unit, such as ``5 min``; ``0 s`` for a negative one."""
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{int(seconds // length)} {unit}"
    return f"{max(0, int(seconds))} s"


def count(things: Iterable[object], noun: str, plural: str = "") -> str:
    """Return how many *things* there are, with the noun."""
    number = len(list(things))
    return f"{number} {noun if number == 1 else plural or f'{noun}s'}"


def list_names(names: Iterable[str]) -> str:
    """Return names of cookies or headers, made safe to show; the first few if there are many."""
    shown = [clean_text(name, _MAX_NAME_LENGTH) or "(no name)" for name in names]
    more = f", … {len(shown) - _MAX_NAMES} more" if len(shown) > _MAX_NAMES else ""
    return ", ".join(shown[:_MAX_NAMES]) + more
