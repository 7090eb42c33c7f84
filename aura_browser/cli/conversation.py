"""A conversation with a chat site on a terminal: a prompt with line editing, answers, and how they look."""

import asyncio
import codecs
import locale
import os
import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from types import ModuleType
from typing import TYPE_CHECKING, Final, TextIO

import click

from aura_browser.cli.printing import open_output
from aura_browser.cli.running import hide_progress, is_ending
from aura_browser.cli.screen import Screen
from aura_browser.errors import AuraError, InvalidInput, SiteFailed
from aura_browser.text import TerminalFilter, clean_text, make_inert

if TYPE_CHECKING:
    from aura_browser.chat.client import AuraClient

_QUESTION: Final = "you:  "
_ANSWER: Final = "site: "
_MAX_MODELS_SHOWN: Final = 8
_LAST_LINE_S: Final = 1.0


def hold_conversation(
    runner: asyncio.Runner, client: "AuraClient", messages: list[dict[str, str]], *, url: str, model: str
) -> None:
    """Ask for one message after another until Ctrl-D; the site gets the whole conversation each time.

    Args:
        runner: where the client runs.
        client: an open client.
        messages: what precedes the conversation, such as a system message.
        url: the site's address, to show.
        model: the model's id, to show.
    """
    readline = _load_readline()
    screen = Screen(sys.stderr)
    screen.print_wrapped(text=f"A conversation with {clean_text(url)}, model {clean_text(model)}.")
    screen.print_wrapped(text="Ctrl-C stops an answer, Ctrl-D at an empty prompt ends the conversation.")
    while True:
        try:
            question = input(_style_prompt(readline)).strip()
        except EOFError:
            click.echo()
            return
        except KeyboardInterrupt:
            if is_ending():
                raise
            click.echo("\n(Ctrl-D ends the conversation)", err=True)
            continue
        if question:
            messages = _ask(runner, client, model, [*messages, {"role": "user", "content": question}])


def _ask(runner: asyncio.Runner, client: "AuraClient", model: str, asked: list[dict[str, str]]) -> list[dict[str, str]]:
    """Print the answer to the last message, and return the conversation; without both if there is no answer."""
    try:
        answer = runner.run(print_answer(client, asked, model, label=_ANSWER))
    except AuraError as error:
        click.echo(f"Error: {make_inert(str(error))}", err=True)
    except KeyboardInterrupt:
        if is_ending():
            raise
        hide_progress()
        click.echo("\n(stopped)", err=True)
    else:
        return [*asked, {"role": "assistant", "content": answer}]
    return asked[:-1]


async def print_answer(client: "AuraClient", messages: list[dict[str, str]], model: str, *, label: str = "") -> str:
    """Print the answer as it arrives, after *label* if stdout is a terminal, and return it."""
    parts: list[str] = []
    # A program gets the answer as it is.
    inert = TerminalFilter() if sys.stdout.isatty() else None
    async with open_output() as write:
        try:
            async for text in _stream(client, messages, model):
                if not parts and label and inert:
                    await write(_style(label, "cyan", sys.stdout))
                parts.append(text)
                await write(inert.feed(text) if inert else text)
        except BaseException:
            with suppress(TimeoutError):
                async with asyncio.timeout(_LAST_LINE_S):  # nobody may read it
                    await _end_line(write, parts, inert)
            raise
        await _end_line(write, parts, inert)
    return "".join(parts)


async def _end_line(write: Callable[[str], Awaitable[None]], parts: list[str], inert: TerminalFilter | None) -> None:
    if parts:
        await write(f"{inert.flush() if inert else ''}\n")


async def _stream(client: "AuraClient", messages: list[dict[str, str]], model: str) -> AsyncIterator[str]:
    try:
        async for text in client.stream(messages, model=model):
            yield text
    except SiteFailed:
        await _check_model(client, model)
        raise


async def _check_model(client: "AuraClient", model: str) -> None:
    """Ask the site for its models after a failure: it may be that it does not know the *model*.

    Raises:
        InvalidInput: if so; it names the models that there are.
    """
    try:
        known = [clean_text(each.id) for each in await client.models()]
    except AuraError:
        return
    if known and model not in known:
        names = ", ".join(known[:_MAX_MODELS_SHOWN])
        raise InvalidInput("--model", f"the site has no model {clean_text(model)!r}; choose one of: {names}") from None


def _load_readline() -> ModuleType | None:
    """Return readline, which gives input() line editing and a history.

    None is returned if this Python has none, and in a locale without UTF-8, such as LC_ALL=C, where readline drops each
    character outside ASCII.
    """
    if codecs.lookup(locale.nl_langinfo(locale.CODESET)).name != "utf-8":
        return None
    try:
        import readline
    except ImportError:
        return None
    # Python switches it off. A paste of two lines is then one question.
    readline.parse_and_bind("set enable-bracketed-paste on")
    return readline


def _style_prompt(readline: ModuleType | None) -> str:
    styled = _style(_QUESTION, "green", sys.stdout)
    # readline must know which characters take no room.
    return re.sub(r"(\x1b\[[0-9;]*m)", "\x01\\1\x02", styled) if readline else styled


def _style(text: str, colour: str, stream: TextIO) -> str:
    if not stream.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return text
    return click.style(text, fg=colour, bold=True)
