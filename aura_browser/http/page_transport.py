"""Sends requests to a site by a page of it in a browser, and streams the responses."""

import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, NoReturn

import msgspec
from aiohttp import hdrs
from yarl import URL

from aura_browser.errors import InvalidInput, SiteFailed
from aura_browser.http.body import read_first
from aura_browser.http.chain import Chain
from aura_browser.http.forgery import (
    MAX_TOKEN_PAGE_BYTES,
    needs_token,
    note_token,
    resolve_token_page,
    write_token,
)
from aura_browser.http.outgoing import check_request, move_request, resolve_own
from aura_browser.http.page_request import build_page_request, collect_body
from aura_browser.http.page_response import PageResponse
from aura_browser.http.page_sending import send_by_page
from aura_browser.http.pages import Pages
from aura_browser.http.redirects import MAX_REDIRECTS, follow_redirect
from aura_browser.http.settling import ADVICE, Exchange, settle
from aura_browser.http.verdict import (
    MAX_FIRST_BYTES,
    Ruling,
    Verdict,
    judge,
    needs_first_bytes,
    needs_marked_bytes,
    raise_for,
)
from aura_browser.keeping.manager import SessionManager
from aura_browser.request import Request
from aura_browser.session import Session
from aura_browser.site.derivation import can_be_sent
from aura_browser.site.given_token import find_token
from aura_browser.site.tokens import Csrf
from aura_browser.text import redact_url
from aura_browser.urls import read_url

if TYPE_CHECKING:
    from aiohttp import ClientWebSocketResponse

_ERROR_PEEK_TIMEOUT_S: Final = 10.0
_PAGE_PEEK_TIMEOUT_S: Final = 0.25
# With a rotated session, with another process's, with one harvested for the request.
_MAX_REPLAYS: Final = 3


