"""Adds a token against forgery (CSRF) that a site gives out, to each request that may change something."""

import logging
import re
from typing import Final

import aiohttp
from aiohttp import ClientRequest, Payload, hdrs
from aiohttp.payload import BytesPayload
from yarl import URL

from aura_browser.errors import InvalidInput
from aura_browser.http.body import read_start
from aura_browser.session import Session
from aura_browser.site import Site
from aura_browser.site.derivation import can_be_sent, gets_tokens
from aura_browser.site.moves import follow_move
from aura_browser.site.tokens import SAFE_METHODS, Csrf, write_form_field
from aura_browser.text import redact_url
from aura_browser.urls import join_url

_log = logging.getLogger(__name__)

MAX_TOKEN_PAGE_BYTES: Final = 2**20
"""As far as a token is looked for."""
_TIMEOUT_S: Final = 30.0
_FORM: Final = "application/x-www-form-urlencoded"
_MULTIPART: Final = "multipart/form-data"
_BOUNDARY: Final = re.compile(r"""boundary="?([^";]{1,70})""", re.IGNORECASE)


def needs_token(site: Site, session: Session, method: str, url: URL) -> bool:
    """Return whether a request carries a token against forgery that is more than a header with a cookie's value."""
    return (
        site.csrf is not None
        and method not in SAFE_METHODS
        and bool(site.csrf.get or site.csrf.field)
        and gets_tokens(site, session, url)
    )


def resolve_token_page(site: Site, csrf: Csrf, session: Session) -> URL:
    """Return the address that gives out the token, where the site of *session* has moved to."""
    return follow_move(join_url(URL(site.origin), csrf.get), site.origin, session.origin)


async def fetch_token(site: Site, csrf: Csrf, session: Session, request: ClientRequest) -> str | None:
    """Return the token that the site gives out; None if it gives none.

    It is asked for by the client of *request*, so with the session, which is renewed if it has ended.

    Raises:
        AuraError: if there is no session, or the answer can't be read.
    """
    from aura_browser.site.given_token import find_token  # reads HTML, which few sites need

    url = resolve_token_page(site, csrf, session)
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=_TIMEOUT_S, sock_read=_TIMEOUT_S)
    async with request.session.get(url, allow_redirects=False, timeout=timeout) as response:
        token = find_token(csrf, await read_start(response.content, MAX_TOKEN_PAGE_BYTES))
    return note_token(token, url, response.status)


def note_token(token: str | None, url: URL, status: int) -> str | None:
    """Return *token*, and log where there is none."""
    if token is None:
        _log.warning("%s gave no token against forgery (status %s).", redact_url(url), status)
    return token


async def set_token(request: ClientRequest, csrf: Csrf, token: str) -> None:
    """Put *token* where the site wants it. A body that is no form is sent as it is.

    Raises:
        InvalidInput: if it belongs into a form that is a stream.
    """
    if csrf.header:
        if can_be_sent(token):
            request.headers[csrf.header] = token
        return
    kind = request.headers.get(hdrs.CONTENT_TYPE, "")
    content = await _read_form(request, csrf, read_type(kind))
    written = None if content is None else write_token(csrf, kind, content, token)
    if written is not None:
        request.headers[hdrs.CONTENT_TYPE] = written[0]
        await request.update_body(written[1])


def write_token(csrf: Csrf, kind: str, content: bytes, token: str) -> tuple[str, bytes] | None:
    """Return the type and the content of a form with *token* in it; None if the content is no form.

    Args:
        csrf: names the field.
        kind: the content's type; empty if it has none.
        content: the form, which may hold the token of the session before.
        token: the token.
    """
    if not content or read_type(kind) == _FORM:
        return _FORM, write_form_field(content, csrf.field, token)
    boundary = _BOUNDARY.search(kind) if read_type(kind) == _MULTIPART else None
    if boundary is None:
        return None
    start = f'--{boundary[1]}\r\nContent-Disposition: form-data; name="{csrf.field}"\r\n\r\n'.encode()
    if content.startswith(start):  # of the session before
        content = content[content.index(b"\r\n--", len(start)) + 2 :]
    return kind, start + token.encode() + b"\r\n" + content


def read_type(kind: str) -> str:
    """Return a content type without its parameters."""
    return kind.partition(";")[0].strip().lower()


async def _read_form(request: ClientRequest, csrf: Csrf, kind: str) -> bytes | None:
    """Return the body; None if it is a stream of another kind."""
    body = request.body
    if isinstance(body, BytesPayload):
        return await body.as_bytes()
    if isinstance(body, Payload) and kind in {_FORM, _MULTIPART}:
        raise InvalidInput("data", f"the site wants the field {csrf.field} in it; give the form as bytes, or as fields")
    return None if isinstance(body, Payload) else b""
