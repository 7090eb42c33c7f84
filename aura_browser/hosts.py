"""Hosts: which hosts belong to one site, and which ones Chrome trusts without TLS."""

from functools import lru_cache
from ipaddress import ip_address
from typing import Final

from yarl import URL

_WEB_SCHEMES: Final = {"ws": "http", "wss": "https"}
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


@lru_cache(maxsize=1024)
def origin_of(url: URL) -> URL:
    """Return the origin that a session belongs to: ``ws`` counts as ``http``, ``wss`` as ``https``, as for cookies.

    A default port is left out, also if *url* names it (https://html.spec.whatwg.org/#ascii-serialisation-of-an-origin).

    Raises:
        ValueError: if *url* has no host.
    """
    origin = url.origin()
    scheme = _WEB_SCHEMES.get(origin.scheme, origin.scheme)
    port = None if origin.port == _DEFAULT_PORTS.get(scheme) else origin.port
    return URL.build(scheme=scheme, host=origin.host or "", port=port)


def host_of(url: URL) -> str:
    """Return the host of *url* as in a cookie's domain: lower case, an IPv6 address without brackets."""
    return (url.raw_host or "").strip("[]").lower()


def is_address(host: str) -> bool:
    """Return whether *host* is an IP address."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def domain_matches(host: str, domain: str) -> bool:
    """Return whether *host* is *domain* or a subdomain of it (RFC 6265bis section 5.1.3); an IP must be equal."""
    return host == domain or (host.endswith(f".{domain}") and not is_address(host))


def is_trustworthy(url: URL) -> bool:
    """Return whether Chrome sends Secure cookies to *url*: HTTPS, and loopback over plain HTTP."""
    host = host_of(url)
    if url.scheme in {"https", "wss"} or domain_matches(host, "localhost"):
        return True
    return is_address(host) and ip_address(host).is_loopback


def private_domain(host: str) -> str | None:
    """Return the registrable domain of *host*; None for an IP address, a host of one label and a public suffix.

    It uses the public suffix list (https://publicsuffix.org) of the package ``publicsuffixlist``.
    """
    # Loaded when needed, because most harvests don't need the list.
    from aura_browser.suffixes import registrable_part

    return None if is_address(host) else registrable_part(host)


def registrable_domain(host: str) -> str:
    """Return the registrable domain of *host*; *host* itself if it has none (see :func:`private_domain`)."""
    return private_domain(host) or host


def site_of(url: URL) -> str:
    """Return the site of *url* as browsers name it: scheme and registrable domain, without a port."""
    domain = registrable_domain(host_of(url))
    scheme = _WEB_SCHEMES.get(url.scheme, url.scheme)
    return f"{scheme}://[{domain}]" if ":" in domain else f"{scheme}://{domain}"


def is_same_site(one: URL, other: URL) -> bool:
    """Return whether two URLs are of one site: the same host, or the same registrable domain."""
    return one.host == other.host or registrable_domain(host_of(one)) == registrable_domain(host_of(other))
