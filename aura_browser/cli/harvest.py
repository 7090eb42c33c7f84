"""``aura-browser harvest``: open a site in Chrome and hand its session over as JSON."""

import asyncio
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from aura_browser.cli.options import Checked, engine_options, proxy_option, seconds, session_option, store_option
from aura_browser.cli.running import reported, shown
from aura_browser.site import OPENCHAT, Condition, Site, openchat_site, page_site, page_url

if TYPE_CHECKING:
    from aura_browser.engine import Engine
    from aura_browser.keeping.manager import SessionManager
    from aura_browser.session import Session


@click.command("harvest")
@click.argument("url", default=OPENCHAT.url, type=Checked("url", page_url))
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write the JSON there, for your eyes only (mode 0600).",
)
@click.option("--fresh", is_flag=True, help="Open a browser even if a session is cached.")
@click.option(
    "--interactive",
    "--headed",
    "interactive",
    is_flag=True,
    help="Show a window, in which you log in or pass a check; it closes by itself. Implies --fresh.",
)
@click.option(
    "--until",
    "conditions",
    multiple=True,
    type=Checked("condition", Condition.parse),
    metavar="CONDITION",
    help=(
        "What has to hold before the session is read; can be given again, then all must. cookie:NAME, selector:CSS, "
        "url:GLOB, text:TEXT or js:EXPRESSION. Implies --fresh."
    ),
)
@click.option(
    "--timeout",
    type=Checked("seconds", seconds),
    help="Seconds for all of it. [default: 60, or 300 with --interactive]",
)
@engine_options
@proxy_option
@session_option
@store_option
@reported
def command(
    *,
    url: str,
    output: Path | None,
    conditions: tuple[Condition, ...],
    timeout: float | None,
    proxy: str | None,
    session_name: str,
    store: str | None,
    fresh: bool,
    interactive: bool,
    engine: "Engine",
) -> None:
    """Open URL in Chrome and print its session as JSON.

    The session is cookies, headers, user agent and local storage: all that a program needs to be seen as your browser
    was. It is cached, and the next call prints the cached one.

    \b
    aura-browser harvest > session.json                      openchat.team
    aura-browser harvest https://example.com/ -o me.json
    aura-browser harvest https://example.com/ --interactive --until cookie:sid --profile me
    aura-browser harvest https://example.com/ --fresh --profile me        later, without a window
    """  # noqa: D301 - click knows an example by this character
    _check_folder(output)
    site = _site(url, conditions)
    if interactive and not site.ready:
        raise click.UsageError(
            "Say with --until what tells that you are logged in, such as --until cookie:NAME, --until 'url:*/home' or "
            "--until selector:CSS; the window would close at once otherwise."
        )
    new = fresh or interactive or bool(conditions)
    from aura_browser.assembly import assemble, browser_harvest

    browser = partial(browser_harvest, site, engine=engine, proxy=proxy, interactive=interactive, timeout_s=timeout)
    manager = assemble(
        site,
        proxy=proxy,
        session=session_name,
        store=store,
        harvest=shown(lambda on_wait: browser(on_wait=on_wait), site.url, interactive=interactive),
    )
    _hand_over(asyncio.run(_session(manager, new=new, interactive=interactive)), output)


def _site(url: str, conditions: tuple[Condition, ...]) -> Site:
    site = page_site(url)
    if site.origin == OPENCHAT.origin:
        site = openchat_site(url)
    return replace(site, ready=site.ready + conditions)


def _check_folder(output: Path | None) -> None:
    if output is not None and not output.absolute().parent.is_dir():
        raise click.BadParameter(f"the folder {output.parent} does not exist", param_hint="'-o'")


async def _session(manager: "SessionManager", *, new: bool, interactive: bool) -> "Session":
    try:
        return await (manager.harvest(despite_cool_down=interactive) if new else manager.get())
    finally:
        await manager.aclose()


def _hand_over(session: "Session", output: Path | None) -> None:
    text = f"{session.to_json()}\n"
    if output is not None:
        from aura_browser.store.file import write_private

        try:
            write_private(output, text.encode())
        except OSError as error:
            raise click.FileError(
                str(output), f"{error.strerror}. The session is cached; run the same again."
            ) from error
    else:
        click.echo(text, nl=False)
    if sys.stderr.isatty():
        click.echo(
            f"{session.origin}: {len(session.cookies)} cookies, {len(session.local_storage)} stored values.",
            err=True,
        )
    if output is None and sys.stdout.isatty():
        click.echo("Warning: whoever has this text is you at that site. Better write it with -o FILE.", err=True)
