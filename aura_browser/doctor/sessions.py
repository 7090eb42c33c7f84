"""The cached sessions: their ages and expiries. Only their names are shown."""

import asyncio
import time
from pathlib import Path
from shlex import join
from typing import Final

from yarl import URL

from aura_browser.assembly import open_store
from aura_browser.doctor.finding import Finding, build_blocker
from aura_browser.doctor.state import find_nearest, suggest_fix
from aura_browser.errors import InvalidInput, SessionFormatError, SessionLocked, StoreError
from aura_browser.session import Session
from aura_browser.session.state import read_state
from aura_browser.store import Store
from aura_browser.store.encrypted import KEY_VARIABLE
from aura_browser.text import clean_text, format_duration

_MAX_SESSIONS: Final = 50
_MAX_PROBLEM_LENGTH: Final = 600


async def inspect_sessions(place: str | None) -> list[Finding]:
    """Check the sessions in the store at *place* (None for the user's own). It is only read."""
    try:
        store = open_store(place)
    except InvalidInput as error:
        # A missing extra has a finding of its own.
        fix = f"unset {KEY_VARIABLE}" if error.name == KEY_VARIABLE else "aura-browser doctor --help"
        return [build_blocker("sessions", str(error), fix)]
    try:
        return await _check_cached(store)
    except StoreError as error:
        # A shared store must be reachable: a renewal needs its lock.
        details = clean_text(str(error), _MAX_PROBLEM_LENGTH)
        fix = await asyncio.to_thread(_suggest_fix, place, error)
        return [Finding("sessions", "problem", details, fix, stops=store.spans_machines)]
    finally:
        await store.aclose()


async def _check_cached(store: Store) -> list[Finding]:
    slugs = await store.session_slugs()
    rest = f", of which {_MAX_SESSIONS} were checked" if len(slugs) > _MAX_SESSIONS else ""
    findings = [await _check_session(store, slug) for slug in slugs[:_MAX_SESSIONS]]
    return [Finding("sessions", "ok", f"{len(slugs)} cached{rest}"), *findings]


async def _check_session(store: Store, slug: str) -> Finding:
    try:
        data = await store.read(slug)
        session = None if data is None else Session.from_json(data)
    except SessionLocked as error:
        fix = f"export {KEY_VARIABLE}=THE_KEY_IT_WAS_WRITTEN_WITH"
        return Finding(
            "session", "problem", f"{slug}: {clean_text(error.problem, _MAX_PROBLEM_LENGTH)}", fix, slug=slug
        )
    except (StoreError, SessionFormatError) as error:
        problem = error.problem if isinstance(error, StoreError) else str(error)
        found = f"{slug} can't be read: {clean_text(problem, _MAX_PROBLEM_LENGTH)}"
        return Finding("session", "problem", found, store.build_command("rm", slug), slug=slug)
    now = time.time()
    found = f"{slug}: {_format_ages(session, now) if session else 'removed meanwhile'}"
    return Finding("session", "ok", found, slug=slug, state=read_state(session, now) if session else None)


def _format_ages(session: Session, now: float) -> str:
    age = f"{format_duration(now - session.harvested_at)} old, {session.proof}"
    if session.expires_at is None:
        return f"{age}, expiry unknown"
    left = session.expires_at - now
    return f"{age}, expires in {format_duration(left)}" if left > 0 else f"{age}, expired; the next call asks the site"


def _suggest_fix(place: str | None, error: StoreError) -> str:
    """Return the command that fixes or diagnoses an unreachable store."""
    if place is None or "://" not in place:
        if isinstance(error.__cause__, OSError):
            return suggest_fix(error.__cause__, find_nearest(Path(error.place)))
        return error.problem.partition("Fix it with: ")[2]
    url = URL(place)
    if url.scheme == "unix":
        return join(["redis-cli", "-s", url.path, "ping"])
    port = str(url.port or 6379)
    if url.host in {"localhost", "127.0.0.1", "::1"}:
        return join(["redis-server", "--port", port])
    return join(["redis-cli", "-h", str(url.host), "-p", port, "ping"])
