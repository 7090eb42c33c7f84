"""Renews a session by its site's refresh request, without a browser."""

import time
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Final

import msgspec
from aiohttp import hdrs
from yarl import URL

from aura_browser.errors import InvalidInput, SessionRefused
from aura_browser.http.asking import READ_TIMEOUT_S, OpenAsker, open_http_asker
from aura_browser.http.comparison import ProbeAnswer
from aura_browser.http.verdict import Ruling, Verdict, raise_for, retry_after_s
from aura_browser.request import fetch_headers
from aura_browser.session import Session
from aura_browser.site import Probe, Site
from aura_browser.site.derivation import gets_tokens
from aura_browser.site.expiry import set_expiry
from aura_browser.site.moves import find_origin, follow_move
from aura_browser.site.refresh_request import RefreshRequest
from aura_browser.text import redact_url
from aura_browser.urls import join_url

_ADVICE: Final = "A person has to log in again: {}"


async def refresh_session(
    site: Site,
    session: Session,
    *,
    read_timeout_s: float = READ_TIMEOUT_S,
    clock: Callable[[], float] = time.time,
    open_asker: OpenAsker | None = None,
) -> Session:
    """Return *session* as the site's refresh request renews it. It is not proven yet.

    Args:
        site: the site, which has a refresh request.
        session: the session; its proxy is used.
        read_timeout_s: seconds without a byte that end the request.
        clock: returns epoch seconds.
        open_asker: opens what sends the request; None for aiohttp.

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
    url = follow_move(join_url(URL(site.origin), asked.path), site.origin, session.origin)
    if not gets_tokens(site, session, url):
        raise InvalidInput("refresh_request", f"{redact_url(url)} is not at an origin that the site lists")
    body = asked.build_body(session)
    if body is None:
        raise SessionRefused(redact_url(url), 0, "the session does not hold what renews it", advice)
    open_asker = open_asker or partial(open_http_asker, read_timeout_s=read_timeout_s, clock=clock)
    async with open_asker(site, session) as asker:
        answer = await asker.ask(_build_request(site, session, asked, url, body), session, reads_all=True)
    _check(answer, clock(), advice)
    folded = _fold(asked, session, answer, clock())
    if folded is None:
        raise SessionRefused(redact_url(url), answer.status, "the answer renews nothing", advice)
    return set_expiry(site, folded)


def _build_request(site: Site, session: Session, asked: RefreshRequest, url: URL, body: tuple[str, bytes]) -> Probe:
    """Return the request, which a page of the site would send with ``fetch``."""
    given = {name.lower() for name in (*site.stated_headers, *asked.headers)}
    fetched = fetch_headers(find_origin(site.origin, session.origin))
    headers = {name: value for name, value in fetched.items() if name.lower() not in given}
    asked_headers = {name: value for name, value in asked.headers.items() if name.lower() != "content-type"}
    return Probe(str(url), "POST", {**headers, **asked_headers, hdrs.CONTENT_TYPE: body[0]}, body[1])


def _fold(asked: RefreshRequest, session: Session, answer: ProbeAnswer, now: float) -> Session | None:
    """Return *session* with what *answer* brought; None if that renews nothing."""
    renewed = session.fold(answer.set_cookies, answer.url, now, answer.headers.get(hdrs.DATE, ""))
    folded = asked.fold(renewed, answer.body, now)
    if folded is None or (folded.cookies, folded.local_storage) == (session.cookies, session.local_storage):
        return None
    return msgspec.structs.replace(folded, harvested_at=now, rotation=0)


def _check(answer: ProbeAnswer, now: float, advice: str) -> None:
    status, url = answer.status, answer.url
    if status < HTTPStatus.MULTIPLE_CHOICES:
        return
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        raise_for(Ruling(Verdict.LIMITED, "status 429", retry_after_s(answer.headers, now)), url, status, "")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise_for(Ruling(Verdict.FAILED, f"status {status}"), url, status, answer.reason)
    raise SessionRefused(redact_url(url), status, f"status {status}: it is not renewed", advice)
