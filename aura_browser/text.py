"""Foreign text and addresses made safe to show, and lengths of time as people say them."""

import unicodedata
from typing import Final

_LONGEST_FOREIGN_TEXT: Final = 300


def clean_text(text: str, limit: int = _LONGEST_FOREIGN_TEXT) -> str:
    """Make foreign text safe to print on one line of a terminal.

    Control, format (bidirectional) and surrogate characters are dropped, white space is folded, and text over
    *limit* characters is cut.
    """
    spaced = "".join(" " if char.isspace() else char for char in text)
    shown = "".join(char for char in spaced if unicodedata.category(char) not in {"Cc", "Cf", "Cs"})
    folded = " ".join(shown.split())
    return folded if len(folded) <= limit else folded[: limit - 1] + "…"


def redact_url(url: object) -> str:
    """Return an address without what may be secret in it: user, password, query and fragment; cleaned for a terminal.

    Args:
        url: a text or a ``yarl.URL``. It need not be well-formed.
    """
    address = str(url).partition("#")[0].partition("?")[0]
    scheme, separator, rest = address.partition("://")
    if not separator:
        return clean_text(address)
    authority, slash, path = rest.partition("/")
    return clean_text(f"{scheme}://{authority.rpartition('@')[2]}{slash}{path}")


def format_duration(seconds: float) -> str:
    """Return a length of time as people say it, such as ``5 min``; ``0 s`` for a negative one."""
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{int(seconds // length)} {unit}"
    return f"{max(0, int(seconds))} s"
