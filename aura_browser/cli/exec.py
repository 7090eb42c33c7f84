"""``aura-browser exec``: run a program with a session in files that it can read."""

from typing import TYPE_CHECKING, Final

import click

from aura_browser.cli.formats import FORMATS
from aura_browser.cli.named_session import NAME_HELP, find_site
from aura_browser.cli.options import session_options
from aura_browser.cli.running import report_errors
from aura_browser.text import clean_text, make_inert

if TYPE_CHECKING:
    from aura_browser.assembly import SessionOptions

_FILES: Final = """\b
Files, each with its variable and what stands for it in CMD:
netscape       AURA_COOKIES_TXT      {cookies}        curl, wget, yt-dlp, gallery-dl, aria2c
curl           AURA_CURL_CONFIG      {curl}           curl --config
storage-state  AURA_STORAGE_STATE    {state}          Playwright
httpie         AURA_HTTPIE_SESSION   {httpie}         http --session
header         AURA_HEADERS          {header}         curl --header @FILE
cookie-editor  AURA_COOKIE_EDITOR    {cookie-editor}
tough-cookie   AURA_TOUGH_COOKIE     {tough-cookie}   newman
flaresolverr   AURA_FLARESOLVERR     {flaresolverr}
session        AURA_SESSION          {session}        Session.from_json
"""


@click.command("exec", epilog=f"{NAME_HELP}\n\n{_FILES}")
@click.argument("name")
@click.argument("program", metavar="-- CMD...", nargs=-1, required=True, type=click.UNPROCESSED)
@click.option(
    "--format",
    "formats",
    multiple=True,
    type=click.Choice(FORMATS),
    help=(
        "Write this file, besides those that stand in CMD. [default: those in CMD, or else netscape, curl, "
        "storage-state and httpie]"
    ),
)
@click.option("--read-only", is_flag=True, help="Don't keep the cookies that the program changes in its file.")
@click.option(
    "--retry", is_flag=True, help="If the site refuses the session afterwards, get a new one and run CMD once more."
)
@session_options(refresh=True)
@report_errors
def command(
    *,
    name: str,
    program: tuple[str, ...],
    formats: tuple[str, ...],
    read_only: bool,
    retry: bool,
    options: "SessionOptions",
) -> None:
    """Run CMD with a session in private files.

    The session is renewed first if it is over or the site refuses it. The files are in memory where the system offers
    that, only you can read them, and they are gone when CMD ends. Signals, the terminal and the exit code are CMD's
    own. Cookies that CMD changed in its file are kept, as long as the login is still among them.

    If CMD can't be started for want of a session, the exit code is 69, 75, 77 or 78; 127 if there is no such program.

    \b
    aura-browser exec example.com -- curl --config {curl} https://example.com/api/me
    aura-browser exec example.com -- sh -c 'wget --load-cookies "$AURA_COOKIES_TXT" https://example.com/files/report.pdf'
    aura-browser exec example.com --format storage-state -- python my_test.py
    """  # noqa: D301 - click's mark for text that it must not wrap
    from aura_browser.programs.child import find_program
    from aura_browser.programs.files import choose_kinds

    kinds = choose_kinds(formats, program)
    try:
        path = find_program(program[0])
        from aura_browser.assembly import complete_options
        from aura_browser.cli.harvesting import show_harvest
        from aura_browser.programs.running import Run, run_program

        site = find_site(name, options)
        options = complete_options(site, options)
        options["harvest"] = show_harvest(site, options)
        run = Run(command=(path, *program[1:]), kinds=tuple(kinds), keeps_changes=not read_only, retries=retry)
        code = run_program(site, options, run, _tell)
    except OSError as error:
        raise _build_not_started(error) from None
    click.get_current_context().exit(code)


class _NotFound(click.ClickException):
    exit_code = 127


class _NotStarted(click.ClickException):
    exit_code = 126


def _build_not_started(error: OSError) -> click.ClickException:
    """Return why a program can't be started; the exit code is the one that shells have for it."""
    kind = _NotFound if isinstance(error, FileNotFoundError) else _NotStarted
    return kind(f"{clean_text(str(error.filename or 'the program'))}: {error.strerror}.")


def _tell(text: str) -> None:
    click.echo(make_inert(text), err=True)
