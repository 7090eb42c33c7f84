"""``aura-browser harvest``: open a site in Chrome and print its session as JSON."""

import dataclasses
import sys
import time
from functools import partial
from typing import TYPE_CHECKING, Final

import click

from aura_browser.cli.basic import ask_basic, read_basic
from aura_browser.cli.formats import FORMATS, build_dump_options, format_option, write_session
from aura_browser.cli.options import list_in_force, session_options
from aura_browser.cli.output import open_output
from aura_browser.cli.running import has_person, report_errors, run_in_loop, show_progress
from aura_browser.cli.values import ParsedText, parse_probe, parse_seconds
from aura_browser.engine import Attach, AttachChrome, LocalEngine
from aura_browser.errors import HarvestCoolingDown, InteractionRequired, SessionRefused
from aura_browser.site import OPENCHAT, Condition, Probe, Site, site_at
from aura_browser.text import clean_text, redact_url

if TYPE_CHECKING:
    from aura_browser.assembly import SessionOptions
    from aura_browser.keeping.manager import SessionManager
    from aura_browser.session import Session
    from aura_browser.site.commands import LoginCommand

_NOT_PROVEN: Final = {
    "open": "{} is answered alike without the session: no login is proven. Name a request that needs it: --probe PATH",
    "unproven": "{} does not prove the session. Name a request that needs the login: --probe PATH",
}


@click.command("harvest")
@click.argument("site", default=OPENCHAT.url, metavar="[URL|NAME]", type=ParsedText(site_at))
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="Write the JSON to this file, with mode 0600. A pipe or a device is written to as it is.",
)
@format_option
@click.option("--fresh", is_flag=True, help="Open a browser even if a session is cached. --attach implies it.")
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
    type=ParsedText(Condition.parse),
    metavar="CONDITION",
    help=(
        "What must hold before the session is read: cookie:NAME, selector:CSS, url:GLOB, text:TEXT, js:EXPRESSION, "
        "or probe (the probe takes the session). "
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
    "--probe",
    type=ParsedText(parse_probe),
    metavar="PATH",
    help=(
        "A path of the site that needs the login, such as /api/me. It is asked with the session and once without it; "
        "only a difference proves the login. [default: the site's own, else the page]"
    ),
)
@click.option(
    "--replace",
    is_flag=True,
    help="Replace a stored login, even if the new session is not proven to be one. Implies --fresh.",
)
@click.option(
    "--timeout",
    metavar="SECONDS",
    type=ParsedText(parse_seconds),
    help="Seconds for the whole harvest. [default: 60, or 300 with --interactive]",
)
@session_options(transport=True)
@report_errors
def command(
    *,
    site: Site,
    output: str | None,
    format_name: str,
    conditions: tuple[Condition, ...],
    timeout: float | None,
    probe: str | None,
    fresh: bool,
    replace: bool,
    interactive: bool,
    uses_basic: bool,
    options: "SessionOptions",
) -> None:
    """Open URL, or the site called NAME in sites.toml, in Chrome and print its session as JSON.

    The session is cookies, headers, user agent and local storage: all that a program needs to continue your browser's
    session. It is cached; the next call asks the site whether it takes the cached one, and prints that if so.

    The key "proof" says what was proven: "distinguished" if the site answers otherwise without the session, "open" if
    anybody gets the same answer, "unproven" if it can't be told.

    \b
    aura-browser harvest > session.json                      openchat.team
    aura-browser harvest https://example.com/ -o me.json
    aura-browser harvest https://example.com/ --format netscape -o cookies.txt
    aura-browser harvest https://example.com/ --interactive --until cookie:sid --profile me --probe /api/me
    aura-browser harvest https://example.com/ --fresh --profile me        later, without a window
    """  # noqa: D301 - click's mark for text that it must not wrap
    target = open_output(output) if output is not None else None
    site = _adapt_site(site, conditions, probe)
    typed_engine, began = options.get("engine"), time.time()
    is_attached = isinstance(typed_engine, Attach | AttachChrome)
    new = fresh or replace or interactive or uses_basic or bool(conditions) or is_attached
    from aura_browser.assembly import assemble, complete_options
    from aura_browser.harvests import basic_harvest, browser_harvest

    options = complete_options(site, options)
    engine, proxy = options["engine"], options.get("proxy")
    basic = read_basic() if uses_basic else None
    named = list_in_force(options, output=str(target.path) if target and target.path else None)
    named += ("--format", format_name) if format_name != FORMATS[0] else ()
    named += _list_typed(conditions, probe) if site.name else ()
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
    if site.login == "basic":
        options["harvest"] = basic_harvest(site, proxy=proxy, ask=ask_basic, command_options=named)
    else:
        options["harvest"] = show_progress(lambda on_wait: browser(on_wait=on_wait), site.url, interactive=interactive)
    manager = assemble(site, command_options=named, **options)
    is_personal = interactive or has_person()
    try:
        session = run_in_loop(_get_session(manager, new=new, replace=replace, is_personal=is_personal))
    except SessionRefused as error:
        raise _explain(error, manager.login) from None
    if isinstance(typed_engine, LocalEngine) and typed_engine.profile and session.harvested_at < began:
        click.echo("The profile was not opened: the site takes the cached session. --fresh opens it.", err=True)
    write_session(session, format_name, build_dump_options(format_name, None, None), target)
    expects_login = interactive or probe is not None or session.is_login is True
    # A chat site needs no login, and where a check guards it, its answer to strangers tells nothing.
    if expects_login or not session.dialect:
        _tell_proof(session, probe or redact_url(session.url), expects_login=expects_login)
    if sys.stderr.isatty():
        from aura_browser.cli.kept import report_kept

        report_kept(site, session, options, now=time.time(), output=target.path if target else None)


