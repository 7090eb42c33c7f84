"""A ``Cookie`` header, alone or among the headers of a request, as ``curl -H @FILE`` takes them."""

import re
from collections import Counter
from typing import Final

from yarl import URL

from aura_browser.errors import ImportFailed
from aura_browser.formats.content import Content, CookieFacts, build_cookies, find_user_agent, show_name
from aura_browser.formats.dumped import Dumped, DumpOptions, choose_url, describe_rest
from aura_browser.hosts import host_of
from aura_browser.session import Session
from aura_browser.session.headers import is_lasting
from aura_browser.text import count, list_names
from aura_browser.urls import read_url

TITLE: Final = "a Cookie header"
_ADVICE: Final = "Give the page's address with --url."

_LINE: Final = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*)")
_PAIR: Final = re.compile(r"[ \t]*[!#$%&'*+.^_`|~0-9A-Za-z-]+=")
_MAX_LINES: Final = 1000


def dump(session: Session, options: DumpOptions) -> Dumped:
    """Return the headers of a request to ``options.url``: those of *session*, and its cookies for that address."""
    url = choose_url(session, options)
    headers = {**session.headers_for(url), "Cookie": session.cookie_header(url, options.now)}
    lines = [f"{name}: {value}" if value else f"{name};" for name, value in headers.items()]
    return Dumped("\n".join([*lines, ""]), tuple(describe_limits(session, url, options.now)))


def describe_limits(session: Session, url: URL, now: float) -> list[str]:
    """Return what the headers of a single request leave out."""
    others = [cookie for cookie in session.cookies if not cookie.goes_to(url, now)]
    told = []
    if others:
        told.append(f"{count(others, 'cookie')} for other addresses: {list_names(c.name for c in others)}")
    return told + describe_rest(session, headers=False)


def is_such(text: str) -> bool:
    """Return whether *text* holds cookies: a ``Cookie`` header, or ``a=b; c=d`` on one line."""
    lines = [line for line in text.splitlines() if line.strip()][:_MAX_LINES]
    return any(line.lower().startswith("cookie:") for line in lines) or (len(lines) == 1 and _is_pairs(lines[0]))


def _is_pairs(line: str) -> bool:
    return all(_PAIR.match(pair) for pair in line.rstrip(" \t;").split(";"))


def load(text: str, url: str | None) -> Content:
    """Return the cookies and headers in *text*.

    Args:
        text: ``Cookie: a=b; c=d`` with other headers before or after it, or ``a=b; c=d`` alone.
        url: the page that they are for.

    Raises:
        ImportFailed: if *url* is None, or there is no cookie.
    """
    if url is None:
        raise ImportFailed(TITLE, "", "it does not say which site it is for", _ADVICE)
    lines = [line for line in text.replace("\r\n", "\n").split("\n") if line.strip()][:_MAX_LINES]
    headers = [(match[1], match[2]) for line in lines if (match := _LINE.fullmatch(line))]
    if not any(name.lower() == "cookie" for name, _ in headers):
        headers = [("Cookie", " ".join(lines))]
    return read_headers(headers, url, TITLE)


def read_headers(headers: list[tuple[str, str]], url: str, kind: str) -> Content:
    """Return the cookies in a request's headers, and those of its headers that every request has.

    Args:
        headers: names and values, in order.
        url: the request's URL.
        kind: what the file is, for errors.

    Raises:
        ImportFailed: if there is no cookie.
    """
    values = [value for name, value in headers if name.lower() == "cookie"]
    cookies, left_out = build_cookies(fact for value in values for fact in split_cookies(value, url))
    if not cookies:
        raise ImportFailed(kind, "", "there is no cookie in it", "Copy a request that the browser sends logged in.")
    kept = {name: value for name, value in headers if is_lasting(name) and value}
    agent = find_user_agent(kept)
    return Content(
        cookies=cookies,
        url=url,
        user_agent=agent,
        headers=kept,
        unknown=("cookie_attributes", "local_storage", "user_agent"),
        left_out=left_out + _describe_repeated(values),
    )


def split_cookies(value: str, url: str) -> list[CookieFacts]:
    """Return the cookies of a ``Cookie`` header for *url*, as cookies of that host alone that end with the browser.

    Of several with one name the first is returned: browsers send the one of the longest path first, and servers take
    that (RFC 6265, section 5.4).
    """
    address = read_url(url)
    facts: CookieFacts = {"domain": host_of(address), "host_only": True, "secure": address.scheme == "https"}
    first: dict[str, str] = {}
    for name, text in _split_pairs(value):
        first.setdefault(name, text)
    return [facts | {"name": name, "value": text} for name, text in first.items()]


def _split_pairs(value: str) -> list[tuple[str, str]]:
    pairs = (pair.strip(" \t").partition("=") for pair in value.split(";") if pair.strip(" \t"))
    # Without "=" it is the value of a cookie without a name.
    return [(name, text) if sign else ("", name) for name, sign, text in pairs]


def _describe_repeated(values: list[str]) -> tuple[str, ...]:
    """Return a sentence on the cookies that share their name with one before them; empty if each name is there once."""
    repeated = Counter[str]()
    for value in values:
        counts = Counter(name for name, _ in _split_pairs(value))
        repeated.update({show_name(name): count - 1 for name, count in counts.items() if count > 1})
    if not repeated:
        return ()
    return (f"{repeated.total()} after another one of the same name, as of a wider path: {list_names(repeated)}",)
