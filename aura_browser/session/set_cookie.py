"""The grammar of ``Set-Cookie``, and what a site may set: RFC 6265bis sections 5.6 and 5.7, as Chrome applies them."""

import math
import re
from typing import Final, get_args

from yarl import URL

from aura_browser.hosts import host_in_url, host_of, is_address, is_trustworthy, private_domain, site_of
from aura_browser.session.cookie import Cookie, Priority, SameSite, SourceScheme
from aura_browser.session.cookie_date import parse_cookie_date

_CONTROL_CHARS: Final = re.compile(r"[\x00-\x1f\x7f]")
_MAX_PAIR_BYTES: Final = 4096  # name and value together
_MAX_ATTRIBUTE_BYTES: Final = 1024
_MAX_LIFE_S: Final = 400 * 86400.0
_MAX_AGE: Final = re.compile(r"([+-]?)([0-9]+)(.*)", re.DOTALL)
_MAX_INTEGER: Final = 2**63 - 1
_DELETION: Final = 0.0  # an expiry in the past
_PREFIXES: Final = ("__host-http-", "__host-", "__http-", "__secure-")
_HOST_RULE: Final = frozenset({"__host-http-", "__host-"})
_HTTP_RULE: Final = frozenset({"__host-http-", "__http-"})
_DEFAULT_PORT: Final = {"http": 80, "ws": 80}


def parse_set_cookie(header: str, url: URL, now: float, date: str = "") -> Cookie | None:
    """Parse one ``Set-Cookie`` header of a response from *url*; None if *url* must not set it.

    A deletion is returned as a cookie with an expiry in the past. A name, value or path that is not UTF-8 is ignored,
    because it could be neither stored as text nor sent back unchanged.

    Args:
        header: the header's value.
        url: the response's URL.
        now: epoch seconds.
        date: the response's ``Date`` header: ``Expires`` is meant by the server's clock.
    """
    pair, *rest = header.split(";")
    name, value = _split_pair(pair)
    attributes = _read_attributes(rest)
    if attributes is None or not _is_valid_pair(name, value):
        return None
    domain = _find_domain(attributes.get("domain", ""), host_of(url))
    path = path if (path := attributes.get("path", "")).startswith("/") else _default_path(url)
    if domain is None or not _is_text(path) or not _is_allowed(name, value, attributes, url):
        return None
    is_secure, is_partitioned = "secure" in attributes, "partitioned" in attributes
    return Cookie(
        name=name,
        value=value,
        domain=domain.removeprefix("."),
        host_only=not domain.startswith("."),
        path=path,
        expires=_read_expiry(attributes, now, date),
        secure=is_secure,
        http_only="httponly" in attributes,
        same_site=_read_same_site(attributes.get("samesite", "")),
        partition_key=site_of(url) if is_partitioned else None,
        has_cross_site_ancestor=False if is_partitioned else None,
        source_scheme=_source_scheme(url, is_secure=is_secure),
        source_port=_source_port(url, is_secure=is_secure),
        priority=_read_priority(attributes.get("priority", "")),
    )


def _split_pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    return (name.strip(" \t"), value.strip(" \t")) if equals else ("", text.strip(" \t"))


def _read_attributes(parts: list[str]) -> dict[str, str] | None:
    """Return the attributes, the last of each name; None if a control character spoils the whole header."""
    attributes = {}
    for part in parts:
        key, _, text = part.partition("=")
        key, text = key.strip(" \t").lower(), text.strip(" \t")
        if _CONTROL_CHARS.search(key) or _CONTROL_CHARS.search(text):
            return None
        if _byte_length(text) <= _MAX_ATTRIBUTE_BYTES:
            attributes[key] = text
    return attributes


def _is_valid_pair(name: str, value: str) -> bool:
    pair = f"{name}{value}"
    return bool(pair) and not _CONTROL_CHARS.search(pair) and _is_text(pair) and _byte_length(pair) <= _MAX_PAIR_BYTES


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _byte_length(text: str) -> int:
    # A byte that is not UTF-8 arrives as a surrogate, which is replaced by one byte.
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))


