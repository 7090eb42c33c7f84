"""What the options of a copied curl command say. Nothing is run, and no file that they name is read."""

import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote_plus

from aura_browser.formats.copied_request import CopiedRequest, encode_body, read_cookies, refuse

_FORM: Final = "application/x-www-form-urlencoded"
_JSON: Final = "application/json"
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
    "6": "ipv6",
    ":": "next",
}
# What does not change the request.
_PLAIN: Final = frozenset(
    {"compressed", "location", "silent", "show-error", "include", "show-headers", "verbose", "progress-bar", "fail"}
)
_SWITCHES: Final = frozenset({"globoff", "get", "head"})
_LEFT_OUT_SWITCHES: Final = frozenset(
    {"insecure", "no-buffer", "junk-session-cookies", "http1.0", "http1.1", "http2", "http2-prior-knowledge", "http3"}
    | {"ipv4", "ipv6", "tlsv1.2", "tlsv1.3", "fail-with-body", "no-progress-meter", "path-as-is", "location-trusted"}
    | {"remote-name", "remote-header-name", "basic", "netrc", "raw"}
)
_BODIES: Final = frozenset({"data", "data-raw", "data-binary", "data-ascii", "data-urlencode", "json"})
_READ: Final = frozenset({"cookie", "header", "user-agent", "referer", "user", "oauth2-bearer", "request", "url"})
_OTHER_LOGINS: Final = frozenset({"digest", "ntlm", "negotiate", "anyauth"})
_REFUSED: Final = frozenset({"form", "form-string", "upload-file", "config"})

# Options that take a value and have no meaning here: words of a text, which is read more easily than 114 lines.
_VALUED: Final = frozenset(
    re.findall(
        r"\S+",
        """
    abstract-unix-socket alt-svc aws-sigv4 cacert capath cert cert-type ciphers connect-timeout connect-to
    continue-at cookie-jar create-file-mode crlfile curves delegation dns-interface dns-ipv4-addr dns-ipv6-addr
    dns-servers doh-url dump-header egd-file engine etag-compare etag-save expect100-timeout ftp-account
    ftp-alternative-to-user ftp-method ftp-port ftp-ssl-ccc-mode happy-eyeballs-timeout-ms hostpubmd5
    hostpubsha256 hsts interface keepalive-time key key-type krb libcurl limit-rate local-port login-options
    mail-auth mail-from mail-rcpt max-filesize max-redirs max-time netrc-file noproxy output output-dir
    parallel-max pass pinnedpubkey preproxy proto proto-default proto-redir proxy proxy-cacert proxy-capath
    proxy-cert proxy-cert-type proxy-ciphers proxy-crlfile proxy-header proxy-key proxy-key-type proxy-pass
    proxy-pinnedpubkey proxy-service-name proxy-tls13-ciphers proxy-tlsauthtype proxy-tlspassword proxy-tlsuser
    proxy-user proxy1.0 pubkey quote random-file range rate request-target resolve retry retry-delay
    retry-max-time sasl-authzid service-name socks4 socks4a socks5 socks5-gssapi-service socks5-hostname
    speed-limit speed-time stderr telnet-option tftp-blksize time-cond tls-max tls13-ciphers tlsauthtype
    tlspassword tlsuser trace trace-ascii unix-socket url-query write-out
    """,
    )
)


@dataclass
class _Found:
    """What the options said so far."""

    urls: list[str] = field(default_factory=list)
    method: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)
    removed: set[str] = field(default_factory=set)
    cookie: str = ""
    body: str | None = None
    is_json: bool = False
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
    _refuse_what_is_not_done(name)
    if name in _SWITCHES | _LEFT_OUT_SWITCHES:
        _switch(found, name)
    elif name in _BODIES | _READ | _REFUSED:
        _apply(found, name, value if equals else _take(rest, name))
    else:
        found.left_out.append(f"--{name}")
        if not equals and rest and (name in _VALUED or _may_be_a_value(rest[-1])):
            rest.pop()


def _may_be_a_value(word: str) -> bool:
    """Return whether a word after an option that is not known is its value: neither an option nor the address."""
    return not word.startswith("-") and "://" not in word


