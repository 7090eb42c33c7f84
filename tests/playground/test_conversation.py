"""How a chat request is read, trimmed and answered."""

import asyncio
import json
from itertools import pairwise
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aura_browser.errors import InvalidInput
from aura_browser.playground.answers import MODES, NO_QUESTION, answer_command, make_answerer, split_tokens
from aura_browser.playground.conversation import Conversation, read_conversation


def _read(*contents: str, limit: int | None = None, prompt: str = "1234") -> Conversation:
    model = {"id": "openchat_3.6"} | ({} if limit is None else {"tokenLimit": limit})
    messages = [{"role": "user", "content": content} for content in contents]
    return read_conversation(json.dumps({"model": model, "messages": messages, "prompt": prompt}).encode())


async def _answer(conversation: Conversation, default: str = "echo") -> str:
    answer = answer_command(conversation) or make_answerer(default)(conversation)
    return b"".join([chunk async for chunk in answer]).decode()


@given(st.text())
def test_tokens_make_up_the_text(text: str) -> None:
    assert "".join(split_tokens(text)) == text
    assert all(split_tokens(text))


def test_the_newest_messages_that_fit_are_kept() -> None:
    # System and each message are one token; 768 stay free for the answer.
    assert _read("aaaa", "bbbb", "cccc", limit=768 + 3).messages == (("user", "bbbb"), ("user", "cccc"))
    assert len(_read("aaaa", "bbbb", "cccc", limit=768 + 4).messages) == 3
    assert len(_read("aaaa", "bbbb", "cccc").messages) == 3


def test_trimming_stops_at_the_first_message_that_does_not_fit() -> None:
    assert _read("a", "b" * 400, "c", limit=768 + 50).messages == (("user", "c"),)


def test_tokens_are_counted_in_bytes() -> None:
    assert _read("日本語", limit=768 + 1 + 3).messages
    assert not _read("日本語", limit=768 + 1 + 2).messages


@pytest.mark.parametrize("limit", [1, 768])
async def test_without_room_the_answer_is_one_to_no_message(limit: int) -> None:
    conversation = _read("Hello", limit=limit)
    assert conversation.question is None
    assert await _answer(conversation) == NO_QUESTION


def test_what_the_request_leaves_out_is_filled_in() -> None:
    conversation = read_conversation(b'{"model": {"id": "openchat_v3.2_mistral"}, "messages": [], "prompt": ""}')
    assert conversation.system
    assert conversation.temperature == 1.0


def test_half_a_surrogate_pair_becomes_the_replacement_character() -> None:
    assert _read("a\ud83d 😀").question == "a\ufffd 😀"


async def test_the_last_user_message_is_answered() -> None:
    asked = {
        "model": {"id": "openchat_3.6"},
        "messages": [
            {"role": "user", "content": "first"},
            {"role": "user", "content": "second"},
            {"role": "assistant", "content": "third"},
        ],
    }
    assert await _answer(read_conversation(json.dumps(asked).encode())) == "second"


@pytest.mark.parametrize(
    ("message", "answer"),
    [
        ("plain", "plain"),
        ("/echo /cut x", "/cut x"),
        ("/cut né", "né"),
        ("/slow 0 two words", "two words"),
        ("/slow 0", ""),
        ("/nothing that we know", "/nothing that we know"),
        (" /empty", " /empty"),
        ("/echo two\nlines", "two\nlines"),
    ],
)
async def test_a_message_chooses_its_mode(message: str, answer: str) -> None:
    assert await _answer(_read(message)) == answer


async def test_the_default_mode_takes_the_message_or_a_fixed_argument() -> None:
    assert await _answer(_read("hello"), "cut") == "hello"
    assert await _answer(_read("hello"), "cut always this") == "always this"
    assert await _answer(_read("/echo hello"), "cut always this") == "hello"


@pytest.mark.parametrize("mode", ["", "nothing", "nothing at all", "ECHO"])
def test_an_unknown_mode_is_refused(mode: str) -> None:
    with pytest.raises(InvalidInput, match="answer"):
        make_answerer(mode)


@pytest.mark.parametrize(
    ("mode", "argument"),
    [("echo", "one two three"), ("slow", "0 one two three"), ("cut", "né"), ("long", "3"), ("html", "")],
)
async def test_between_two_pieces_others_have_their_turn(mode: str, argument: str) -> None:
    turns = 0

    async def take_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.ensure_future(take_turns())
    taken = [turns async for _ in MODES[mode](argument)]
    other.cancel()
    assert len(taken) >= 3
    assert all(before < after for before, after in pairwise(taken))


@pytest.mark.parametrize(
    ("mode", "argument", "pauses"),
    [("slow", "two words", [0.2, 0.2]), ("slow", "0.5 two words", [0.5, 0.5]), ("cut", "n\u00e9", [0.001] * 3)],
)
async def test_a_mode_waits_as_long_as_it_says(
    monkeypatch: pytest.MonkeyPatch, mode: str, argument: str, pauses: list[float]
) -> None:
    waited: list[float] = []

    async def wait(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr("aura_browser.playground.answers.asyncio", SimpleNamespace(sleep=wait))
    assert [chunk async for chunk in MODES[mode](argument)]
    assert waited == pauses
