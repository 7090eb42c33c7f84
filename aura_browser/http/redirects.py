"""Redirects within a site: what the next request is."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import msgspec
from yarl import URL

from aura_browser.request import Request
from aura_browser.site import Site

MOST_REDIRECTS: Final = 20  # as Chrome
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_KEEPS_METHOD: Final = frozenset({HTTPStatus.TEMPORARY_REDIRECT, HTTPStatus.PERMANENT_REDIRECT})
_OF_THE_BODY: Final = frozenset({"content-type", "content-length", "content-encoding", "content-language"})


def redirect_target(url: URL, status: int, headers: Mapping[str, str]) -> URL | None:
    """Return where an answer of *url* leads; None if it is not a redirect.

    Raises:
        ValueError: if it leads to no readable address.
    """
    if status not in REDIRECTS:
        return None
    target = url.join(URL(headers.get("Location", "")))
    target.origin()  # a ValueError where it has none
    return target


def redirected(site: Site, request: Request, url: URL, status: int, headers: Mapping[str, str]) -> Request | None:
    """Return the request that a redirect asks for (https://fetch.spec.whatwg.org/#http-redirect-fetch).

    Args:
        site: whose session it goes with.
        request: what was asked.
        url: where it was asked.
        status: of the answer.
        headers: of the answer.

    Returns:
        None if the answer is the caller's: it is not a redirect, leads out of the site or to no readable address, or
        asks for a body again that can be sent once only.
    """
    try:
        target = redirect_target(url, status, headers)
    except ValueError:
        return None
    if target is None or not site.owns(target):
        return None
    is_post = request.method == "POST" and status not in _KEEPS_METHOD
    if is_post or (status == HTTPStatus.SEE_OTHER and request.method != "HEAD"):
        kept = {name: value for name, value in request.headers.items() if name.lower() not in _OF_THE_BODY}
        return msgspec.structs.replace(request, method="GET", url=str(target), headers=kept, body=None)
    if not isinstance(request.body, bytes | None):
        return None
    return msgspec.structs.replace(request, url=str(target))
