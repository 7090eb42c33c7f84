"""What requests copied from a browser's developer tools hold of a session."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from yarl import URL

from aura_browser.errors import ImportFailed, InvalidInput, raise_alone
from aura_browser.formats.content import Content, CookieFacts, build_cookies, find_user_agent, read_address
from aura_browser.formats.copied import parse_copied
from aura_browser.formats.copied_request import ADVICE, CopiedRequest
from aura_browser.hosts import host_of, is_same_site, origin_of
from aura_browser.session.headers import is_lasting
from aura_browser.text import clean_text, count
from aura_browser.urls import read_url

if TYPE_CHECKING:
    from aura_browser.session.session import Unknown

TITLES: Final[Mapping[str, str]] = {
    "bash": "a request copied as cURL (bash)",
    "cmd": "a request copied as cURL (cmd)",
    "powershell": "a request copied as PowerShell",
    "fetch": "a request copied as fetch",
}
"""What each kind of copied text is called."""

_OPTION: Final = re.compile("--[a-z-]{1,30}|-[A-Za-z]")
_AGAIN: Final = f"{ADVICE[0].upper()}{ADVICE[1:]}."
_COPY_WITH_COOKIES: Final = "In DevTools, choose 'Copy as cURL', or 'Copy as fetch (Node.js)'."


def load(text: str, kind: str, url: str | None) -> Content:
    """Return the cookies and headers of the requests in *text*; of one cookie in several, the last counts.

    Args:
        text: one or several requests, as they were copied.
        kind: a key of :data:`TITLES`, as ``recognise`` returns it.
        url: a page of the site that is wanted; None for the only one.

    Raises:
        ImportFailed: if the text can't be read, has no cookies, or is of several sites.
    """
    title = TITLES[kind]
    try:
        requests = [(_parse(request, title), request) for request in parse_copied(text)]
    except InvalidInput as error:
        raise_alone(ImportFailed(title, "", error.problem.removesuffix(f"; {ADVICE}"), _AGAIN))
    if not requests:
        raise ImportFailed(title, "", "there is no request in it", _AGAIN)
    page = url or _choose_page(requests, title)
    own = [(address, request) for address, request in requests if is_same_site(address, read_url(page))]
    cookies, left_out = build_cookies(fact for address, request in own for fact in _read_cookies(request, address))
    if not cookies:
        raise ImportFailed(title, "", "it has no cookies", _COPY_WITH_COOKIES)
    if others := len(requests) - len(own):
        left_out = (*left_out, f"{count(range(others), 'request')} to other sites")
    left_out = (*left_out, *dict.fromkeys(map(_name_option, (option for _, r in own for option in r.left_out))))
    if any(name.lower() == "authorization" for _, request in own for name, _ in request.headers):
        left_out = (*left_out, "the header Authorization; where the site wants one, see: aura-browser sites learn")
    headers = _read_headers([r for address, r in own if origin_of(address) == origin_of(read_url(page))])
    agent = find_user_agent(headers)
    unknown: tuple[Unknown, ...] = ("cookie_attributes", "local_storage", "user_agent")
    return Content(cookies=cookies, url=page, user_agent=agent, headers=headers, unknown=unknown, left_out=left_out)


def _name_option(text: str) -> str:
    # In a damaged command anything may stand where an option should, a secret too.
    return f"the option {text}" if _OPTION.fullmatch(text) else "an unknown option"


def _parse(request: CopiedRequest, title: str) -> URL:
    try:
        return read_address(request.url)
    except ValueError:
        raise_alone(ImportFailed(title, "", "its address is not one of a website", _AGAIN))


def _choose_page(requests: Sequence[tuple[URL, CopiedRequest]], title: str) -> str:
    """Return the address of the last request with cookies, if all of those are of one site."""
    chosen = [address for address, request in requests if request.cookies] or [address for address, _ in requests]
    first = chosen[-1]
    if any(not is_same_site(address, first) for address in chosen):
        origins = Counter(str(origin_of(address)) for address in chosen)
        shown = ", ".join(map(clean_text, origins))
        raise ImportFailed(title, "", f"it is of several sites: {shown}", f"Name one with --url {origin_of(first)}/")
    return f"{origin_of(first)}/"


def _read_cookies(request: CopiedRequest, address: URL) -> list[CookieFacts]:
    """Return the cookies, as those of the request's host alone that end with the browser; PowerShell names domains."""
    host = host_of(address)
    return [
        {
            "name": cookie.name,
            "value": cookie.value,
            "domain": cookie.domain or host,
            "host_only": not cookie.domain.startswith("."),
            "secure": address.scheme in {"https", "wss"},
        }
        for cookie in request.cookies
    ]


def _read_headers(requests: Sequence[CopiedRequest]) -> dict[str, str]:
    """Return the lasting headers of the last request that has some."""
    for request in reversed(requests):
        if headers := {name: value for name, value in request.headers if is_lasting(name) and value}:
            return headers
    return {}
