"""Make text and URLs from outside safe to print, and format durations."""

import unicodedata
from typing import Final

_MAX_TEXT_LENGTH: Final = 300


def clean_text(text: str, limit: int = _MAX_TEXT_LENGTH) -> str:
    """Make text from outside safe to print on one line of a terminal.

    Control, format (bidirectional) and surrogate characters are removed, white space is collapsed, and text over
    *limit* characters is truncated.
    """
    one_line = "".join(" " if char.isspace() else char for char in text)
    printable = "".join(char for char in one_line if unicodedata.category(char) not in {"Cc", "Cf", "Cs"})
    collapsed = " ".join(printable.split())
    return collapsed if len(collapsed) <= limit else collapsed[: limit - 1] + "…"


def redact_url(url: object) -> str:
    """Return *url* without its parts that may be secret (user, password, query, fragment), cleaned for a terminal.

    Args:
        url: a string or a ``yarl.URL``. It need not be well-formed.
    """
    address = str(url).partition("#")[0].partition("?")[0]
    scheme, separator, rest = address.partition("://")
    if not separator:
        return clean_text(address)
    authority, slash, path = rest.partition("/")
    return clean_text(f"{scheme}://{authority.rpartition('@')[2]}{slash}{path}")


def format_duration(seconds: float) -> str:
    """Return a duration in its largest whole unit, such as ``5 min``; ``0 s`` for a negative one."""
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{int(seconds // length)} {unit}"
    return f"{max(0, int(seconds))} s"
