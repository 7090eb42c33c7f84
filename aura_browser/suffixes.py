"""The public suffix list (https://publicsuffix.org): under which names anybody can register one.

The rules are searched in the text that the package ``publicsuffixlist`` bundles. Its own class parses all ten thousand
of them first, which takes 40 to 80 ms; a cookie with a ``Domain`` would stop the event loop for that long.
"""

from functools import lru_cache
from pkgutil import get_data
from typing import Final

# Loaded with the module: under a millisecond, so an event loop may import this.
_RULES: Final = b"\n%b\n" % (get_data("publicsuffixlist", "public_suffix_list.dat") or b"")


@lru_cache(maxsize=4096)
def registrable_part(host: str) -> str | None:
    """Return the public suffix of *host* with one more label; None if *host* is itself a public suffix.

    A name that no rule covers has its last label as its suffix, so a host of one label is one.

    Args:
        host: lower case, not an IP address; an international name in its ASCII form.
    """
    labels = host.split(".")
    start = _suffix_start(labels)
    return ".".join(labels[start - 1 :]) if start > 0 and labels[start - 1] else None


def _suffix_start(labels: list[str]) -> int:
    """Return the index of the label at which the longest rule begins (https://github.com/publicsuffix/list/wiki)."""
    names = [_decode(label) for label in labels]
    if _has_rule("*.", names):
        return 0  # as in Chrome, what all names above belong to belongs to nobody
    for start in range(len(names)):
        if _has_rule("!", names[start:]):
            return start + 1
        if _has_rule("", names[start:]) or _has_rule("*.", names[start + 1 :]):
            return start
    return len(names) - 1


def _has_rule(mark: str, names: list[str]) -> bool:
    return f"\n{mark}{'.'.join(names)}\n".encode() in _RULES


def _decode(label: str) -> str:
    """Return an international label as the list spells it."""
    if not label.startswith("xn--"):
        return label
    try:
        return label[4:].encode().decode("punycode")
    except UnicodeError:
        return label
