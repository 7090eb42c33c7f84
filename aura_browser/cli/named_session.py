"""Which session a NAME on the command line stands for: one in the store, or that of a site."""

import re
from typing import TYPE_CHECKING, Final

import click

from aura_browser.assembly import using_store
from aura_browser.cli.running import run_in_loop
from aura_browser.site import Site, site_at
from aura_browser.site.catalogue import find_named
from aura_browser.text import clean_text

if TYPE_CHECKING:
    from aura_browser.assembly import SessionOptions
    from aura_browser.cli.sessions.catalogue import Entry

NAME_HELP: Final = (
    "NAME is a site's name or address, a slug from 'sessions list', or a unique prefix of a slug or a host."
)

_WHOLE: Final = re.compile(r"[^\s/]+:\d+")
_ADDRESS: Final = re.compile(r"\S+://\S+|localhost(:\d+)?(/\S*)?|\S+[.:]\S+")


def find_site(name: str, options: "SessionOptions") -> Site:
    """Return the site of the session that *name* stands for, and put the session's name and proxy into *options*.

    Names of sites and whole addresses come first. Else a stored session is looked for, unless ``--session`` says which
    one of a site is meant.

    Raises:
        click.ClickException: if several stored sessions match, or there is neither such a session nor such a site.
        InvalidInput: if it is an address that can't work.
        InvalidConfiguration: if ``sites.toml`` can't work.
    """
    if "://" in name or _is_given("session_name") or find_named(name.partition("/")[0]):
        return site_at(name)
    return _find_stored(name, options)


def _find_stored(name: str, options: "SessionOptions") -> Site:
    from aura_browser.cli.sessions.catalogue import choose, find_matches, list_hosts
    from aura_browser.cli.sessions.placing import find_key, find_site_of

    entries = run_in_loop(_read(options))
    matches = find_matches(entries, name)
    if _WHOLE.fullmatch(name) and matches:  # a port or the end of a name is not the beginning of another
        host = name.lower()
        matches = [each for each in matches if each.slug == name or host in list_hosts(each)]
        if not matches:
            return site_at(name)
    is_host = any(name.lower() in list_hosts(each) for each in matches)  # of several sessions, or just their beginning
    if _ADDRESS.fullmatch(name) and (not matches or (len(matches) > 1 and is_host)):
        return site_at(name)
    entry = choose(entries, name)
    if entry.session is None:
        raise click.ClickException(f"{clean_text(entry.slug)} can't be read: {entry.problem}")
    key = find_key(entry.session, entry.slug)
    if key.slug != entry.slug:
        problem = f"{clean_text(entry.slug)} does not tell the name of its session."
        raise click.ClickException(f"{problem} Give {clean_text(entry.session.url)} and --session NAME instead.")
    options["session"] = key.name
    options["proxy"] = options.get("proxy") or entry.session.proxy
    return find_site_of(entry.session, key)


async def _read(options: "SessionOptions") -> "list[Entry]":
    from aura_browser.cli.sessions.catalogue import read_entries

    async with using_store(options.get("store")) as store:
        return await read_entries(store)


def _is_given(parameter: str) -> bool:
    source = click.get_current_context().get_parameter_source(parameter)
    return source is click.core.ParameterSource.COMMANDLINE
