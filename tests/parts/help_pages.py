"""Writes every command's ``--help`` into docs/command-line.md, and what shells complete.

Run it with: ``python -m tests.parts.help_pages``.
"""

from collections.abc import Iterator
from typing import Any, Final

import click

from aura_browser.cli import cli
from tests.parts.pages import COMMAND_LINE

MARK: Final = "<!-- What follows is written by: make docs -->\n"
_PROGRAM: Final = "aura-browser"
_WIDTH: Final = 78  # what click takes of a terminal with 80 columns


def walk_commands(
    command: click.Command = cli, name: str = _PROGRAM, parent: click.Context | None = None
) -> Iterator[tuple[str, click.Context]]:
    """Yield each command's whole name and context, its subcommands after it."""
    settings: dict[str, Any] = {**command.context_settings, "terminal_width": _WIDTH}
    context = command.context_class(command, info_name=name, parent=parent, **settings)
    yield context.command_path, context
    if isinstance(command, click.Group):
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            assert found is not None
            yield from walk_commands(found, child, context)


def render_page(page: str) -> str:
    """Return *page* with all that follows its mark written anew."""
    intro, mark, _ = page.partition(MARK)
    assert mark, "the page has lost its mark"
    parts = [f"\n## {name}\n\n```text\n{context.get_help()}\n```\n" for name, context in walk_commands()]
    return intro + mark + "".join(parts)


if __name__ == "__main__":
    from tests.parts.completions import write_table

    write_table()
    COMMAND_LINE.write_text(render_page(COMMAND_LINE.read_text("utf-8")), "utf-8")
