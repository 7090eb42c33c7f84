"""Redirects within a site: build the next request."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import msgspec
from yarl import URL

from aura_browser.hosts import origin_of
from aura_browser.request import Request
from aura_browser.site import Site
from aura_browser.urls import join_url

MAX_REDIRECTS: Final = 20  # as in Chrome
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_RAW_BYTE: Final = re.compile("[\udc80-\udcff]")  # aiohttp decodes headers with surrogateescape
_METHOD_KEEPING_STATUSES: Final = frozenset({HTTPStatus.TEMPORARY_REDIRECT, HTTPStatus.PERMANENT_REDIRECT})
_BODY_HEADERS: Final = frozenset({"content-type", "content-length", "content-encoding", "content-language"})


def redirect_target(url: URL, status: int, headers: Mapping[str, str]) -> URL | None:
    """Return the target of a redirect from *url*; None if the response is not a redirect, or names no target.

    Raises:
        ValueError: if the target is not a valid URL.
    """
    location = headers.get("Location")
    if status not in REDIRECTS or not location:
        return None
    # Bytes that are not UTF-8 are sent back as they are, as browsers do.
    location = _RAW_BYTE.sub(lambda byte: f"%{ord(byte[0]) - 0xDC00:02X}", location)
    target = join_url(url, location)
    origin_of(target)  # ValueError without a scheme or a host that can exist
    return target


def follow_redirect(site: Site, request: Request, url: URL, status: int, headers: Mapping[str, str]) -> Request | None:
    """Return the request that a redirect leads to (https://fetch.spec.whatwg.org/#http-redirect-fetch).

    Args:
        site: the site that the session is for.
        request: the request that was redirected.
        url: the URL that it was sent to.
        status: the response's status.
        headers: the response's headers.

    Returns:
        None if the response goes to the caller: it is not a redirect, its target is not a valid URL of the site, or it
        needs a body again that can be sent only once.
    """
    try:
        target = redirect_target(url, status, headers)
    except ValueError:
        return None
    if target is None or not site.owns(target):
        return None
    is_post = request.method == "POST" and status not in _METHOD_KEEPING_STATUSES
    if is_post or (status == HTTPStatus.SEE_OTHER and request.method != "HEAD"):
        kept = {name: value for name, value in request.headers.items() if name.lower() not in _BODY_HEADERS}
        return msgspec.structs.replace(request, method="GET", url=str(target), headers=kept, body=None)
    if not isinstance(request.body, bytes | None):
        return None
    return msgspec.structs.replace(request, url=str(target))
