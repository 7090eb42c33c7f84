"""Asks a site's probe by a page: with the browser's cookies, or as a stranger in the same browser."""

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import hdrs

from aura_browser.errors import raise_alone
from aura_browser.http.asking import (
    BODY_TIMEOUT_S,
    MAX_BODY_BYTES,
    READ_TIMEOUT_S,
    WHOLE_ANSWER_FACTOR,
    build_probe_headers,
    resolve_probe,
)
from aura_browser.http.comparison import ProbeAnswer
from aura_browser.http.page_errors import convert_error
from aura_browser.http.page_headers import can_set, check_method, select_headers
from aura_browser.http.page_sending import Sent, send_by_page
from aura_browser.http.pages import Pages
from aura_browser.http.verdict import MAX_FIRST_BYTES, judge
from aura_browser.session import Session
from aura_browser.site import Probe, Site
from aura_browser.text import clean_text
from aura_browser.webdriver.fetching.stream import FetchFailed, PageLost
from aura_browser.webdriver.fetching.tab import PageRequest


class PageAsker:
    """Asks by the page of a session. A stranger's probe goes by the same page, without cookies.

    Args:
        pages: keep the page.
        site: the site.
        session: the session.
        read_timeout_s: seconds without a byte that end a probe.
        clock: returns epoch seconds.
    """

    def __init__(
        self, pages: Pages, site: Site, session: Session, read_timeout_s: float, clock: Callable[[], float]
    ) -> None:
        self._pages = pages
        self._site = site
        self._session = session
        self._read_timeout_s = read_timeout_s
        self._clock = clock

    async def ask(self, probe: Probe, session: Session | None, *, reads_all: bool = False) -> ProbeAnswer:
        """Return the answer to *probe*, with the session or without any. Errors as :meth:`Asker.ask`."""
        url = resolve_probe(self._site, probe, self._session)
        check_method(probe.method)
        headers = build_probe_headers(self._site, probe, self._session, url, is_stranger=session is None)
        request = PageRequest(
            probe.method,
            str(url.with_fragment(None)),
            select_headers({n: v for n, v in headers.items() if can_set(n) and n.lower() != "accept-language"}),
            base64.b64encode(probe.body).decode() if probe.body else None,
            self._session.url,
            has_cookies=session is not None,
        )
        sent = await send_by_page(self._pages, self._session, request, self._read_timeout_s, is_trial=True)
        try:
            patience_s = WHOLE_ANSWER_FACTOR * self._read_timeout_s if reads_all else BODY_TIMEOUT_S
            body = await self._read_body(sent, request.url, patience_s, reads_all=reads_all or probe.needs_body)
        finally:
            await sent.aclose()
        head = sent.head
        ruling = judge(self._site, url, head.status, head.headers, first_bytes=body, now=self._clock())
        cookies = tuple(head.headers.getall(hdrs.SET_COOKIE, ()))
        return ProbeAnswer(url, head.status, head.headers, body, cookies, clean_text(head.reason), ruling)

    async def _read_body(self, sent: Sent, url: str, patience_s: float, *, reads_all: bool) -> bytes:
        """Return the body as far as it is needed; of one that goes on for long, what comes soon."""
        limit, body = MAX_BODY_BYTES if reads_all else MAX_FIRST_BYTES, bytearray()
        try:
            async with asyncio.timeout(patience_s):
                while len(body) < limit and (data := await sent.stream.read()):
                    body += data
        except TimeoutError as error:
            if reads_all:
                raise_alone(convert_error(error, url, patience_s))
        except (FetchFailed, PageLost) as error:
            raise_alone(convert_error(error, url, patience_s))
        return bytes(body[:limit])


@asynccontextmanager
async def open_page_asker(pages: Pages, site: Site, session: Session) -> AsyncIterator[PageAsker]:
    """Yield what asks by the page of *session*; that stays open."""
    yield PageAsker(pages, site, session, READ_TIMEOUT_S, time.time)
