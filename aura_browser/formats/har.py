"""HAR, what the network panel of a browser exports (http://www.softwareishard.com/blog/har-12-spec/)."""

from collections import Counter
from datetime import datetime
from typing import Any, Final

import msgspec
from yarl import URL

from aura_browser.errors import ImportFailed, raise_alone
from aura_browser.formats.content import Content, CookieFacts, build_cookies, find_user_agent, read_address
from aura_browser.formats.cookie_header import split_cookies
from aura_browser.formats.cookie_json import read_cookie
from aura_browser.hosts import is_same_site, origin_of
from aura_browser.session import Cookie
from aura_browser.session.cookie_store import fold_set_cookies
from aura_browser.session.headers import is_lasting
from aura_browser.text import clean_text
from aura_browser.urls import read_url

TITLE: Final = "a HAR file"

_SANITIZED: Final = (
    "In Chrome's DevTools, switch on Settings → Preferences → Network → 'Allow to generate HAR with sensitive data', "
    "then choose 'Export HAR (with sensitive data)'."
)
_MAX_SITES: Final = 5


class _Pair(msgspec.Struct):
    name: str
    value: str = ""


class _Request(msgspec.Struct):
    url: str
    headers: list[_Pair] = []
    cookies: list[dict[str, Any]] = []


class _Content(msgspec.Struct, rename={"mime_type": "mimeType"}):
    mime_type: str = ""


class _Response(msgspec.Struct):
    headers: list[_Pair] = []
    content: _Content | None = None


class _Entry(msgspec.Struct, rename={"started": "startedDateTime", "kind": "_resourceType"}):
    request: _Request
    response: _Response | None = None
    started: str = ""
    kind: str = ""


class _Creator(msgspec.Struct):
    name: str = ""


class _Log(msgspec.Struct):
    entries: list[_Entry]
    creator: _Creator | None = None


class _Har(msgspec.Struct):
    log: _Log


def load(data: bytes, url: str | None, now: float) -> Content:
    """Return the cookies and headers that a HAR file's requests to one site carry.

    Args:
        data: the file.
        url: a page of the site; None for the site of most of its pages.
        now: epoch seconds, where an entry has no time.

    Raises:
        ImportFailed: if it is not of the right form, was exported without cookies, or is of several sites.
    """
    try:
        log = msgspec.json.decode(data, type=_Har).log
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise_alone(ImportFailed(TITLE, "", "it is not of the form of HAR 1.2", "Export it again."))
    entries = [(address, entry) for entry in log.entries if (address := _parse(entry.request.url)) is not None]
    if not any(_has_cookies(entry) for _, entry in entries):
        is_sanitized = log.creator is not None and log.creator.name == "WebInspector"
        advice = _SANITIZED if is_sanitized else "Export it again, with cookies."
        raise ImportFailed(TITLE, "", "it was exported without cookies", advice)
    page = url or _choose_page(entries)
    own = [(address, entry) for address, entry in entries if is_same_site(address, read_url(page))]
    return _read(own, page, now)


def _parse(text: str) -> URL | None:
    try:
        return read_address(text)
    except ValueError:
        return None


def _has_cookies(entry: _Entry) -> bool:
    names = {pair.name.lower() for pair in entry.request.headers}
    answered = entry.response.headers if entry.response else []
    return bool(entry.request.cookies) or "cookie" in names or any(p.name.lower() == "set-cookie" for p in answered)


def _choose_page(entries: list[tuple[URL, _Entry]]) -> str:
    """Return the page that most documents are of, or, without documents, most requests."""
    documents = [address for address, entry in entries if _is_document(entry)]
    origins = Counter(str(origin_of(address)) for address in documents or [address for address, _ in entries])
    (first, most), *others = origins.most_common()
    if others and others[0][1] == most and not is_same_site(read_url(first), read_url(others[0][0])):
        shown = ", ".join(clean_text(origin) for origin in list(origins)[:_MAX_SITES])
        raise ImportFailed(TITLE, "", f"it is of several sites: {shown}", f"Name one with --url {first}/")
    pages = [address for address in documents if str(origin_of(address)) == first]
    return str(pages[-1].with_fragment(None)) if pages else f"{first}/"


