"""An aiohttp client middleware that sends requests to one site with its session, and renews the session."""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import msgspec
from aiohttp import ClientHandlerType, ClientRequest, ClientResponse, Payload, hdrs
from aiohttp.http import SERVER_SOFTWARE
from multidict import CIMultiDict, istr
from yarl import URL

from aura_browser.errors import ConnectionFailed, SiteFailed
from aura_browser.http.body import peek
from aura_browser.http.chain import Chain, end_chain, find_chain, record_redirect
from aura_browser.http.exchange import check_proxy_answer
from aura_browser.http.forgery import fetch_token, needs_token, set_token
from aura_browser.http.redirects import REDIRECTS
from aura_browser.http.settling import ADVICE, Exchange, IsLeft, settle, stays
from aura_browser.http.verdict import (
    MAX_FIRST_BYTES,
    Ruling,
    Verdict,
    judge,
    judge_plain,
    needs_first_bytes,
    needs_marked_bytes,
    raise_for,
)
from aura_browser.keeping.manager import SessionManager
from aura_browser.proxy.connection import route_through
from aura_browser.session import Session
from aura_browser.site import Site
from aura_browser.site.derivation import build_lasting_headers, derive_headers
from aura_browser.site.moves import find_origin
from aura_browser.site.tokens import SAFE_METHODS
from aura_browser.text import redact_url

_ERROR_PEEK_TIMEOUT_S: Final = 10.0  # a page this slow is not a check page
_PAGE_PEEK_TIMEOUT_S: Final = 0.25
# Every request uses these, and looking them up in their enumerations is slow up to Python 3.11.
_OK: Final = Verdict.OK
_STALE: Final = Verdict.STALE
# What aiohttp sends if its caller names no such header.
_DEFAULTS: Final = frozenset({SERVER_SOFTWARE, *ClientRequest.DEFAULT_HEADERS.values()})
# With a rotated session, with another process's, with one harvested for the request.
_MAX_REPLAYS: Final = 3


@dataclass(frozen=True, slots=True, repr=False)
class _Headers:
    """The headers that a session adds to requests to one address, until a cookie expires."""

    session: Session
    url: URL
    until: float
    headers: CIMultiDict[str]
    names: tuple[istr, ...]


