"""``aura-browser sessions renew``: made for cron."""

from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING

import click

from aura_browser.cli.blocking import call_apart
from aura_browser.cli.options import engine_options, store_option
from aura_browser.cli.running import print_amid_progress, progress, report_errors
from aura_browser.cli.sessions import catalogue
from aura_browser.cli.sessions.commands import NAME_HELP, run_with_store
from aura_browser.cli.values import ParsedText, parse_duration
from aura_browser.text import clean_text, count, make_inert

if TYPE_CHECKING:
    from aura_browser.engine import Engine
    from aura_browser.store import Store


@click.command("renew", epilog=NAME_HELP)
@click.argument("name", required=False)
@click.option("--all", "everything", is_flag=True, help="Renew all that need it.")
@click.option(
    "--within",
    metavar="TIME",
    type=ParsedText(parse_duration),
    help="Renew what ends within that time, such as 2h, 30min or 1d. [default: the last 15 % of its life, up to 10min]",
)
@click.option("--force", is_flag=True, help="Try again although a renewal has failed in the last 24 hours.")
@engine_options
@store_option
@report_errors
def renew_sessions(
    *, name: str | None, everything: bool, within: float | None, force: bool, engine: "Engine | None", store: str | None
) -> None:
    """Ask the sites about their sessions, and renew those that are refused or near their end. Made for cron.

    A browser without a window is opened for each that needs it; with --profile it has the login that is kept there. A
    stored login stays if no better one is got. After a renewal that failed, the next one is tried a day later.

    Only changes are printed. Exit code 77 if a person has to log in somewhere, with the commands on stderr, else 75 if
    something is to be tried later.

    \b
    aura-browser sessions renew --all
    aura-browser sessions renew openchat --within 2h
    17 * * * *  aura-browser sessions renew --all --within 2h      in a crontab
    """  # noqa: D301 - click's mark for text that it must not wrap
    if (name is None) is not everything:
        raise click.UsageError("Name a session to renew, or give --all.")
    from aura_browser.cli.sessions.renewing import Plan, Renewed, find_worst, renew_entries

    async def renew_chosen(opened: "Store") -> list[Renewed]:
        entries = await catalogue.read_entries(opened)
        chosen = entries if name is None else [catalogue.choose(entries, name)]
        results = []
        with progress(f"Asking about {count(chosen, 'session')} …"):
            async with aclosing(renew_entries(opened, chosen, Plan(within, force, engine, store))) as renewing:
                async for result in renewing:
                    results.append(result)
                    if result.text:
                        line = f"{clean_text(result.slug)}: {make_inert(result.text)}"
                        await call_apart(partial(print_amid_progress, line, err=not result.is_new))
        return results

    click.get_current_context().exit(find_worst(run_with_store(store, renew_chosen)))
