"""The sessions in a store: reading them, choosing one by its name, removing them."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from aura_browser.errors import SessionFormatError, StoreError
from aura_browser.session import Session
from aura_browser.store import FileStore
from aura_browser.store.base import PREVIOUS
from aura_browser.store.encrypted import EncryptedStore
from aura_browser.text import clean_text

if TYPE_CHECKING:
    from aura_browser.store import Store

LONGEST_PROBLEM: Final = 1000
"""Characters that are shown of what is wrong with a session."""


@dataclass(frozen=True)
class Entry:
    """What is under one slug: a session and the bytes it was read from, or what is wrong with it."""

    slug: str
    data: bytes = b""
    session: "Session | None" = None
    problem: str = ""


async def read_entries(store: "Store") -> list[Entry]:
    """Return what there is of sessions, readable or not, in order. Nothing is set aside for it."""
    entries = [await _read_entry(store, slug) for slug in await store.session_slugs()]
    return [entry for entry in entries if entry is not None]


def choose(entries: Sequence[Entry], name: str) -> Entry:
    """Return the one that *name* tells.

    Raises:
        click.ClickException: if it tells none or several; lists those that there are to choose from.
    """
    matches = [entry for entry in entries if entry.slug == name]
    matches = matches or [entry for entry in entries if any(text.startswith(name) for text in _names_of(entry))]
    if len(matches) == 1:
        return matches[0]
    problem = "tells more than one session" if matches else "is the name of no session; there are"
    candidates = ", ".join(clean_text(entry.slug) for entry in matches or entries) or "there are none"
    raise click.ClickException(f"{clean_text(name)!r} {problem}: {candidates}")


async def find_outdated(store: "Store", now: float) -> list[str]:
    """Return the slugs of sessions that are over at *now*, and of previous ones whose sessions are gone or over."""
    slugs = await store.slugs()
    over = [entry.slug for entry in await read_entries(store) if entry.session and entry.session.is_over(now)]
    kept = set(slugs) - set(over)
    return over + [slug for slug in slugs if slug.endswith(PREVIOUS) and slug.removesuffix(PREVIOUS) not in kept]


def find_set_aside(store: "Store", before: float) -> list[Path]:
    """Return the files that were set aside in *store* before that time (epoch seconds); only folders can tell."""
    bare = _bare_store(store)
    if not isinstance(bare, FileStore):
        return []
    # The inode's own time is when the file was renamed; the other is when the session was last written.
    return sorted(file for file in bare.folder.glob("*.corrupt") if file.stat().st_ctime < before)


def unlink(files: Sequence[Path]) -> None:
    """Remove *files*; those that are gone already are no error."""
    for file in files:
        file.unlink(missing_ok=True)


async def remove(store: "Store", slugs: Sequence[str]) -> None:
    """Remove what is under *slugs*; it need not be decrypted for that."""
    bare = _bare_store(store)
    for slug in slugs:
        while (data := await bare.read(slug)) is not None:
            if await bare.swap(slug, data, None):
                break


async def remove_all(store: "Store") -> list[str]:
    """Remove all sessions, replaced ones and those set aside too; return their names."""
    slugs = [slug for slug in await store.slugs() if not slug.startswith("budget-")]
    files = await asyncio.to_thread(find_set_aside, store, float("inf"))
    await remove(store, slugs)
    await asyncio.to_thread(unlink, files)
    return [*slugs, *(file.name for file in files)]


def _bare_store(store: "Store") -> "Store":
    """Return the store that keeps the bytes: what is to be removed need not be decrypted."""
    return store.inner if isinstance(store, EncryptedStore) else store


async def _read_entry(store: "Store", slug: str) -> Entry | None:
    try:
        data = await store.read(slug)
        return None if data is None else Entry(slug, data, Session.from_json(data))
    except StoreError as error:
        return Entry(slug, problem=clean_text(error.problem, LONGEST_PROBLEM))
    except SessionFormatError as error:
        return Entry(slug, problem=str(error))


def _names_of(entry: Entry) -> tuple[str, ...]:
    origin = entry.session.origin if entry.session else ""
    return entry.slug, origin, origin.partition("://")[2]
