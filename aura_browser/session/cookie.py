"""Complete cookies, and which requests carry them.

The rules are those of RFC 6265bis (draft-ietf-httpbis-rfc6265bis), as Chrome applies them. Cookies are kept with all
attributes, because a bare name and value would leak to other hosts and never expire. Values are kept byte for byte,
because a site that set ``a+b/c==`` refuses ``"a+b/c=="``.
"""

from collections.abc import Iterable
from typing import Annotated, Any, Literal

import msgspec
from yarl import URL

from aura_browser.hosts import domain_matches, host_of, is_same_site, is_trustworthy, registrable_domain

SameSite = Literal["Strict", "Lax", "None"]
Priority = Literal["Low", "Medium", "High"]
SourceScheme = Literal["Secure", "NonSecure", "Unset"]

# Excludes the control characters that RFC 6265bis forbids, and the separator.
_CookieText = Annotated[str, msgspec.Meta(pattern=r"^[^\x00-\x08\x0a-\x1f\x7f;]*$(?!\n)")]
# Hosts and default paths come from URLs, where a semicolon is an ordinary character (/app;v=1).
_Host = Annotated[str, msgspec.Meta(pattern=r"^[^\s/.][^\s/]*$(?!\n)")]
_Path = Annotated[str, msgspec.Meta(pattern=r"^/[^\x00-\x08\x0a-\x1f\x7f]*$(?!\n)")]


class Cookie(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One cookie with all its attributes. Its value is never part of ``repr``.

    Attributes:
        name: may be empty; then only the value is sent.
        value: exactly as the browser sends it.
        domain: lower case, without a leading dot.
        host_only: True if it is sent to *domain* alone, False if to its subdomains too.
        path: starts with a slash.
        expires: epoch seconds, or None for a session cookie.
        secure: sent only over HTTPS and to loopback.
        http_only: scripts in the page can't see it.
        same_site: as the site set it; None if it did not.
        partition_key: the top-level site of a partitioned (CHIPS) cookie, such as ``https://example.com``, or None.
        has_cross_site_ancestor: of a partitioned cookie, whether a page of another site stood between it and the
            top-level page when it was set; None if unknown or not partitioned.
        source_scheme: ``Secure`` if it was set over HTTPS or with *secure*; None if unknown.
        source_port: the port of the URL that set it, -1 if the browser does not know it; None if unknown.
        priority: how long the browser keeps it when there are too many; None if unknown.
    """

    name: _CookieText
    value: _CookieText
    domain: _Host
    host_only: bool
    path: _Path = "/"
    expires: float | None = None
    secure: bool = False
    http_only: bool = False
    same_site: SameSite | None = None
    partition_key: str | None = None
    has_cross_site_ancestor: bool | None = None
    source_scheme: SourceScheme | None = None
    source_port: int | None = None
    priority: Priority | None = None

    def __repr__(self) -> str:
        return f"Cookie(name={self.name!r}, value=<redacted>, domain={self.domain!r}, path={self.path!r})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("name", self.name), ("value", "<redacted>"), ("domain", self.domain), ("path", self.path)]

    @property
    def identity(self) -> tuple[str, str, bool, str, str | None, bool]:
        """The key under which a later cookie replaces an earlier one (RFC 6265bis section 5.7)."""
        return (
            self.name,
            self.domain,
            self.host_only,
            self.path,
            self.partition_key,
            bool(self.has_cross_site_ancestor),
        )

    def is_over(self, now: float) -> bool:
        """Return whether the cookie has expired at *now* (epoch seconds)."""
        return self.expires is not None and self.expires <= now

    def goes_to(self, url: URL, now: float) -> bool:
        """Return whether a same-site request for *url* at *now* (epoch seconds) carries this cookie."""
        return (
            not self.is_over(now)
            and (host_of(url) == self.domain or (not self.host_only and domain_matches(host_of(url), self.domain)))
            and path_matches(url.raw_path, self.path)
            and (not self.secure or is_trustworthy(url))
            and self._matches_partition(url)
        )

    def _matches_partition(self, url: URL) -> bool:
        if self.partition_key is None:
            return True
        # A program's requests are top-level ones, with no page around them.
        return not self.has_cross_site_ancestor and domain_matches(host_of(url), host_of(URL(self.partition_key)))


def cookie_header(cookies: Iterable[Cookie], url: URL, now: float) -> str:
    """Return the ``Cookie`` header for *url* as Chrome writes it; empty if no cookie matches.

    Longer paths come first, older cookies before newer ones (RFC 6265bis section 5.8.3), so *cookies* must be in
    order of creation. The same name on two paths is sent twice, as in browsers.

    Args:
        cookies: all known cookies, oldest first.
        url: the request's URL.
        now: epoch seconds.
    """
    sent = sorted((c for c in cookies if c.goes_to(url, now)), key=lambda c: -len(c.path))
    return "; ".join(f"{c.name}={c.value}" if c.name else c.value for c in sent)


def is_of_site(cookie: Cookie, url: URL) -> bool:
    """Return whether the site of *url* may see *cookie*: of its host, its parent domains or its subdomains."""
    host = host_of(url)
    if cookie.partition_key and not is_same_site(URL(cookie.partition_key), url):
        return False
    if cookie.domain == host or domain_matches(cookie.domain, host):
        return True
    return domain_matches(host, cookie.domain) and domain_matches(cookie.domain, registrable_domain(host))


def path_matches(path: str, cookie_path: str) -> bool:
    """Return whether a cookie with *cookie_path* goes to *path* (RFC 6265bis section 5.1.4)."""
    path = path or "/"
    if not path.startswith(cookie_path):
        return False
    return len(path) == len(cookie_path) or cookie_path.endswith("/") or path[len(cookie_path)] == "/"
