"""The options that several commands share: which engine they stand for, and what they refuse."""

from collections.abc import Callable

import click
import pytest
from click.testing import CliRunner

from aura_browser import Attach, Grid
from aura_browser.assembly import SessionOptions
from aura_browser.cli import cli
from aura_browser.cli.options import engine_options, list_in_force
from aura_browser.cli.values import parse_duration, parse_probe, parse_seconds
from aura_browser.engine import Chrome, DefaultEngine, Engine, Undetected
from aura_browser.errors import InvalidInput
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
        ({"transport": None}, ()),
        ({"transport": "auto"}, ("--transport", "auto")),
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


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--engine", "chrome"], "--engine chrome and --attach"),
        (["--profile", "me"], "--attach and --profile"),
        (["--virtual-display"], "--attach and --virtual-display"),
        (["--no-sandbox"], "--attach and --sandbox/--no-sandbox"),
        (["--sandbox"], "--attach and --sandbox/--no-sandbox"),
        (["--grid", "grid.example:4444"], "--grid (or AURA_BROWSER_GRID) and --attach"),
    ],
)
def test_a_browser_that_runs_already_is_not_started_in_another_way(words: list[str], named: str) -> None:
    shown = run_here("harvest", "http://127.0.0.1:9", "--attach", "127.0.0.1:9222", *words)
    assert (shown.returncode, shown.stdout) == (2, "")
    said = f"Error: {named} can't be combined: that browser is not started here.\n"
    assert shown.stderr.endswith(said)


def test_a_grid_needs_no_scheme() -> None:
    assert read_engine("--grid", "grid.example:4444") == Grid("http://grid.example:4444")
    assert read_engine("--engine", "undetected", "--virtual-display") == Undetected(virtual_display=True)


@pytest.mark.parametrize("address", ["http//u:s3cret@h:1", "http:/u:s3cret@h", "//u:s3cret@h", "https:u:s3cret@h"])
def test_a_misspelt_grid_is_refused_and_not_shown(address: str) -> None:
    shown = run_here("harvest", "http://127.0.0.1:9", AURA_BROWSER_GRID=address)
    assert (shown.returncode, shown.stdout) == (78, "")
    assert "s3cret" not in shown.stderr


VISIBLE = "everybody on this machine can read a password on a command line; put the whole URL in {} instead"


@pytest.mark.parametrize(
    ("option", "value", "variable"),
    [
        ("--store", "redis://:s3cret@127.0.0.1:9/0", "AURA_BROWSER_STORE"),
        ("--proxy", "http://me:s3cret@127.0.0.1:9", "AURA_BROWSER_PROXY"),
        ("--grid", "http://me:s3cret@127.0.0.1:9", "AURA_BROWSER_GRID"),
    ],
)
def test_a_password_is_taken_from_the_environment_alone(option: str, value: str, variable: str) -> None:
    words = ("chat", "--url", "http://127.0.0.1:9", "--refresh", "never", "hello")
    typed = run_here(*words, option, value)
    assert (typed.returncode, typed.stdout) == (2, "")
    assert f"Invalid value for '{option}'" in typed.stderr
    assert typed.stderr.endswith(f": {VISIBLE.format(variable)}\n")
    assert "s3cret" not in typed.stderr
    given = run_here(*words, **{variable: value})
    assert given.returncode in {1, 77}, given.stderr
    assert "s3cret" not in given.stderr


@pytest.mark.parametrize("option", ["--proxy", "--grid"])
def test_an_address_that_cannot_be_one_is_wrong_usage_only_where_it_is_typed(option: str) -> None:
    words = ("chat", "--url", "http://127.0.0.1:9", "--refresh", "never", "hello")
    variable = f"AURA_BROWSER_{option[2:].upper()}"
    typed, given = run_here(*words, option, "ftp://127.0.0.1:9"), run_here(*words, **{variable: "ftp://127.0.0.1:9"})
    assert (typed.returncode, given.returncode) == (2, 78)
    for shown in (typed, given):
        assert f"Invalid value for '{option}'" in shown.stderr


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        *(("90", 90.0), ("90s", 90.0), ("1.5 m", 90.0), ("30min", 1800.0), ("2h", 7200.0), (" 1d ", 86_400.0)),
        *(("365d", 365 * 86_400.0), ("365.1d", None), ("0", None), ("0.0s", None), ("-1", None), ("1w", None)),
        *(("", None), ("1" * 9, None), ("0.000000001", 1e-9), ("0.0000000001", None), ("1-h", None), ("h", None)),
    ],
)
def test_a_time_has_a_unit_or_is_in_seconds_and_at_most_a_year(text: str, seconds: float | None) -> None:
    if seconds is None:
        with pytest.raises(InvalidInput) as caught:
            parse_duration(text)
        assert str(caught.value) == f"time: {text!r} is not a time such as 90s, 30min, 2h or 1d"
    else:
        assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0.001", 0.001), ("86400", 86_400.0), ("86400.1", None), ("0", None), ("-1", None), ("nan", None), ("x", None)],
)
def test_seconds_are_above_0_and_at_most_a_day(text: str, seconds: float | None) -> None:
    if seconds is None:
        with pytest.raises(InvalidInput) as caught:
            parse_seconds(text)
        assert str(caught.value) == f"seconds: {text!r} is not a number of seconds above 0 and up to 86400"
    else:
        assert parse_seconds(text) == seconds


@pytest.mark.parametrize("parse", [parse_seconds, parse_duration])
def test_of_a_long_wrong_value_the_beginning_is_shown(parse: Callable[[str], float]) -> None:
    for text, shown in (("x" * 40, "x" * 40), ("x" * 41, f"{'x' * 39}…")):
        with pytest.raises(InvalidInput, match=f"'{shown}' is not a"):
            parse(text)


@pytest.mark.parametrize(
    ("text", "is_path"),
    [
        ("/api/me?view=1", True),
        ("/", True),
        ("//a.example/", False),
        ("api", False),
        ("/a b", False),
        ("/\u202e", False),
    ],
)
def test_a_probe_is_a_path_of_the_site(text: str, *, is_path: bool) -> None:
    if is_path:
        assert parse_probe(text) == text
    else:
        with pytest.raises(InvalidInput, match="is not a path of the site, such as /api/me"):
            parse_probe(text)


@pytest.mark.parametrize("command", ["chat", "harvest"])
def test_what_a_command_cannot_parse_is_told_of_with_its_option(command: str) -> None:
    option, value = ("--temperature", "hot") if command == "chat" else ("--timeout", "soon")
    shown = run_here(command, option, value)
    assert (shown.returncode, shown.stdout) == (2, "")
    assert f"Error: Invalid value for '{option}': {value!r} is not a number" in shown.stderr
