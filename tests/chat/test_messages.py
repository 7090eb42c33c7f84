"""Messages as people write them."""

import re

import pytest
from rich.pretty import pretty_repr

from aura_browser.chat.messages import Message, read_messages
from aura_browser.errors import InvalidInput


def test_forms_of_messages() -> None:
    assert read_messages("hi") == (Message("user", "hi"),)
    assert read_messages([{"role": "system", "content": "s"}, Message("user", "u")]) == (
        Message("system", "s"),
        Message("user", "u"),
    )


@pytest.mark.parametrize(
    ("messages", "name"),
    [
        ([{"role": "user", "content": None}], r"messages\[0\].content"),
        ([{"role": "robot", "content": "x"}], r"messages\[0\].role"),
        ([{"content": "x"}], r"messages\[0\].role"),
        ([Message("user", "a"), "b"], r"messages\[1\]"),
        ([{"role": ["user"], "content": "x"}], r"messages\[0\].role"),
        ([Message("robot", "x")], r"messages\[0\].role"),  # type: ignore[arg-type] # as a program without types writes it
        ([Message("user", None)], r"messages\[0\].content"),  # type: ignore[arg-type] # as above
        ("half \ud800", r"messages.content"),
        (5, "messages"),
        (None, "messages"),
    ],
)
def test_a_bad_message_is_named(messages: object, name: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_messages(messages)  # type: ignore[arg-type]
    assert re.fullmatch(name, caught.value.name)


def test_a_text_of_another_kind_becomes_a_plain_one() -> None:
    class Text(str):
        """As some libraries have for texts."""

        __slots__ = ()

    (message,) = read_messages(Text("hi"))
    assert (message, type(message.content)) == (Message("user", "hi"), str)


def test_a_prompt_is_not_shown() -> None:
    shown = "Message(role='user', content=<6 characters>)"
    assert repr(Message("user", "s3cret")) == shown
    assert pretty_repr(Message("user", "s3cret")) == "Message(role='user', content='<6 characters>')"