def _is_document(entry: _Entry) -> bool:
    mime_type = entry.response.content.mime_type if entry.response and entry.response.content else ""
    return entry.kind == "document" or (not entry.kind and mime_type.startswith("text/html"))


def _read(entries: list[tuple[URL, _Entry]], page: str, now: float) -> Content:
    kept: tuple[Cookie, ...] = ()
    told: dict[str, None] = {}
    headers: dict[str, str] = {}
    guessed: set[tuple[object, ...]] = set()
    for address, entry in entries:
        then = _read_time(entry.started, now)
        kept, spoilt = _take_sent(kept, entry, address, guessed)
        told |= dict.fromkeys(spoilt)
        kept = _take_received(kept, entry, address, then, guessed)
        if origin_of(address) == origin_of(read_url(page)) and any(
            p.name.lower() == "cookie" for p in entry.request.headers
        ):
            headers = {p.name: p.value for p in entry.request.headers if is_lasting(p.name) and p.value}
    agent = find_user_agent(headers)
    is_guess = any(cookie.identity in guessed for cookie in kept)
    unknown = ("local_storage", *(("cookie_attributes",) if is_guess else ()), "user_agent")
    return Content(
        cookies=kept,
        url=page,
        user_agent=agent,
        headers=headers,
        unknown=unknown,
        left_out=tuple(told),
    )


def _take_sent(
    kept: tuple[Cookie, ...], entry: _Entry, address: URL, guessed: set[tuple[object, ...]]
) -> tuple[tuple[Cookie, ...], tuple[str, ...]]:
    """Return the cookies with those that a request carried; Chrome writes them whole, others name and value alone."""
    whole = [read_cookie(item) for item in entry.request.cookies if item.get("domain")]
    built, spoilt = build_cookies(whole or _list_bare(entry, address))
    cookies = {cookie.identity: cookie for cookie in kept}
    if built and not whole:  # it names all that the browser had for that address
        sent = {(cookie.name, cookie.value) for cookie in built}
        gone = [c for c in kept if c.identity in guessed and c.goes_to(address, 0) and (c.name, c.value) not in sent]
        cookies = {cookie.identity: cookie for cookie in kept if cookie not in gone}
    for cookie in built:
        if whole:
            cookies[cookie.identity] = cookie
            continue
        same = [old for old in cookies.values() if old.name == cookie.name and old.goes_to(address, 0)]
        if not any(old.value == cookie.value for old in same):
            cookies[cookie.identity] = cookie
            guessed.add(cookie.identity)
    return tuple(cookies.values()), spoilt


def _list_bare(entry: _Entry, address: URL) -> list[CookieFacts]:
    values = [_decode(pair.value) for pair in entry.request.headers if pair.name.lower() == "cookie"]
    return [fact for value in values for fact in split_cookies(value, str(address))]


def _take_received(
    kept: tuple[Cookie, ...], entry: _Entry, address: URL, then: float, guessed: set[tuple[object, ...]]
) -> tuple[Cookie, ...]:
    """Return the cookies after a response; one that was guessed is the one that it sets or deletes by that name."""
    if entry.response is None:
        return kept
    # Chrome joins several headers of one name with line feeds.
    values = [_decode(pair.value) for pair in entry.response.headers if pair.name.lower() == "set-cookie"]
    lines = [line for value in values for line in value.split("\n")]
    names = {line.partition("=")[0].strip() for line in lines}
    known = tuple(c for c in kept if not (c.identity in guessed and c.name in names and c.goes_to(address, 0)))
    return fold_set_cookies(known, lines, address, then) if lines else kept


def _decode(text: str) -> str:
    """Return a header's text as the browser sent it: Chrome shows its UTF-8 as if it were windows-1252."""
    if text.isascii():
        return text
    try:
        return b"".join(map(_to_byte, text)).decode()
    except UnicodeError:
        return text


def _to_byte(char: str) -> bytes:
    # What windows-1252 leaves free is a control character of that number (https://encoding.spec.whatwg.org/#windows-1252).
    return char.encode("latin-1") if "\x80" <= char <= "\x9f" else char.encode("cp1252")


def _read_time(text: str, now: float) -> float:
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError):
        return now
