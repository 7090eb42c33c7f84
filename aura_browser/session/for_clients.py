"""Arguments for HTTP clients, and what of a session they can't carry."""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from http.cookies import Morsel
from typing import TYPE_CHECKING, Any

from yarl import URL

from aura_browser.hosts import host_in_url, is_address, is_trustworthy
from aura_browser.proxy.connection import connection_args
from aura_browser.request import HEADER_LIMITS
from aura_browser.session.cookie import Cookie
from aura_browser.text import count, list_names

if TYPE_CHECKING:
    from http.cookiejar import Cookie as JarCookie
    from http.cookiejar import CookieJar

    import aiohttp

ClientArgs = tuple[dict[str, Any], tuple[str, ...]]
"""Keyword arguments, and a sentence for each thing that is left out or works differently, with names but no values."""

_Check = tuple[str, str, Callable[[Cookie], bool]]
_NAMELESS: _Check = ("cookie without a name", "cookies without a name", lambda cookie: not cookie.name)
_EMBEDDED: _Check = (
    "cookie of a page in another site's page",
    "cookies of pages in other sites' pages",
    lambda cookie: bool(cookie.partition_key and cookie.has_cross_site_ancestor),
)
_NOT_ASCII: _Check = (
    "cookie with characters outside ASCII",
    "cookies with characters outside ASCII",
    lambda cookie: not f"{cookie.name}{cookie.value}".isascii(),
)


def build_aiohttp_args(
    cookies: Sequence[Cookie], headers: Mapping[str, str], origin: str, proxy: str | None
) -> ClientArgs:
    """Return arguments for ``aiohttp.ClientSession(**args)``: headers, cookie jar, limits and proxy.

    Raises:
        InvalidInput: if aiohttp can't use the proxy.
    """
    kept, left_out = _sort_out(cookies, _NAMELESS, _EMBEDDED)
    args: dict[str, Any] = {"headers": dict(headers), "cookie_jar": _build_aiohttp_jar(kept, origin), **HEADER_LIMITS}
    return args | connection_args(proxy), (*left_out, *_describe_same_names(kept))


def build_requests_args(
    cookies: Sequence[Cookie], headers: Mapping[str, str], origin: str, proxy: str | None
) -> ClientArgs:
    """Return arguments for ``requests.get(url, **args)`` and the like: headers, cookies and proxies."""
    kept, left_out = _sort_out(cookies, _NAMELESS, _EMBEDDED)
    # It encodes headers as Latin-1; so the browser's own bytes go out.
    jar = _build_jar(kept, lambda text: text.encode().decode("latin-1"))
    args: dict[str, Any] = {"headers": dict(headers), "cookies": jar}
    if proxy is not None:
        args["proxies"] = {"http": proxy, "https": proxy}
    return args, (*left_out, *_describe_jar(kept, origin))


def build_httpx_args(
    cookies: Sequence[Cookie], headers: Mapping[str, str], origin: str, proxy: str | None
) -> ClientArgs:
    """Return arguments for ``httpx.Client(**args)`` and ``AsyncClient``: headers, cookies and proxy."""
    kept, left_out = _sort_out(cookies, _NAMELESS, _EMBEDDED, _NOT_ASCII)
    args: dict[str, Any] = {"headers": dict(headers), "cookies": _build_jar(kept, str)}
    return args | _build_proxy(proxy), (*left_out, *_describe_jar(kept, origin))


def build_curl_cffi_args(cookies: Sequence[Cookie], headers: Mapping[str, str], proxy: str | None) -> ClientArgs:
    """Return arguments for ``curl_cffi.requests.Session(**args)``: headers, cookies and proxy."""
    from http.cookiejar import CookieJar

    kept, left_out = _sort_out(cookies, _NAMELESS, _EMBEDDED)
    jar = CookieJar()
    for cookie in kept:
        jar.set_cookie(_build_jar_cookie(cookie, host_in_url(cookie.domain), cookie.value))
    return {"headers": dict(headers), "cookies": jar, "default_headers": False, **_build_proxy(proxy)}, left_out


def _build_proxy(proxy: str | None) -> dict[str, str]:
    return {} if proxy is None else {"proxy": proxy}


