"""The exit codes: one table by the type of the error, which ``--help`` and the page repeat."""

import inspect
import re
from collections.abc import Sequence
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from aura_browser import __main__, errors
from aura_browser.cli import cli, exit_codes, main
from aura_browser.cli.exit_codes import find_exit_code
from tests.parts.command import run, run_here
from tests.parts.pages import COMMAND_LINE

CODES: dict[int, set[str]] = {
    2: {"InvalidInput"},
    69: {"BrowserNotFound", "DriverMismatch", "LaunchFailed", "GridFailed", "AttachRefused"},
    75: {"HarvestCoolingDown", "RateLimited", "ConnectionFailed", "AnswerTimeout", "PageFailed"},
    77: {"InteractionRequired", "SessionRefused", "NotReady", "LoginNeeded"},
    78: {"InvalidConfiguration", "SessionLocked"},
}
KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, errors.AuraError)]


def make(kind: type[Exception], **facts: object) -> Exception:
    """Return an error of *kind* with no more than these facts."""
    error = kind.__new__(kind)
    error.__dict__.update({"name": "url", "status": 500} | facts)
    return error


@pytest.mark.parametrize("kind", KINDS)
def test_each_error_has_its_code(kind: type[Exception]) -> None:
    expected = next((code for code, names in CODES.items() if kind.__name__ in names), 1)
    assert find_exit_code(make(kind)) == expected


def test_a_kind_below_a_named_one_has_its_code() -> None:
    assert find_exit_code(make(type("Special", (errors.ConnectionFailed,), {}))) == 75
    assert find_exit_code(make(type("LoginNeeded", (errors.BrowserError,), {}))) == 77
    assert find_exit_code(ValueError()) == 1


@pytest.mark.parametrize(("status", "code"), [(404, 1), (500, 1), (502, 75), (503, 75), (504, 75), (0, 1)])
def test_a_site_that_is_away_is_asked_later(status: int, code: int) -> None:
    assert find_exit_code(errors.SiteFailed("http://x/", status, "")) == code


@pytest.mark.parametrize(("is_answered", "code"), [(True, 77), (False, 75)])
def test_a_person_is_sent_to_a_page_that_answers_only(*, is_answered: bool, code: int) -> None:
    error = errors.NotReady("http://x/", None, 60.0, ("the page loaded",), "harvest", is_answered=is_answered)
    assert find_exit_code(error) == code
    assert ("visible window" in str(error)) is is_answered


def test_what_is_wrong_in_the_environment_is_no_wrong_usage() -> None:
    assert find_exit_code(errors.InvalidInput("AURA_BROWSER_KEY", "is not a key")) == 78
    for name, value in (
        ("AURA_BROWSER_PROXY", "socks4://127.0.0.1:1"),
        ("AURA_BROWSER_GRID", "ftp://here"),
        ("AURA_BROWSER_KEY", "s3cret"),
    ):
        shown = run("chat", "--url", "http://127.0.0.1:9", "--refresh", "never", "hello", **{name: value})
        assert (shown.returncode, shown.stdout) == (78, ""), name
        assert "s3cret" not in shown.stderr


def test_a_browser_that_is_not_there(tmp_path: Path) -> None:
    nothing = str(tmp_path / "nothing")
    shown = run_here("harvest", "http://127.0.0.1:9/", AURA_BROWSER_CHROME=nothing)
    assert (shown.returncode, shown.stdout) == (69, "")


def test_help_and_the_page_say_all_of_them() -> None:
    numbers = {value for name, value in vars(exit_codes).items() if name.isupper() and isinstance(value, int)}
    assert numbers == {1, *CODES}
    shown = CliRunner().invoke(cli, ["--help"]).output
    in_help = {int(number) for number in re.findall(r"^  (\d+) +\w", shown, re.MULTILINE)}
    rows = re.findall(r"^\| (\d+) \|", COMMAND_LINE.read_text("utf-8"), re.MULTILINE)
    assert in_help == {int(number) for number in rows} == numbers | {0, 130}


@pytest.mark.parametrize("interruption", [KeyboardInterrupt(), click.Abort()])
def test_an_interruption_before_a_command_runs_is_130(
    interruption: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_argv: Sequence[str] | None) -> int:
        raise interruption

    monkeypatch.setattr("aura_browser.cli._run", interrupt)
    assert main([]) == 130


def test_what_is_no_command_has_no_object() -> None:
    assert cli.get_command(click.Context(cli), "nope") is None


def test_ctrl_c_while_the_command_is_loaded_ends_it_without_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt() -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("aura_browser.cli.main", interrupt)
    assert __main__.run() == 130
    monkeypatch.setattr("aura_browser.cli.main", lambda: 7)
    assert __main__.run() == 7
