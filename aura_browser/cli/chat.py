"""``aura-browser chat``: ask a chat site, once or in a conversation."""

import asyncio
import re
import sys
from functools import partial
from typing import TYPE_CHECKING, Final

import click

from aura_browser.chat.messages import DEFAULT_MODEL
from aura_browser.cli.options import Checked, engine_options, proxy_option, session_option, store_option
from aura_browser.cli.running import reported, shown
from aura_browser.errors import AuraError, InvalidInput
from aura_browser.site import OPENCHAT, openchat_site, page_url

if TYPE_CHECKING:
    from aura_browser.assembly import Refresh
    from aura_browser.chat.client import AuraClient
    from aura_browser.engine import Engine

# Control characters, escape sequences among them; not tab and newline.
_UNSAFE_ON_A_TERMINAL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@click.command("chat")
@click.argument("prompt", nargs=-1)
@click.option("--url", default=OPENCHAT.url, show_default=True, type=Checked("url", page_url), help="The chat site.")
@click.option("--model", default=DEFAULT_MODEL, show_default=True, help="The id of the model to ask.")
@click.option("--system", help="Instructions that come before the conversation.")
@click.option("--temperature", type=click.FloatRange(min=0), default=0.5, show_default=True, help="0 is the steadiest.")
@click.option(
    "--max-tokens",
    type=click.IntRange(min=769),
    default=8192,
    show_default=True,
    help="The context window; no answer length.",
)
@click.option(
    "--refresh",
    type=click.Choice(["never", "headless", "interactive"]),
    default="headless",
    show_default=True,
    help="What renewing the session may do: open no browser, one without a window, or a window for you to log in.",
)
@engine_options
@proxy_option
@session_option
@store_option
@reported
def command(
    *,
    prompt: tuple[str, ...],
    url: str,
    model: str,
    system: str | None,
    temperature: float,
    max_tokens: int,
    refresh: "Refresh",
    engine: "Engine",
    proxy: str | None,
    session_name: str,
    store: str | None,
) -> None:
    """Ask a chat site and print the answer as it comes.

    PROMPT is what you ask; without one, standard input is; and without either, on a terminal, you get a conversation
    (Ctrl-D ends it, Ctrl-C stops an answer).

    \b
    aura-browser chat "Why is the sky blue?"
    git diff | aura-browser chat --system "Review this change."
    aura-browser chat
    """  # noqa: D301 - click knows an example by this character
    from aura_browser.assembly import policy_harvest
    from aura_browser.chat.client import AuraClient

    browser = partial(policy_harvest, openchat_site(url), refresh, engine=engine, proxy=proxy)
    client = AuraClient(
        url,
        model=model,
        temperature=temperature,
        max_tokens=max_tokens,
        proxy=proxy,
        session=session_name,
        store=store,
        refresh=refresh,
        harvest=shown(lambda on_wait: browser(on_wait=on_wait), url, interactive=refresh == "interactive"),
    )
    text = " ".join(prompt)
    messages = [{"role": "system", "content": system}] if system else []
    with asyncio.Runner() as runner:
        runner.run(client.__aenter__())
        try:
            if not text and sys.stdin.isatty():
                _converse(runner, client, messages)
            else:
                question = {"role": "user", "content": text or _read_stdin()}
                runner.run(_answer(client, [*messages, question]))
        finally:
            runner.run(client.__aexit__(None, None, None))


def _read_stdin() -> str:
    try:
        return sys.stdin.buffer.read().decode()
    except UnicodeDecodeError:
        raise InvalidInput("standard input", "is not text in UTF-8") from None


def _converse(runner: asyncio.Runner, client: "AuraClient", messages: list[dict[str, str]]) -> None:
    """Ask for one message after another, and keep all in view of the site."""
    while True:
        try:
            question = input("> ").strip()
        except EOFError:
            click.echo()
            return
        if not question:
            continue
        asked = [*messages, {"role": "user", "content": question}]
        try:
            answer = runner.run(_answer(client, asked))
        except AuraError as error:
            click.echo(f"Error: {error}", err=True)
        except KeyboardInterrupt:
            click.echo("\n(stopped)", err=True)
        else:
            messages = [*asked, {"role": "assistant", "content": answer}]


async def _answer(client: "AuraClient", messages: list[dict[str, str]]) -> str:
    parts: list[str] = []
    try:
        async for text in client.stream(messages):
            parts.append(text)
            click.echo(_shown(text), nl=False)
            sys.stdout.flush()
    finally:
        if parts:
            click.echo()
    return "".join(parts)


def _shown(text: str) -> str:
    return _UNSAFE_ON_A_TERMINAL.sub("\N{REPLACEMENT CHARACTER}", text) if sys.stdout.isatty() else text
