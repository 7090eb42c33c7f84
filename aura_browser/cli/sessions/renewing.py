"""Renews stored sessions near their end, or past it, each by itself: what ``sessions renew`` does for cron."""

import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Final

import msgspec

from aura_browser.assembly import assemble
from aura_browser.cli.exit_codes import FAILED, LOGIN_NEEDED, TRY_LATER
from aura_browser.cli.exit_codes import find_exit_code as code_of
from aura_browser.cli.sessions.catalogue import Entry
from aura_browser.cli.sessions.checking import (
    Checked,
    check_entries,
    keep_proven,
)
from aura_browser.cli.sessions.placing import build_login_command, find_key, find_site_of, list_key_options
from aura_browser.errors import AuraError, InteractionRequired, StoreError
from aura_browser.keeping.lifetime import Due, renewal_due
from aura_browser.store import SessionKey

if TYPE_CHECKING:
    from aura_browser.engine import Engine
    from aura_browser.session import Session
    from aura_browser.store import Store

_PAUSE_S: Final = 86_400.0
_MAX_TRIES: Final = 10


class _Failure(msgspec.Struct, frozen=True):
    """A renewal that failed, as it is kept in the store.

    Attributes:
        at: epoch seconds.
        code: the exit code that it stands for.
        reason: why, to show.
    """

    at: float
    code: int
    reason: str


@dataclass(frozen=True)
class Renewed:
    """What became of one stored session.

    Attributes:
        slug: its slug.
        code: the exit code that it stands for; 0 if it is good.
        is_new: whether it was replaced.
        text: what happened, to show; empty if nothing changed.
    """

    slug: str
    code: int = 0
    is_new: bool = False
    text: str = ""


@dataclass(frozen=True)
class Plan:
    """What to renew, and how.

    Attributes:
        within_s: seconds before its probable end from which on a session is renewed; None for the last 15 % of its
            life, at most 10 minutes.
        force: try again although a renewal has failed in the last 24 hours.
        engine: which browser to use; None for the site's own.
        place: the store, for the commands that are shown.
    """

    within_s: float | None
    force: bool
    engine: "Engine | None"
    place: str | None


async def renew_entries(store: "Store", entries: Sequence[Entry], plan: Plan) -> AsyncGenerator[Renewed, None]:
    """Ask the sites of *entries*, renew the sessions that need it, and yield what became of each, in order."""
    for entry in entries:
        async for checked in check_entries([entry], plan.place):
            await keep_proven(store, checked)
            yield await _treat(store, checked, plan)


async def _treat(store: "Store", checked: Checked, plan: Plan) -> Renewed:
    entry, slug = checked.entry, checked.entry.slug
    if entry.session is None:
        return Renewed(slug, FAILED, text=f"can't be read: {checked.reason}")
    if checked.state == "unreachable":
        return Renewed(slug, TRY_LATER, text=checked.reason)
    if not checked.is_gone and not _is_due(checked.proven or entry.session, plan.within_s):
        return Renewed(slug)
    before = await _read_failure(store, slug, since=entry.session.harvested_at)
    if before is not None and not plan.force:
        return Renewed(slug, before.code, text=f"not tried again before a day has passed (--force): {before.reason}")
    return await _renew(store, checked, entry.session, plan)


def _is_due(session: "Session", within_s: float | None) -> bool:
    """Return whether *session* is near its end. Its life starts at its harvest, however often it was proven since."""
    now = time.time()
    if within_s is None:
        return renewal_due(msgspec.structs.replace(session, verified_at=None), now) is not Due.NO
    return session.expires_at is not None and session.expires_at - now <= within_s


async def _renew(store: "Store", checked: Checked, session: "Session", plan: Plan) -> Renewed:
    slug = checked.entry.slug
    key = find_key(session, slug)
    login, site = build_login_command(session, key, plan.place), find_site_of(session, key)
    if SessionKey(site.origin, key.name, session.proxy).slug != slug:
        return Renewed(slug, FAILED, text=f"its name is not known here; renew it with: {login}")
    manager = assemble(
        site,
        store=store,
        session=key.name,
        proxy=session.proxy,
        engine=plan.engine,
        refresh="never" if site.refresh == "never" else "headless",
        command_options=list_key_options(key, plan.place),
    )
    try:
        if plan.force:
            new = await manager.harvest(despite_cool_down=True)
        else:  # by value, so that a newer one of another process is taken instead
            new = await manager.renew(checked.proven or session)
    except AuraError as error:
        return await _record(store, slug, error, login)
    finally:
        await manager.aclose()
    await _forget_failure(store, slug)
    return Renewed(slug, is_new=True, text=f"renewed ({checked.state}), {new.proof}")


async def _record(store: "Store", slug: str, error: AuraError, login: str) -> Renewed:
    """Keep the failure in the store, unless it says to try again later, and return it."""
    code = code_of(error)
    if code == LOGIN_NEEDED:
        reason = error.reason if isinstance(error, InteractionRequired) else str(error)
        text = f"{reason} Log in: {login}"
    else:
        text = str(error)
    if code != TRY_LATER and not isinstance(error, StoreError):
        failure = msgspec.json.encode(_Failure(time.time(), code, text))
        await _write(store, slug, failure)
    return Renewed(slug, code, text=text)


async def _read_failure(store: "Store", slug: str, *, since: float) -> _Failure | None:
    """Return the failure of the last 24 hours, if there is one *since* the session was harvested (epoch seconds)."""
    data = await store.read(_place_of(slug))
    try:
        failure = None if data is None else msgspec.json.decode(data, type=_Failure)
    except (ValueError, RecursionError):
        return None  # it only saves a browser
    is_recent = failure is not None and failure.at > since and 0 <= time.time() - failure.at < _PAUSE_S
    return failure if is_recent else None


async def _forget_failure(store: "Store", slug: str) -> None:
    await _write(store, slug, None)


async def _write(store: "Store", slug: str, data: bytes | None) -> None:
    place = _place_of(slug)
    for _ in range(_MAX_TRIES):
        before = await store.read(place)
        if before == data or await store.swap(place, before, data, expires_at=time.time() + _PAUSE_S):
            return


def _place_of(slug: str) -> str:
    # What begins so is no session, and is left alone by other commands.
    return f"budget-renew-{sha256(slug.encode()).hexdigest()[:12]}"


def find_worst(results: Sequence[Renewed]) -> int:
    """Return the exit code for all of *results*: that of the worst."""
    codes = {result.code for result in results}
    return next((code for code in (LOGIN_NEEDED, TRY_LATER, FAILED) if code in codes), max(codes, default=0))
