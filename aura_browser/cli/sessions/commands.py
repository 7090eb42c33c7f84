"""``aura-browser sessions``: see, check, import and remove the sessions that are cached."""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from typing import IO, Final, TypeVar

import click

from aura_browser.assembly import open_store
from aura_browser.cli.options import session_option, store_option
from aura_browser.cli.running import progress, reported
from aura_browser.cli.sessions import catalogue, view
from aura_browser.errors import AuraError, SessionRefused
from aura_browser.session import Session
from aura_browser.site import site_at
from aura_browser.store import SessionKey, Store
from aura_browser.store.base import PREVIOUS
from aura_browser.text import clean_text

T = TypeVar("T")

_SET_ASIDE_FOR_S: Final = 7 * 86400.0

_name_help: Final = "NAME is one of the list's slugs, or as much of its beginning, or of its site's host, as tells it."


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
    entries = _run(store, catalogue.read_entries)
    if as_json:
        click.echo(json.dumps([view.session_facts(entry) for entry in entries], indent=2))
        return
    now = time.time()
    for line in view.align([view.HEADINGS, *(view.table_row(entry, now) for entry in entries)]):
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
    entry = catalogue.choose(_run(store, catalogue.read_entries), name)
    if entry.session is None:
        raise click.ClickException(f"{clean_text(entry.slug)}: {entry.problem}")
    for line in view.align(view.describe(entry.slug, entry.session, time.time())):
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

    async def checked(opened: Store) -> bool:
        entries = await catalogue.read_entries(opened)
        chosen = entries if name is None else [catalogue.choose(entries, name)]
        width = max((len(clean_text(entry.slug)) for entry in chosen), default=0)
        all_valid = True
        for entry in chosen:
            ruling = await _check(opened, entry)
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
    from aura_browser.http.proof import prove

    session = Session.from_json(file.read())

    async def kept(opened: Store) -> str:
        try:
            with progress(f"Asking {session.origin} …"):
                proven = await prove(site_at(session.url), session)
        except SessionRefused as error:
            raise click.ClickException(
                f"The site refused it, so it is not kept: {_explain_refusal(session, error)}"
            ) from None
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

    async def removed(opened: Store) -> list[str]:
        if everything:
            return await catalogue.remove_all(opened)
        entries = await catalogue.read_entries(opened)
        slugs = list(dict.fromkeys(catalogue.choose(entries, name).slug for name in names))
        await catalogue.remove(opened, [*slugs, *(f"{slug}{PREVIOUS}" for slug in slugs)])
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

    async def cleaned(opened: Store) -> list[str]:
        slugs = await catalogue.find_outdated(opened, time.time())
        files = await asyncio.to_thread(catalogue.find_set_aside, opened, time.time() - _SET_ASIDE_FOR_S)
        if not dry_run:
            await catalogue.remove(opened, slugs)
            await asyncio.to_thread(catalogue.unlink, files)
        return [*slugs, *(file.name for file in files)]

    for name in _run(store, cleaned):
        click.echo(clean_text(name))


def _run(place: str | None, work: Callable[[Store], Awaitable[T]]) -> T:
    """Return what *work* does with the store at *place*, closed afterwards.

    Raises:
        InvalidInput: if *place* is none.
    """

    async def run() -> T:
        store = open_store(place)
        try:
            return await work(store)
        finally:
            await store.aclose()

    return asyncio.run(run())


async def _check(store: Store, entry: catalogue.Entry) -> str:
    """Show the session to its site and keep what the site rotates; return ``valid`` or why it is not known to be."""
    from aura_browser.http.proof import prove

    if entry.session is None:
        return f"can't be read: {entry.problem}"
    try:
        with progress(f"Asking {clean_text(entry.session.origin)} …"):
            proven = await prove(site_at(entry.session.url), entry.session)
    except SessionRefused as error:
        return f"refused: {_explain_refusal(entry.session, error)}"
    except AuraError as error:
        return f"unknown: {error}"
    # If a neighbour has written a newer one meanwhile, that one stays.
    await store.swap(entry.slug, entry.data, proven.to_json().encode(), expires_at=proven.expires_at)
    return "valid"


def _explain_refusal(session: Session, error: SessionRefused) -> str:
    return f"{error.mark}. Log in again: {site_at(session.url).login_command()}"


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
