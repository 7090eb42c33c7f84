"""What is asked of a chat site: messages, a model, and the request that holds them."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal, get_args

import msgspec

from aura_browser.errors import InvalidInput

Role = Literal["system", "user", "assistant"]
Messages = list["Message | Mapping[str, object]"]
"""A conversation, oldest message first. ``Messages([…])`` makes one; any other list, or a text, does as well."""

Prompt = str | Iterable["Message | Mapping[str, object]"]
"""What can be asked: a text (one message of the user), or messages as dicts or :class:`Message` values."""

DEFAULT_MODEL: Final = "openchat_3.6"


class Message(msgspec.Struct, frozen=True):
    """One turn of a conversation: who said it, and what. The text is never part of ``repr``."""

    role: Role
    content: str

    def __repr__(self) -> str:
        return f"Message(role={self.role!r}, content=<{len(self.content)} characters>)"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("role", self.role), ("content", f"<{len(self.content)} characters>")]


class Model(msgspec.Struct, frozen=True):
    """A model that a site offers.

    Attributes:
        id: what requests name it by.
        name: what people see.
    """

    id: str
    name: str


class ChatRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One question to a chat site.

    Attributes:
        messages: the conversation so far, oldest first.
        model: the model's id.
        temperature: 0 is the steadiest.
        max_tokens: the context window in tokens. It is no answer length: the site fixes that at 1000 tokens, and
            drops the oldest messages that don't fit (measured).
    """

    messages: tuple[Message, ...]
    model: str = DEFAULT_MODEL
    temperature: float = 0.5
    max_tokens: int = 8192

    @property
    def turns(self) -> list[Message]:
        """The messages that are no instructions."""
        return [message for message in self.messages if message.role != "system"]


def read_messages(messages: Prompt) -> tuple[Message, ...]:
    """Take messages as people write them: a text (one user message), or dicts and :class:`Message` values.

    Raises:
        InvalidInput: naming the message and the field that can't be used.
    """
    if isinstance(messages, str):
        return (_checked("messages", "user", messages),)
    if not isinstance(messages, Iterable):
        raise InvalidInput("messages", "must be a text, or messages with role and content")
    return tuple(_read_message(f"messages[{index}]", message) for index, message in enumerate(messages))


def _read_message(place: str, message: object) -> Message:
    if isinstance(message, Message):
        return _checked(place, message.role, message.content)
    if isinstance(message, Mapping):
        return _checked(place, message.get("role"), message.get("content"))
    raise InvalidInput(place, "not a message: a dict with role and content, or a Message")


def _checked(place: str, role: object, content: object) -> Message:
    known: Role | None = next((known for known in get_args(Role) if known == role), None)
    if known is None:
        raise InvalidInput(f"{place}.role", f"must be one of {', '.join(get_args(Role))}")
    if not isinstance(content, str):
        raise InvalidInput(f"{place}.content", "must be text")
    try:
        content.encode()
    except UnicodeEncodeError:
        raise InvalidInput(f"{place}.content", "holds half of a character (a lone surrogate)") from None
    return Message(known, content)
