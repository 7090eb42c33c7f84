"""``aura-browser harvest``: open a site in Chrome and print its session as JSON."""

import asyncio
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from aura_browser.cli.options import ParsedText, parse_seconds, read_basic, session_options
from aura_browser.cli.running import report_errors, show_progress
from aura_browser.site import OPENCHAT, Condition, Site, page_url, site_at
from aura_browser.site.commands import list_options

if TYPE_CHECKING:
    from aura_browser.assembly import SessionOptions
    from aura_browser.keeping.manager import SessionManager
    from aura_browser.session import Session


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
    help=(
        "Show a window, in which you log in or pass a check. It closes automatically when every --until holds and one "
        "has changed; without --until, close it when you are done. Implies --fresh."
    ),
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
    "--basic",
    "uses_basic",
    is_flag=True,
    help=(
        "Send a user and password to a site that asks for HTTP basic authentication; they are read from "
        "AURA_BROWSER_BASIC (user:password), or asked for. Implies --fresh."
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
    uses_basic: bool,
    options: "SessionOptions",
) -> None:
    """Open URL in Chrome and print its session as JSON.

    The session is cookies, headers, user agent and local storage: all that a program needs to continue your browser's
    session. It is cached, and the next call prints the cached one.

    \b
    aura-browser harvest > session.json                      openchat.team
    aura-browser harvest https://example.com/ -o me.json
    aura-browser harvest https://example.com/ --interactive --until cookie:sid --profile me
    aura-browser harvest https://example.com/ --fresh --profile me        later, without a window
    """  # noqa: D301 - click's mark for text that it must not wrap
    _check_folder(output)
    site = _build_site(url, conditions)
    new = fresh or interactive or uses_basic or bool(conditions)
    from aura_browser.assembly import assemble, browser_harvest

    engine, proxy = options["engine"], options["proxy"]
    basic = read_basic() if uses_basic else None
    session, store = options.get("session"), options.get("store")
    named = list_options(engine=engine, proxy=proxy, session=f"{session}", store=f"{store}" if store else None)
    browser = partial(
        browser_harvest,
        site,
        engine=engine,
        proxy=proxy,
        interactive=interactive,
        timeout_s=timeout,
        basic=basic,
        command_options=named,
    )
    options["harvest"] = show_progress(lambda on_wait: browser(on_wait=on_wait), site.url, interactive=interactive)
    manager = assemble(site, **options)
    _write_session(asyncio.run(_get_session(manager, new=new, interactive=interactive)), output)


def _build_site(url: str, conditions: tuple[Condition, ...]) -> Site:
    site = site_at(url)
    return replace(site, ready=tuple(dict.fromkeys(site.ready + conditions)))


def _check_folder(output: Path | None) -> None:
    if output is not None and not output.absolute().parent.is_dir():
        raise click.BadParameter(f"the folder {output.parent} does not exist", param_hint="'-o'")


async def _get_session(manager: "SessionManager", *, new: bool, interactive: bool) -> "Session":
    try:
        return await (manager.harvest(despite_cool_down=interactive) if new else manager.get())
    finally:
        await manager.aclose()


def _write_session(session: "Session", output: Path | None) -> None:
    text = f"{session.to_json()}\n"
    if output is not None:
        from aura_browser.store.file import write_private

        try:
            write_private(output, text.encode())
        except OSError as error:
            raise click.FileError(
                str(output), f"{error.strerror}. The session is cached; run the command again."
            ) from error
    else:
        click.echo(text, nl=False)
    if sys.stderr.isatty():
        click.echo(
            f"{session.origin}: {len(session.cookies)} cookies, {len(session.local_storage)} stored values.",
            err=True,
        )
    if output is None and sys.stdout.isatty():
        click.echo("Warning: with this text, anybody can act as you at that site. Prefer -o FILE.", err=True)
