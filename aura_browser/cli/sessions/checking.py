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
from aura_browser.cli.sessions.placing import (
    build_login_command,
    find_address,
    find_key,
    find_site_of,
    list_key_options,
)
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
from aura_browser.site import Site
from aura_browser.site.commands import describe_hidden, list_options
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


async def check_entries(
    entries: Sequence[Entry], place: str | None = None, *, site: Site | None = None
) -> AsyncGenerator[Checked, None]:
    """Ask the sites of *entries*, a few at once, and yield what they say, in order. Nothing is written.

    A site that limits requests is not asked about its other sessions.

    Args:
        entries: the stored sessions.
        place: the store, for the commands that are shown.
        site: the site of all; None for the one that each is of.
    """
    slots = asyncio.Semaphore(_AT_ONCE)
    limited: dict[str, Checked] = {}

    async def check(entry: Entry) -> Checked:
        async with slots:
            origin = entry.session.origin if entry.session else ""
            if origin in limited:
                return replace(limited[origin], entry=entry)
            result = await _check_entry(entry, place, site)
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
    """Write what a proof returned of a login, or with other cookies, unless a newer session is stored."""
    asked, proven = checked.entry.session, checked.proven
    if asked is None or proven is None:
        return
    if checked.state != "valid" and proven.cookies == asked.cookies:
        return  # it says nothing new
    try:
        await store.update_at(checked.entry.slug, asked.origin, lambda stored: proven if stored == asked else None)
    except StoreError as error:
        _log.warning("%s", error)


async def _check_entry(entry: Entry, place: str | None, site: Site | None) -> Checked:
    if entry.session is None:
        return Checked(entry, None, entry.problem)
    from aura_browser.carriers import prove_once

    try:
        site = site or find_site_of(entry.session, find_key(entry.session, entry.slug))
        proven = await prove_once(site, entry.session)
    except InvalidConfiguration:
        raise
    except AuraError as error:
        return _explain(entry, entry.session, error, place, site)
    match proven.proof:
        case "distinguished":
            return Checked(entry, "valid", proven=proven)
        case "open":
            return Checked(entry, "open", "anybody gets the same answer", proven)
    key = find_key(proven, entry.slug)
    words = ["aura-browser", "harvest", redact_url(find_address(proven, key)), *list_key_options(key, place)]
    advice = f"Name a request that needs the login: {join(words)} --probe PATH"
    return Checked(entry, "unproven", f"the answer proves nothing. {advice}", proven)


def _explain(entry: Entry, session: Session, error: AuraError, place: str | None, site: Site | None) -> Checked:
    if isinstance(error, SessionRefused):
        state: State = "expired" if session.is_over(time.time()) else "refused"
        hidden = describe_hidden(proxy=session.proxy, store=place)
        return Checked(entry, state, f"{error.mark}.{hidden} {_advise(entry.slug, session, place, site)}")
    if isinstance(error, SiteFailed) and 0 < error.status < _SERVER_ERRORS:
        return Checked(entry, "unproven", str(error))
    return Checked(entry, "unreachable", str(error), is_limited=isinstance(error, RateLimited))


def _advise(slug: str, session: Session, place: str | None, site: Site | None) -> str:
    if site is not None and site.refresh_request is not None:
        return f"Renew it: {join(['aura-browser', 'sessions', 'renew', slug, *list_options(store=place)])}"
    return f"Log in again: {build_login_command(session, find_key(session, slug), place)}"


def find_exit_code(results: Iterable[Checked]) -> int:
    """Return the exit code for all of *results*: that of the worst."""
    states = {result.state for result in results}
    if states & {"refused", "expired"}:
        return LOGIN_NEEDED
    if "unreachable" in states:
        return TRY_LATER
    return FAILED if None in states else 0
