"""Complete cookies: which requests carry them, and how a site's ``Set-Cookie`` changes them.

The rules are those of RFC 6265bis (draft-ietf-httpbis-rfc6265bis), as Chrome applies them. Cookies are kept with all
attributes, because a bare name and value would leak to other hosts and never expire. Values are kept byte for byte,
because a site that set ``a+b/c==`` refuses ``"a+b/c=="``.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Final, Literal, get_args

import msgspec
from yarl import URL

from aura_browser.hosts import domain_matches, host_of, is_address, is_trustworthy

SameSite = Literal["Strict", "Lax", "None"]

# Excludes the control characters that RFC 6265bis forbids, and the separator.
_CookieText = Annotated[str, msgspec.Meta(pattern=r"^[^\x00-\x08\x0a-\x1f\x7f;]*$(?!\n)")]
_CONTROL_CHARS: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_MAX_PAIR_BYTES: Final = 4096  # name and value together, RFC 6265bis section 5.6


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
        partition_key: the top-level site of a partitioned (CHIPS) cookie, or None.
    """

    name: _CookieText
    value: _CookieText
    domain: Annotated[str, msgspec.Meta(pattern=r"^[^\s/;.][^\s/;]*$(?!\n)")]
    host_only: bool
    path: Annotated[str, msgspec.Meta(pattern=r"^/[^\x00-\x1f\x7f;]*$(?!\n)")] = "/"
    expires: float | None = None
    secure: bool = False
    http_only: bool = False
    same_site: SameSite | None = None
    partition_key: str | None = None

    def __repr__(self) -> str:
        return f"Cookie(name={self.name!r}, value=<redacted>, domain={self.domain!r}, path={self.path!r})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("name", self.name), ("value", "<redacted>"), ("domain", self.domain), ("path", self.path)]

    @property
    def identity(self) -> tuple[str, str, bool, str, bool]:
        """The key under which a later cookie replaces an earlier one (RFC 6265bis section 5.7)."""
        return (self.name, self.domain, self.host_only, self.path, self.partition_key is not None)

    def goes_to(self, url: URL, now: float) -> bool:
        """Return whether a same-site request for *url* at *now* (epoch seconds) carries this cookie."""
        return (
            not _is_expired(self, now)
            and (host_of(url) == self.domain or (not self.host_only and domain_matches(host_of(url), self.domain)))
            and _path_matches(url.raw_path, self.path)
            and (not self.secure or is_trustworthy(url))
            and self._matches_partition(url)
        )

    def _matches_partition(self, url: URL) -> bool:
        if self.partition_key is None:
            return True
        return domain_matches(host_of(url), URL(self.partition_key).raw_host or "")


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


def fold_set_cookies(cookies: Sequence[Cookie], headers: Iterable[str], url: URL, now: float) -> tuple[Cookie, ...]:
    """Return *cookies* after a response from *url* with these ``Set-Cookie`` headers.

    As in Chrome, a cookie with an unchanged value keeps its position, and one with a new value moves to the end.
    Expired cookies are removed, and cookies that the site must not set are ignored.

    Args:
        cookies: the cookies before the response, oldest first.
        headers: the values of the response's ``Set-Cookie`` headers, in order.
        url: the response's URL.
        now: epoch seconds.
    """
    kept = {cookie.identity: cookie for cookie in cookies}
    for header in headers:
        cookie = parse_set_cookie(header, url, now)
        if cookie is None:
            continue
        old = kept.get(cookie.identity)
        if old is not None and (old.value != cookie.value or _is_expired(cookie, now)):
            del kept[cookie.identity]
        if not _is_expired(cookie, now):
            kept[cookie.identity] = cookie
    return tuple(kept.values())


def diff_cookies(before: Iterable[Cookie], after: Iterable[Cookie]) -> dict[tuple[object, ...], Cookie | None]:
    """Return the changes from *before* to *after*, by cookie identity; None stands for a deletion."""
    old = {cookie.identity: cookie for cookie in before}
    new = {cookie.identity: cookie for cookie in after}
    deleted: dict[tuple[object, ...], Cookie | None] = dict.fromkeys(old.keys() - new.keys())
    return deleted | {identity: cookie for identity, cookie in new.items() if old.get(identity) != cookie}


