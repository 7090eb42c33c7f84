"""Which engine the options that several commands share stand for."""

import click
import pytest
from click.testing import CliRunner

from aura_browser import Attach, Grid
from aura_browser.cli.options import engine_options
from aura_browser.engine import Chrome, DefaultEngine, Engine


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
