"""What goes out: a caller's request, checked before it is sent."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import msgspec
from yarl import URL

from aura_browser.errors import InvalidInput, raise_alone
from aura_browser.request import Body, Request
from aura_browser.session import Session
from aura_browser.site import Site
from aura_browser.site.moves import find_origin, follow_move
from aura_browser.text import copy_text, redact_url
from aura_browser.urls import join_url

_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 section 5.6.2
_PLACES: Final = frozenset({"origin", "referer"})
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")


def check_request(request: Request) -> Request:
    """Return *request* with texts that are exactly ``str``, if it can be sent.

    Raises:
        InvalidInput: naming the part that can't be sent; never with a value.
    """
    if not isinstance(request.method, str) or not _TOKEN.fullmatch(request.method):
        raise InvalidInput("method", "must be a method such as GET")
    if not isinstance(request.url, str):
        raise InvalidInput("url", "must be text")
    headers, body = _copy_headers(request.headers), _copy_body(request.body)
    method, url = copy_text(request.method), copy_text(request.url)
    return Request(method, url, headers, body, request.follows_redirects)


def _copy_headers(headers: Mapping[str, str]) -> dict[str, str]:
    if not isinstance(headers, Mapping):
        raise InvalidInput("headers", "must be a mapping of names to values")
    checked = {_check_name(name): _check_value(name, value) for name, value in headers.items()}
    # aiohttp would wait for 100 (Continue) without end; a body may be sent at once (RFC 9110, section 10.1.1).
    return {name: value for name, value in checked.items() if name.lower() != "expect"}


@lru_cache
def _check_name(name: object) -> str:
    if not isinstance(name, str) or not _TOKEN.fullmatch(name):
        raise InvalidInput("headers", "has a name that is not of letters, digits and hyphens")
    return copy_text(name)


def _check_value(name: str, value: object) -> str:
    if not isinstance(value, str) or _CONTROL.search(value):
        raise InvalidInput(f"headers[{name}]", "must be text on one line, without control characters")
    return copy_text(value)


def _copy_body(body: Body) -> Body:
    return bytes(body) if isinstance(body, bytes) and type(body) is not bytes else body


def move_request(site: Site, session: Session, request: Request, url: URL) -> tuple[Request, URL]:
    """Return *request* and its address *url* where the site of *session* has moved to, as from http to https."""
    origin = find_origin(site.origin, session.origin)
    if origin == site.origin:
        return request, url
    headers = {
        n: _move_value(v, site.origin, origin) if n.lower() in _PLACES else v for n, v in request.headers.items()
    }
    return msgspec.structs.replace(request, headers=headers), follow_move(url, site.origin, session.origin)


def _move_value(value: str, before: str, origin: str) -> str:
    return f"{origin}{value[len(before) :]}" if value == before or value.startswith(f"{before}/") else value


def resolve_own(site: Site, url: str) -> URL:
    """Return *url*, a path or an address, joined to the origin of *site*.

    Raises:
        InvalidInput: if it is not an address of the site.
    """
    try:
        address = join_url(URL(site.origin), url)
        is_own = site.owns(address)
    except ValueError:
        raise_alone(InvalidInput("url", "not a path or a valid URL"))
    if not is_own:
        raise InvalidInput("url", f"{redact_url(address)} is not at {site.origin}; its session is sent only there")
    return address
