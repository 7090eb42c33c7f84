"""The browser that a session is of, and what of the session never leaves it."""

from collections.abc import Iterable

import msgspec
from yarl import URL

from aura_browser.hosts import host_in_url, is_same_site
from aura_browser.session.cookie import Cookie


class Browser(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The browser that a session was harvested with: ``chrome`` or ``chromium``, and its version."""

    name: str
    version: str


class DeviceBound(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Cookies that a browser renews with a key of its device, which nobody can copy.

    They are of a device-bound session (https://w3c.github.io/webappsec-dbsc/).

    Attributes:
        site: scheme and domain, such as ``https://example.com``.
        cookies: the cookies' names.
        refresh_url: where the browser renews them, without a query.
    """

    site: str
    cookies: tuple[str, ...]
    refresh_url: str


def is_bound(cookie: Cookie, bound: Iterable[DeviceBound]) -> bool:
    """Return whether *cookie* is one of *bound*."""
    host = host_in_url(cookie.domain)
    return any(cookie.name in each.cookies and is_same_site(URL(f"https://{host}"), URL(each.site)) for each in bound)


def describe_bound(bound: Iterable[DeviceBound]) -> str:
    """Return what *bound* cookies need, without a full stop."""
    cookies = "; ".join(f"{', '.join(each.cookies) or 'a cookie'} of {each.site}" for each in bound)
    return f"only the browser can renew {cookies}: keep it open (--refresh kept), or send by it (--transport page)"
