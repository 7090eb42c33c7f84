"""The sessions in a store: read them, choose one by name, remove them."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from aura_browser.errors import InvalidInput, SessionFormatError, StoreError
from aura_browser.session import Session
from aura_browser.slugs import is_record
from aura_browser.store import FileStore
from aura_browser.store.encrypted import EncryptedStore
from aura_browser.text import clean_text

if TYPE_CHECKING:
    from aura_browser.store import Store

MAX_PROBLEM_LENGTH: Final = 1000
"""Length in characters at which the description of a problem is cut."""


@dataclass(frozen=True)
class Entry:
    """What a store has under one slug: a session and the bytes it was read from, or why it can't be read."""

    slug: str
    data: bytes = b""
    session: "Session | None" = None
    problem: str = ""


async def read_entries(store: "Store") -> list[Entry]:
    """Return all sessions, readable or not, in the order of their slugs. The store is only read."""
    entries = [await read_entry(store, slug) for slug in await store.session_slugs()]
    return [entry for entry in entries if entry is not None]


async def read_entry(store: "Store", slug: str) -> Entry | None:
    """Return what is under *slug*, readable or not; None for nothing."""
    try:
        data = await store.read(slug)
        return None if data is None else Entry(slug, data, Session.from_json(data))
    except StoreError as error:
        return Entry(slug, problem=clean_text(error.problem, MAX_PROBLEM_LENGTH))
    except SessionFormatError as error:
        return Entry(slug, problem=str(error))


def choose(entries: Sequence[Entry], name: str) -> Entry:
    """Return the entry that *name* stands for: its slug, a unique prefix of that, its address, host or site's name.

    Raises:
        click.ClickException: if no entry or several match; it lists the candidates.
        click.UsageError: if *name* is empty.
    """
    matches = find_matches(entries, name)
    if len(matches) == 1:
        return matches[0]
    if not matches and len(of_site := _list_of_site(entries, name)) == 1:
        return of_site[0]
    problem = "matches more than one session" if matches else "matches no session; there are"
    candidates = ", ".join(clean_text(entry.slug) for entry in matches or entries) or "no sessions"
    raise click.ClickException(f"{clean_text(name)!r} {problem}: {candidates}")


def find_matches(entries: Sequence[Entry], name: str) -> list[Entry]:
    """Return the entries that *name* may stand for: the one of that slug, else all with such a prefix.

    Raises:
        click.UsageError: if *name* is empty, as of a variable that is not set.
    """
    if not name:
        raise click.UsageError("The session's name is empty.")
    matches = [entry for entry in entries if entry.slug == name]
    return matches or [entry for entry in entries if any(text.startswith(name) for text in _list_names(entry))]


def find_set_aside(store: "Store", before: float) -> list[Path]:
    """Return the files set aside in *store* before that time (epoch seconds). Only a folder has such files."""
    bare = _unwrap(store)
    if not isinstance(bare, FileStore):
        return []
    # ctime is when the file was renamed; mtime is when the session was last written.
    return sorted(file for file in bare.folder.glob("*.corrupt*") if file.stat().st_ctime < before)


def unlink(files: Sequence[Path]) -> None:
    """Remove *files*; a file that is gone already is not an error."""
    for file in files:
        file.unlink(missing_ok=True)


async def remove(store: "Store", slugs: Sequence[str]) -> None:
    """Remove what is under *slugs*, without decrypting it."""
    bare = _unwrap(store)
    for slug in slugs:
        while (data := await bare.read(slug)) is not None:
            if await bare.swap(slug, data, None):
                break


async def remove_all(store: "Store") -> list[str]:
    """Remove all sessions, including replaced ones and those set aside; return their names."""
    slugs = [slug for slug in await store.slugs() if not is_record(slug)]
    files = await asyncio.to_thread(find_set_aside, store, float("inf"))
    await remove(store, slugs)
    await asyncio.to_thread(unlink, files)
    return [*slugs, *(file.name for file in files)]


def _unwrap(store: "Store") -> "Store":
    """Return the store that holds the bytes: removing needs no decryption."""
    return store.inner if isinstance(store, EncryptedStore) else store


def _list_of_site(entries: Sequence[Entry], name: str) -> list[Entry]:
    """Return the entries of the site that is called *name* in ``sites.toml``, or has that address."""
    from aura_browser.site import site_at

    try:
        site = site_at(name)
    except InvalidInput:  # no address
        return []
    return [entry for entry in entries if site.origin in _list_origins(entry)]


def _list_names(entry: Entry) -> tuple[str, ...]:
    origins = _list_origins(entry)
    return entry.slug, *origins, *(origin.partition("://")[2] for origin in origins)


def list_hosts(entry: Entry) -> set[str]:
    """Return the hosts of a session's site, with their ports where they are not the scheme's own."""
    return {origin.partition("://")[2] for origin in _list_origins(entry)}


def _list_origins(entry: Entry) -> list[str]:
    """Return the origin of a session, and that of its site before it moved there."""
    from aura_browser.cli.sessions.placing import find_key

    if entry.session is None:
        return []
    return list(dict.fromkeys([entry.session.origin, find_key(entry.session, entry.slug).origin]))
