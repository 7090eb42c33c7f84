"""Runs a program with a session: renews it, writes its files, runs the program, keeps what the program rotated."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from shlex import join
from typing import TYPE_CHECKING, Final

import msgspec
from yarl import URL

from aura_browser.assembly import SessionOptions, assemble, using_store
from aura_browser.carriers import prove_once
from aura_browser.errors import AuraError
from aura_browser.programs.changes import Changes, find_changes
from aura_browser.programs.child import run_child
from aura_browser.programs.files import KINDS, USUAL, Given, Kind, build_environment, fill_in, write_files
from aura_browser.programs.fold_back import fold_back
from aura_browser.programs.private_folder import open_private_folder
from aura_browser.session import Session
from aura_browser.site import Site
from aura_browser.site.derivation import derive_headers
from aura_browser.store import SessionKey
from aura_browser.text import list_names

if TYPE_CHECKING:
    from aura_browser.keeping.manager import SessionManager

Tell = Callable[[str], None]
"""Is called with a line for the person."""

_PROVEN_FOR_S: Final = 300.0
_SIGNALLED: Final = 128
_ALL: Final = "the cookies"
_ENDED_BY_PERSON: Final = frozenset({1, 2, 9, 15})  # SIGHUP, SIGINT, SIGKILL, SIGTERM


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A program, and how it is run.

    Attributes:
        command: its path and its arguments, in which placeholders stand for files.
        kinds: the files that it is given.
        keeps_changes: whether the cookies that it changes in them are kept.
        retries: whether it is run once more with a new session if the site refuses the session afterwards.
    """

    command: tuple[str, ...]
    kinds: tuple[Kind, ...]
    keeps_changes: bool
    retries: bool


def run_program(site: Site, options: SessionOptions, run: Run, tell: Tell) -> int:
    """Run a program with the session of *site*, and return its exit code, or 128 + n if signal n ended it.

    The session is renewed first if it is over, or if the site refuses it; the site is asked unless it took the session
    in the last five minutes. What goes wrong after the program's start is said, and leaves its exit code alone.

    Args:
        site: the session's site.
        options: how the session is got and kept; ``session`` is a name.
        run: the program.
        tell: is called with each warning.

    Raises:
        AuraError: if there is no session that could be used, or the program can't be given it.
        OSError: if the program can't be started.
    """
    session = asyncio.run(_get_session(assemble(site, **options)))
    code = _run_once(site, options, run, session, tell)
    if not run.retries or code - _SIGNALLED in _ENDED_BY_PERSON:
        return code
    again = _renew_if_refused(site, options, session, tell)
    if again is None:
        return code
    tell(f"{site.origin} refused the session. The command runs once more, with a new one.")
    return _run_once(site, options, run, again, tell)


async def _get_session(manager: "SessionManager") -> Session:
    try:
        session = await manager.get()
        if session.verified_at is None or time.time() - session.verified_at > _PROVEN_FOR_S:
            session = await manager.prove()
        return session
    finally:
        await manager.aclose()


def _run_once(site: Site, options: SessionOptions, run: Run, session: Session, tell: Tell) -> int:
    with open_private_folder() as folder:
        files = write_files(folder, session, run.kinds)
        for sentence in (*_list_losses(files, run.kinds), *_list_made(site, session)):
            tell(sentence)
        code = run_child(fill_in(run.command, files), build_environment(session, files))
        changed = [(each, text) for each in files if run.keeps_changes and (text := each.read_change()) is not None]
    if changed and options.get("store") != "memory":
        for what, reason in _keep(site, options, session, changed):
            tell(f"Warning: {what} that {run.command[0]} changed are not kept: {reason}")
    return code


def _list_losses(files: Sequence[Given], kinds: Sequence[Kind]) -> list[str]:
    """Return what the files can't hold, and what programs can't do with what they hold: lines for each file."""
    told = [f"Not in {each.path.name}: {'; '.join(each.left_out)}." for each in files if each.left_out]
    # Where nothing says what the program needs, few use another file than this.
    noted = [each for each in files if tuple(kinds) != USUAL or each.kind is KINDS["netscape"]]
    return told + [f"In {each.path.name}: {note}." for each in noted for note in each.notes]


def _list_made(site: Site, session: Session) -> Iterator[str]:
    """Yield a line for what the site's definition adds to requests: no file binds it to the site."""
    made = {*site.stated_headers, *derive_headers(site, session, "POST", URL(session.origin))}
    if made:
        advice = f"for programs that need them: {join(['aura-browser', 'proxy', site.name or site.url])}"
        yield f"In no file: headers that the site's definition makes or states ({list_names(sorted(made))}); {advice}"


def _keep(
    site: Site, options: SessionOptions, session: Session, changed: Sequence[tuple[Given, str]]
) -> Iterator[tuple[str, str]]:
    """Keep what a program changed in its files; yield what is not kept, and why."""
    for given, text in changed:
        changes = _read_changes(session, given, text)
        if isinstance(changes, str):
            yield _ALL, changes
            continue
        if changes.garbled:
            yield "cookies", f"the program saved their UTF-8 as Latin-1: {', '.join(changes.garbled)}."
        if changes.lost:
            yield _ALL, f"cookies of the login are no longer among them: {', '.join(changes.lost)}."
        elif changes.cookies and (problem := asyncio.run(_store(site, options, session, changes))):
            yield _ALL, f"{problem}."


def _read_changes(session: Session, given: Given, text: str) -> Changes | str:
    from aura_browser.formats import load

    try:
        now = time.time()
        before, after = (load(each.encode(), now=now, url=session.url).session for each in (given.text, text))
    except AuraError as error:
        return f"its file can't be read any more. {error}"
    return find_changes(session, before.cookies, after.cookies, now)


async def _store(site: Site, options: SessionOptions, session: Session, changes: Changes) -> str:
    key, prove = SessionKey(site.origin, str(options["session"]), session.proxy), partial(prove_once, site)
    try:
        async with using_store(options.get("store")) as store:
            return await fold_back(store, key, session, changes.cookies, prove=prove, now=time.time())
    except AuraError as error:
        return str(error).removesuffix(".")


def _renew_if_refused(site: Site, options: SessionOptions, session: Session, tell: Tell) -> Session | None:
    """Return a new session if the site refuses the one that the program had; None if it takes it, or can't be asked."""
    try:
        current = asyncio.run(_prove(assemble(site, **options)))
    except AuraError as error:
        tell(f"Warning: the command is not run again: {error}")
        return None
    return current if current.lineage != session.lineage else None


async def _prove(manager: "SessionManager") -> Session:
    try:
        return await manager.prove()
    finally:
        await manager.aclose()
