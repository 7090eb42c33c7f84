"""``aura-browser sessions``: see, check, import and remove the sessions that are cached."""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, TypeVar

import click

from aura_browser.cli.options import session_option, store_option
from aura_browser.cli.running import progress, reported
from aura_browser.errors import AuraError, SessionFormatError, SessionRefused, StoreError, clean_text
from aura_browser.lifetime import rough_span
from aura_browser.proxy import without_password

if TYPE_CHECKING:
    from aura_browser.cookie import Cookie
    from aura_browser.session import Session
    from aura_browser.site import Site
    from aura_browser.store import Store

T = TypeVar("T")

_HEADINGS: Final = ("SLUG", "ORIGIN", "AGE", "EXPIRES", "COOKIES", "VERIFIED", "FINGERPRINT")
_SET_ASIDE_FOR_S: Final = 7 * 86400.0
_LONGEST_PROBLEM: Final = 1000

_name_help: Final = "NAME is one of the list's slugs, or as much of its beginning, or of its site's host, as tells it."


@dataclass(frozen=True)
class _Entry:
    """What is under one slug: a session and the bytes it was read from, or what is wrong with it."""

    slug: str
    data: bytes = b""
    session: "Session | None" = None
    problem: str = ""


@click.group("sessions")
def command() -> None:
    """See, check and remove the sessions that are cached. No value of a cookie is ever shown.

    \b
    aura-browser sessions list
    aura-browser sessions show openchat
    aura-browser sessions check
    aura-browser sessions import session.json
    aura-browser sessions rm openchat
    """  # noqa: D301 - click knows an example by this character


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with times in epoch seconds.")
@store_option
@reported
def list_sessions(*, as_json: bool, store: str | None) -> None:
    """List the cached sessions. The store is only read.

    \b
    aura-browser sessions list
    aura-browser sessions list --json | jq '.[].origin'
    aura-browser sessions list --store redis://localhost
    """  # noqa: D301 - click knows an example by this character
    entries = _run(store, _entries)
    if as_json:
        click.echo(json.dumps([_facts(entry) for entry in entries], indent=2))
        return
    now = time.time()
    for line in _table([_HEADINGS, *(_row(entry, now) for entry in entries)]):
        click.echo(line)
    if not entries:
        _hint("There are no sessions. Get one with: aura-browser harvest URL")


@command.command("show", epilog=_name_help)
@click.argument("name")
@store_option
@reported
def show(*, name: str, store: str | None) -> None:
    """Show what one session is made of: names, places and times, no values.

    \b
    aura-browser sessions show openchat
    """  # noqa: D301 - click knows an example by this character
    entry = _found(_run(store, _entries), name)
    if entry.session is None:
        raise click.ClickException(f"{clean_text(entry.slug)}: {entry.problem}")
    for line in _table(_description(entry.slug, entry.session, time.time())):
        click.echo(line)


@command.command("check", epilog=_name_help)
@click.argument("name", required=False)
@store_option
@reported
def check(*, name: str | None, store: str | None) -> None:
    """Show the sessions to their sites and say which are valid. No browser is opened.

    Exit code 0 if all are, 1 otherwise.

    \b
    aura-browser sessions check
    aura-browser sessions check openchat || aura-browser harvest --fresh
    """  # noqa: D301 - click knows an example by this character

    async def checked(opened: "Store") -> bool:
        entries = await _entries(opened)
        chosen = entries if name is None else [_found(entries, name)]
        width = max((len(clean_text(entry.slug)) for entry in chosen), default=0)
        all_valid = True
        for entry in chosen:
            ruling = await _checked(opened, entry)
            click.echo(f"{clean_text(entry.slug):<{width}}  {ruling}")
            all_valid = all_valid and ruling == "valid"
        return all_valid

    if not _run(store, checked):
        click.get_current_context().exit(1)


