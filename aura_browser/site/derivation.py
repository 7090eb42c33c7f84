"""The request headers that are made from a session: its token, what stands against forgery, and a program's own."""

import re
from typing import TYPE_CHECKING, Final

from yarl import URL

from aura_browser.hosts import origin_of
from aura_browser.site.moves import find_origin
from aura_browser.site.site import Site
from aura_browser.site.tokens import SAFE_METHODS

if TYPE_CHECKING:
    from aura_browser.session import Session

_VALUE: Final = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]*")


def gets_tokens(site: Site, session: "Session", url: URL) -> bool:
    """Return whether tokens of *session* go to *url*: to the origins that the site lists, and to the session's own.

    Where the site may move to (``http`` to ``https``, a bare host to ``www``) gets its cookies only, and so does where
    it has moved away from.
    """
    return is_token_origin(site, session.origin, url)


def is_token_origin(site: Site, own: str, url: URL) -> bool:
    """Return whether tokens of a session of the origin *own* go to *url*: there, and to the origins of the site."""
    return str(origin_of(url)) in {find_origin(site.origin, own), own, *site.origins}


def build_lasting_headers(site: Site, session: "Session", url: URL) -> dict[str, str]:
    """Return the headers that each request to *url* gets: those of *session*, and those that its *site* states.

    A password goes only to the origin that asked for it, and so does an ``Authorization`` that the site states.
    """
    stated = {name.lower() for name in site.stated_headers}
    own = {name: value for name, value in session.headers.items() if name.lower() not in stated}
    is_own = origin_of(url) == URL(session.origin)
    both = {**own, **site.stated_headers}
    return {name: value for name, value in both.items() if is_own or name.lower() != "authorization"}


def can_be_sent(value: str) -> bool:
    """Return whether *value*, which a page may have made, can stand in a header: on one line, as text."""
    return _VALUE.fullmatch(value) is not None


def derive_headers(site: Site, session: "Session", method: str, url: URL) -> dict[str, str]:
    """Return the headers that a request to *url* gets from *session*, besides its lasting headers and its cookies.

    Args:
        site: the site, which says how.
        session: the session.
        method: the request's method; what stands against forgery is left out of those that change nothing.
        url: the request's address.
    """
    if not gets_tokens(site, session, url):
        return {}
    headers: dict[str, str] = {}
    if site.auth and (value := site.auth.value.fill(session)) is not None and can_be_sent(value):
        headers[site.auth.header] = value
    if site.csrf and site.csrf.header and method not in SAFE_METHODS:
        token = site.csrf.read_cookie(session)
        headers |= {site.csrf.header: token} if token and can_be_sent(token) else {}
    return headers | dict(site.derive(session, method)) if site.derive else headers
