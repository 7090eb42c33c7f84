"""``aura-browser sessions``: see, check, renew, import and remove cached sessions."""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from functools import partial
from typing import Final, TypeVar

import click

from aura_browser.assembly import using_store
from aura_browser.cli.blocking import call_apart
from aura_browser.cli.options import store_option
from aura_browser.cli.running import print_amid_progress, progress, report_errors, run_in_loop
from aura_browser.cli.screen import Screen
from aura_browser.cli.sessions import catalogue, view
from aura_browser.cli.sessions.checking import Checked, check_entries, find_exit_code, keep_proven
from aura_browser.cli.sessions.outdated import find_outdated
from aura_browser.store import Store
from aura_browser.store.base import PREVIOUS
from aura_browser.text import clean_text, count

T = TypeVar("T")

_MAX_CORRUPT_AGE_S: Final = 7 * 86400.0

NAME_HELP: Final = "NAME is a slug from the list, or a unique prefix of a slug or of its site's host."
"""What ends the help of commands that take the name of a session."""


@click.group("sessions")
def command() -> None:
    """See, check, renew, export, import and remove cached sessions. Values of cookies are shown by export alone.

    \b
    aura-browser sessions list
    aura-browser sessions show openchat
    aura-browser sessions check
    aura-browser sessions renew --all
    aura-browser sessions export openchat --format netscape -o cookies.txt
    aura-browser sessions import session.json
    aura-browser sessions rm openchat
    """  # noqa: D301 - click's mark for text that it must not wrap


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with times in epoch seconds.")
@store_option
@report_errors
def list_sessions(*, as_json: bool, store: str | None) -> None:
    """List the cached sessions. The store is only read.

    \b
    aura-browser sessions list
    aura-browser sessions list --json | jq '.[] | select(.state != "valid") | .origin'
    aura-browser sessions list --store redis://localhost
    """  # noqa: D301 - click's mark for text that it must not wrap
    entries = run_with_store(store, catalogue.read_entries)
    if as_json:
        click.echo(json.dumps([view.build_facts(entry, time.time()) for entry in entries], indent=2))
        return
    view.print_list(Screen(sys.stdout), entries, time.time())
    if not entries:
        hint("There are no sessions. Get one with: aura-browser harvest URL")


@command.command("show", epilog=NAME_HELP)
@click.argument("name")
@store_option
@report_errors
def show(*, name: str, store: str | None) -> None:
    """Show one session: names of cookies and headers, addresses and times, but no values.

    \b
    aura-browser sessions show openchat
    """  # noqa: D301 - click's mark for text that it must not wrap
    entry = catalogue.choose(run_with_store(store, catalogue.read_entries), name)
    if entry.session is None:
        raise click.ClickException(f"{clean_text(entry.slug)}: {entry.problem}")
    for line in view.align(view.describe(entry.slug, entry.session, time.time())):
        click.echo(line)


@command.command("check", epilog=NAME_HELP)
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@store_option
@report_errors
def check(*, name: str | None, as_json: bool, store: str | None) -> None:
    """Ask the sites which sessions they take. No browser is opened.

    Each site is asked with the session and once without it. A session is "valid" if the answers differ, "open" if
    anybody gets the same answer, and "unproven" if it can't be told; "refused", or "expired" if its end has come as
    well; "unreachable" if the site does not answer.

    Exit code 77 if any is refused or expired, else 75 if any is unreachable.

    \b
    aura-browser sessions check
    aura-browser sessions check --json | jq -r '.[] | select(.state == "refused") | .slug'
    aura-browser sessions check openchat || aura-browser harvest --fresh
    """  # noqa: D301 - click's mark for text that it must not wrap

    async def check_chosen(opened: Store) -> list[Checked]:
        entries = await catalogue.read_entries(opened)
        chosen = entries if name is None else [catalogue.choose(entries, name)]
        width = max((len(clean_text(entry.slug)) for entry in chosen), default=0)
        results = []
        with progress(f"Asking about {count(chosen, 'session')} …"):
            async with aclosing(check_entries(chosen, store)) as checking:
                async for result in checking:
                    await keep_proven(opened, result)
                    results.append(result)
                    if not as_json:
                        await call_apart(partial(print_amid_progress, view.format_state(result, width)))
        return results

    results = run_with_store(store, check_chosen)
    if as_json:
        click.echo(json.dumps([view.build_state(result) for result in results], indent=2))
    click.get_current_context().exit(find_exit_code(results))


