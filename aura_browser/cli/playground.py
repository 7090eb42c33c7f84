"""``aura-browser playground``: serve the local chat site."""

import asyncio
import os

import click

from aura_browser.cli.options import Checked, seconds
from aura_browser.cli.running import reported
from aura_browser.errors import InvalidInput

_GATES = ("none", "check-503", "check-403", "login-401", "login-redirect")
_KEY_VARIABLE = "AURA_BROWSER_UPSTREAM_KEY"


@click.command("playground")
@click.option("--port", type=click.IntRange(0, 65535), default=8765, show_default=True, help="0 takes any free one.")
@click.option(
    "--gate",
    type=click.Choice(_GATES),
    default="none",
    show_default=True,
    help="What stands in front of the chat: nothing, a script check, or a login (demo, demo).",
)
@click.option(
    "--life",
    type=Checked("seconds", seconds),
    help="Seconds that a session lives. [default: an hour]",
)
@click.option("--sliding/--fixed", default=False, help="Whether each answer prolongs the session. [default: fixed]")
@click.option(
    "--upstream",
    metavar="URL",
    help=(
        "Let an OpenAI-compatible server answer, such as http://127.0.0.1:11434/v1. "
        f"Its key is taken from {_KEY_VARIABLE}."
    ),
)
@reported
def command(port: int, gate: str, life: float | None, upstream: str | None, *, sliding: bool) -> None:
    """Serve a local chat site that behaves as openchat.team does, until Ctrl-C.

    \b
    aura-browser playground --gate check-503
    aura-browser chat --url http://127.0.0.1:8765 "Hello!"
    curl -X POST http://127.0.0.1:8765/playground/revoke    end all sessions
    """  # noqa: D301 - click knows an example by this character
    asyncio.run(_serve(port, gate, life, upstream, sliding=sliding))


async def _serve(port: int, gate: str, life: float | None, upstream: str | None, *, sliding: bool) -> None:
    from aura_browser.playground import Playground

    key = os.environ.get(_KEY_VARIABLE)
    site = Playground(gate, life=life, sliding=sliding, port=port, upstream=upstream, upstream_key=key)
    try:
        await site.start()
    except OSError as error:
        raise InvalidInput("--port", f"{port} can't be listened on ({error.strerror}); 0 takes any free one") from error
    try:
        click.echo(site.origin)
        await asyncio.Event().wait()
    finally:
        await site.stop()