def _adapt_site(site: Site, conditions: tuple[Condition, ...], probe: str | None) -> Site:
    site = dataclasses.replace(site, ready=tuple(dict.fromkeys(site.ready + conditions)))
    return dataclasses.replace(site, probe=Probe(probe)) if probe else site


def _list_typed(conditions: tuple[Condition, ...], probe: str | None) -> tuple[str, ...]:
    """Return the words that a command needs besides the name of a site, whose definition does not have them."""
    words = [word for condition in conditions for word in ("--until", str(condition))]
    return (*words, "--probe", probe) if probe else tuple(words)


def _explain(error: SessionRefused, login: "LoginCommand") -> "SessionRefused | InteractionRequired":
    """Return what to tell a person of a new session that its site refused: the command, if it asked for a login."""
    if not error.asks_for_login:
        return error  # it says itself what helps
    reason = f"{error.url} asks for a login or a check ({error.mark}). Nothing was saved.{login.before}"
    return InteractionRequired(reason, login.text)


async def _get_session(manager: "SessionManager", *, new: bool, replace: bool, is_personal: bool) -> "Session":
    """Return the session; the budget, which is against programs, does not hold back a person who tries again."""
    try:
        if new:
            return await manager.harvest(despite_cool_down=is_personal, replace=replace)
        try:
            return await manager.prove()
        except HarvestCoolingDown:
            if not is_personal:
                raise
        return await manager.harvest(despite_cool_down=True)
    finally:
        await manager.aclose()


def _tell_proof(session: "Session", asked: str, *, expects_login: bool) -> None:
    """Say on stderr what was not proven: as a warning where a login is expected, else to a person only."""
    if session.proof == "unproven" or (session.proof == "open" and expects_login):
        click.echo(f"Warning: {_NOT_PROVEN[session.proof].format(clean_text(asked))}", err=True)
    elif session.proof == "open" and sys.stderr.isatty():
        click.echo("Anybody gets this page: the session holds no login, or none is needed there.", err=True)
