"""``aura-browser playground``: serve the local chat site."""

import asyncio
import os

import click

from aura_browser.cli.running import report_errors, run_in_loop
from aura_browser.cli.values import ParsedText, parse_seconds
from aura_browser.errors import InvalidInput

_GATES = ("none", "check-503", "check-403", "login-401", "login-redirect", "connection", "script")
_KEY_VARIABLE = "AURA_BROWSER_UPSTREAM_KEY"


@click.command("playground")
@click.option("--port", type=click.IntRange(0, 65535), default=8765, show_default=True, help="0 picks a free port.")
@click.option(
    "--gate",
    type=click.Choice(_GATES),
    default="none",
    show_default=True,
    help="What protects the chat: nothing, a script check, or a login (user demo, password demo).",
)
@click.option(
    "--life",
    metavar="SECONDS",
    type=ParsedText(parse_seconds),
    help="Lifetime of a session in seconds. [default: 3600]",
)
@click.option("--sliding/--fixed", default=False, help="Whether each answer extends the session. [default: fixed]")
@click.option(
    "--upstream",
    metavar="URL",
    help=(
        "An OpenAI-compatible server that answers, such as http://127.0.0.1:11434/v1. "
        f"Its key is read from {_KEY_VARIABLE}."
    ),
)
@report_errors
def command(port: int, gate: str, life: float | None, upstream: str | None, *, sliding: bool) -> None:
    """Serve a local chat site that behaves like openchat.team, until Ctrl-C.

    \b
    aura-browser playground --gate check-503
    aura-browser chat --url http://127.0.0.1:8765 "Hello!"
    curl -X POST http://127.0.0.1:8765/playground/revoke    end all sessions
    """  # noqa: D301 - click's mark for text that it must not wrap
    run_in_loop(_serve(port, gate, life, upstream, sliding=sliding))


async def _serve(port: int, gate: str, life: float | None, upstream: str | None, *, sliding: bool) -> None:
    from aura_browser.playground import Playground

    key = os.environ.get(_KEY_VARIABLE)
    site = Playground(gate, life=life, sliding=sliding, port=port, upstream=upstream, upstream_key=key)
    try:
        await site.start()
    except OSError as error:
        why = os.strerror(error.errno or 0)  # asyncio's words for it are a whole sentence
        raise InvalidInput("--port", f"can't listen on {port} ({why}); 0 picks a free port") from error
    try:
        click.echo(site.origin)
        await asyncio.Event().wait()
    finally:
        await site.stop()