def _find_domain(attribute: str, host: str) -> str | None:
    """Return the domain of a cookie that *host* sets, with a leading dot if subdomains get it; None if it must not."""
    if not attribute:
        return host
    domain = _to_ascii(attribute.lower().removeprefix("."))
    if is_address(host):
        return host if domain == host_in_url(host) else None
    own = private_domain(host)
    if own is None:
        return host if domain == host else None
    is_parent = host == domain or host.endswith(f".{domain}")
    return f".{domain}" if domain and is_parent and private_domain(domain) == own else None


def _to_ascii(domain: str) -> str:
    """Return an international domain as it stands in a URL; empty if it is not a host."""
    if domain.isascii():
        return domain
    try:
        return URL.build(scheme="http", host=domain).raw_host or ""
    except ValueError:
        return ""


def _is_allowed(name: str, value: str, attributes: dict[str, str], url: URL) -> bool:
    """Return whether the rules for Secure, SameSite, Partitioned and the prefixes of names hold."""
    is_secure = "secure" in attributes
    if is_secure and not is_trustworthy(url):
        return False
    needs_secure = "partitioned" in attributes or attributes.get("samesite", "").lower() == "none"
    if needs_secure and not is_secure:
        return False
    if not name:
        return "=" not in value and not _find_prefix(value)  # it would be sent as a cookie of another name
    prefix = _find_prefix(name)
    if not prefix:
        return True
    if prefix in _HTTP_RULE and "httponly" not in attributes:
        return False
    return is_secure and (prefix not in _HOST_RULE or _is_of_whole_host(attributes, host_of(url)))


def _find_prefix(text: str) -> str:
    text = text.lower()
    return next((prefix for prefix in _PREFIXES if text.startswith(prefix)), "") if text.startswith("__") else ""


def _is_of_whole_host(attributes: dict[str, str], host: str) -> bool:
    domain = attributes.get("domain", "")
    is_own_address = is_address(host) and domain == host_in_url(host)
    return attributes.get("path") == "/" and (not domain or is_own_address)


def _read_expiry(attributes: dict[str, str], now: float, date: str) -> float | None:
    expires = _read_max_age(attributes.get("max-age", ""), now)
    if expires is None:
        expires = parse_cookie_date(attributes.get("expires", ""))
        if expires is not None and date:
            expires += _clock_difference(date, now)
    return None if expires is None else min(expires, now + _MAX_LIFE_S)


def _clock_difference(date: str, now: float) -> float:
    """Return how many seconds our clock is ahead of the one that wrote *date*; 0 if that is not a date."""
    server = parse_cookie_date(date)
    return 0.0 if server is None or math.isinf(server) else now - server


def _read_max_age(text: str, now: float) -> float | None:
    """Return when the cookie expires; None if *text* is not a number that Chrome reads."""
    match = _MAX_AGE.fullmatch(text)
    if match is None:
        return None
    sign, digits, more = match.groups()
    seconds = int(digits)
    if more and seconds <= _MAX_INTEGER:  # a number that does not fit 64 bits ends Chrome's reading
        return None
    return _DELETION if sign == "-" or seconds == 0 else now + min(seconds, _MAX_INTEGER)


def _read_same_site(text: str) -> SameSite | None:
    return next((known for known in get_args(SameSite) if known.lower() == text.lower()), None)


def _read_priority(text: str) -> Priority:
    return next((known for known in get_args(Priority) if known.lower() == text.lower()), "Medium")


def _source_scheme(url: URL, *, is_secure: bool) -> SourceScheme:
    return "Secure" if is_secure or url.scheme in {"https", "wss"} else "NonSecure"


def _source_port(url: URL, *, is_secure: bool) -> int | None:
    """Return the port of *url*; a Secure cookie of loopback counts as one of the default port of HTTPS."""
    is_plain_default = _DEFAULT_PORT.get(url.scheme) == url.port
    return 443 if is_secure and is_plain_default else url.port


def _default_path(url: URL) -> str:
    return url.raw_path.rpartition("/")[0] or "/"
