"""Reads the command lines of the pages' shell blocks."""

import shlex
from contextlib import ExitStack
from typing import Any

import click

from aura_browser.cli import cli

_JOINTS = {"|", "||", "&&", ";"}
_REDIRECTIONS = {"<", ">", ">>", "2>"}


def read_lines(text: str) -> list[str]:
    """Return the block's command lines; one that ends in a backslash goes on, and a comment alone is none."""
    lines = text.replace("\\\n", " ").splitlines()
    return [line for line in lines if line.strip() and not line.lstrip().startswith("#")]


def split_commands(line: str) -> list[list[str]]:
    """Return the words of each command on *line*, without assignments before it and without redirections."""
    words = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
    words.whitespace_split = True
    commands: list[list[str]] = [[]]
    follows_redirection = False
    for word in words:
        if word in _JOINTS:
            commands.append([])
        elif follows_redirection or word in _REDIRECTIONS:
            follows_redirection = word in _REDIRECTIONS
        elif commands[-1] or "=" not in word:
            commands[-1].append(word)
    return commands


def parse_command(words: list[str]) -> str:
    """Have click read a command line of ``aura-browser``, without running it; return the command's name.

    Raises:
        click.UsageError: for a command, option or value that there is not.
    """
    with ExitStack() as exits:  # what it opens is closed with its context
        context: Any = exits.enter_context(cli.make_context(words[0], list(words[1:])))
        while isinstance(context.command, click.Group):
            name, command, rest = context.command.resolve_command(context, [*context._protected_args, *context.args])
            assert command is not None
            context = exits.enter_context(command.make_context(name, rest, parent=context))
        return str(context.info_name)