def _read_short(found: _Found, text: str, rest: list[str]) -> None:
    """Read one word of short options: ``-sSL``, ``-XPOST`` or ``-X`` and the next word."""
    for at, letter in enumerate(text):
        name = _SHORT.get(letter)
        if name is None:
            found.left_out.append(f"-{letter}")
            continue
        _refuse_what_is_not_done(name)
        if name in _SWITCHES | _LEFT_OUT_SWITCHES:
            _switch(found, name)
        elif name not in _PLAIN:
            value = text[at + 1 :] or _take(rest, name)
            if name in _BODIES | _READ | _REFUSED:
                _apply(found, name, value)
            else:
                found.left_out.append(f"--{name}")
            return


def _refuse_what_is_not_done(name: str) -> None:
    """Refuse a switch that would make other requests, or another login, than are read here."""
    if name == "next":
        refuse("it holds several requests in one command")
    if name in _OTHER_LOGINS:
        refuse(f"--{name} logs in otherwise than with HTTP basic authentication, which is not done here")


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
    if name in _REFUSED or _names_a_file(name, value):
        what = "makes a body of parts" if name.startswith("form") else "reads a file"
        refuse(f"--{name} {what}, which is not done here")
    match name:
        case "url":
            found.urls.append(value)
        case "request":
            found.method = value
        case "header":
            _add_header(found, value)
        case "cookie":
            _add_cookie(found, value)
        case "user-agent":
            found.headers.append(("User-Agent", value))
        case "referer":
            found.headers.append(("Referer", value.removesuffix(";auto")))
        case "user":
            found.headers.append(("Authorization", f"Basic {_encode_user(value)}"))
        case "oauth2-bearer":
            found.headers.append(("Authorization", f"Bearer {value}"))
        case _:
            _add_data(found, name, value)


def _names_a_file(name: str, value: str) -> bool:
    """Return whether curl would read a file for this value."""
    if name == "data-urlencode":
        return "@" in value and "=" not in value
    return value.startswith("@") and name in (_BODIES | {"header"}) - {"data-raw"}


def _encode_user(value: str) -> str:
    if ":" not in value:
        refuse("curl asks for the password of --user; write user:password")
    return b64encode(encode_body(value)).decode()


def _add_data(found: _Found, name: str, value: str) -> None:
    """Add a piece of the body, as curl joins them: ``--json`` goes on where the one before it ends."""
    found.is_json |= name == "json"
    joint = "" if found.body is None or name == "json" else "&"
    piece = _encode_field(value) if name == "data-urlencode" else value
    found.body = f"{found.body or ''}{joint}{piece}"


def _add_header(found: _Found, text: str) -> None:
    name, colon, value = text.partition(":")
    if not colon and text.endswith(";"):
        found.headers.append((text[:-1], ""))  # curl's way to write an empty header
    elif name.strip().lower() == "cookie":
        _add_cookie(found, value.strip())
    elif value.strip():
        found.headers.append((name.strip(), value.strip()))
    elif colon:
        found.removed.add(name.strip().lower())


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
    url, body = found.urls[0], found.body
    if "globoff" not in found.switches:
        for char in "[]{}":
            url = url.replace(f"\\{char}", char)
    if body is not None and "get" in found.switches:
        url, body = _add_query(url, body), None
    inferred = "HEAD" if "head" in found.switches else "GET" if body is None else "POST"
    return CopiedRequest(
        found.method or inferred,
        url,
        (*found.headers, *_list_own_headers(found, has_body=body is not None)),
        read_cookies(found.cookie),
        None if body is None else encode_body(body),
        tuple(dict.fromkeys(found.left_out)),
    )


def _add_query(url: str, query: str) -> str:
    address, hash_, fragment = url.partition("#")
    mark = "" if address.endswith("?") else "&" if "?" in address else "?"
    return f"{address}{mark}{query}{hash_}{fragment}"


def _list_own_headers(found: _Found, *, has_body: bool) -> list[tuple[str, str]]:
    """Return what curl adds for a body, unless the command gives or removes it."""
    own = [("Content-Type", _JSON), ("Accept", _JSON)] if found.is_json else [("Content-Type", _FORM)] * has_body
    taken = {name.lower() for name, _ in found.headers} | found.removed
    return [each for each in own if each[0].lower() not in taken]