class SessionMiddleware:
    """An aiohttp middleware: pass it to ``aiohttp.ClientSession(middlewares=(...,))``.

    Requests to the site's own origins are sent with the session's headers and exactly the ``Cookie`` header that the
    browser would send; cookies from a cookie jar are replaced. Other headers that the caller sets win over the
    session's. Requests to other origins, including redirects, are not
    changed. After a stale response the session is renewed and the request sent again. A session that was harvested
    through a proxy is sent through that proxy.

    The renewal counts towards ``ClientTimeout.total``: leave it None, and use ``sock_connect`` and ``sock_read``
    instead. If a timeout ends the request during a harvest, the harvest continues for the next request.

    Args:
        manager: manages the session, and knows its site and proxy.
        is_left: returns whether another transport takes over; a refused session is its matter then.

    Raises:
        TypeError: for any other arguments, such as the site and manager of versions before 0.2.
    """

    def __init__(self, manager: SessionManager, *others: object, is_left: IsLeft = stays) -> None:
        if others or not isinstance(manager, SessionManager):
            raise TypeError("write SessionMiddleware(manager): the manager knows its site")
        self._site = manager.site
        self._manager = manager
        self._is_left = is_left
        self._answers = manager.answers
        self._derives = bool(manager.site.derive or manager.site.auth or manager.site.csrf)
        self._sends_origin = bool(manager.site.csrf)
        self._made: _Headers | None = None

    async def __call__(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        """Send *request*.

        Raises:
            SessionRefused: if the site refuses a new session too.
            AuraError: if the manager raises it.
        """
        url, made = request.url, self._made
        # The address of the last request, which is often the same object, is the site's.
        if (made is None or made.url is not url) and not self._site.owns(url):
            return await handler(request)
        began = time.monotonic()
        chain = find_chain(self, url)
        session = self._manager.find_ready() or await self._manager.get()
        if self._site.csrf is not None:
            session = await self._add_token(request, session)
        response, ruling = await self._send(request, handler, session)
        if ruling.verdict is _STALE:
            chain = chain or Chain(self, began)
            response = await self._replay(request, handler, chain, session, (response, ruling))
        if response.status in REDIRECTS:
            _check_handshake(request, response)
            record_redirect(chain or Chain(self, began), url, response.status, response.headers)
        else:
            end_chain()
        return response

    async def _replay(
        self,
        request: ClientRequest,
        handler: ClientHandlerType,
        chain: Chain,
        session: Session,
        refused: tuple[ClientResponse, Ruling],
    ) -> ClientResponse:
        """Renew the refused *session* and send *request* again. Raises as :meth:`__call__`."""
        response, ruling = refused
        while ruling.verdict is _STALE and chain.replays < _MAX_REPLAYS and not self._is_left():
            # Stop after a session that was harvested for this request, but not after a rotated or adopted one.
            if self._manager.was_harvested_since(session, chain.began):
                break
            for name, value in {**session.headers, **self._derive(session, request)}.items():
                if request.headers.get(name) == value:  # otherwise it is the caller's
                    del request.headers[name]  # the new session may not have it
            session = await self._manager.renew(session)
            if self._is_left():
                break
            if isinstance(request.body, Payload) and request.body.consumed:
                self._raise_refused(request, response, ruling, "; the body of this request can't be sent twice")
            chain.replays += 1
            self._manager.counters.replays += 1
            if self._site.csrf is not None:
                session = await self._add_token(request, session)
            response, ruling = await self._send(request, handler, session)
        if ruling.verdict is _STALE:
            if not self._is_left():
                await self._answers.give_up(session)
            self._raise_refused(request, response, ruling)
        return response

    async def _send(
        self, request: ClientRequest, handler: ClientHandlerType, session: Session
    ) -> tuple[ClientResponse, Ruling]:
        self._set_headers(request, session, self._manager.clock())
        if self._manager.proxy is not None:
            route_through(request, self._manager.proxy)
        response = await handler(request)
        if request.proxy is not None:
            _check_proxy(response, request.proxy)
        try:
            ruling = judge_plain(self._site, response.status, response.headers) or await self._judge(request, response)
            if ruling.verdict is _OK:
                if set_cookies := response.headers.getall(hdrs.SET_COOKIE, ()):
                    self._answers.accept(session, set_cookies, request.url, response.headers.get(hdrs.DATE, ""))
            else:
                ruling = await self._settle(request, response, session, ruling)
        except BaseException:
            response.release()  # nobody gets it
            raise
        return response, ruling

    async def _judge(self, request: ClientRequest, response: ClientResponse) -> Ruling:
        now, first_bytes = self._manager.clock(), b""
        if needs_first_bytes(self._site, response.status, response.headers):
            first_bytes = await self._read_first_bytes(response)
        return judge(self._site, request.url, response.status, response.headers, first_bytes=first_bytes, now=now)

    async def _read_first_bytes(self, response: ClientResponse) -> bytes:
        """Return the start of the body, which decides; the caller of the request still reads the whole of it.

        A page with a good status is looked at as far as it comes at once, since it may be one that goes on for long.
        """
        status = response.status
        is_patient = status >= HTTPStatus.BAD_REQUEST or needs_marked_bytes(self._site, status, response.headers)
        patience_s = _ERROR_PEEK_TIMEOUT_S if is_patient else _PAGE_PEEK_TIMEOUT_S
        return await peek(response.content, MAX_FIRST_BYTES, patience_s)

    async def _settle(
        self, request: ClientRequest, response: ClientResponse, session: Session, ruling: Ruling
    ) -> Ruling:
        exchange = Exchange(request.method, request.url, response.status, response.headers)
        ruling = await settle(self._answers, exchange, session, ruling, self._is_left)
        if ruling.verdict is _STALE:
            # Otherwise it keeps its connection, and with a full pool the replay would wait forever.
            response.release()
        return ruling

    async def _add_token(self, request: ClientRequest, session: Session) -> Session:
        """Add the token against forgery that the site gives out; return the session to send, which that may rotate."""
        csrf = self._site.csrf
        if csrf is None or not needs_token(self._site, session, request.method, request.url):
            return session
        token = await fetch_token(self._site, csrf, session, request) if csrf.get else csrf.read_cookie(session)
        if token is not None:
            await set_token(request, csrf, token)
        return await self._manager.get()

    def _derive(self, session: Session, request: ClientRequest) -> Mapping[str, str]:
        return derive_headers(self._site, session, request.method, request.url) if self._derives else {}

    def _set_headers(self, request: ClientRequest, session: Session, now: float) -> None:
        """Set the session's headers on *request*."""
        url, headers, made = request.url, request.headers, self._made
        if (
            made is None
            or made.session is not session
            or (made.url is not url and made.url != url)  # comparing takes longer
            or now >= made.until
        ):
            made = self._made = _make_headers(self._site, session, url, now)
        own = [(name, headers[name]) for name in made.names if name in headers and headers[name] not in _DEFAULTS]
        if hdrs.COOKIE in headers:
            del headers[hdrs.COOKIE]
        headers.update(made.headers)
        if own:
            headers.update(own)
        if hdrs.RANGE in headers and headers.get(hdrs.ACCEPT_ENCODING) in _DEFAULTS:
            headers[hdrs.ACCEPT_ENCODING] = "identity"  # the range is one of the body as it is (Fetch, section 4.6)
        if self._sends_origin and request.method not in SAFE_METHODS:
            origin = find_origin(self._site.origin, session.origin)
            for name, value in (("Origin", origin), ("Referer", f"{origin}/")):  # as forms do; some sites compare them
                headers.setdefault(name, value)
        if self._derives:
            headers.update(self._derive(session, request))  # computed for this session; the caller can't know it

    def _raise_refused(self, request: ClientRequest, response: ClientResponse, ruling: Ruling, more: str = "") -> None:
        advice = ADVICE.format(before=self._manager.login.before, command=self._manager.login.text)
        ruling = msgspec.structs.replace(ruling, mark=f"{ruling.mark}{more}")
        raise_for(ruling, request.url, response.status, "", advice=advice)


def _make_headers(site: Site, session: Session, url: URL, now: float) -> _Headers:
    headers = CIMultiDict(build_lasting_headers(site, session, url))
    if cookie := session.cookie_header(url, now):
        headers[hdrs.COOKIE] = cookie
    names = tuple(istr(name) for name in headers if name != hdrs.COOKIE)
    until = min((c.expires for c in session.cookies if c.expires and c.expires > now), default=math.inf)
    return _Headers(session, url, until, headers, names)


def _check_handshake(request: ClientRequest, response: ClientResponse) -> None:
    """Refuse to follow the redirect of a WebSocket's handshake, as browsers do (https://fetch.spec.whatwg.org).

    The first message would go to where it leads.

    Raises:
        SiteFailed: if *request* is such a handshake.
    """
    if request.headers.get(hdrs.UPGRADE, "").lower() == "websocket":
        response.release()
        raise SiteFailed(redact_url(request.url), response.status, "the WebSocket's handshake was redirected")


def _check_proxy(response: ClientResponse, proxy: URL) -> None:
    try:
        check_proxy_answer(response, str(proxy))
    except ConnectionFailed:
        response.release()
        raise
