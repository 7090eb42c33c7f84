"""Prints lines that fit a terminal, in colours that mean something; in a pipe plain lines, and none is broken."""

import textwrap
from typing import TYPE_CHECKING, Final, TextIO

import click

if TYPE_CHECKING:
    from rich.console import Console

STYLES: Final = {
    "good": "green",
    "note": "yellow",
    "bad": "bold red",
    "name": "bold",
    "command": "cyan",
    "quiet": "dim",
    "": "",
}
"""What a part of a line means, and how rich shows it."""

_MIN_ROOM: Final = 40

Part = tuple[str, str]
"""A text without line ends, and one of the names of :data:`STYLES`."""


class Screen:
    """Prints on one stream.

    Args:
        stream: ``sys.stdout`` or ``sys.stderr``.

    Attributes:
        width: columns of the terminal; None if the stream is not one.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._console = _open_console(stream) if stream.isatty() else None
        self.width = self._console.width if self._console else None

    def print(self, *parts: Part) -> None:
        """Print one line. It is not wrapped, so that a command in it can be copied."""
        text = "".join(text for text, _ in parts).rstrip()
        if self._console is None:
            click.echo(text, file=self._stream)
            return
        from rich.text import Text

        line = Text.assemble(*((text, STYLES[style]) for text, style in parts))
        line.rstrip()
        self._console.print(line, soft_wrap=True)

    def print_wrapped(self, *parts: Part, text: str) -> None:
        """Print *parts* and then *text*, of which further lines begin below its first word.

        Where little room is left beside the parts, the text begins on the next line, below the second part.
        """
        before = sum(len(part) for part, _ in parts)
        if self.width is None:
            self.print(*parts, (text, ""))
            return
        if parts and self.width - before < _MIN_ROOM:
            self.print(*parts)
            before = len(parts[0][0])
            parts = ((" " * before, ""),)
        room = max(1, self.width - before)
        lines = textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False) or [""]
        self.print(*parts, (lines[0], ""))
        for line in lines[1:]:
            self.print((" " * before + line, ""))


def _open_console(stream: TextIO) -> "Console":
    from rich.console import Console

    return Console(file=stream, highlight=False)
