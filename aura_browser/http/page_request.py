"""Makes what a page sends of a caller's request and a session."""

import base64
from collections.abc import Mapping
from typing import Final

from yarl import URL

from aura_browser.errors import InvalidInput
from aura_browser.http.page_headers import can_set, check_method, select_headers
from aura_browser.request import Body, Request
from aura_browser.session import Session
from aura_browser.site import Site
from aura_browser.site.derivation import build_lasting_headers, derive_headers
from aura_browser.webdriver.fetching.tab import PageRequest

_MAX_BODY_BYTES: Final = 64 * 2**20
_WITHOUT_BODY: Final = frozenset({"GET", "HEAD"})
_BYTES: Final = "application/octet-stream"  # as aiohttp says of bytes


def build_page_request(site: Site, session: Session, request: Request, url: URL) -> PageRequest:
    """Return what a page sends; the browser adds its cookies and its own headers.

    Args:
        site: the site.
        session: the session.
        request: the caller's, whose body is bytes or None.
        url: its whole address.

    Raises:
        InvalidInput: naming what a page can't send.
    """
    check_method(request.method)
    body = request.body if isinstance(request.body, bytes) else b""
    if body and request.method.upper() in _WITHOUT_BODY:
        raise InvalidInput("data", f"a page can't send a body with {request.method.upper()}; use transport='http'")
    given = {name.lower(): value for name, value in request.headers.items()}
    headers = {**list_session_headers(site, session, url, set(given)), **request.headers}
    if body and "content-type" not in given:
        headers["Content-Type"] = _BYTES
    for name, value in derive_headers(site, session, request.method, url).items():
        headers = {each: held for each, held in headers.items() if each.lower() != name.lower()} | {name: value}
    return PageRequest(
        request.method,
        str(url.with_fragment(None)),
        select_headers(headers),
        base64.b64encode(body).decode() if body else None,
        given.get("referer") or session.url,
    )


def list_session_headers(site: Site, session: Session, url: URL, given: set[str]) -> Mapping[str, str]:
    """Return the headers of *session* and of its *site* that a page sets: not those that its browser sends by itself.

    Args:
        site: the site.
        session: the session.
        url: where they go; a password goes only to the origin that asked for it.
        given: the names of headers that the caller gives, in lower case.
    """
    left_out, lasting = {*given, "accept-language"}, build_lasting_headers(site, session, url)
    return {name: value for name, value in lasting.items() if can_set(name) and name.lower() not in left_out}


async def collect_body(body: Body) -> bytes | None:
    """Return a request's body as bytes; a page can't send one piece by piece.

    Raises:
        InvalidInput: if it is longer than 64 MiB.
    """
    if isinstance(body, bytes | None):
        content = body or b""
    else:
        collected = bytearray()
        async for piece in body:
            collected += piece
            if len(collected) > _MAX_BODY_BYTES:
                break
        content = bytes(collected)
    if len(content) > _MAX_BODY_BYTES:
        raise InvalidInput("data", "is over 64 MiB, which is too much for a page; use transport='http'")
    return content or None
