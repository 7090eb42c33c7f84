"""Proof: ask a site's probe with a session and once without it. Only a difference proves a login."""

import time
from collections.abc import Callable
from functools import partial
from typing import Final

import msgspec
from aiohttp import hdrs

from aura_browser.errors import SessionRefused, SiteFailed
from aura_browser.http.asking import READ_TIMEOUT_S, OpenAsker, open_http_asker
from aura_browser.http.comparison import ProbeAnswer
from aura_browser.http.prover import Prover
from aura_browser.session import Browser, Session
from aura_browser.site import Probe, Site, site_at

_NOBODY: Final = "aura-browser"
_MAX_LEARNED: Final = 5


async def prove(
    site: Site,
    session: Session,
    *,
    read_timeout_s: float = READ_TIMEOUT_S,
    clock: Callable[[], float] = time.time,
    open_asker: OpenAsker | None = None,
) -> Session:
    """Send *session* to *site*, and return it with what was proven.

    The site's probe is asked with the session and without it. A site without one is asked for the page that the
    session was harvested at, and then for what that page itself asked for, until one answer differs; a page that was
    recognised as a chat is asked as that.

    Args:
        site: the session's site.
        session: the session; its proxy is used.
        read_timeout_s: seconds without a byte that end the probe.
        clock: returns epoch seconds.
        open_asker: opens what asks the probes; None for aiohttp.

    Returns:
        The session, ``distinguished``, ``open`` (both answers alike) or ``unproven``, with the cookies that the answer
        changed, unless that may have ended a login.

    Raises:
        SessionRefused: carries the status and the mark that showed it.
        RateLimited: 429.
        SiteFailed: an error that says nothing about the session.
        ConnectionFailed: no answer.
        AnswerTimeout: silence.
        InvalidInput: if the session's proxy can't work.
    """
    open_asker = open_asker or partial(open_http_asker, read_timeout_s=read_timeout_s, clock=clock)
    known = _find_chat(session) if site.probe is None else None
    if known is not None:
        try:
            return await prove(known, session, clock=clock, open_asker=open_asker)
        except (SiteFailed, SessionRefused):
            if session.verified_at is not None:
                raise
            session = msgspec.structs.replace(session, dialect="")  # the page only looks as if it spoke that
    async with open_asker(site, session) as asker:
        prover = Prover(site, session, asker, clock)
        if site.probe is not None:
            return _remember(site.probe, await prover.prove(site.probe))
        proven = await prover.prove(Probe(session.probe or session.url))
        for path in session.page_requests[:_MAX_LEARNED]:
            if proven.proof == "distinguished":
                break
            proven = await Prover(site, proven, asker, clock).try_learned(path)
        return msgspec.structs.replace(proven, page_requests=())


async def ask_with(site: Site, probe: Probe, session: Session, *, as_stranger: bool = False) -> ProbeAnswer:
    """Return what *site* answers to *probe*, whatever it is. Errors as :func:`prove`, but for a refusal.

    Args:
        site: the site.
        probe: what is asked.
        session: the session; its proxy is used.
        as_stranger: send of the session only what says which browser it is of.
    """
    async with open_http_asker(site, session) as asker:
        return await asker.ask(probe, None if as_stranger else session)


async def ask_as_stranger(site: Site, probe: Probe, *, proxy: str | None = None) -> ProbeAnswer:
    """Return what *site* answers to *probe* without any session. Errors as :func:`ask_with`."""
    nobody = Session(
        origin=site.origin,
        url=site.url,
        user_agent=_NOBODY,
        headers={hdrs.USER_AGENT: _NOBODY},
        cookies=(),
        local_storage={},
        proxy=proxy,
        browser=Browser(name=_NOBODY, version=""),
        harvested_at=0.0,
    )
    return await ask_with(site, probe, nobody, as_stranger=True)


def _find_chat(session: Session) -> Site | None:
    """Return the site of a session whose page is a chat, if that has a probe and none was learned."""
    site = site_at(session.url, dialect=session.dialect) if session.dialect and session.probe is None else None
    return site if site is not None and site.probe is not None else None


def _remember(probe: Probe, session: Session) -> Session:
    """Return *session* with a probe that proved it, if a path says all of it, for whoever does not know the site."""
    is_known = session.proof == "distinguished" and probe == Probe(probe.path)
    return msgspec.structs.replace(session, probe=probe.path) if is_known else session
