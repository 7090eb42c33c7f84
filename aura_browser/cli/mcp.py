"""``aura-browser mcp``: tools for agents, over the Model Context Protocol."""

import sys
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import click
from yarl import URL

from aura_browser.cli.options import session_options
from aura_browser.cli.running import report_errors, run_in_loop
from aura_browser.errors import InvalidInput
from aura_browser.text import make_inert

if TYPE_CHECKING:
    from aura_browser.agents.tools import Offer
    from aura_browser.assembly import SessionOptions

_METHODS: Final = ("POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def _parse_allowed(_ctx: click.Context, param: click.Parameter, given: tuple[str, ...]) -> dict[str, frozenset[str]]:
    allowed: dict[str, frozenset[str]] = {}
    for text in given:
        label, separator, methods = text.rpartition("=")
        names = frozenset(methods.upper().split(","))
        if not separator or not names <= set(_METHODS):
            problem = f"{text!r} is not SITE=METHOD, such as wiki=POST, with methods of {', '.join(_METHODS)}"
            raise click.BadParameter(problem, param=param)
        allowed[label] = allowed.get(label, frozenset()) | names
    return allowed


@click.command("mcp")
@click.argument("sites", metavar="[SITE]...", nargs=-1)
@click.option(
    "--allow",
    "allowed",
    multiple=True,
    metavar="SITE=METHOD",
    callback=_parse_allowed,
    help="Allow further methods at a site, such as wiki=POST,PUT. Without it: GET and HEAD.",
)
@session_options(session=False, refresh=True)
@report_errors
def command(*, sites: tuple[str, ...], allowed: dict[str, frozenset[str]], options: "SessionOptions") -> None:
    """Serve tools for agents on standard input and output, over the Model Context Protocol.

    An agent can list the sites that you have sessions of, ask whether they still work, send requests to them, and ask
    you to log in. It never sees a cookie, a token or a password, and gets no further than the sites' own origins. With
    SITE, named as sites_list does, it gets those sites only. Needs the extra mcp.

    \b
    aura-browser mcp
    aura-browser mcp wiki example.com --allow wiki=POST
    claude mcp add aura-browser -- aura-browser mcp
    """  # noqa: D301 - click's mark for text that it must not wrap
    from aura_browser.agents.server import check_extra, serve
    from aura_browser.agents.tools import SiteTools

    check_extra()

    async def list_offers() -> "Sequence[Offer]":
        return await _list_offers(options, sites)

    async def run() -> None:
        known = {offer.label for offer in await _list_offers(options, ())}
        for label in {*sites, *allowed} - known:
            names = ", ".join(sorted(known)) or "no session yet"
            raise InvalidInput("site", f"{label!r} has no session; there are: {names}")
        await serve(SiteTools(list_offers, options, allowed, _tell))

    run_in_loop(run())


async def _list_offers(options: "SessionOptions", sites: Sequence[str]) -> "list[Offer]":
    """Return the stored sessions as an agent knows them: by the site's name, else its host, else its slug."""
    from aura_browser.agents.tools import Offer
    from aura_browser.assembly import using_store
    from aura_browser.cli.sessions.catalogue import read_entries
    from aura_browser.cli.sessions.placing import find_key, find_site_of

    async with using_store(options.get("store")) as store:
        entries = [(entry.slug, entry.session) for entry in await read_entries(store) if entry.session]
    found = [(find_key(session, slug), slug, session) for slug, session in entries]
    for _, slug, _ in (each for each in found if each[0].slug != each[1]):
        _tell(f"{slug} is left out: it does not tell the name of its session.")
    known = [(key, session, find_site_of(session, key)) for key, slug, session in found if key.slug == slug]
    names = [site.name or URL(session.origin).raw_authority for _, session, site in known]
    often = Counter(names)
    labels = [name if often[name] == 1 else key.slug for name, (key, _, _) in zip(names, known, strict=True)]
    return [
        Offer(label, site, session, key.name)
        for label, (key, session, site) in zip(labels, known, strict=True)
        if not sites or label in sites
    ]


def _tell(text: str) -> None:
    click.echo(make_inert(text), file=sys.stderr)
