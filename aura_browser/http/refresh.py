"""Renews a session by its site's refresh request, without a browser."""

import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

import aiohttp
import msgspec
from aiohttp import hdrs
from yarl import URL

from aura_browser.errors import InvalidInput, SessionRefused
from aura_browser.hosts import read_url
from aura_browser.http.asking import open_client
from aura_browser.http.body import read_start
from aura_browser.http.exchange import check_proxy_answer, reason_phrase, typed_errors
from aura_browser.http.verdict import Ruling, Verdict, raise_for, retry_after_s
from aura_browser.request import fetch_headers
from aura_browser.session import Session
from aura_browser.site import Site
from aura_browser.site.derivation import derive_headers, gets_tokens
from aura_browser.site.expiry import set_expiry
from aura_browser.text import redact_url

_MAX_ANSWER_BYTES: Final = 2**20
_ADVICE: Final = "A person has to log in again: {}"


async def refresh_session(
    site: Site, session: Session, *, read_timeout_s: float = 30.0, clock: Callable[[], float] = time.time
) -> Session:
    """Return *session* as the site's refresh request renews it. It is not proven yet.

    Args:
        site: the site, which has a refresh request.
        session: the session; its proxy is used.
        read_timeout_s: seconds without a byte that end the request.
        clock: returns epoch seconds.

    Raises:
        SessionRefused: if the site does not renew it, or the session lacks what the request needs.
        RateLimited: 429.
        SiteFailed: an error that says nothing about the session.
        ConnectionFailed: no answer.
        AnswerTimeout: silence.
        InvalidInput: if the request goes to another site.
    """
    asked, advice = site.refresh_request, _ADVICE.format(site.login_command())
    if asked is None:
        raise InvalidInput("refresh_request", "the site has none")
    url = URL(site.origin).join(read_url(asked.path))
    if not gets_tokens(site, session, url):
        raise InvalidInput("refresh_request", f"{redact_url(url)} is not at an origin that the site lists")
    body = asked.build_body(session)
    if body is None:
        raise SessionRefused(redact_url(url), 0, "the session does not hold what renews it", advice)
    headers = _build_headers(site, session, url, clock()) | {hdrs.CONTENT_TYPE: body[0]}
    response, answer = await _post(session, url, headers, body[1], read_timeout_s)
    now = clock()
    _check(response, url, now, advice)
    renewed = session.fold(response.headers.getall(hdrs.SET_COOKIE, ()), url, now, response.headers.get(hdrs.DATE, ""))
    folded = asked.fold(renewed, answer, now)
    if folded is None or (folded.cookies, folded.local_storage) == (session.cookies, session.local_storage):
        raise SessionRefused(redact_url(url), response.status, "the answer renews nothing", advice)
    return set_expiry(site, msgspec.structs.replace(folded, harvested_at=now, rotation=0))


async def _post(
    session: Session, url: URL, headers: dict[str, str], body: bytes, read_timeout_s: float
) -> tuple[aiohttp.ClientResponse, bytes]:
    with typed_errors(url, read_timeout_s):
        async with (
            open_client(session, read_timeout_s) as http,
            http.post(url, data=body, headers=headers, allow_redirects=False) as response,
        ):
            check_proxy_answer(response, session.proxy)
            return response, await read_start(response.content, _MAX_ANSWER_BYTES)


def _check(response: aiohttp.ClientResponse, url: URL, now: float, advice: str) -> None:
    status = response.status
    if status < HTTPStatus.MULTIPLE_CHOICES:
        return
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        raise_for(Ruling(Verdict.LIMITED, "status 429", retry_after_s(response.headers, now)), url, status, "")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise_for(Ruling(Verdict.FAILED, f"status {status}"), url, status, reason_phrase(response))
    raise SessionRefused(redact_url(url), status, f"status {status}: it is not renewed", advice)


def _build_headers(site: Site, session: Session, url: URL, now: float) -> dict[str, str]:
    headers = {**session.headers_for(url), **fetch_headers(site.origin), **site.stated_headers}
    headers |= site.refresh_request.headers if site.refresh_request else {}
    headers |= derive_headers(site, session, "POST", url)
    cookie = session.cookie_header(url, now)
    return headers | ({hdrs.COOKIE: cookie} if cookie else {})