@command.command("import")
@click.argument("file", type=click.File("rb"))
@session_option
@store_option
@reported
def import_session(*, file: IO[bytes], session_name: str, store: str | None) -> None:
    """Keep a session from another machine.

    FILE is what "harvest" wrote there, or - for stdin. It is shown to its site first and kept only if the site takes
    it. A session that was harvested through a proxy is kept for use through that proxy.

    \b
    aura-browser harvest URL --interactive -o session.json       on a machine with a screen
    aura-browser sessions import session.json                    here
    """  # noqa: D301 - click knows an example by this character
    from aura_browser.session import Session
    from aura_browser.store import SessionKey
    from aura_browser.verify import verify

    session = Session.from_json(file.read())

    async def kept(opened: "Store") -> str:
        try:
            with progress(f"Asking {session.origin} …"):
                proven = await verify(_site(session), session)
        except SessionRefused as error:
            raise click.ClickException(f"The site refused it, so it is not kept: {_refusal(session, error)}") from None
        key = SessionKey(session.origin, session_name, session.proxy)
        before = await opened.load(key)
        if before is not None and before.cookies and not session.cookies:
            raise click.ClickException(f"It has no cookies, and {key.slug} has; remove that first if you mean it.")
        await opened.save(key, proven)
        return key.slug

    _hint(f"Kept {clean_text(_run(store, kept))}: {len(session.cookies)} cookies")


@command.command("rm", epilog=_name_help)
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option(
    "--all", "everything", is_flag=True, help="Remove all, previous ones and those set aside in a folder too."
)
@click.option("--yes", is_flag=True, help="With --all: don't ask.")
@store_option
@reported
def remove(*, names: tuple[str, ...], everything: bool, yes: bool, store: str | None) -> None:
    """Remove sessions here. Their sites are told nothing: to end a session there, log out.

    \b
    aura-browser sessions rm openchat
    aura-browser sessions rm --all --yes
    """  # noqa: D301 - click knows an example by this character
    if bool(names) == everything:
        raise click.UsageError("Name the sessions to remove, or give --all.")
    if everything and not yes:
        _confirm("Remove all sessions?")

    from aura_browser.store.base import PREVIOUS

    async def removed(opened: "Store") -> list[str]:
        if everything:
            return await _remove_all(opened)
        entries = await _entries(opened)
        slugs = list(dict.fromkeys(_found(entries, name).slug for name in names))
        await _remove(opened, [*slugs, *(f"{slug}{PREVIOUS}" for slug in slugs)])
        return slugs

    for slug in _run(store, removed):
        _hint(f"Removed {clean_text(slug)}")


@command.command("clean")
@click.option("--dry-run", is_flag=True, help="Only print what would be removed.")
@store_option
@reported
def clean(*, dry_run: bool, store: str | None) -> None:
    """Remove what is of no use any more, and print it.

    That is: expired sessions, what was kept of sessions that are gone, and damaged ones set aside over a week ago.

    \b
    aura-browser sessions clean --dry-run
    aura-browser sessions clean
    """  # noqa: D301 - click knows an example by this character

    async def cleaned(opened: "Store") -> list[str]:
        slugs = await _outdated(opened, time.time())
        files = await asyncio.to_thread(_set_aside, opened, time.time() - _SET_ASIDE_FOR_S)
        if not dry_run:
            await _remove(opened, slugs)
            await asyncio.to_thread(_unlink, files)
        return [*slugs, *(file.name for file in files)]

    for name in _run(store, cleaned):
        click.echo(clean_text(name))


def _run(place: str | None, work: "Callable[[Store], Awaitable[T]]") -> T:
    """Return what *work* does with the store at *place*, closed afterwards.

    Raises:
        InvalidInput: if *place* is none.
    """
    from aura_browser.assembly import open_store

    async def run() -> T:
        store = open_store(place)
        try:
            return await work(store)
        finally:
            await store.aclose()

    return asyncio.run(run())


