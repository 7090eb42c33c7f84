"""The options that several commands share: which engine they stand for, and what they refuse."""

import click
import pytest
from click.testing import CliRunner

from aura_browser import Attach, Grid
from aura_browser.assembly import SessionOptions
from aura_browser.cli import cli
from aura_browser.cli.options import engine_options, list_in_force
from aura_browser.engine import Chrome, DefaultEngine, Engine
from tests.parts.command import run_here


def read_engine(*words: str) -> Engine | None:
    given: list[Engine | None] = []

    @click.command()
    @engine_options
    def keep(engine: Engine | None) -> None:
        given.append(engine)

    shown = CliRunner().invoke(keep, words, env={"AURA_BROWSER_GRID": None})
    assert shown.exit_code == 0, shown.output
    [engine] = given
    return engine


@pytest.mark.parametrize(
    ("words", "engine"),
    [
        ([], None),
        (["--profile", "me"], DefaultEngine(profile="me")),
        (["--sandbox"], DefaultEngine(sandbox=True)),
        (["--no-sandbox"], DefaultEngine(sandbox=False)),
        (["--virtual-display"], DefaultEngine(virtual_display=True)),
        (["--engine", "chrome"], Chrome()),
        (["--engine", "chrome", "--no-sandbox"], Chrome(sandbox=False)),
        (["--grid", "http://grid.example:4444"], Grid("http://grid.example:4444")),
        (["--attach", "127.0.0.1:9222"], Attach("127.0.0.1:9222")),
    ],
)
def test_the_options_say_which_browser_and_nothing_more(words: list[str], engine: Engine | None) -> None:
    assert read_engine(*words) == engine


@pytest.mark.parametrize("command", ["playground", "proxy", "serve"])
@pytest.mark.parametrize("port", ["-1", "65536", "http"])
def test_a_port_that_does_not_exist_is_refused(command: str, port: str) -> None:
    shown = run_here(command, *([] if command == "playground" else ["http://127.0.0.1:9"]), "--port", port)
    assert shown.returncode == 2
    assert f"'--port': {port!r}" in shown.stderr or f"'--port': {port} is not" in shown.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, ()),
        ({"engine": Grid("http://grid.example:4444")}, ("--grid", "http://grid.example:4444")),
        ({"engine": DefaultEngine(profile="me")}, ("--profile", "me")),
        ({"proxy": "http://proxy.example:3128"}, ("--proxy", "http://proxy.example:3128")),
        ({"session": "work"}, ("--session", "work")),
        ({"session": "default"}, ()),
        ({"store": "redis://h/0"}, ("--store", "redis://h/0")),
        ({"transport": "page"}, ("--transport", "page")),
        ({"transport": "http"}, ()),
    ],
)
def test_a_command_that_an_error_names_has_the_options_in_force(
    options: SessionOptions, words: tuple[str, ...]
) -> None:
    assert list_in_force(options) == words
    assert list_in_force(options, output="me.json") == (*words, "-o", "me.json")


def test_each_command_has_the_name_that_it_is_called_by() -> None:
    context, count = click.Context(cli), 0
    groups: list[click.Group] = [cli]
    while groups:
        group = groups.pop()
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            assert command is not None
            assert command.name == name
            count += 1
            if isinstance(command, click.Group):
                groups.append(command)
    assert count > 20
