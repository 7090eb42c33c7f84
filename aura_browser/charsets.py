"""Bytes of a page as text: which charset it is in, and its text."""

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

_CHARSET: Final = re.compile(r"[a-z0-9][a-z0-9_.:-]{1,39}")
# Python's codecs that no site sends text in; for the first two the time grows with the square of the length.
_NO_CHARSET: Final = re.compile(r"idna|punycode|undefined|(?:raw[_-])?unicode[_-]escape|oem|mbcs|.*codec")
# Where HTML states it, https://html.spec.whatwg.org/multipage/parsing.html#prescan-a-byte-stream-to-determine-its-encoding
_META: Final = re.compile(rb"<meta[^<>]{0,200}\bcharset=[\"']?([a-z0-9_.:-]{1,40})")
_PRESCAN_BYTES: Final = 1024


def find_charset(headers: Mapping[str, str], start: bytes = b"") -> str:
    """Return the charset of an answer in lower case; empty if it states none.

    Args:
        headers: the answer's; names in any case.
        start: the beginning of its body, for HTML that states it there.
    """
    kind = headers.get("Content-Type", "").lower()
    stated = kind.partition("charset=")[2].partition(";")[0].strip("\"' ")
    if not stated and "html" in kind and (found := _META.search(start[:_PRESCAN_BYTES].lower())):
        return found[1].decode("ascii")
    return stated


def decode_text(body: bytes, charset: str) -> str:
    """Return *body* as text in *charset*, or in UTF-8 if that is not the name of a charset. Nothing is raised."""
    name = charset.lower()
    if _CHARSET.fullmatch(name) and not _NO_CHARSET.fullmatch(name):
        with suppress(LookupError, ValueError):
            return body.decode(name, "replace")
    return body.decode("utf-8", "replace")