def _bare(store: "Store") -> "Store":
    """Return the store that keeps the bytes: what is to be removed need not be decrypted."""
    from aura_browser.store.encrypted import EncryptedStore

    return store.inner if isinstance(store, EncryptedStore) else store


async def _entries(store: "Store") -> list[_Entry]:
    """Return what there is of sessions, readable or not, in order. Nothing is set aside for it."""
    entries = [await _entry(store, slug) for slug in await store.session_slugs()]
    return [entry for entry in entries if entry is not None]


async def _entry(store: "Store", slug: str) -> _Entry | None:
    from aura_browser.session import Session

    try:
        data = await store.read(slug)
        return None if data is None else _Entry(slug, data, Session.from_json(data))
    except StoreError as error:
        return _Entry(slug, problem=clean_text(error.problem, _LONGEST_PROBLEM))
    except SessionFormatError as error:
        return _Entry(slug, problem=str(error))


def _found(entries: Sequence[_Entry], name: str) -> _Entry:
    """Return the one that *name* tells.

    Raises:
        click.ClickException: if it tells none or several; lists those that there are to choose from.
    """
    matches = [entry for entry in entries if entry.slug == name]
    matches = matches or [entry for entry in entries if any(text.startswith(name) for text in _names(entry))]
    if len(matches) == 1:
        return matches[0]
    problem = "tells more than one session" if matches else "is the name of no session; there are"
    candidates = ", ".join(clean_text(entry.slug) for entry in matches or entries) or "there are none"
    raise click.ClickException(f"{clean_text(name)!r} {problem}: {candidates}")


def _names(entry: _Entry) -> tuple[str, ...]:
    origin = entry.session.origin if entry.session else ""
    return entry.slug, origin, origin.partition("://")[2]


def _facts(entry: _Entry) -> dict[str, Any]:
    session = entry.session
    if session is None:
        return {"slug": entry.slug, "problem": entry.problem}
    return {
        "slug": entry.slug,
        "origin": session.origin,
        "harvested_at": session.harvested_at,
        "expires_at": session.expires_at,
        "verified_at": session.verified_at,
        "cookies": len(session.cookies),
        "fingerprint": session.fingerprint,
    }


def _row(entry: _Entry, now: float) -> tuple[str, ...]:
    session = entry.session
    if session is None:
        return entry.slug, f"can't be read: {entry.problem}"
    return (
        entry.slug,
        session.origin,
        rough_span(now - session.harvested_at),
        _until(session.expires_at, now),
        str(len(session.cookies)),
        _since(session.verified_at, now),
        session.fingerprint,
    )


def _description(slug: str, session: "Session", now: float) -> list[tuple[str, ...]]:
    return [
        ("slug", slug),
        ("origin", session.origin),
        ("url", _page(session.url)),
        ("proxy", _proxy(session.proxy)),
        ("browser", f"{session.browser.name} {session.browser.version}"),
        ("user agent", session.user_agent),
        ("headers", ", ".join(session.headers)),
        ("harvested", _since(session.harvested_at, now)),
        ("verified", _since(session.verified_at, now)),
        ("expires", _until(session.expires_at, now)),
        ("fingerprint", session.fingerprint),
        *(("cookie", _cookie(cookie, now)) for cookie in session.cookies),
        *(("local storage", key) for key in session.local_storage),
    ]


def _cookie(cookie: "Cookie", now: float) -> str:
    flags = (
        "host-only" if cookie.host_only else "",
        "secure" if cookie.secure else "",
        "httpOnly" if cookie.http_only else "",
        f"sameSite={cookie.same_site}" if cookie.same_site else "",
        f"partition={cookie.partition_key}" if cookie.partition_key else "",
        "" if cookie.expires is None else f"expires {_until(cookie.expires, now)}",
    )
    return " ".join((cookie.name or "(no name)", cookie.domain, cookie.path, *filter(None, flags)))


def _page(url: str) -> str:
    """Return *url* without what may hold a token: its query and fragment."""
    return url.partition("#")[0].partition("?")[0]


