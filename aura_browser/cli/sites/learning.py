"""``aura-browser sites learn``: learn a site from one login."""

import json
import re
import select
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import click
import msgspec
from yarl import URL

from aura_browser.cli.basic import read_basic
from aura_browser.cli.exit_codes import FAILED
from aura_browser.cli.options import session_options
from aura_browser.cli.running import progress, report_errors, run_in_loop
from aura_browser.cli.screen import Screen
from aura_browser.cli.values import ParsedText, parse_seconds
from aura_browser.engine import Attach, AttachChrome, LocalEngine
from aura_browser.errors import InvalidInput
from aura_browser.hosts import host_of, is_address, private_domain
from aura_browser.site import page_site, page_url
from aura_browser.site.catalogue import list_names
from aura_browser.text import clean_text, redact_url

if TYPE_CHECKING:
    from aura_browser.assembly import SessionOptions
    from aura_browser.learning.proposal import Proposal
    from aura_browser.session import Session
    from aura_browser.site import Site

_TIMEOUT_S: Final = 600.0
_STYLES: Final = {"tested": "good", "seen": "note", "not found": "bad"}


@click.command("learn")
@click.argument("url", type=ParsedText(page_url))
@click.option("--name", help="What to call the site. [default: from its host]")
@click.option("--yes", is_flag=True, help="Write the definition without asking.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON; write the definition only with --yes.")
@click.option(
    "--headless",
    is_flag=True,
    help="With --profile: open no window, since you are logged in there already.",
)
@click.option(
    "--timeout",
    metavar="SECONDS",
    type=ParsedText(parse_seconds),
    default=str(int(_TIMEOUT_S)),
    show_default=True,
    help="Seconds to log in.",
)
@session_options()
@report_errors
def learn(
    *,
    url: str,
    name: str | None,
    yes: bool,
    as_json: bool,
    headless: bool,
    timeout: float,
    options: "SessionOptions",
) -> None:
    """Learn what sites.toml has to say of a site, from one login.

    A window opens. Log in, and click once where you work; then press Enter here, or close the window. From what the
    page asked for, the definition is put together, and tried with the login and without it. At most 30 requests are
    sent for that: GETs that the page made itself, to the site's own addresses. The session is kept.

    A site that asks for a user and a password itself, by HTTP basic authentication, is learned without a browser; they
    are asked for here, or read from AURA_BROWSER_BASIC.

    \b
    aura-browser sites learn https://example.com/app
    aura-browser sites learn https://example.com/app --profile me --headless --yes
    """  # noqa: D301 - click's mark for text that it must not wrap
    from aura_browser.cli.sites.writing import make_table

    _check_options(options, headless=headless)
    chosen = _choose_name(url, name)
    proposal = _propose_basic(url)
    if proposal is None:
        proposal = _learn(url, options, is_interactive=not headless, timeout_s=timeout)
    text = make_table(proposal.definition).as_string()
    if as_json:
        _print_json(chosen, proposal)
    else:
        _print_table(chosen, proposal, text)
    if not proposal.is_proven:
        click.echo("Nothing was written: no request proves the login.", err=True)
        raise click.exceptions.Exit(FAILED)
    if yes or (not as_json and click.confirm(f"Write [{chosen}] to sites.toml?", default=True, err=True)):
        _keep(chosen, proposal, options)


def _check_options(options: "SessionOptions", *, headless: bool) -> None:
    engine = options["engine"]
    if headless and not (isinstance(engine, LocalEngine) and engine.profile):
        raise click.UsageError("--headless needs --profile, in which you are logged in.")
    if options.get("proxy"):
        raise click.UsageError("--proxy can't be used here.")


def _propose_basic(url: str) -> "Proposal | None":
    """Return what is learned of a site that asks for a user and a password itself; None if it does not."""
    from aura_browser.learning.basic import asks_basic, propose_basic

    if not run_in_loop(asks_basic(url)):
        return None
    click.echo(f"{redact_url(url)} asks for a user and a password itself; no browser is needed.", err=True)
    return run_in_loop(propose_basic(url, read_basic()))


