"""Proof: send a session to its site with the real HTTP client, exactly as it was harvested."""

import time
from collections.abc import Callable
from typing import Final

import aiohttp
import msgspec
from aiohttp import hdrs
from yarl import URL

from aura_browser.errors import SessionRefused
from aura_browser.http.exchange import CONNECT_TIMEOUT_S, check_proxy_answer, reason_phrase, typed_errors
from aura_browser.http.verdict import describe_redirect, judge, needs_first_bytes, raise_for
from aura_browser.proxy.connection import connection_args
from aura_browser.request import HEADER_LIMITS
from aura_browser.session import Session
from aura_browser.site import Probe, Site
from aura_browser.text import redact_url

_MAX_PEEK_BYTES: Final = 4096  # enough of a 503 page to distinguish a check from an error
_ADVICE: Final = (
    "The site accepted the browser, but not this client with the same cookies, headers and proxy: it may bind its "
    "session to the browser's TLS or address, or keep it where it can't be read. Use the site in the browser instead."
)


async def prove(
    site: Site, session: Session, *, read_timeout_s: float = 30.0, clock: Callable[[], float] = time.time
) -> Session:
    """Send *session* to *site* with aiohttp and return it after the response: proven, and rotated.

    Sends the site's probe; without one, requests the page that the session was harvested at.

    Args:
        site: the site that the session is for.
        session: the session; its proxy is used.
        read_timeout_s: seconds without a byte after which the probe fails.
        clock: returns epoch seconds.

    Raises:
        SessionRefused: if the site refuses the session; carries the status and what showed the refusal.
        RateLimited: for status 429.
        SiteFailed: for an error response that says nothing about the session.
        ConnectionFailed: if there is no response.
        AnswerTimeout: if no byte arrives within *read_timeout_s*.
        InvalidInput: if the session's proxy does not work with aiohttp.
    """
    probe = site.probe or Probe(session.url)
    url = URL(site.origin).join(URL(probe.path))
    headers = {**session.headers, **probe.headers}
    if cookie := session.cookie_header(url, clock()):
        headers[hdrs.COOKIE] = cookie
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT_S, sock_read=read_timeout_s)
    proxy_args = connection_args(session.proxy)
    session_args = {**proxy_args, **HEADER_LIMITS}
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), timeout=timeout, **session_args) as http:
        with typed_errors(url, read_timeout_s):
            async with http.request(
                probe.method, url, data=probe.body or None, headers=headers, allow_redirects=False
            ) as response:
                check_proxy_answer(response, session.proxy)
                await _check(site, response, clock())
                set_cookies, date = response.headers.getall(hdrs.SET_COOKIE, ()), response.headers.get(hdrs.DATE, "")
                rotated = session.fold(set_cookies, url, clock(), date)
    return msgspec.structs.replace(rotated, verified_at=clock())


async def _check(site: Site, response: aiohttp.ClientResponse, now: float) -> None:
    status, headers = response.status, response.headers
    first_bytes = await response.content.read(_MAX_PEEK_BYTES) if needs_first_bytes(status, headers) else b""
    ruling = judge(site, response.url, status, headers, first_bytes=first_bytes, now=now)
    raise_for(ruling, response.url, status, reason_phrase(response), advice=_ADVICE)
    # The browser was not redirected from this page.
    if mark := describe_redirect(response.url, status, headers):
        raise SessionRefused(redact_url(response.url), status, mark, _ADVICE)
