"""Proof: show a session to its site through the real HTTP client, with exactly what was harvested."""

import time
from collections.abc import Callable
from typing import Final

import aiohttp
import msgspec
from aiohttp import hdrs
from yarl import URL

from aura_browser.errors import SessionRefused
from aura_browser.http.exchange import CONNECT_TIMEOUT_S, check_proxy_answer, reason_phrase, typed_errors
from aura_browser.http.verdict import judge, raise_for, redirect_mark, wants_first_bytes
from aura_browser.proxy.connection import connection_args
from aura_browser.session import Session
from aura_browser.site import Probe, Site
from aura_browser.text import redact_url

_PEEK: Final = 4096  # octets of a 503 page that tell a check from an error
_ADVICE: Final = (
    "The browser was let in and this client was not, with the same cookies, headers and proxy: the site may bind its "
    "session to the browser's TLS or address, or keep it where it can't be taken from."
)


async def prove(
    site: Site, session: Session, *, read_timeout_s: float = 30.0, clock: Callable[[], float] = time.time
) -> Session:
    """Show *session* to *site* through aiohttp and return it as it is after the answer: proven, and rotated.

    The site's probe is asked; a site without one is asked for the page that the session was harvested at.

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
    probe = site.probe or Probe(session.url)
    url = URL(site.origin).join(URL(probe.path))
    headers = {**session.headers, **probe.headers}
    if cookie := session.cookie_header(url, clock()):
        headers[hdrs.COOKIE] = cookie
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT_S, sock_read=read_timeout_s)
    through = connection_args(session.proxy)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), timeout=timeout, **through) as http:
        with typed_errors(url, read_timeout_s):
            async with http.request(
                probe.method, url, data=probe.body or None, headers=headers, allow_redirects=False
            ) as response:
                check_proxy_answer(response, session.proxy)
                await _check(site, response, clock())
                rotated = session.fold(response.headers.getall(hdrs.SET_COOKIE, ()), url, clock())
    return msgspec.structs.replace(rotated, verified_at=clock())


async def _check(site: Site, response: aiohttp.ClientResponse, now: float) -> None:
    status, headers = response.status, response.headers
    first_bytes = await response.content.read(_PEEK) if wants_first_bytes(status, headers) else b""
    ruling = judge(site, response.url, status, headers, first_bytes=first_bytes, now=now)
    raise_for(ruling, response.url, status, reason_phrase(response), advice=_ADVICE)
    # The browser was not sent away from this page.
    if mark := redirect_mark(response.url, status, headers):
        raise SessionRefused(redact_url(response.url), status, mark, _ADVICE)
