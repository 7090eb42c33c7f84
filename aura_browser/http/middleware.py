"""An aiohttp client middleware that sends requests to one site with its session, and renews the session."""

import asyncio
import math
from contextlib import suppress
from http import HTTPStatus
from typing import Final

import msgspec
from aiohttp import ClientHandlerType, ClientRequest, ClientResponse, Payload, hdrs
from multidict import CIMultiDict
from yarl import URL

from aura_browser.errors import ConnectionFailed
from aura_browser.http.exchange import check_proxy_answer
from aura_browser.http.verdict import Ruling, Verdict, judge, raise_for, wants_first_bytes
from aura_browser.keeping.manager import SessionManager
from aura_browser.proxy.connection import lead_through
from aura_browser.session import Session

_PEEK_TIMEOUT_S: Final = 10.0
_PEEK_MOST: Final = 64 * 1024
# Each request looks at these, and to look them up in their enumerations is slow up to Python 3.11.
_OK: Final = Verdict.OK
_STALE: Final = Verdict.STALE
_REDIRECTS: Final = int(HTTPStatus.MULTIPLE_CHOICES)
# With a rotated session, with a neighbour's, with one harvested for the request.
_MOST_REPLAYS: Final = 3
_ADVICE: Final = (
    "The browser was let in and this client was not: the site may bind its session to the browser's address or "
    "TLS, or ask for a login. Log in by hand: {command}"
)


class SessionMiddleware:
    """Give it to ``aiohttp.ClientSession(middlewares=(...,))``.

    Requests to the site's own origins go out with the session's headers and exactly the ``Cookie`` header that the
    browser would send; whatever a cookie jar put there is replaced. Requests elsewhere, redirect hops among them,
    pass untouched. A stale answer is released, the session renewed, the request sent once more. A session that was
    harvested through a proxy goes out through it.

    The renewal counts towards ``ClientTimeout.total``: leave it None, and bound the rest with ``sock_connect`` and
    ``sock_read``. A harvest that a time-out cut off goes on, and the next request finds its session.

    Args:
        manager: keeps the session, and knows its site and proxy.

    Raises:
        TypeError: for anything else, such as the site and the manager that were given before version 0.2.
    """

    def __init__(self, manager: SessionManager, *others: object) -> None:
        if others or not isinstance(manager, SessionManager):
            raise TypeError("write SessionMiddleware(manager): the manager knows its site")
        self._site = manager.site
        self._manager = manager
        self._made: CIMultiDict[str] = CIMultiDict()
        self._made_for: tuple[Session, URL] | None = None
        self._made_until = 0.0

    async def __call__(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        """Send *request*.

        Raises:
            SessionRefused: if the site refused a new session too.
            AuraError: what the manager raises.
        """
        if not self._site.owns(request.url):
            return await handler(request)
        began = self._manager.clock()
        session = await self._manager.get()
        response, ruling = await self._send(request, handler, session)
        for _ in range(_MOST_REPLAYS):
            # One that was harvested for this request is the last word; a neighbour's, or a rotated one, is not.
            if ruling.verdict is not _STALE or session.harvested_at >= began:
                break
            for name in session.headers:
                request.headers.pop(name, None)  # the new one may not have it
            session = await self._manager.renew(session)
            if isinstance(request.body, Payload) and request.body.consumed:
                self._refuse(request, response, ruling, "; the body of this request can't be sent twice")
            self._manager.counters.replays += 1
            response, ruling = await self._send(request, handler, session)
        if ruling.verdict is _STALE:
            await self._manager.give_up(session)
            self._refuse(request, response, ruling)
        return response

    async def _send(
        self, request: ClientRequest, handler: ClientHandlerType, session: Session
    ) -> tuple[ClientResponse, Ruling]:
        self._dress(request, session)
        if self._manager.proxy is not None:
            lead_through(request, self._manager.proxy)
        response = await handler(request)
        if request.proxy is not None:
            _check_proxy(response, request.proxy)
        now = self._manager.clock()
        first_bytes = await _first_bytes(response) if wants_first_bytes(response.status, response.headers) else b""
        ruling = judge(self._site, request.url, response.status, response.headers, first_bytes=first_bytes, now=now)
        if ruling.verdict is _OK:
            # Where a redirect leads is not known yet: to a login it comes with an empty session.
            set_cookies = response.headers.getall(hdrs.SET_COOKIE, ()) if response.status < _REDIRECTS else ()
            self._manager.accept(session, set_cookies, request.url)
        elif ruling.verdict is _STALE:
            # Unreleased, it would hold its connection, and with a full pool the replay would wait for ever.
            response.release()
        return response, ruling

    def _dress(self, request: ClientRequest, session: Session) -> None:
        """Put the session's headers on *request*; they are the last ones as long as session, address and expiry are."""
        now = self._manager.clock()
        made_for = self._made_for
        if not made_for or made_for[0] is not session or made_for[1] != request.url or now >= self._made_until:
            cookie = session.cookie_header(request.url, now)
            self._made = CIMultiDict({**session.headers, **({"Cookie": cookie} if cookie else {})})
            self._made_for = session, request.url
            self._made_until = min(
                (c.expires for c in session.cookies if c.expires and c.expires > now), default=math.inf
            )
        request.headers.pop(hdrs.COOKIE, None)
        request.headers.update(self._made)

    def _refuse(self, request: ClientRequest, response: ClientResponse, ruling: Ruling, more: str = "") -> None:
        advice = _ADVICE.format(command=self._site.login_command())
        ruling = msgspec.structs.replace(ruling, mark=f"{ruling.mark}{more}")
        raise_for(ruling, request.url, response.status, "", advice=advice)


def _check_proxy(response: ClientResponse, proxy: URL) -> None:
    try:
        check_proxy_answer(response, str(proxy))
    except ConnectionFailed:
        response.release()
        raise


async def _first_bytes(response: ClientResponse) -> bytes:
    """Return the body, as far as it is needed; the caller of the request can read it again."""
    data = b""
    with suppress(TimeoutError):  # such a page is no check: a browser would wait for it too
        async with asyncio.timeout(_PEEK_TIMEOUT_S):
            while len(data) < _PEEK_MOST and not response.content.at_eof():
                data += await response.content.readany()
    if response.content.at_eof():
        response._body = data  # noqa: SLF001 - where read() keeps it; there is no public way to look ahead
    return data
