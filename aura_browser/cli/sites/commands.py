"""``aura-browser sites``: the sites of your own, and what is known of them."""

import json
import sys
from typing import TYPE_CHECKING, Final

import click

from aura_browser.cli.exit_codes import FAILED, LOGIN_NEEDED, TRY_LATER
from aura_browser.cli.options import store_option
from aura_browser.cli.running import progress, report_errors
from aura_browser.cli.screen import Screen
from aura_browser.cli.values import ParsedText, parse_probe
from aura_browser.errors import InvalidInput
from aura_browser.site import Condition, Site, page_url
from aura_browser.site.catalogue import find_named, list_names, read_sites
from aura_browser.site.commands import list_options
from aura_browser.site.tables import APPLICATIONS
from aura_browser.text import clean_text
from aura_browser.urls import join_url, read_url

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tomlkit.items import Table

    from aura_browser.cli.sites.trial import Trial

_NAME_WIDTH: Final = 20


@click.group("sites")
def command() -> None:
    """See, add, change and try the sites of your own. Each is a table in the file sites.toml.

    A site's name can be given wherever an address can: harvest NAME, AuraClient("NAME").

    \b
    aura-browser sites add wiki --url https://wiki.example.com/start --probe /api/me
    aura-browser sites list
    aura-browser sites test wiki
    aura-browser sites edit
    """  # noqa: D301 - click's mark for text that it must not wrap


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@report_errors
def list_sites(*, as_json: bool) -> None:
    """List the sites that have a name.

    \b
    aura-browser sites list
    aura-browser sites list --json
    """  # noqa: D301 - click's mark for text that it must not wrap
    own = read_sites()
    sites = {name: _require(name) for name in list_names()}
    if as_json:
        facts = [{"name": name, "url": site.url, "built_in": name not in own} for name, site in sites.items()]
        click.echo(json.dumps(facts, indent=2))
        return
    screen = Screen(sys.stdout)
    width = max(_NAME_WIDTH, *(len(name) + 2 for name in sites))
    for name, site in sites.items():
        more = "" if name in own else "  (built in)"
        screen.print((name.ljust(width), "name"), (clean_text(site.url), ""), (more, "quiet"))
    if not own:
        click.echo("There are no sites of your own. Add one with: aura-browser sites add NAME --url URL", err=True)


@command.command("show")
@click.argument("name")
@report_errors
def show(*, name: str) -> None:
    """Show the definition of a site, as it stands in sites.toml.

    \b
    aura-browser sites show openchat
    """  # noqa: D301 - click's mark for text that it must not wrap
    from aura_browser.cli.sites.writing import read_table

    site = _require(name)
    text = read_table(name)
    if text is None:
        click.echo(f"# {name} is built in.")
        click.echo(f'[{name}]\nurl = "{site.url}"\ndialect = "{site.dialect}"')
        return
    click.echo("\n".join(clean_text(line, 1000) if not line.isprintable() else line for line in text.split("\n")))


@command.command("add")
@click.argument("name")
@click.option(
    "--url",
    required=True,
    metavar="URL",
    type=ParsedText(page_url),
    help="The page that a browser opens. With --like, the host alone will do.",
)
@click.option(
    "--like",
    metavar="APPLICATION",
    help=f"Begin with the definition of a well-known application: {', '.join(APPLICATIONS)}.",
)
@click.option(
    "--until",
    multiple=True,
    type=ParsedText(Condition.parse),
    metavar="CONDITION",
    help="What must hold before the session is read, as for harvest. Can be repeated.",
)
@click.option(
    "--probe",
    type=ParsedText(parse_probe),
    metavar="PATH",
    help="A path of the site that needs the login, such as /api/me.",
)
@click.option("--origin", "origins", multiple=True, metavar="ORIGIN", help="A further origin that gets the session.")
@report_errors
def add(
    *,
    name: str,
    url: str,
    like: str | None,
    until: tuple[Condition, ...],
    probe: str | None,
    origins: tuple[str, ...],
) -> None:
    """Add a site to sites.toml. Comments and the order of the file stay.

    \b
    aura-browser sites add wiki --url https://wiki.example.com/start --until selector:#logout --probe /api/me
    aura-browser sites add flows --like node-red --url https://flows.example.com
    """  # noqa: D301 - click's mark for text that it must not wrap
    from aura_browser.cli.sites.writing import add_site, make_table

    facts = {"url": url, "origins": list(origins), "until": [str(each) for each in until], "probe": probe}
    table = make_table(facts) if like is None else _fill_template(like, facts)
    path = add_site(name, table)
    click.echo(f"Added {name} to {clean_text(str(path))}. Log in with: {_require(name).login_command()}", err=True)


