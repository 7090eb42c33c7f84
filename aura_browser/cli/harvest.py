"""``aura-browser harvest``: open a site in Chrome and print its session as JSON."""

import asyncio
import logging
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from aura_browser.cli.log import store_has_failed
from aura_browser.cli.options import ParsedText, parse_seconds, session_options
from aura_browser.cli.running import is_attended, report_errors, show_progress
from aura_browser.errors import AuraError, HarvestCoolingDown, SessionRefused
from aura_browser.site import OPENCHAT, Condition, Site, page_url, site_at

if TYPE_CHECKING:
    from aura_browser.assembly import SessionOptions
    from aura_browser.keeping.manager import SessionManager
    from aura_browser.session import Session

_log = logging.getLogger(__name__)


@click.command("harvest")
@click.argument("url", default=OPENCHAT.url, type=ParsedText("url", page_url))
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write the JSON to this file, with mode 0600.",
)
@click.option("--fresh", is_flag=True, help="Open a browser even if a session is cached.")
@click.option(
    "--interactive",
    "--headed",
    "interactive",
    is_flag=True,
    help="Show a window, in which you log in or pass a check; it closes automatically. Implies --fresh.",
)
@click.option(
    "--until",
    "conditions",
    multiple=True,
    type=ParsedText("condition", Condition.parse),
    metavar="CONDITION",
    help=(
        "What must hold before the session is read: cookie:NAME, selector:CSS, url:GLOB, text:TEXT or js:EXPRESSION. "
        "If repeated, all must hold. Implies --fresh."
    ),
)
@click.option(
    "--timeout",
    type=ParsedText("seconds", parse_seconds),
    help="Seconds for the whole harvest. [default: 60, or 300 with --interactive]",
)
@session_options()
@report_errors
def command(
    *,
    url: str,
    output: Path | None,
    conditions: tuple[Condition, ...],
    timeout: float | None,
    fresh: bool,
    interactive: bool,
    options: "SessionOptions",
) -> None:
    """Open URL in Chrome and print its session as JSON.

    The session is cookies, headers, user agent and local storage: all that a program needs to continue your browser's
    session. It is cached; the next call prints the cached one if the
    site still accepts it.

    \b
    aura-browser harvest > session.json                      openchat.team
    aura-browser harvest https://example.com/ -o me.json
    aura-browser harvest https://example.com/ --interactive --until cookie:sid --profile me
    aura-browser harvest https://example.com/ --fresh --profile me        later, without a window
    """  # noqa: D301 - click's mark for text that it must not wrap
    _check_folder(output)
    site = _build_site(url, conditions)
    if interactive and not site.ready:
        raise click.UsageError(
            "--interactive needs --until, or the window would close at once. Name a sign that you are logged in, such "
            "as --until cookie:NAME, --until 'url:*/home' or --until selector:CSS."
        )
    new = fresh or interactive or bool(conditions)
    from aura_browser.assembly import assemble, browser_harvest

    engine, proxy = options["engine"], options["proxy"]
    browser = partial(browser_harvest, site, engine=engine, proxy=proxy, interactive=interactive, timeout_s=timeout)
    options["harvest"] = show_progress(lambda on_wait: browser(on_wait=on_wait), site.url, interactive=interactive)
    manager = assemble(site, **options)
    session = asyncio.run(_get_session(manager, new=new, is_person=interactive or is_attended()))
    _write_session(session, output)
    if sys.stderr.isatty():
        from aura_browser.cli.kept import report_kept

        report_kept(site, session, options, now=time.time(), output=output)


def _build_site(url: str, conditions: tuple[Condition, ...]) -> Site:
    site = site_at(url)
    return replace(site, ready=site.ready + conditions)


def _check_folder(output: Path | None) -> None:
    if output is not None and not output.absolute().parent.is_dir():
        raise click.BadParameter(f"the folder {output.parent} does not exist", param_hint="'-o'")


async def _get_session(manager: "SessionManager", *, new: bool, is_person: bool) -> "Session":
    """Return the session; the budget, which is against programs, does not hold back a person who tries again."""
    try:
        if new:
            return await manager.harvest(despite_cool_down=is_person)
        try:
            return await _get_accepted(manager)
        except HarvestCoolingDown:
            if not is_person:
                raise
            return await manager.harvest(despite_cool_down=True)
    finally:
        await manager.aclose()


async def _get_accepted(manager: "SessionManager") -> "Session":
    """Return the cached session if the site still accepts it, else a new one."""
    session = await manager.get()
    if manager.counters.harvests:
        return session
    from aura_browser.http.proof import prove

    try:
        await prove(manager.site, session)
    except SessionRefused:
        return await manager.renew(session)
    except AuraError as error:
        _log.warning("The cached session could not be checked: %s", error)
    return session


def _write_session(session: "Session", output: Path | None) -> None:
    text = f"{session.to_json()}\n"
    if output is not None:
        from aura_browser.store.file import write_private

        try:
            write_private(output, text.encode())
        except OSError as error:
            kept = "Nothing was kept" if store_has_failed() else "The session is cached; run the command again"
            raise click.FileError(str(output), f"{error.strerror}. {kept}.") from error
    else:
        click.echo(text, nl=False)
    if output is None and sys.stdout.isatty():
        click.echo("Warning: with this text, anybody can act as you at that site. Prefer -o FILE.", err=True)
