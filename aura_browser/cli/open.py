"""``aura-browser open``: put a session back into a browser."""

import sys
import time
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Final

import click
import msgspec

from aura_browser.cli.exit_codes import LOGIN_NEEDED
from aura_browser.cli.named_session import NAME_HELP, find_site
from aura_browser.cli.options import session_option, store_option
from aura_browser.cli.running import progress, report_errors, run_in_loop
from aura_browser.cli.values import ParsedText
from aura_browser.errors import InteractionRequired, LoginNeeded, SessionRefused
from aura_browser.site.catalogue import site_named
from aura_browser.text import clean_text, count, make_inert, redact_url

if TYPE_CHECKING:
    from aura_browser.assembly import SessionOptions
    from aura_browser.session import Session
    from aura_browser.site import Site
    from aura_browser.webdriver.restore import Restored

_SHARED: Final = (
    "The window and aura-browser now hold one login. A site that gives out new cookies may sign one of them out; "
    "--keep takes over what the window has at the end."
)
_PROOFS: Final = {
    "distinguished": "accepted: it answers otherwise without the session",
    "open": "not refused, but anybody gets the same answer",
    "unproven": "not refused, but its answer proves nothing",
}


@click.command("open", epilog=f"{NAME_HELP} FILE is what 'harvest' or 'sessions export' wrote, or another program.")
@click.argument("name", metavar="NAME|FILE")
@click.option("--keep", is_flag=True, help="When you close the window, keep the session that it has then.")
@click.option("--check", is_flag=True, help="Show no window; say whether the site accepts the session in a browser.")
@click.option(
    "--url",
    type=ParsedText(lambda text: site_named(text)[1]),
    metavar="URL|NAME",
    help="With a FILE of another program: the page that it is for.",
)
@session_option
@store_option
@report_errors
def command(*, name: str, keep: bool, check: bool, url: str | None, session_name: str, store: str | None) -> None:
    """Open a new Chrome with a session in it: its cookies, and the local storage of every origin.

    It is the inverse of "harvest". What Chrome does not take is named one by one. The window is yours until you close
    it; its profile is gone then.

    With --check the exit code is 77 if the site asks for a login.

    \b
    aura-browser open example.com
    aura-browser open session.json --check
    aura-browser open example.com --keep
    """  # noqa: D301 - click's mark for text that it must not wrap
    if keep and check:
        raise click.UsageError("--keep needs a window, and --check shows none.")
    options: SessionOptions = {"session": session_name, "store": store, "engine": None, "proxy": None}
    site, session = _find(name, url, options)
    if check:
        _check(site, session)
        return
    _require_display(name)
    _show(site, session, options, keep=keep)


def _find(name: str, url: str | None, options: "SessionOptions") -> "tuple[Site, Session]":
    """Return what *name* stands for: a file, or a stored session."""
    from aura_browser.cli.sessions.placing import find_site_of
    from aura_browser.formats import load

    if Path(name).is_file():
        loaded = load(Path(name).read_bytes(), now=time.time(), url=url)
        for sentence in loaded.left_out:
            _tell(f"Not in it: {sentence}")
        return find_site_of(loaded.session), loaded.session
    if url is not None:
        raise click.UsageError("--url is for a FILE.")
    site = find_site(name, options)
    return site, run_in_loop(_load(site, options))


async def _load(site: "Site", options: "SessionOptions") -> "Session":
    from aura_browser.assembly import complete_options, using_store
    from aura_browser.cli.options import list_in_force
    from aura_browser.store import SessionKey

    async with using_store(options.get("store")) as store:
        key = SessionKey(site.origin, str(options["session"]), complete_options(site, options).get("proxy"))
        session = await store.load(key)
    if session is None:
        raise InteractionRequired(
            f"There is no session for {site.origin}.", site.login_command(*list_in_force(options))
        )
    return session


def _require_display(name: str) -> None:
    from aura_browser.webdriver.process.display import has_display

    if not has_display():
        raise InteractionRequired(
            "A window is needed, and there is no display here. To see whether the site accepts the session:",
            f"aura-browser open {quote(name)} --check",
        )


def _show(site: "Site", session: "Session", options: "SessionOptions", *, keep: bool) -> None:
    from aura_browser.programs.opening import build_window_harvest, show_window

    def tell(restored: "Restored", version: str) -> None:
        _tell_restored(session, restored, version)
        if not keep:
            _tell(_SHARED)

    harvest = build_window_harvest(session, site, tell)
    with progress(f"Chrome shows {redact_url(session.url)}; close its window when you are done …"):
        if not keep:
            run_in_loop(show_window(harvest))
            return
        kept = run_in_loop(_keep(site, {**options, "harvest": harvest, "proxy": session.proxy}))
    _tell(f"Kept: {count(kept.cookies, 'cookie')}; proof: {kept.proof}.")


async def _keep(site: "Site", options: "SessionOptions") -> "Session":
    from aura_browser.assembly import assemble

    manager = assemble(site, **options)
    try:
        return await manager.harvest(despite_cool_down=True)
    finally:
        await manager.aclose()


def _check(site: "Site", session: "Session") -> None:
    from aura_browser.carriers import prove_once
    from aura_browser.programs.opening import check_in_browser

    async def check() -> "Session":
        with progress(f"Chrome is at {redact_url(session.url)} …"):
            read = await check_in_browser(session, site, lambda *found: _tell_restored(session, *found))
            return await prove_once(site, msgspec.structs.replace(read, probe=session.probe))

    try:
        proven = run_in_loop(check())
    except (LoginNeeded, SessionRefused) as error:
        click.echo(f"{redact_url(error.url)}: refused ({clean_text(error.mark)})")
        click.get_current_context().exit(LOGIN_NEEDED)
    click.echo(f"{redact_url(proven.url)}: {_PROOFS[proven.proof]}")


def _tell_restored(session: "Session", restored: "Restored", version: str) -> None:
    _tell(f"Chrome has {restored.cookies} of {len(session.cookies)} cookies, and {restored.entries} stored values.")
    for refusal in restored.refused:
        _tell(f"Not taken: {refusal}")
    if version.partition(".")[0] != session.browser.version.partition(".")[0]:
        _tell(f"This is Chrome {version}; the session is of {session.browser.name} {session.browser.version}.")


def _tell(text: str) -> None:
    click.echo(make_inert(text), file=sys.stderr)
