"""Verify: replay a probe through the real HTTP client with exactly what was harvested."""

import time
from collections.abc import Callable
from typing import Final

import aiohttp
import msgspec
from aiohttp import hdrs
from yarl import URL

from aura_browser.connector import connection_args
from aura_browser.errors import RateLimited, SessionRefused, SiteFailed
from aura_browser.exchange import CONNECT_TIMEOUT_S, check_proxy_answer, reason_phrase, typed_errors
from aura_browser.protocol import WireRequest, models_request
from aura_browser.session import Session
from aura_browser.site import Site
from aura_browser.verdict import Verdict, judge, redirect_mark, wants_first_bytes

_PEEK: Final = 4096  # octets of a 503 page that tell a check from an error
_ADVICE: Final = (
    "The browser was let in and this client was not, with the same cookies, headers and proxy: the site may bind its "
    "session to the browser's TLS or address, or keep it where it can't be taken from."
)


async def verify(
    site: Site, session: Session, *, read_timeout_s: float = 30.0, clock: Callable[[], float] = time.time
) -> Session:
    """Show *session* to *site* through aiohttp and return it as it is after the answer: proven, and rotated.

    An openchat-ui app is asked for its models, any other site for the page that the session was harvested at.

    Args:
        site: whose session it is.
        session: with the proxy to go through.
        read_timeout_s: seconds without a byte that end the probe.
        clock: returns epoch seconds.

    Raises:
        SessionRefused: with the status, where the site sent us, and the mark that was found.
        RateLimited: 429.
        SiteFailed: an answer that says nothing about the session.
        ConnectionFailed: no answer.
        AnswerTimeout: silence.
        InvalidInput: if the session's proxy can't work.
    """
    url, method, wire = _probe(site, session)
    headers = {**session.headers, **wire.headers}
    if cookie := session.cookie_header(url, clock()):
        headers[hdrs.COOKIE] = cookie
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT_S, sock_read=read_timeout_s)
    through = connection_args(session.proxy)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), timeout=timeout, **through) as http:
        with typed_errors(str(url), read_timeout_s):
            async with http.request(
                method, url, data=wire.body or None, headers=headers, allow_redirects=False
            ) as response:
                check_proxy_answer(response, session.proxy)
                first = (
                    await response.content.read(_PEEK) if wants_first_bytes(response.status, response.headers) else b""
                )
                _check(site, response, first, clock())
                rotated = session.fold(response.headers.getall(hdrs.SET_COOKIE, ()), url, clock())
    return msgspec.structs.replace(rotated, verified_at=clock())


def _probe(site: Site, session: Session) -> tuple[URL, str, WireRequest]:
    models = models_request(site.origin)
    url = URL(site.origin).join(URL(models.path))
    if site.is_api(url):
        return url, hdrs.METH_POST, models
    return URL(session.url), hdrs.METH_GET, WireRequest(URL(session.url).path, {}, b"")


def _check(site: Site, response: aiohttp.ClientResponse, first_bytes: bytes, now: float) -> None:
    ruling = judge(site, response.url, response.status, response.headers, first_bytes=first_bytes, now=now)
    shown = str(response.url.with_query(None))
    if ruling.verdict is Verdict.STALE:
        raise SessionRefused(shown, response.status, ruling.mark, _ADVICE)
    if ruling.verdict is Verdict.LIMITED:
        raise RateLimited(shown, ruling.retry_after_s)
    if ruling.verdict is Verdict.FAILED:
        raise SiteFailed(shown, response.status, reason_phrase(response))
    # The browser was not sent away from this page.
    if mark := redirect_mark(response.url, response.status, response.headers):
        raise SessionRefused(shown, response.status, mark, _ADVICE)
