"""What a person sees while a command runs: one line that turns, says how far it is, and is gone at the end."""

import asyncio
from collections.abc import Callable

import click
import pytest

from aura_browser.cli import running
from aura_browser.cli.running import hide_progress, progress, show_progress
from aura_browser.session import Session
from tests.parts.command import make_terminal
from tests.parts.sessions import make_session

WIPED = "\x1b[1A\x1b[2K"


def test_what_is_done_turns_in_green_and_is_wiped_away(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal = make_terminal(monkeypatch, "stderr")
    with progress("Asking [b] …") as show:
        assert "\x1b[32m" in terminal.getvalue()
        assert click.unstyle(terminal.getvalue()).endswith(" Asking [b] …")
        show("Nearly [b] done …")
    assert "Nearly [b] done …" in terminal.getvalue()
    assert terminal.getvalue().endswith(WIPED)
    assert capsys.readouterr().out == ""


def test_what_is_hidden_does_not_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = make_terminal(monkeypatch, "stderr")
    with progress("Asking …"):
        hide_progress()
        assert terminal.getvalue().endswith(WIPED)
        length = len(terminal.getvalue())
        with progress("Another …"):
            pass
        assert len(terminal.getvalue()) > length
    with progress("A third …"):
        pass
    end = terminal.getvalue()
    hide_progress()
    assert terminal.getvalue() == end


def test_in_a_pipe_nothing_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("Asking …") as show:
        show("Nearly done …")
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(("words", "doing"), [({}, "is at"), ({"interactive": True}, "waits for you at")])
def test_a_harvest_shows_where_it_is_how_long_and_for_what(
    words: dict[str, bool], doing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = make_terminal(monkeypatch, "stderr")

    def build(on_wait: Callable[[float, tuple[str, ...]], None]) -> Callable[[], object]:
        async def harvest() -> Session:
            on_wait(65.9, ("cookie:sid", "a \x1b mark"))
            return make_session()

        return harvest

    session: Session = asyncio.run(show_progress(build, "https://a.example/?key=s3cret", **words)())  # type: ignore[arg-type]
    shown = " ".join(click.unstyle(terminal.getvalue()).split())
    assert session == make_session()
    assert f"Chrome {doing} https://a.example/" in shown
    assert ": 1:05 left; still missing: cookie:sid, a mark" in shown
    assert "s3cret" not in shown


def test_a_line_is_printed_while_progress_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    done = []

    class Shown:
        def stop(self) -> None:
            done.append("stop")

        def start(self) -> None:
            done.append("start")

    monkeypatch.setattr(running, "_shown", [Shown()])
    monkeypatch.setattr(click, "echo", lambda line, err: done.append(f"{line} {err}"))
    running.print_amid_progress("a")
    running.print_amid_progress("b", err=True)
    assert done == ["stop", "a False", "start", "stop", "b True", "start"]
