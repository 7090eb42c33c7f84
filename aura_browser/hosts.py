"""Hosts: which of them belong to one site, and which ones Chrome trusts without TLS."""

from functools import cache, lru_cache
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

from yarl import URL

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

_WEB_SCHEMES: Final = {"ws": "http", "wss": "https"}
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


@lru_cache(maxsize=1024)
def origin_of(url: URL) -> URL:
    """Return the origin that a session is for: ``ws`` counts as ``http``, ``wss`` as ``https``, as for a cookie.

    A default port is left out however *url* spells it (https://html.spec.whatwg.org/#ascii-serialisation-of-an-origin).

    Raises:
        ValueError: if *url* has no host.
    """
    origin = url.origin()
    scheme = _WEB_SCHEMES.get(origin.scheme, origin.scheme)
    port = None if origin.port == _DEFAULT_PORTS.get(scheme) else origin.port
    return URL.build(scheme=scheme, host=origin.host or "", port=port)


def host_of(url: URL) -> str:
    """Return the host that cookies know *url* by: lower case, an IPv6 address without brackets."""
    return (url.raw_host or "").strip("[]").lower()


def is_address(host: str) -> bool:
    """Return whether *host* is an IP address."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def domain_matches(host: str, domain: str) -> bool:
    """Return whether *host* is *domain* or below it (RFC 6265bis section 5.1.3). An address only matches itself."""
    return host == domain or (host.endswith(f".{domain}") and not is_address(host))


def is_trustworthy(url: URL) -> bool:
    """Return whether Chrome sends Secure cookies to *url*: HTTPS, and loopback over plain HTTP."""
    host = host_of(url)
    if url.scheme in {"https", "wss"} or domain_matches(host, "localhost"):
        return True
    return is_address(host) and ip_address(host).is_loopback


def registrable_domain(host: str) -> str:
    """Return the part of *host* that its owner registered; *host* itself where it is an address or a suffix.

    From the public suffix list that comes with the package ``publicsuffixlist`` (https://publicsuffix.org).
    """
    return host if is_address(host) else _public_suffixes().privatesuffix(host) or host


def is_same_site(one: URL, other: URL) -> bool:
    """Return whether two pages are of one site: the same host, or the same registrable domain."""
    return one.host == other.host or registrable_domain(host_of(one)) == registrable_domain(host_of(other))


@cache
def _public_suffixes() -> "PublicSuffixList":
    # Reading the list takes some 80 ms, and most harvests need no look into it.
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList()
