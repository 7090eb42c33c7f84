"""Writes what a shell can complete, from the commands themselves."""

import json
from typing import Any

import click

from aura_browser.cli.completing import TABLE
from tests.parts.help_pages import walk_commands


def build_table() -> dict[str, Any]:
    """Return the content of the table, by the words of each command."""
    return {path.partition(" ")[2]: _describe(context) for path, context in walk_commands()}


def render_table() -> str:
    """Return the table as text: one line for each command, so that changes of several merge."""
    lines = [f"{json.dumps(name)}: {json.dumps(entry)}" for name, entry in build_table().items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _describe(context: click.Context) -> dict[str, Any]:
    command = context.command
    children = command.list_commands(context) if isinstance(command, click.Group) else []
    options: dict[str, Any] = {}
    arguments = []
    for param in command.get_params(context):
        kind = _find_kind(context.command_path, param)
        if isinstance(param, click.Argument):
            arguments.append(kind)
        elif isinstance(param, click.Option) and not param.hidden:
            shown = (param.help or "").partition(". ")[0].rstrip(".")
            for name in (*param.opts, *param.secondary_opts):
                options[name] = {"kind": kind, "help": shown}
    return {
        "commands": {name: _find_help(context, name) for name in children},
        "options": options,
        "arguments": arguments,
    }


def _find_help(context: click.Context, name: str) -> str:
    assert isinstance(context.command, click.Group)
    command = context.command.get_command(context, name)
    assert command is not None
    return command.get_short_help_str(80).rstrip(".")


def _find_kind(path: str, param: click.Parameter) -> str | list[str]:
    if isinstance(param, click.Option) and (param.is_flag or param.count):
        return "flag"
    if isinstance(param.type, click.Choice):
        return [str(choice) for choice in param.type.choices]
    shown = (param.metavar or param.name or "").lower().strip("[].")
    if "file" in shown or isinstance(param.type, click.File | click.Path):
        return "file"
    if isinstance(param, click.Argument) and "name" in shown:
        return "session" if " sessions " in f"{path} " else "site"
    return "site" if shown in {"url|name", "site"} else "text"


def write_table() -> None:
    TABLE.write_text(render_table(), "utf-8")
