"""What the options of a copied curl command say. Nothing is run, and no file that they name is read."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote_plus

from aura_browser.formats.copied_request import CopiedRequest, encode_body, read_cookies, refuse

_FORM: Final = "application/x-www-form-urlencoded"
# Short options and their long names, https://curl.se/docs/manpage.html.
_SHORT: Final = {
    "A": "user-agent",
    "b": "cookie",
    "d": "data",
    "e": "referer",
    "F": "form",
    "g": "globoff",
    "G": "get",
    "H": "header",
    "i": "include",
    "I": "head",
    "k": "insecure",
    "L": "location",
    "o": "output",
    "s": "silent",
    "S": "show-error",
    "T": "upload-file",
    "u": "user",
    "v": "verbose",
    "x": "proxy",
    "X": "request",
    "m": "max-time",
    "w": "write-out",
    "c": "cookie-jar",
    "f": "fail",
    "E": "cert",
    "C": "continue-at",
    "K": "config",
    "#": "progress-bar",
    "N": "no-buffer",
    "j": "junk-session-cookies",
    "r": "range",
    "0": "http1.0",
    "4": "ipv4",
}
# What does not change the request.
_PLAIN: Final = frozenset(
    {"compressed", "location", "silent", "show-error", "include", "show-headers", "verbose", "progress-bar", "fail"}
)
_SWITCHES: Final = frozenset({"globoff", "get", "head"})
_LEFT_OUT_SWITCHES: Final = frozenset(
    {"insecure", "no-buffer", "junk-session-cookies", "http1.0", "http1.1", "http2", "ipv4"}
)
_BODIES: Final = frozenset({"data", "data-raw", "data-binary", "data-ascii", "data-urlencode", "json"})
_READ: Final = frozenset({"cookie", "header", "user-agent", "referer", "user", "request", "url"})
_FILES: Final = frozenset({"form", "upload-file", "config"})


@dataclass
class _Found:
    """What the options said so far."""

    urls: list[str] = field(default_factory=list)
    method: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)
    cookie: str = ""
    body: list[str] = field(default_factory=list)
    switches: set[str] = field(default_factory=set)
    left_out: list[str] = field(default_factory=list)


def read_curl(words: Sequence[str]) -> CopiedRequest:
    """Return the request of a curl command.

    Args:
        words: the words after ``curl``, as the shell passes them on.

    Raises:
        InvalidInput: if it names no address or several, or would read a file.
    """
    found = _Found()
    rest = list(reversed(words))
    while rest:
        word = rest.pop()
        if word.startswith("--") and word != "--":
            _read_long(found, word[2:], rest)
        elif word.startswith("-") and len(word) > 1 and word != "--":
            _read_short(found, word[1:], rest)
        elif word != "--":
            found.urls.append(word)
    return _build(found)


def _read_long(found: _Found, text: str, rest: list[str]) -> None:
    name, equals, value = text.partition("=")
    if name in _PLAIN:
        return
    if name in _SWITCHES | _LEFT_OUT_SWITCHES:
        _switch(found, name)
    elif name in _BODIES | _READ | _FILES:
        _apply(found, name, value if equals else _take(rest, name))
    else:
        found.left_out.append(f"--{name}")
        if not equals and rest and not rest[-1].startswith("-") and "://" not in rest[-1]:
            rest.pop()  # its value


def _read_short(found: _Found, text: str, rest: list[str]) -> None:
    """Read one word of short options: ``-sSL``, ``-XPOST`` or ``-X`` and the next word."""
    for at, letter in enumerate(text):
        name = _SHORT.get(letter)
        if name is None:
            found.left_out.append(f"-{letter}")
        elif name in _SWITCHES | _LEFT_OUT_SWITCHES:
            _switch(found, name)
        elif name not in _PLAIN:
            value = text[at + 1 :] or _take(rest, name)
            if name in _BODIES | _READ | _FILES:
                _apply(found, name, value)
            else:
                found.left_out.append(f"--{name}")
            return


def _take(rest: list[str], name: str) -> str:
    if not rest:
        refuse(f"the text ends after --{name}")
    return rest.pop()


def _switch(found: _Found, name: str) -> None:
    if name in _SWITCHES:
        found.switches.add(name)
    else:
        found.left_out.append(f"--{name}")


def _apply(found: _Found, name: str, value: str) -> None:
    if name in _FILES or (value.startswith("@") and name in (_BODIES | {"header"}) - {"data-raw"}):
        refuse(f"--{name} reads a file, which is not done here")
    match name:
        case "url":
            found.urls.append(value)
        case "request":
            found.method = value
        case "header":
            _add_header(found, value)
        case "cookie":
            _add_cookie(found, value)
        case "user-agent" | "referer":
            found.headers.append(("User-Agent" if name == "user-agent" else "Referer", value))
        case "user":
            found.headers.append(("Authorization", f"Basic {b64encode(encode_body(value)).decode()}"))
        case "data-urlencode":
            found.body.append(_encode_field(value))
        case _:
            if name == "json":
                found.headers += [("Content-Type", "application/json"), ("Accept", "application/json")]
            found.body.append(value)


def _add_header(found: _Found, text: str) -> None:
    name, colon, value = text.partition(":")
    if not colon and text.endswith(";"):
        found.headers.append((text[:-1], ""))  # curl's way to write an empty header
    elif name.strip().lower() == "cookie":
        _add_cookie(found, value.strip())
    elif value.strip():
        found.headers.append((name.strip(), value.strip()))


def _add_cookie(found: _Found, value: str) -> None:
    if "=" not in value:
        found.left_out.append("--cookie FILE")
        return
    found.cookie = f"{found.cookie}; {value}" if found.cookie else value


def _encode_field(text: str) -> str:
    name, equals, value = text.partition("=")
    if not equals:
        return quote_plus(name)
    return f"{name}={quote_plus(value)}" if name else quote_plus(value)


def _build(found: _Found) -> CopiedRequest:
    if len(found.urls) != 1 or not found.urls[0]:
        refuse("it names several addresses in one command" if len(found.urls) > 1 else "it names no address")
    url, body = found.urls[0], "&".join(found.body) if found.body else None
    if "globoff" not in found.switches:
        for char in "[]{}":
            url = url.replace(f"\\{char}", char)
    if body is not None and "get" in found.switches:
        url, body = f"{url}{'&' if '?' in url else '?'}{body}", None
    inferred = "HEAD" if "head" in found.switches else "GET" if body is None else "POST"
    headers = list(found.headers)
    if body is not None and not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", _FORM))
    return CopiedRequest(
        found.method or inferred,
        url,
        tuple(headers),
        read_cookies(found.cookie),
        None if body is None else encode_body(body),
        tuple(dict.fromkeys(found.left_out)),
    )