@command.command("edit")
@report_errors
def edit() -> None:
    """Open sites.toml in your editor ($VISUAL, $EDITOR), and check it afterwards.

    \b
    aura-browser sites edit
    """  # noqa: D301 - click's mark for text that it must not wrap
    from aura_browser.cli.sites.writing import make_file

    path = make_file()
    click.edit(filename=str(path))
    count = len(read_sites())
    click.echo(f"{clean_text(str(path))}: {count} {'site' if count == 1 else 'sites'}.", err=True)


@command.command("rm")
@click.argument("name")
@report_errors
def remove(*, name: str) -> None:
    """Remove a site from sites.toml. Its sessions stay; "sessions rm" removes them.

    \b
    aura-browser sites rm wiki
    """  # noqa: D301 - click's mark for text that it must not wrap
    from aura_browser.cli.sites.writing import remove_site

    path = remove_site(name)
    click.echo(f"Removed {name} from {clean_text(str(path))}", err=True)


@command.command("test")
@click.argument("name")
@store_option
@report_errors
def test(*, name: str, store: str | None) -> None:
    """Try a definition: ask the site without a session, and with those that are cached. No browser is opened.

    Exit code 1 if a stranger is answered like a login, 75 if the site does not answer, 77 if no session is taken.

    \b
    aura-browser sites test openchat
    """  # noqa: D301 - click's mark for text that it must not wrap
    from aura_browser.assembly import complete_options
    from aura_browser.cli.sessions.commands import run_with_store
    from aura_browser.cli.sites.trial import try_site

    site = _require(name)
    proxy = complete_options(site, {}).get("proxy")
    with progress(f"Asking {clean_text(site.origin)} …"):
        trial = run_with_store(store, lambda opened: try_site(site, opened, store, proxy))
    click.get_current_context().exit(_report(trial, site, list_options(proxy=proxy, store=store)))


def _report(trial: "Trial", site: Site, named: tuple[str, ...]) -> int:
    """Print what came of a trial, and return the exit code."""
    from aura_browser.cli.sessions.checking import find_exit_code
    from aura_browser.cli.sessions.view import format_state

    click.echo(f"without a session: {clean_text(trial.stranger)}")
    width = max((len(clean_text(each.entry.slug)) for each in trial.sessions), default=0)
    for each in trial.sessions:
        click.echo(format_state(each, width))
    if trial.fits_anybody:
        click.echo("A stranger gets what probe.good describes, so it proves no login.", err=True)
        return FAILED
    if not trial.is_answered:
        return TRY_LATER
    if not trial.sessions:
        click.echo(f"No session is cached. Log in with: {site.login_command(*named)}", err=True)
        return LOGIN_NEEDED
    return find_exit_code(trial.sessions)


def _fill_template(like: str, facts: "Mapping[str, object]") -> "Table":
    """Return the definition of a well-known application with *facts* in it."""
    from aura_browser.cli.sites.writing import make_item, read_template

    if like not in APPLICATIONS:
        raise InvalidInput("like", f"there is no {clean_text(like, 40)!r}; choose one of: {', '.join(APPLICATIONS)}")
    table = read_template(like)
    given, page = read_url(str(facts["url"])), read_url(str(table["url"]))
    url = join_url(given, page.raw_path_qs) if given.path_qs == "/" else given
    for key, value in {**facts, "url": str(url)}.items():
        if value:
            table[key] = make_item(value)
    return table


def _require(name: str) -> Site:
    site = find_named(name)
    if site is None:
        known = ", ".join(list_names())
        raise InvalidInput("name", f"no site is called {clean_text(name, 40)!r}; there are: {known}")
    return site