@command.command("rm", epilog=NAME_HELP)
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option(
    "--all", "everything", is_flag=True, help="Remove all, including previous ones and those set aside in a folder."
)
@click.option("--yes", is_flag=True, help="With --all: don't ask.")
@store_option
@report_errors
def remove(*, names: tuple[str, ...], everything: bool, yes: bool, store: str | None) -> None:
    """Remove sessions from the cache. Their sites are not told; to end a session there, log out.

    \b
    aura-browser sessions rm openchat
    aura-browser sessions rm --all --yes
    """  # noqa: D301 - click's mark for text that it must not wrap
    if bool(names) == everything:
        raise click.UsageError("Name the sessions to remove, or give --all.")
    if everything and not yes:
        _confirm("Remove all sessions?")

    async def remove_chosen(opened: Store) -> list[str]:
        if everything:
            return await catalogue.remove_all(opened)
        entries = await catalogue.read_entries(opened)
        slugs = list(dict.fromkeys(catalogue.choose(entries, name).slug for name in names))
        await catalogue.remove(opened, [*slugs, *(f"{slug}{suffix}" for slug in slugs for suffix in PREVIOUS)])
        return slugs

    for slug in run_with_store(store, remove_chosen):
        hint(f"Removed {clean_text(slug)}")


@command.command("clean")
@click.option("--dry-run", is_flag=True, help="Only print what would be removed.")
@store_option
@report_errors
def clean(*, dry_run: bool, store: str | None) -> None:
    """Remove what is no longer needed, and print it.

    That is: expired sessions, previous versions of sessions that are gone, damaged ones set aside over a week ago, and
    files that "request --as-curl" wrote over a day ago.
    What is, or may be, a person's login stays until its site refuses it; the site is asked.

    \b
    aura-browser sessions clean --dry-run
    aura-browser sessions clean
    """  # noqa: D301 - click's mark for text that it must not wrap
    from aura_browser.cli.request.as_curl import find_old_files

    async def remove_outdated(opened: Store) -> list[str]:
        slugs = await find_outdated(opened, time.time())
        files = await asyncio.to_thread(catalogue.find_set_aside, opened, time.time() - _MAX_CORRUPT_AGE_S)
        files += await asyncio.to_thread(find_old_files)
        if not dry_run:
            await catalogue.remove(opened, slugs)
            await asyncio.to_thread(catalogue.unlink, files)
        return [*slugs, *(file.name for file in files)]

    for name in run_with_store(store, remove_outdated):
        click.echo(clean_text(name))


def run_with_store(place: str | None, work: Callable[[Store], Awaitable[T]]) -> T:
    """Run *work* with the store at *place*, close the store, and return the result.

    Raises:
        InvalidInput: if *place* is not valid.
    """

    async def run() -> T:
        async with using_store(place) as store:
            return await work(store)

    return run_in_loop(run())


def _confirm(question: str) -> None:
    """Ask a person, on stderr.

    Raises:
        click.UsageError: if stdin is not a terminal.
        click.ClickException: if the answer is no.
    """
    if not sys.stdin.isatty():
        raise click.UsageError("--all needs --yes when stdin is not a terminal.")
    if not click.confirm(question, err=True):
        raise click.ClickException("nothing was removed.")


def hint(text: str) -> None:
    """Say *text* to a person on a terminal."""
    if sys.stderr.isatty():
        click.echo(text, err=True)
