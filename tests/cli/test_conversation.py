"""A conversation with a chat site: what is asked and printed, in which colours. A site is played."""

import asyncio
import builtins
import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any

import click
import pytest

from aura_browser.chat.messages import Model
from aura_browser.cli import conversation
from aura_browser.cli.conversation import hold_conversation, print_answer
from aura_browser.cli.running import _SIGNALS
from aura_browser.errors import ConnectionFailed, InvalidInput, SiteFailed
from tests.parts.command import make_terminal

DOWN = SiteFailed("https://a.example/chat", 500, "out of order")
SAID = "Error: https://a.example/chat answered 500: out of order. Try again later.\n"
BEGIN = (
    "A conversation with https://a.example, model m.\n"
    "Ctrl-C stops an answer, Ctrl-D at an empty prompt ends the conversation.\n"
)
ENDS = "\n(Ctrl-D ends the conversation)\n"


class Played:
    """A client whose site answers in turn: pieces of a text, or a failure."""

    def __init__(self, *answers: list[str | BaseException], models: list[str] | Exception | None = None) -> None:
        self.asked: list[list[dict[str, str]]] = []
        self._answers, self._models = iter(answers), models or []

    async def stream(self, messages: list[dict[str, str]], *, model: str) -> AsyncIterator[str]:
        assert model == "m"
        self.asked.append(messages)
        for piece in next(self._answers):
            if isinstance(piece, BaseException):
                raise piece
            yield piece

    async def models(self) -> list[Model]:
        if isinstance(self._models, Exception):
            raise self._models
        return [Model(name, name) for name in self._models]


@pytest.fixture(autouse=True)
def context() -> Iterator[click.Context]:
    """Run as within a command."""
    with click.Context(click.Command("chat")) as running:
        yield running


def talk(client: Any, monkeypatch: pytest.MonkeyPatch, *typed: str | BaseException) -> list[str]:  # noqa: ANN401 - it is played
    """Hold a conversation in which this is typed, and return the prompts."""
    waiting, prompts = iter([*typed, EOFError()]), []

    def type_next(prompt: str) -> str:
        prompts.append(prompt)
        if isinstance(text := next(waiting), BaseException):
            raise text
        return text

    monkeypatch.setattr(builtins, "input", type_next)
    with asyncio.Runner() as runner:
        hold_conversation(runner, client, [], url="https://a.example", model="m")
    return prompts


def test_answers_go_to_the_output_and_all_else_to_stderr(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    client = Played(["a", "b"], [DOWN], ["c"], models=["m"])
    talk(client, monkeypatch, " one ", "", "  ", KeyboardInterrupt(), "two", "three")
    assert capsys.readouterr() == ("ab\nc\n\n", f"{BEGIN}{ENDS}{SAID}")
    texts = [[(each["role"], each["content"]) for each in messages] for messages in client.asked]
    first, answer = ("user", "one"), ("assistant", "ab")
    assert texts == [[first], [first, answer, ("user", "two")], [first, answer, ("user", "three")]]


def test_an_answer_that_is_stopped_is_forgotten(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hidden: list[bool] = []
    monkeypatch.setattr(conversation, "hide_progress", lambda: hidden.append(True))
    client = Played(["a", KeyboardInterrupt()], ["b"])
    talk(client, monkeypatch, "one", "two")
    assert capsys.readouterr() == ("a\nb\n\n", f"{BEGIN}\n(stopped)\n")
    assert (client.asked[1], hidden) == ([{"role": "user", "content": "two"}], [True])


@pytest.mark.parametrize("typed", [["one"], [KeyboardInterrupt()]])
def test_a_signal_that_ends_the_command_ends_the_conversation(
    typed: list[str | BaseException], context: click.Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    context.meta[_SIGNALS] = [15]
    with pytest.raises(KeyboardInterrupt):
        talk(Played(["a", KeyboardInterrupt()]), monkeypatch, *typed)


@pytest.mark.parametrize(
    ("variables", "prompt", "label"),
    [
        ({}, "\x01\x1b[32m\x02\x01\x1b[1m\x02you:  \x01\x1b[0m\x02", "\x1b[36m\x1b[1msite: \x1b[0m"),
        ({"TERM": "xterm"}, "\x01\x1b[32m\x02\x01\x1b[1m\x02you:  \x01\x1b[0m\x02", "\x1b[36m\x1b[1msite: \x1b[0m"),
        ({"TERM": "dumb"}, "you:  ", "site: "),
        ({"NO_COLOR": "1"}, "you:  ", "site: "),
    ],
)
def test_who_speaks_is_shown_in_colours_whose_codes_take_no_room(
    variables: dict[str, str], prompt: str, label: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = make_terminal(monkeypatch, "stdout")
    monkeypatch.delenv("TERM")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert talk(Played(["a", "b\r"]), monkeypatch, "one") == [prompt, prompt]
    assert screen.getvalue() == f"{label}ab\N{REPLACEMENT CHARACTER}\n\n"


def test_a_python_without_line_editing_gets_no_marks_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    make_terminal(monkeypatch, "stdout")
    monkeypatch.setitem(sys.modules, "readline", None)
    assert talk(Played(), monkeypatch) == ["\x1b[32m\x1b[1myou:  \x1b[0m"]


@pytest.mark.parametrize(("charset", "edits"), [("UTF-8", True), ("utf8", True), ("ANSI_X3.4-1968", False)])
def test_a_line_is_edited_only_where_no_character_is_lost_by_it(
    monkeypatch: pytest.MonkeyPatch, charset: str, *, edits: bool
) -> None:
    """With LC_ALL=C, readline drops each character outside ASCII."""
    monkeypatch.setattr("locale.nl_langinfo", lambda _what: charset)
    assert (conversation._load_readline() is not None) is edits


async def test_an_answer_to_one_question_has_no_label(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = make_terminal(monkeypatch, "stdout")
    assert await print_answer(Played(["a"]), [], "m") == "a"  # type: ignore[arg-type]
    assert screen.getvalue() == "a\n"


async def test_without_a_text_nothing_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert await print_answer(Played([]), [], "m") == ""  # type: ignore[arg-type]
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("models", [["m", "other"], [], ConnectionFailed("https://a.example", "gone")])
async def test_a_failure_is_its_own_reason_unless_the_model_is_not_there(models: list[str] | Exception) -> None:
    with pytest.raises(SiteFailed):
        await print_answer(Played([DOWN], models=models), [], "m")  # type: ignore[arg-type]


async def test_of_many_models_the_first_eight_are_named() -> None:
    with pytest.raises(InvalidInput) as caught:
        await print_answer(Played([DOWN], models=list("abcdefghi")), [], "m")  # type: ignore[arg-type]
    said = "--model: the site has no model 'm'; choose one of: a, b, c, d, e, f, g, h"
    assert str(caught.value).startswith(said)
    assert "i" not in str(caught.value)[len(said) :]
