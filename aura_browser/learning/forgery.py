"""Finds what stands against forgery (CSRF): a header or a form's field, and where its value is from."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from aura_browser.learning.findings import Finding
from aura_browser.learning.probes import Asker
from aura_browser.learning.tokens import Carried
from aura_browser.site import Site
from aura_browser.site.given_token import find_token
from aura_browser.site.tokens import Csrf
from aura_browser.urls import read_url
from aura_browser.webdriver.network_log import SeenRequest
from aura_browser.webdriver.repeatable import is_harmless

_META: Final = re.compile(rb"<meta[^>]{0,200}\bname=[\"']?([\w.-]*(?:csrf|xsrf)[\w.-]*)", re.IGNORECASE)
_HEADER: Final = re.compile(r"csrf|xsrf", re.IGNORECASE)
_FIELD: Final = re.compile(r"csrf|xsrf|tok(en)?\]?$|nonce|forgery|requestverification", re.IGNORECASE)
_MIN_TOKEN_LENGTH: Final = 8
_MAX_PAGES: Final = 3
_OK: Final = 200


@dataclass(frozen=True)
class Forgery:
    """What was found.

    Attributes:
        facts: the definition's table ``csrf``; empty if it is not known.
        finding: what to show.
    """

    facts: Mapping[str, str]
    finding: Finding


async def find_forgery(asker: Asker, requests: Iterable[SeenRequest], carried: Iterable[Carried]) -> Forgery | None:
    """Return what stands against forgery at a site; None if nothing was seen of it.

    Args:
        asker: asks the site, with the session.
        requests: what the browser asked for.
        carried: the tokens that its requests carried.

    Raises:
        BudgetSpent: if no more requests may be sent.
        RateLimited: if the site limits requests.
    """
    if header := next((each for each in carried if each.is_csrf), None):
        told = f"{header.header} from the cookie {header.cookie}"
        return Forgery({"header": header.header, "cookie": header.cookie}, Finding("csrf", told, "seen"))
    own = [request for request in requests if _is_own(asker.site, request.url)]
    name, fields, pages = _find_header(own), _list_fields(own), _list_pages(asker, own)
    if not name and not fields:
        return None
    for page in pages:
        answer = await asker.ask(page, asker.session)
        body = answer.body if answer is not None and answer.status == _OK else b""
        if name and (meta := _META.search(body)):
            element = meta[1].decode("ascii")
            told = f"{name} from the page's meta element {element}"
            return Forgery({"header": name, "get": page, "meta": element}, Finding("csrf", told, "seen"))
        if field := next((each for each in fields if _holds(body, page, each)), None):
            told = f"the form's field {field} from the input of that name at {page}"
            return Forgery({"field": field, "get": page, "input": field}, Finding("csrf", told, "seen"))
    what = f"the header {name}" if name else f"the form's field {fields[0]}"
    told = f"{what} was sent, and where its value is from was not seen; open a page with a form"
    return Forgery({}, Finding("csrf", told, "not found"))


def _is_own(site: Site, url: str) -> bool:
    try:
        return site.owns(read_url(url))
    except ValueError:
        return False


def _find_header(requests: Iterable[SeenRequest]) -> str:
    """Return the name of a request header against forgery; empty if there is none."""
    names = (name for request in requests for each in request.sent for name in each)
    return next((name for name in names if _HEADER.search(name)), "")


def _list_fields(requests: Iterable[SeenRequest]) -> list[str]:
    """Return the names of form fields that seem to be against forgery, the last sent first."""
    sent = list(requests)[::-1]
    return list(dict.fromkeys(name for each in sent for name in each.fields if _FIELD.search(name)))


def _list_pages(asker: Asker, requests: Iterable[SeenRequest]) -> list[str]:
    """Return the pages that the browser showed: that of the session, then the last one first."""
    found = {read_url(asker.session.url).raw_path_qs: None}
    for request in list(requests)[::-1]:
        url = read_url(request.url)
        is_page = (request.method, request.kind, request.status) == ("GET", "Document", _OK)
        if is_page and str(url.origin()) == asker.site.origin and is_harmless(url):
            found[url.raw_path_qs] = None
    return list(found)[:_MAX_PAGES]


def _holds(body: bytes, page: str, field: str) -> bool:
    """Return whether a page holds a token in an input called *field*."""
    token = find_token(Csrf(field=field, get=page, input=field), body)
    return token is not None and len(token) >= _MIN_TOKEN_LENGTH
