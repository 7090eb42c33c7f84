"""Hosts: which hosts can exist, which ones belong to one site, and which ones Chrome trusts without TLS."""

import re
from collections.abc import Collection
from functools import lru_cache
from ipaddress import ip_address
from typing import Final

from yarl import URL

from aura_browser.urls import read_url

_WEB_SCHEMES: Final = {"ws": "http", "wss": "https"}
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_MAX_URL_LENGTH: Final = 8192
_MAX_HOST_LENGTH: Final = 253
_WHOLE: Final = re.compile(r"\s*[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")


def parse_url(text: str, schemes: Collection[str]) -> URL:
    """Return *text* as a URL with one of *schemes* and with a host that can exist.

    yarl takes more, and fails later, when a part is used (1.25.1): a name that is no IDN, letters in an IPv6 address.

    Raises:
        ValueError: if it is not such a URL.
    """
    if not isinstance(text, str) or len(text) > _MAX_URL_LENGTH or not _WHOLE.match(text):
        raise ValueError("not a URL")
    url = read_url(text)
    is_bracketed = "[" in re.split("[/?#]", text.partition("://")[2], maxsplit=1)[0]
    if url.scheme not in schemes or url.explicit_port == 0 or not _is_host(url, is_bracketed=is_bracketed):
        raise ValueError("not a URL with a scheme and a host")
    return url


def _is_host(url: URL, *, is_bracketed: bool) -> bool:
    """Return whether the host of *url* is a name or an IP address. Raises ValueError for a name that is no IDN."""
    host = (url.raw_host or "").lower()
    if not url.host or len(host) > _MAX_HOST_LENGTH:
        return False
    labels = host.removesuffix(".").split(".")
    if is_bracketed or ":" in host or labels[-1].isdecimal():
        return (":" in host) is is_bracketed and "%" not in host and is_address(host)
    return all(_LABEL.fullmatch(label) for label in labels)


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
    return (url.raw_host or "").lower()


def host_in_url(host: str) -> str:
    """Return *host* as it stands in a URL: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host else host


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
    return registrable_domain(host_of(one)) == registrable_domain(host_of(other))
