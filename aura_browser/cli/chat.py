"""``aura-browser chat``: ask a chat site, once or in a conversation."""

import asyncio
import math
import os
import re
import stat
import sys
from contextlib import suppress
from fcntl import ioctl
from functools import partial
from shlex import join
from termios import FIONREAD
from typing import TYPE_CHECKING, Final

import click

from aura_browser.chat.messages import DEFAULT_MODEL
from aura_browser.cli.conversation import hold_conversation, print_answer
from aura_browser.cli.options import session_options
from aura_browser.cli.running import report_errors
from aura_browser.cli.values import ParsedText
from aura_browser.errors import InvalidInput
from aura_browser.site import OPENCHAT, Site, site_at
from aura_browser.text import clean_text

if TYPE_CHECKING:
    from aura_browser.assembly import SessionOptions

_ADDRESS: Final = re.compile(r"https?://\S+")


def _parse_temperature(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 <= number < math.inf:
        raise InvalidInput("temperature", f"{text!r} is not a number from 0 up, such as 0.5")
    return number


@click.command("chat")
@click.argument("prompt", nargs=-1)
@click.option(
    "--url",
    "site",
    default=OPENCHAT.url,
    show_default=True,
    metavar="URL|NAME",
    type=ParsedText(partial(site_at, dialect=OPENCHAT.dialect)),
    help="The chat site, or its name in sites.toml.",
)
@click.option("--model", default=DEFAULT_MODEL, show_default=True, help="The id of the model to ask.")
@click.option("--system", help="Instructions that precede the conversation.")
@click.option(
    "--temperature",
    metavar="NUMBER",
    type=ParsedText(_parse_temperature),
    default=0.5,
    show_default=True,
    help="Sampling temperature; 0 is the most predictable.",
)
@click.option(
    "--max-tokens",
    type=click.IntRange(min=769),
    default=8192,
    show_default=True,
    help="The context window, not the length of the answer.",
)
@session_options(refresh=True, transport=True)
@report_errors
def command(
    *,
    prompt: tuple[str, ...],
    site: Site,
    model: str,
    system: str | None,
    temperature: float,
    max_tokens: int,
    options: "SessionOptions",
) -> None:
    """Ask a chat site and print the answer as it arrives.

    PROMPT is the question. Without it, the question is read from standard input, or, on a terminal, you get a
    conversation: Ctrl-D ends it, Ctrl-C stops an answer.

    \b
    aura-browser chat "Why is the sky blue?"
    git diff | aura-browser chat --system "Review this change."
    aura-browser chat
    """  # noqa: D301 - click's mark for text that it must not wrap
    from aura_browser.assembly import complete_options
    from aura_browser.chat.client import AuraClient
    from aura_browser.cli.harvesting import show_harvest_unless_kept

    text = " ".join(prompt)
    _check_prompt(prompt, site)
    options = complete_options(site, options)
    options["harvest"] = show_harvest_unless_kept(site, options)
    client = AuraClient(site, model=model, temperature=temperature, max_tokens=max_tokens, **options)
    messages = [{"role": "system", "content": system}] if system else []
    with asyncio.Runner() as runner:
        runner.run(client.__aenter__())
        try:
            if not text and sys.stdin.isatty():
                hold_conversation(runner, client, messages, url=site.url, model=model)
            else:
                question = {"role": "user", "content": text or _read_stdin()}
                runner.run(print_answer(client, [*messages, question], model))
        finally:
            runner.run(client.__aexit__(None, None, None))


def _check_prompt(prompt: tuple[str, ...], site: Site) -> None:
    """Refuse an address that was meant as the site's, and say that a pipe is not read beside a question."""
    if len(prompt) > 1 and site.url == OPENCHAT.url and _ADDRESS.fullmatch(prompt[0]):
        command = join(["aura-browser", "chat", "--url", prompt[0], " ".join(prompt[1:])])
        raise click.UsageError(f"The address of a chat site goes to --url: {clean_text(command)}")
    if prompt and _holds_text():
        click.echo("Standard input is not read, as a question is given; --system takes the question instead.", err=True)


def _holds_text() -> bool:
    """Return whether standard input is a pipe that has something to read now. One that stays open may never have."""
    with suppress(AttributeError, OSError, ValueError):  # it is closed, or no file
        descriptor = sys.stdin.fileno()
        is_pipe = stat.S_ISFIFO(os.fstat(descriptor).st_mode)
        return is_pipe and any(ioctl(descriptor, FIONREAD, bytes(4)))
    return False


def _read_stdin() -> str:
    try:
        text = sys.stdin.buffer.read().decode()
    except UnicodeDecodeError:
        raise InvalidInput("standard input", "is not UTF-8 text") from None
    if not text.strip():
        problem = 'is empty; ask with: aura-browser chat "Why is the sky blue?", or run it on a terminal'
        raise InvalidInput("standard input", problem)
    return text
