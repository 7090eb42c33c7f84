"""Finds which request headers carried a token of the session, and where the page keeps it."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote

from yarl import URL

from aura_browser.hosts import is_same_site, origin_of
from aura_browser.session import Session
from aura_browser.site.place import read_place
from aura_browser.urls import read_url
from aura_browser.webdriver.network_log import SeenRequest, was_sent_to

_MIN_TOKEN_LENGTH: Final = 12
_MAX_DEPTH: Final = 8
_MAX_VALUES: Final = 5000
_MAX_ORIGINS: Final = 5
_REFRESH_NAMES: Final = ("refresh_token", "refreshToken", "refresh")
_API_KINDS: Final = frozenset({"XHR", "Fetch"})
# What browsers send by themselves, and what describes the message: never a token of the session.
_USUAL: Final = re.compile(
    r":.*|accept.*|cache-control|connection|content-.*|cookie|dnt|host|if-.*|origin|pragma|priority|range|referer|"
    r"sec-.*|te|upgrade.*|user-agent|x-requested-with|next-.*|rsc",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Carried:
    """A header that carries a token.

    Attributes:
        header: its name.
        place: its value with the token's place in braces.
        is_csrf: whether it is a token against forgery, from a cookie.
        cookie: the cookie's name, if *is_csrf*.
        value: what the browser sent, if it is kept nowhere that can be read.
    """

    header: str
    place: str
    is_csrf: bool = False
    cookie: str = ""
    value: str = field(default="", repr=False)


def find_origins(session: Session, requests: Iterable[SeenRequest]) -> tuple[str, ...]:
    """Return the further origins of the same registrable domain that the site's page asked for data."""
    own = URL(session.origin)
    found: dict[str, None] = {}
    for request in requests:
        url = _parse(request.url)
        if url is None or request.kind not in _API_KINDS or not is_same_site(url, own):
            continue
        if origin_of(url) != own and url.scheme == own.scheme:
            found[str(origin_of(url))] = None
    return tuple(found)[:_MAX_ORIGINS]


def find_carried(session: Session, requests: Iterable[SeenRequest], origins: Iterable[str]) -> list[Carried]:
    """Return the headers with which the page's requests to *origins* carried a token, the last seen first.

    Args:
        session: the session, for where a token is kept.
        requests: what the browser asked for.
        origins: the site's own.
    """
    own, found = set(origins), {}
    for request in requests:
        url = _parse(request.url)
        if url is None or request.kind not in _API_KINDS or str(origin_of(url)) not in own:
            continue
        for name, value in (pair for sent in request.sent if was_sent_to(sent, url) for pair in sent.items()):
            if not _USUAL.fullmatch(name) and (carried := _locate(name, value, session)):
                found[name.lower()] = carried
    return list(found.values())[::-1]


def _locate(name: str, value: str, session: Session) -> Carried | None:
    """Return where the token in a header is kept; None if the header carries none."""
    is_authorization = name.lower() == "authorization"
    if is_authorization and value.lower().startswith("basic "):
        return None
    for cookie in session.cookies:
        if len(cookie.value) >= _MIN_TOKEN_LENGTH and value in {cookie.value, unquote(cookie.value)}:
            if is_authorization:
                return Carried(name, f"{{cookie.{cookie.name}}}")
            return Carried(name, "", is_csrf=True, cookie=cookie.name)
    for place, token in _list_values(session):
        if token in value:
            return Carried(name, value.replace(token, f"{{{place}}}"))
    for cookie in session.cookies:
        if is_authorization and len(cookie.value) >= _MIN_TOKEN_LENGTH and cookie.value in value:
            return Carried(name, value.replace(cookie.value, f"{{cookie.{cookie.name}}}"))
    return Carried(name, "{captured}", value=value) if is_authorization else None


def find_kept(session: Session, sent: str) -> str:
    """Return where the page keeps the token that it sent, in words.

    Args:
        session: the session, with the storage that no request is made from.
        sent: the header's value.
    """
    token = sent.rpartition(" ")[2]
    for origin in session.extra_storage.get("origins", ()):
        for entry in origin.get("sessionStorage", ()):
            if token in entry["value"]:
                return f"its session storage ({entry['name']})"
        for database in origin.get("indexedDB", ()):
            if json.dumps(token)[1:-1] in json.dumps(database):
                return f"IndexedDB ({database['name']})"
    return "its memory"


def find_refresh_token(session: Session, place: str) -> str:
    """Return the place of a token that is kept beside the one that requests carry and may renew it; empty if none is.

    Args:
        session: the session.
        place: a header's value with the token's place in braces.
    """
    beside = re.search(r"\{(local_storage\.[^{}]+)\.[^{}.]+\}", place)
    if beside is None:
        return ""
    found = (f"{beside[1]}.{name}" for name in _REFRESH_NAMES)
    return next((each for each in found if isinstance(read_place(session, each), str)), "")


def _list_values(session: Session) -> Iterator[tuple[str, str]]:
    """Yield the places of the local storage and the texts there that may be tokens, the longest first."""
    found: list[tuple[str, str]] = []
    for key, stored in session.local_storage.items():
        if "{" in key or "}" in key or not key:
            continue
        found.append((f"local_storage.{key}", stored))
        try:
            parsed = json.loads(stored)
        except (ValueError, RecursionError):
            continue
        found += [(f"local_storage.{key}.{path}", text) for path, text in _walk(parsed, 0)]
        if len(found) > _MAX_VALUES:
            break
    tokens = [(place, text) for place, text in found if len(text) >= _MIN_TOKEN_LENGTH]
    yield from sorted(tokens, key=lambda pair: -len(pair[1]))


def _walk(value: Any, depth: int) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - JSON
    if depth > _MAX_DEPTH:
        return
    parts: Mapping[str, Any] = {}
    if isinstance(value, dict):
        parts = {key: part for key, part in value.items() if key and not set(key) & set(".{}")}
    elif isinstance(value, list):
        parts = {str(number): part for number, part in enumerate(value)}
    for key, part in parts.items():
        if isinstance(part, str):
            yield key, part
        else:
            yield from ((f"{key}.{path}", text) for path, text in _walk(part, depth + 1))


def _parse(text: str) -> URL | None:
    try:
        url = read_url(text)
    except ValueError:
        return None
    return url if url.scheme in {"http", "https"} and url.host else None