def _proxy(proxy: str | None) -> str:
    return without_password(proxy) if proxy else "-"


def _table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Return *rows* as lines, their columns aligned; the last cell of a row may be as long as it likes."""
    cleaned = [tuple(clean_text(cell, _LONGEST_PROBLEM) for cell in row) for row in rows]
    columns = max(map(len, cleaned), default=0)
    widths = [max((len(row[n]) for row in cleaned if n < len(row) - 1), default=0) for n in range(columns)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)).rstrip() for row in cleaned]


def _since(then: float | None, now: float) -> str:
    return "-" if then is None else f"{rough_span(now - then)} ago"


def _until(then: float | None, now: float) -> str:
    if then is None:
        return "-"
    return f"in {rough_span(then - now)}" if then > now else "over"


async def _checked(store: "Store", entry: _Entry) -> str:
    """Show the session to its site and keep what the site rotates; return ``valid`` or why it is not known to be."""
    from aura_browser.verify import verify

    if entry.session is None:
        return f"can't be read: {entry.problem}"
    try:
        with progress(f"Asking {clean_text(entry.session.origin)} …"):
            proven = await verify(_site(entry.session), entry.session)
    except SessionRefused as error:
        return f"refused: {_refusal(entry.session, error)}"
    except AuraError as error:
        return f"unknown: {error}"
    # If a neighbour has written a newer one meanwhile, that one stays.
    await store.swap(entry.slug, entry.data, proven.to_json().encode(), expires_at=proven.expires_at)
    return "valid"


def _refusal(session: "Session", error: SessionRefused) -> str:
    return f"{error.mark}. Log in again: {_site(session).login_command()}"


def _site(session: "Session") -> "Site":
    from aura_browser.site import OPENCHAT, page_site

    return OPENCHAT if session.origin == OPENCHAT.origin else page_site(session.url)


async def _remove(store: "Store", slugs: Sequence[str]) -> None:
    bare = _bare(store)
    for slug in slugs:
        while (data := await bare.read(slug)) is not None:
            if await bare.swap(slug, data, None):
                break


async def _remove_all(store: "Store") -> list[str]:
    slugs = [slug for slug in await store.slugs() if not slug.startswith("budget-")]
    files = await asyncio.to_thread(_set_aside, store, float("inf"))
    await _remove(store, slugs)
    await asyncio.to_thread(_unlink, files)
    return [*slugs, *(file.name for file in files)]


async def _outdated(store: "Store", now: float) -> list[str]:
    """Return the slugs of sessions that are over at *now*, and of previous ones whose sessions are gone or over."""
    from aura_browser.store.base import PREVIOUS

    slugs = await store.slugs()
    over = [entry.slug for entry in await _entries(store) if entry.session and entry.session.is_over(now)]
    kept = set(slugs) - set(over)
    return over + [slug for slug in slugs if slug.endswith(PREVIOUS) and slug.removesuffix(PREVIOUS) not in kept]


def _set_aside(store: "Store", before: float) -> list[Path]:
    """Return the files that were set aside in *store* before that time (epoch seconds); only folders can tell."""
    from aura_browser.store import FileStore

    bare = _bare(store)
    if not isinstance(bare, FileStore):
        return []
    # The inode's own time is when the file was renamed; the other is when the session was last written.
    return sorted(file for file in bare.folder.glob("*.corrupt") if file.stat().st_ctime < before)


def _unlink(files: Sequence[Path]) -> None:
    for file in files:
        file.unlink(missing_ok=True)


def _confirm(question: str) -> None:
    """Ask a person, on stderr.

    Raises:
        click.UsageError: if there is none to ask.
        click.ClickException: if the answer is no.
    """
    if not sys.stdin.isatty():
        raise click.UsageError("--all needs --yes where nobody can be asked.")
    if not click.confirm(question, err=True):
        raise click.ClickException("nothing was removed.")


def _hint(text: str) -> None:
    if sys.stderr.isatty():
        click.echo(text, err=True)