def apply_changes(cookies: Iterable[Cookie], changed: Mapping[tuple[object, ...], Cookie | None]) -> tuple[Cookie, ...]:
    """Return *cookies* with the changes of :func:`diff_cookies` applied; cookies that were set come last, as newest."""
    kept = [cookie for cookie in cookies if cookie.identity not in changed]
    return (*kept, *(cookie for cookie in changed.values() if cookie is not None))


def _is_expired(cookie: Cookie, now: float) -> bool:
    return cookie.expires is not None and cookie.expires <= now


def parse_set_cookie(header: str, url: URL, now: float) -> Cookie | None:
    """Parse one ``Set-Cookie`` header of a response from *url*; None if *url* must not set it.

    Follows RFC 6265bis sections 5.6 and 5.7. A deletion is returned as a cookie with an expiry in the past. A header
    that is not UTF-8 is ignored, because it could be neither stored as text nor sent back unchanged.
    """
    pair, *rest = header.split(";")
    name, value = _split_pair(pair)
    if not _is_valid(header, name, value):
        return None
    attributes = {
        key.strip(" \t").lower(): text.strip(" \t") for key, _, text in (part.partition("=") for part in rest)
    }
    host = host_of(url)
    domain = attributes.get("domain", "").lower().removeprefix(".")
    cookie = Cookie(
        name=name,
        value=value,
        domain=domain or host,
        # Domain can only repeat an IP address; such a cookie is host-only.
        host_only=not domain or is_address(host),
        path=path if (path := attributes.get("path", "")).startswith("/") else _default_path(url),
        expires=_read_expiry(attributes, now),
        secure="secure" in attributes,
        http_only="httponly" in attributes,
        same_site=_read_same_site(attributes.get("samesite", "")),
        partition_key=str(url.origin()) if "partitioned" in attributes else None,
    )
    return cookie if _can_be_set(cookie, url) else None


def _split_pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    return (name.strip(" \t"), value.strip(" \t")) if equals else ("", text.strip(" \t"))


def _is_valid(header: str, name: str, value: str) -> bool:
    try:
        header.encode()
    except UnicodeEncodeError:
        return False
    pair = f"{name}{value}"
    return bool(pair) and not _CONTROL_CHARS.search(header) and len(pair.encode()) <= _MAX_PAIR_BYTES


def _can_be_set(cookie: Cookie, url: URL) -> bool:
    if "\t" in cookie.path:
        return False
    prefix = cookie.name.lower()
    if prefix.startswith("__host-") and not (cookie.secure and cookie.host_only and cookie.path == "/"):
        return False
    if prefix.startswith("__secure-") and not cookie.secure:
        return False
    return domain_matches(host_of(url), cookie.domain) and (not cookie.secure or is_trustworthy(url))


def _read_expiry(attributes: dict[str, str], now: float) -> float | None:
    max_age = attributes.get("max-age", "")
    if re.fullmatch(r"-?\d{1,18}", max_age):
        return now + int(max_age)
    if "expires" not in attributes:
        return None
    from http.cookiejar import http2time  # type: ignore[attr-defined]  # missing in typeshed

    try:
        seconds: float | None = http2time(attributes["expires"])
    except ValueError:
        return None
    return seconds


def _read_same_site(text: str) -> SameSite | None:
    return next((known for known in get_args(SameSite) if known.lower() == text.lower()), None)


def _default_path(url: URL) -> str:
    return url.raw_path.rpartition("/")[0] or "/"


def _path_matches(path: str, cookie_path: str) -> bool:
    path = path or "/"
    if not path.startswith(cookie_path):
        return False
    return len(path) == len(cookie_path) or cookie_path.endswith("/") or path[len(cookie_path)] == "/"
