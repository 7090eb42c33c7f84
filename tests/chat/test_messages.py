"""Messages as people write them."""

import pytest

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
        ("half \ud800", r"messages.content"),
    ],
)
def test_a_bad_message_is_named(messages: object, name: str) -> None:
    with pytest.raises(InvalidInput, match=name):
        read_messages(messages)  # type: ignore[arg-type]


def test_a_prompt_is_not_shown() -> None:
    assert "s3cret" not in repr(Message("user", "s3cret"))
    assert "s3cret" not in str(Message("user", "s3cret").__rich_repr__())
