"""The options of commands that write a session in the format of another program, and what they say of it."""

import math
import sys
import time
from typing import TYPE_CHECKING, Any, Final

import click

from aura_browser.cli.options import Decorator
from aura_browser.cli.streams import escape_json
from aura_browser.cli.values import ParsedText
from aura_browser.site.catalogue import site_named
from aura_browser.text import clean_text

if TYPE_CHECKING:
    from aura_browser.cli.output import Output
    from aura_browser.formats import Dumped, DumpOptions
    from aura_browser.session import Session

_MAX_SENTENCE_LENGTH: Final = 1000
# Here too, so that --help loads no format.
FORMATS: Final = (
    *("session", "storage-state", "netscape", "httpie", "curl", "header", "cookie-editor", "tough-cookie"),
    "flaresolverr",
)

format_option: Decorator = click.option(
    "--format",
    "format_name",
    type=click.Choice(FORMATS),
    default=FORMATS[0],
    show_default=True,
    help=(
        "What to write: aura-browser's own JSON, Playwright's storage state, a cookies.txt, a session of HTTPie, a "
        "configuration of curl, headers for one request, the JSON of Cookie-Editor, a jar of tough-cookie, or an "
        "answer of FlareSolverr."
    ),
)
"""``--format``."""


def add_dump_options(function: Any) -> Any:  # noqa: ANN401 - click's decorators
    """Add the options that some formats need, ``--url`` and ``--session-days``."""
    url = click.option(
        "--url",
        type=ParsedText(lambda text: site_named(text)[1]),
        metavar="URL|NAME",
        help="With curl or header: the request that it is for. [default: the session's page]",
    )
    days = click.option(
        "--session-days",
        type=click.FloatRange(min=0, min_open=True, max=400),
        metavar="DAYS",
        help="With netscape: when cookies without an end expire, for programs that do not load them otherwise.",
    )
    return url(days(function))


def build_dump_options(name: str, url: str | None, session_days: float | None) -> "DumpOptions":
    """Return the options for the format *name*.

    Raises:
        UsageError: if it has no use for one of them.
    """
    from aura_browser.formats import DumpOptions

    if url is not None and name not in {"curl", "header"}:
        raise click.UsageError("--url is for --format curl or header.")
    if session_days is not None and name != "netscape":
        raise click.UsageError("--session-days is for --format netscape.")
    if session_days is not None and math.isnan(session_days):  # click takes it to be in any range
        raise click.UsageError("--session-days has to be a number of days.")
    return DumpOptions(url=url, now=time.time(), session_days=session_days)


def write_session(session: "Session", name: str, options: "DumpOptions", output: "Output | None") -> None:
    """Write *session* in the format *name* to *output* or standard output, and say on stderr what it can't hold."""
    from aura_browser.formats import dump

    dumped = dump(session, name, options)
    warn_of_losses(dumped)
    write_text(dumped.text, output)


def warn_of_losses(dumped: "Dumped") -> None:
    """Say on stderr what of the session is not in *dumped*, or works otherwise there."""
    for sentence in dumped.left_out:
        click.echo(f"Warning: not in it: {clean_text(sentence, _MAX_SENTENCE_LENGTH)}", err=True)
    for sentence in dumped.notes:
        click.echo(f"Warning: {clean_text(sentence, _MAX_SENTENCE_LENGTH)}", err=True)


def write_text(text: str, output: "Output | None", *, is_secret: bool = True) -> None:
    """Write *text* to *output*, or to standard output.

    Args:
        text: what to write.
        output: where, or None.
        is_secret: whether to warn a person who has it on a terminal.

    Raises:
        click.ClickException: if standard output has no encoding for it.
    """
    if output is not None:
        output.write(text.encode())
        return
    click.echo(escape_json(text) if text.startswith(("{", "[")) else _check_encoding(text), nl=False)
    if is_secret and sys.stdout.isatty():
        click.echo("Warning: with this text, anybody can act as you at that site. Prefer -o FILE.", err=True)


def _check_encoding(text: str) -> str:
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        raise click.ClickException("standard output can't encode all of it; write to a file: -o FILE") from None
    return text
