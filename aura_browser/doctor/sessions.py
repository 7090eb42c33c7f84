"""The sessions that are cached: how old they are and when they end. Their names alone are shown."""

import time
from pathlib import Path
from shlex import join
from typing import Final

from yarl import URL

from aura_browser.assembly import open_store
from aura_browser.doctor.finding import Finding, stopping
from aura_browser.doctor.state import mend_command, nearest
from aura_browser.errors import InvalidInput, SessionFormatError, SessionLocked, StoreError
from aura_browser.session import Session
from aura_browser.store import Store
from aura_browser.store.encrypted import KEY_VARIABLE
from aura_browser.store.file import default_folder
from aura_browser.text import clean_text, format_duration

_MOST: Final = 50
_LONGEST_PROBLEM: Final = 600


async def look_at_sessions(place: str | None) -> list[Finding]:
    """Look at the sessions in the store at *place* (None for the user's own). It is only read."""
    try:
        store = open_store(place)
    except InvalidInput as error:
        # A missing extra is told of on its own.
        mend = f"unset {KEY_VARIABLE}" if error.name == KEY_VARIABLE else "aura-browser doctor --help"
        return [stopping("sessions", str(error), mend)]
    try:
        return await _cached(store, place)
    except StoreError as error:
        # One that is shared has to be there: nobody renews without its lock.
        said = clean_text(str(error), _LONGEST_PROBLEM)
        return [Finding("sessions", "problem", said, _away(place, error), stops=store.spans_machines)]
    finally:
        await store.aclose()


async def _cached(store: Store, place: str | None) -> list[Finding]:
    slugs = await store.session_slugs()
    rest = f", of which {_MOST} were looked at" if len(slugs) > _MOST else ""
    told = [await _session(store, slug, place) for slug in slugs[:_MOST]]
    return [Finding("sessions", "ok", f"{len(slugs)} cached{rest}"), *told]


async def _session(store: Store, slug: str, place: str | None) -> Finding:
    # A store's URL may hold a password.
    options = ["--store", place] if place and "@" not in place else []
    remove = join(["aura-browser", "sessions", "rm", slug, *options])
    try:
        data = await store.read(slug)
        session = None if data is None else Session.from_json(data)
    except SessionLocked as error:
        mend = f"export {KEY_VARIABLE}=THE_KEY_IT_WAS_WRITTEN_WITH"
        return Finding("session", "problem", f"{slug}: {clean_text(error.problem, _LONGEST_PROBLEM)}", mend)
    except (StoreError, SessionFormatError) as error:
        said = error.problem if isinstance(error, StoreError) else str(error)
        return Finding("session", "problem", f"{slug} can't be read: {clean_text(said, _LONGEST_PROBLEM)}", remove)
    return Finding("session", "ok", f"{slug}: {_ages(session, time.time()) if session else 'gone meanwhile'}")


def _ages(session: Session, now: float) -> str:
    age = f"{format_duration(now - session.harvested_at)} old"
    if session.expires_at is None:
        return f"{age}, no expiry known"
    left = session.expires_at - now
    return f"{age}, expires in {format_duration(left)}" if left > 0 else f"{age}, over; the next call renews it"


def _away(place: str | None, error: StoreError) -> str:
    """Return the command that looks after a store which is away."""
    if isinstance(error.__cause__, OSError) and not (place and "://" in place):
        return mend_command(error.__cause__, nearest(Path(place) if place else default_folder()))
    url = URL(place or "")
    if url.scheme == "unix":
        return join(["redis-cli", "-s", url.path, "ping"])
    port = str(url.port or 6379)
    if url.host in {"localhost", "127.0.0.1", "::1"}:
        return join(["redis-server", "--port", port])
    return join(["redis-cli", "-h", url.host or "", "-p", port, "ping"])
