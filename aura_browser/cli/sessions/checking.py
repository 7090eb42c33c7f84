"""Asks the sites which stored sessions they take: the states of ``sessions check``."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import dataclass, replace
from shlex import join
from typing import TYPE_CHECKING, Final

from aura_browser.cli.exit_codes import FAILED, LOGIN_NEEDED, TRY_LATER
from aura_browser.cli.sessions.catalogue import Entry
from aura_browser.errors import (
    AuraError,
    InvalidConfiguration,
    RateLimited,
    SessionRefused,
    SiteFailed,
    StoreError,
)
from aura_browser.session import Session
from aura_browser.session.state import State
from aura_browser.site import Site, site_at
from aura_browser.site.commands import DEFAULT_SESSION, describe_hidden, list_options
from aura_browser.store import SessionKey
from aura_browser.text import redact_url

if TYPE_CHECKING:
    from aura_browser.store import Store

_log = logging.getLogger(__name__)

_AT_ONCE: Final = 8
_SERVER_ERRORS: Final = 500


@dataclass(frozen=True)
class Checked:
    """What a site says of one stored session.

    Attributes:
        entry: the stored session.
        state: the state; None if it can't be read.
        reason: why, to show; empty for a valid one.
        proven: the session as the proof returned it; None if the site did not take it, or did not answer.
        is_limited: whether the site limits requests (429).
    """

    entry: Entry
    state: State | None
    reason: str = ""
    proven: Session | None = None
    is_limited: bool = False

    @property
    def is_gone(self) -> bool:
        """Whether the site has said that it takes the session no longer."""
        return self.state in {"refused", "expired"}


async def check_entries(entries: Sequence[Entry], place: str | None = None) -> AsyncGenerator[Checked, None]:
    """Ask the sites of *entries*, a few at once, and yield what they say, in order. Nothing is written.

    A site that limits requests is not asked about its other sessions.

    Args:
        entries: the stored sessions.
        place: the store, for the commands that are shown.
    """
    slots = asyncio.Semaphore(_AT_ONCE)
    limited: dict[str, Checked] = {}

    async def check(entry: Entry) -> Checked:
        async with slots:
            origin = entry.session.origin if entry.session else ""
            if origin in limited:
                return replace(limited[origin], entry=entry)
            result = await _check_entry(entry, place)
            if result.is_limited:
                limited[origin] = result
            return result

    tasks = [asyncio.create_task(check(entry)) for entry in entries]
    try:
        for task in tasks:
            yield await task
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def keep_proven(store: "Store", checked: Checked) -> None:
    """Write what the proof of a login returned, with the cookies that it rotated, unless a newer one is stored."""
    asked, proven = checked.entry.session, checked.proven
    if checked.state != "valid" or asked is None or proven is None:
        return
    try:
        await store.update_at(checked.entry.slug, asked.origin, lambda stored: proven if stored == asked else None)
    except StoreError as error:
        _log.warning("%s", error)


async def _check_entry(entry: Entry, place: str | None) -> Checked:
    if entry.session is None:
        return Checked(entry, None, entry.problem)
    from aura_browser.carriers import prove_once

    try:
        proven = await prove_once(find_site_of(entry.session), entry.session)
    except InvalidConfiguration:
        raise
    except AuraError as error:
        return _explain(entry, entry.session, error, place)
    match proven.proof:
        case "distinguished":
            return Checked(entry, "valid", proven=proven)
        case "open":
            return Checked(entry, "open", "anybody gets the same answer", proven)
    name = guess_name(proven, entry.slug)
    words = ["aura-browser", "harvest", redact_url(proven.url), *_list_options(proven, name, place)]
    advice = f"Name a request that needs the login: {join(words)} --probe PATH"
    return Checked(entry, "unproven", f"the answer proves nothing. {advice}", proven)


def _explain(entry: Entry, session: Session, error: AuraError, place: str | None) -> Checked:
    if isinstance(error, SessionRefused):
        state: State = "expired" if session.is_over(time.time()) else "refused"
        command = build_login_command(session, guess_name(session, entry.slug), place)
        hidden = describe_hidden(proxy=session.proxy, store=place)
        return Checked(entry, state, f"{error.mark}.{hidden} Log in again: {command}")
    if isinstance(error, SiteFailed) and 0 < error.status < _SERVER_ERRORS:
        return Checked(entry, "unproven", str(error))
    return Checked(entry, "unreachable", str(error), is_limited=isinstance(error, RateLimited))


def find_site_of(session: Session) -> Site:
    """Return the site of *session*, with the conditions and the probe of the chat dialect that it is known to speak."""
    return site_at(session.url, dialect=session.dialect)


def build_login_command(session: Session, name: str, place: str | None = None) -> str:
    """Return the command with which a person logs in again.

    Args:
        session: the session.
        name: the name that it is stored under.
        place: the store.
    """
    options = _list_options(session, name, place)
    probe = ("--probe", session.probe) if session.probe else ()
    return site_at(redact_url(session.url), dialect=session.dialect).login_command(*options, *probe)


def _list_options(session: Session, name: str, place: str | None) -> tuple[str, ...]:
    return list_options(proxy=session.proxy, session=name, store=place)


def guess_name(session: Session, slug: str) -> str:
    """Return the name that a session is stored under, as far as its slug tells it."""
    default = SessionKey(session.origin, DEFAULT_SESSION, session.proxy).slug
    shared = len(default) - len(DEFAULT_SESSION) - 13  # a hyphen and twelve digits follow the name
    name = slug[shared:-13]
    is_name = bool(name) and SessionKey(session.origin, name, session.proxy).slug == slug
    return name if is_name else DEFAULT_SESSION


def find_exit_code(results: Iterable[Checked]) -> int:
    """Return the exit code for all of *results*: that of the worst."""
    states = {result.state for result in results}
    if states & {"refused", "expired"}:
        return LOGIN_NEEDED
    if "unreachable" in states:
        return TRY_LATER
    return FAILED if None in states else 0