def _learn(url: str, options: "SessionOptions", *, is_interactive: bool, timeout_s: float) -> "Proposal":
    has_keys = is_interactive and sys.stdin.isatty()
    if is_interactive:
        where = "tab" if isinstance(options["engine"], Attach | AttachChrome) else "window"
        how = f"press Enter here, or close the {where}" if has_keys else f"close the {where}"
        shown = redact_url(url)
        click.echo(f"Log in in the new {where} at {shown}, click once where you work, then {how}.", err=True)
    is_done = _was_enter_pressed if has_keys else lambda: False
    return run_in_loop(_propose(url, options, is_interactive=is_interactive, timeout_s=timeout_s, is_done=is_done))


async def _propose(
    url: str, options: "SessionOptions", *, is_interactive: bool, timeout_s: float, is_done: Callable[[], bool]
) -> "Proposal":
    from aura_browser.learning.proposal import propose
    from aura_browser.webdriver.watching import watch

    site, engine = page_site(url), options["engine"]
    watched = await watch(site, engine=engine, interactive=is_interactive, timeout_s=timeout_s, is_done=is_done)
    with progress("Asking with the login and without it …"):
        return await propose(url, watched)


def _keep(name: str, proposal: "Proposal", options: "SessionOptions") -> None:
    """Keep the session, if the definition proves it, and write that."""
    from aura_browser.cli.sites.writing import add_site, make_table
    from aura_browser.learning.proposal import check_definition

    site = check_definition(name, proposal)
    run_in_loop(_keep_session(site, proposal.session, options))
    path = add_site(name, make_table(proposal.definition))
    tried = f"aura-browser sites test {name}"
    click.echo(f"Wrote [{name}] to {clean_text(str(path))}, and kept the session. Try: {tried}", err=True)


def _choose_name(url: str, name: str | None) -> str:
    """Return the name for a new site: the given one, or one made of the host's."""
    from aura_browser.site.sites_file import check_name

    taken = list_names()
    if name is not None:
        if name in taken:
            raise InvalidInput("name", f"{name} is taken; choose another one, or remove it with: aura-browser sites rm")
        return check_name(name)
    host = host_of(URL(url))
    domain = private_domain(host) or host
    label = "local" if is_address(host) or host == "localhost" else domain.partition(".")[0]
    stem = re.sub(r"[^a-z0-9-]", "-", label).lstrip("0123456789-") or "site"
    return next(each for each in (stem, *(f"{stem}-{n}" for n in range(2, 1000))) if each not in taken)


def _was_enter_pressed() -> bool:
    ready, _, _ = select.select([sys.stdin], [], [], 0)
    return bool(ready) and sys.stdin.readline() != ""


async def _keep_session(site: "Site", session: "Session", options: "SessionOptions") -> None:
    """Prove the session by the new definition, and keep it. Raises what keeps it from being kept."""
    from aura_browser.assembly import assemble

    async def harvest() -> "Session":
        return msgspec.structs.replace(session, is_login=True)

    options["harvest"] = harvest
    manager = assemble(site, **options)
    try:
        await manager.harvest(despite_cool_down=True)
    finally:
        await manager.aclose()


def _print_table(name: str, proposal: "Proposal", text: str) -> None:
    screen = Screen(sys.stderr)
    for finding in proposal.findings:
        found = clean_text(finding.found)
        screen.print_wrapped(
            (finding.what.ljust(10), "name"), (finding.sureness.ljust(11), _STYLES[finding.sureness]), text=found
        )
    screen.print((f"{proposal.sent} requests were sent.", "quiet"))
    click.echo(f"[{name}]\n{text.rstrip()}")


def _print_json(name: str, proposal: "Proposal") -> None:
    findings = [{"what": f.what, "found": f.found, "sureness": f.sureness} for f in proposal.findings]
    facts = {"name": name, "definition": proposal.definition, "findings": findings, "requests": proposal.sent}
    click.echo(json.dumps(facts, indent=2))
