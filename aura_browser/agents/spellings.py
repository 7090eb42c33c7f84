"""One text as pages, programs and addresses of all kinds spell it: escaped for HTML, JSON, JavaScript and URLs."""

import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from typing import Final

_SPECIAL: Final = re.compile(r"[^A-Za-z0-9_.~-]")
_MAX_PATTERN_LENGTH: Final = 4096  # a longer text is looked for as it is
# https://html.spec.whatwg.org/multipage/named-characters.html
_NAMED: Final = {
    "&": "amp",
    "<": "lt",
    ">": "gt",
    '"': "quot",
    "'": "apos",
    "/": "sol",
    "\\": "bsol",
    "+": "plus",
    "=": "equals",
    ":": "colon",
    ";": "semi",
    ",": "comma",
    "%": "percnt",
    "#": "num",
    "?": "quest",
    "!": "excl",
}
_SHORT_ESCAPES: Final = {"\n": "n", "\t": "t", "\r": "r", "\b": "b", "\f": "f"}


def replace_spellings(text: str, secret: str, by: str) -> str:
    """Return *text* with *secret* replaced by *by*, however its special characters are written.

    Each of them may be written in another way: PHP's JSON escapes slashes, .NET's plus signs, Go's ampersands.
    """
    if len(secret) > _MAX_PATTERN_LENGTH or not _SPECIAL.search(secret):
        return text.replace(secret, by)
    return re.sub(_SPECIAL.sub(lambda found: _spell(found[0]), secret), lambda _found: by, text)


def list_encodings(secret: str) -> Iterator[str]:
    """Yield *secret* in Base64, without its padding, and in hexadecimal digits."""
    data = secret.encode("utf-8", "surrogatepass")
    yield from (encode(data).decode().rstrip("=") for encode in (b64encode, urlsafe_b64encode))
    yield from (data.hex(), data.hex().upper())


def _spell(char: str) -> str:
    """Return a pattern for all that one character may be written as; also escaped more than once."""
    code, data = ord(char), char.encode("utf-8", "surrogatepass")
    units = char.encode("utf-16-be", "surrogatepass").hex()
    forms = [
        re.escape(char),
        "".join(f"%(?:25)*(?i:{byte:02x})" for byte in data),
        "".join(rf"\\+u(?i:{units[at : at + 4]})" for at in range(0, len(units), 4)),
        rf"&(?:amp;)*#(?:0*{code}|(?i:x0*{code:x}));",
    ]
    forms += [rf"\\+x(?i:{code:02x})"] if code < 0x100 else []  # noqa: PLR2004 - the last code of two digits
    forms += [f"&(?:amp;)*(?i:{_NAMED[char]});"] if char in _NAMED else []
    forms += [rf"\\+{_SHORT_ESCAPES.get(char, re.escape(char))}"] if char in _SHORT_ESCAPES or char in "/\"'\\" else []
    forms += [r"\+"] if char == " " else []
    return f"(?:{'|'.join(forms)})"