class PageTransport:
    """Sends requests to one site by a page of the site's origin, so over the browser's own connection.

    It is a :class:`aura_browser.request.Transport`; closing it closes the manager too, and that the browser.

    Args:
        manager: manages the session, and knows its site and proxy.
        pages: keep the page.
        read_timeout_s: seconds without a byte after which a response fails.
    """

    def __init__(self, manager: SessionManager, pages: Pages, read_timeout_s: float) -> None:
        self._manager = manager
        self._pages = pages
        self._site = manager.site
        self._read_timeout_s = read_timeout_s

    async def open(self) -> None:
        """Prepare to send requests. No browser is opened before the first one."""

    async def aclose(self) -> None:
        """Close the manager, and the browser with it."""
        await self._manager.aclose()

    @asynccontextmanager
    async def send(self, request: Request) -> AsyncGenerator[PageResponse, None]:
        """Send *request* and yield the response, which can be read only inside the context.

        The body of a redirect is empty: a page can't read it.

        Raises:
            InvalidInput: if its URL is not the site's, or a page can't send it.
            ConnectionFailed: if there is no connection, or it closes before the response is complete.
            AnswerTimeout: if no byte arrives within the read timeout.
            StreamInterrupted: if the page is gone. The next request gets a new one.
            SiteFailed: if the response is not valid HTTP, or there are too many redirects.
            AuraError: if renewing the session or opening the page fails.
        """
        response = await self._fetch(check_request(request))
        try:
            yield response
        finally:
            await response.aclose()

    @asynccontextmanager
    async def connect(self, request: Request) -> AsyncGenerator["ClientWebSocketResponse", None]:
        """Refuse to open a WebSocket.

        Raises:
            InvalidInput: always.
        """
        url = redact_url(resolve_own(self._site, check_request(request).url))
        raise InvalidInput("transport", f"a page does not carry the WebSocket {url}; use transport='http'")
        yield  # a generator, as the protocol wants

    async def _fetch(self, request: Request) -> PageResponse:
        """Return the response to *request*, after redirects within the site."""
        body = await collect_body(request.body)
        request, url = msgspec.structs.replace(request, body=body), resolve_own(self._site, request.url)
        chain = Chain(self, time.monotonic())
        for _ in range(MAX_REDIRECTS + 1):
            response = await self._exchange(request, url, chain)
            next_request = request.follows_redirects and follow_redirect(
                self._site, request, read_url(response.url), response.status, response.headers
            )
            if not next_request:
                return response
            await response.aclose()
            request, url = next_request, read_url(next_request.url)
        raise SiteFailed(redact_url(url), response.status, f"more than {MAX_REDIRECTS} redirects")

    async def _exchange(self, request: Request, url: URL, chain: Chain) -> PageResponse:
        """Return the response to one request; renew a session that is refused, and send it again."""
        session = await self._manager.get()
        response, ruling = await self._try(request, url, session)
        while ruling.verdict is Verdict.STALE and chain.replays < _MAX_REPLAYS:
            if self._manager.was_harvested_since(session, chain.began):
                break
            session = await self._manager.renew(session)
            chain.replays += 1
            self._manager.counters.replays += 1
            response, ruling = await self._try(request, url, session, renewed=True)
        if ruling.verdict is Verdict.STALE:
            await self._manager.answers.give_up(session)
            self._raise_refused(url, response.status, ruling)
        return response

    async def _try(
        self, request: Request, url: URL, session: Session, *, renewed: bool = False
    ) -> tuple[PageResponse, Ruling]:
        """Send one request; return the response, which is closed if it is stale, and what it says of the session."""
        request, url = move_request(self._site, session, request, url)
        if self._site.csrf is not None and needs_token(self._site, session, request.method, url):
            request = await self._add_token(self._site.csrf, request, session)
            session = self._manager.current or session
        wire = build_page_request(self._site, session, request, url)
        sent = await send_by_page(self._pages, session, wire, self._read_timeout_s, renewed=renewed)
        response = PageResponse(url, sent, self._manager, self._read_timeout_s)
        try:
            ruling = await self._judge(request, response, session)
        except BaseException:
            await response.aclose()
            raise
        if ruling.verdict is Verdict.STALE:
            await response.aclose()
        return response, ruling

    async def _judge(self, request: Request, response: PageResponse, session: Session) -> Ruling:
        url, status, headers, now = read_url(response.url), response.status, response.raw_headers, self._manager.clock()
        first_bytes = await self._read_first_bytes(response)
        ruling = judge(self._site, url, status, headers, first_bytes=first_bytes, now=now)
        if ruling.verdict is not Verdict.OK:
            return await settle(self._manager.answers, Exchange(request.method, url, status, headers), session, ruling)
        if set_cookies := headers.getall(hdrs.SET_COOKIE, ()):
            self._manager.answers.accept(session, set_cookies, url, headers.get(hdrs.DATE, ""))
        return ruling

    async def _read_first_bytes(self, response: PageResponse) -> bytes:
        """Return the start of the body, if it decides; the caller of the request still reads the whole of it."""
        status, headers = response.status, response.headers
        if not needs_first_bytes(self._site, status, headers):
            return b""
        is_patient = status >= HTTPStatus.BAD_REQUEST or needs_marked_bytes(self._site, status, headers)
        return await response.peek(MAX_FIRST_BYTES, _ERROR_PEEK_TIMEOUT_S if is_patient else _PAGE_PEEK_TIMEOUT_S)

    async def _add_token(self, csrf: Csrf, request: Request, session: Session) -> Request:
        """Return *request* with the token against forgery that the site gives out."""
        token = await self._fetch_token(csrf, session) if csrf.get else csrf.read_cookie(session)
        if token is None:
            return request
        if csrf.header:
            added = {csrf.header: token} if can_be_sent(token) else {}
            return msgspec.structs.replace(request, headers={**request.headers, **added})
        kind = next((v for n, v in request.headers.items() if n.lower() == "content-type"), "")
        content = request.body if isinstance(request.body, bytes) else b""
        written = write_token(csrf, kind, content, token)
        if written is None:
            return request
        others = {n: v for n, v in request.headers.items() if n.lower() != "content-type"}
        return msgspec.structs.replace(request, headers={**others, hdrs.CONTENT_TYPE: written[0]}, body=written[1])

    async def _fetch_token(self, csrf: Csrf, session: Session) -> str | None:
        url = resolve_token_page(self._site, csrf, session)
        response = await self._exchange(Request("GET", str(url)), url, Chain(self, time.monotonic()))
        try:
            page = await read_first(response, MAX_TOKEN_PAGE_BYTES)
        finally:
            await response.aclose()
        return note_token(find_token(csrf, page), url, response.status)

    def _raise_refused(self, url: URL, status: int, ruling: Ruling) -> NoReturn:
        login = self._manager.login
        raise_for(ruling, url, status, "", advice=ADVICE.format(before=login.before, command=login.text))
        raise AssertionError("a refused session is an error")