def _sort_out(cookies: Sequence[Cookie], *checks: _Check) -> tuple[list[Cookie], tuple[str, ...]]:
    """Return the cookies that a jar can hold, and a sentence for each kind of the others."""
    kept, told = list(cookies), []
    for one, many, fits in checks:
        if gone := [cookie for cookie in kept if fits(cookie)]:
            kept = [cookie for cookie in kept if not fits(cookie)]
            told.append(f"{count(gone, one, many)}: {list_names(cookie.name for cookie in gone)}")
    # Jars know no partitions: of two cookies that only those tell apart, one is kept.
    unique = {(cookie.name, cookie.domain, cookie.path): cookie for cookie in kept}
    if gone := [cookie for cookie in kept if cookie not in unique.values()]:
        told.append(f"{count(gone, 'cookie')} with the name of another: {list_names(cookie.name for cookie in gone)}")
    return list(unique.values()), tuple(told)


def _describe_same_names(cookies: Sequence[Cookie]) -> tuple[str, ...]:
    """Return what aiohttp's jar does otherwise than a browser, which sends all that fit an address."""
    counted = Counter(cookie.name for cookie in cookies)
    names = [name for name, times in counted.items() if times > 1]
    return (f"of cookies with one name, only one is sent to an address: {list_names(names)}",) if names else ()


def _describe_jar(cookies: Sequence[Cookie], origin: str) -> tuple[str, ...]:
    """Return what the jar of Python's standard library does otherwise than a browser."""
    told = []
    if wide := [
        cookie for cookie in cookies if cookie.host_only and "." in cookie.domain and not is_address(cookie.domain)
    ]:
        names = list_names(cookie.name for cookie in wide)
        told.append(f"{count(wide, 'host-only cookie')} would go to subdomains too: {names}")
    if origin.startswith("http:") and (secure := [cookie for cookie in cookies if cookie.secure]):
        told.append(f"{count(secure, 'Secure cookie')}, sent over HTTPS only: {list_names(c.name for c in secure)}")
    return tuple(told)


def _build_jar(cookies: Sequence[Cookie], encode: Callable[[str], str]) -> "CookieJar":
    from http.cookiejar import CookieJar  # loads urllib, which most callers don't need

    jar = CookieJar()
    for cookie in cookies:
        host = host_in_url(cookie.domain)
        # To that jar a host without a dot ends in ".local".
        domain = host if "." in host else f"{host}.local"
        jar.set_cookie(_build_jar_cookie(cookie, domain if cookie.host_only else f".{domain}", encode(cookie.value)))
    return jar


def _build_jar_cookie(cookie: Cookie, domain: str, value: str) -> "JarCookie":
    from http.cookiejar import Cookie as JarCookie

    return JarCookie(
        version=0,
        name=cookie.name,
        value=value,
        port=None,
        port_specified=False,
        domain=domain,
        domain_specified=not cookie.host_only,
        domain_initial_dot=domain.startswith("."),
        path=cookie.path,
        path_specified=True,
        secure=cookie.secure,
        expires=None if cookie.expires is None else round(cookie.expires),
        discard=cookie.expires is None,
        comment=None,
        comment_url=None,
        rest={"HttpOnly": ""} if cookie.http_only else {},
    )


def _build_aiohttp_jar(cookies: Sequence[Cookie], origin: str) -> "aiohttp.CookieJar":
    import aiohttp

    address = URL(origin)
    trusted = [address] if address.scheme == "http" and is_trustworthy(address) else None
    jar = aiohttp.CookieJar(unsafe=True, quote_cookie=False, treat_as_secure_origin=trusted)
    for cookie in cookies:
        jar.update_cookies([(cookie.name, _build_morsel(cookie))], URL(f"https://{host_in_url(cookie.domain)}/"))
    return jar


def _build_morsel(cookie: Cookie) -> "Morsel[str]":
    """Return *cookie* as aiohttp's jar takes it, where a cookie without a domain is host-only."""
    morsel: Morsel[str] = Morsel()
    # Morsel.set() refuses names that browsers send; aiohttp itself uses __setstate__ too.
    morsel.__setstate__({"key": cookie.name, "value": cookie.value, "coded_value": cookie.value})  # type: ignore[attr-defined]
    morsel["domain"] = "" if cookie.host_only else cookie.domain
    morsel["path"] = cookie.path
    morsel["secure"] = cookie.secure
    morsel["httponly"] = cookie.http_only
    if cookie.expires is not None:
        morsel["max-age"] = str(max(0, round(cookie.expires - time.time())))
    return morsel
