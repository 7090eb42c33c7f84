"""``aura-browser chat``: ask a chat site, once or in a conversation."""

import asyncio
import math
import sys
from functools import partial
from typing import TYPE_CHECKING

import click

from aura_browser.chat.messages import DEFAULT_MODEL
from aura_browser.cli.conversation import hold_conversation, print_answer
from aura_browser.cli.options import session_options
from aura_browser.cli.running import report_errors
from aura_browser.cli.values import ParsedText
from aura_browser.errors import InvalidInput
from aura_browser.site import OPENCHAT, Site, site_at

if TYPE_CHECKING:
    from aura_browser.assembly import SessionOptions


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

    options = complete_options(site, options)
    options["harvest"] = show_harvest_unless_kept(site, options)
    client = AuraClient(site, model=model, temperature=temperature, max_tokens=max_tokens, **options)
    text = " ".join(prompt)
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


def _read_stdin() -> str:
    try:
        text = sys.stdin.buffer.read().decode()
    except UnicodeDecodeError:
        raise InvalidInput("standard input", "is not UTF-8 text") from None
    if not text.strip():
        problem = 'is empty; ask with: aura-browser chat "Why is the sky blue?", or run it on a terminal'
        raise InvalidInput("standard input", problem)
    return text
