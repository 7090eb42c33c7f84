"""cookies.txt, the format of Netscape, which curl, wget, yt-dlp, aria2 and many others read (https://curl.se/docs/http-cookies.html)."""

import re
from collections.abc import Iterator
from typing import Final

from aura_browser.errors import ImportFailed
from aura_browser.formats.content import Content, CookieFacts, build_cookies
from aura_browser.formats.dumped import (
    DOTLESS,
    ENDLESS,
    NAMELESS,
    NOT_ASCII,
    PARTITIONED,
    WITH_TAB,
    Dumped,
    DumpOptions,
    describe_fitting,
    describe_rest,
    sort_out,
)
from aura_browser.session import Cookie, Session
from aura_browser.urls import read_url

TITLE: Final = "a cookies.txt"
_HEADERS: Final = ("# Netscape HTTP Cookie File", "# HTTP Cookie File")

_HTTP_ONLY: Final = "#HttpOnly_"
_MAX_CURL_HEADER: Final = 8190
_COLUMNS: Final = 7
_DAY_S: Final = 86400.0
_NUMBER: Final = re.compile(r"-?[0-9]{1,20}(?:\.[0-9]*)?")
_WITH_PORT: Final = re.compile(r"([^:]+):[0-9]{1,5}")
_BOOLS: Final = {"true": True, "false": False}


def dump(session: Session, options: DumpOptions) -> Dumped:
    """Return *session*'s cookies as a cookies.txt that curl, wget, aria2, Python, yt-dlp and gallery-dl all read whole.

    An HttpOnly cookie stands there twice, first plain, since wget and aria2 take its own form for a comment. The
    others take the second for the same cookie.
    """
    cookies, left_out = sort_out(session.cookies, NAMELESS, PARTITIONED, WITH_TAB)
    ends = None if options.session_days is None else options.now + options.session_days * _DAY_S
    lines = [line for cookie in cookies for line in _write(cookie, ends)]
    for_python = "can't be sent by yt-dlp, gallery-dl and other programs in Python"
    notes = [note for check in (NOT_ASCII, DOTLESS) for note in describe_fitting(cookies, check, for_python)]
    if ends is None:
        advice = "can't be sent by Python's MozillaCookieJar, which needs an end (--session-days)"
        notes += describe_fitting(cookies, ENDLESS, advice)
    if len(session.cookie_header(read_url(session.url), options.now)) > _MAX_CURL_HEADER:
        advice = "use --format header, or aura-browser request"
        notes.append(f"cookies of over {_MAX_CURL_HEADER:,} bytes for one address are sent in part by curl; {advice}")
    return Dumped("\n".join([_HEADERS[0], *lines, ""]), (*left_out, *describe_rest(session)), tuple(notes))


def _write(cookie: Cookie, ends: float | None) -> Iterator[str]:
    expires = cookie.expires if cookie.expires is not None else ends
    columns = (
        cookie.domain if cookie.host_only else f".{cookie.domain}",  # without brackets, as these programs read them
        "FALSE" if cookie.host_only else "TRUE",
        cookie.path,
        "TRUE" if cookie.secure else "FALSE",
        "0" if expires is None else str(max(1, round(expires))),
        cookie.name,
        cookie.value,
    )
    line = "\t".join(columns)
    yield line
    if cookie.http_only:
        yield f"{_HTTP_ONLY}{line}"


def is_such(text: str) -> bool:
    """Return whether *text* is a cookies.txt: it has its first line, or columns with tabs between them."""
    if text.lstrip().startswith(_HEADERS):
        return True
    first = next((line for line in text.split("\n") if _is_cookie(line)), "")
    return first.count("\t") >= _COLUMNS - 2


def load(text: str) -> Content:
    """Return the cookies in *text*; header line, line ends and the case of ``TRUE`` may be any.

    Raises:
        ImportFailed: naming the line, if one is not a cookie.
    """
    facts = [_read(line, number) for number, line in enumerate(text.split("\n"), 1) if _is_cookie(line)]
    # wget writes the port of a host that has one. What it was given there is newer than what it had without.
    facts.sort(key=lambda each: _WITH_PORT.fullmatch(each["domain"]) is not None)
    facts = [each | {"domain": _WITH_PORT.sub(r"\1", each["domain"])} for each in facts]
    cookies, left_out = build_cookies(facts)
    return Content(cookies=cookies, unknown=("user_agent", "local_storage"), left_out=left_out)


def _is_cookie(line: str) -> bool:
    return bool(line.strip()) and (not line.startswith("#") or line.startswith(_HTTP_ONLY))


def _read(line: str, number: int) -> CookieFacts:
    line = line.removesuffix("\r")
    # An eighth column is the size, which "Get cookies.txt" wrote.
    columns = line.removeprefix(_HTTP_ONLY).split("\t")[:_COLUMNS]
    if len(columns) < _COLUMNS:
        columns += [""] * (len(columns) == _COLUMNS - 1)  # an empty value, whose tab an editor removed
    if len(columns) != _COLUMNS:
        raise _refuse(number, f"it has {len(columns)} columns, not 7 with tabs between them")
    domain, subdomains, path, secure, expires, name, value = columns
    return {
        "name": name,
        "value": value,
        "domain": domain,
        "host_only": not (_read_bool(subdomains, number) or domain.startswith(".")),
        "path": path or "/",
        "expires": _read_expiry(expires, number),
        "secure": _read_bool(secure, number),
        "http_only": line.startswith(_HTTP_ONLY),
    }


def _read_bool(text: str, number: int) -> bool:
    value = _BOOLS.get(text.strip().lower())
    if value is None:
        raise _refuse(number, "a column that is TRUE or FALSE holds something else")
    return value


def _read_expiry(text: str, number: int) -> float | None:
    text = text.strip()
    if text and not _NUMBER.fullmatch(text):
        raise _refuse(number, "its expiry is not a number")
    return float(text or 0)


def _refuse(number: int, problem: str) -> ImportFailed:
    return ImportFailed(TITLE, f"line {number}", problem, "Export the file again, without editing it.")
