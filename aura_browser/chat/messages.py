"""Questions to a chat site: messages, models, and chat requests."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal, get_args

import msgspec

from aura_browser.errors import InvalidInput, raise_alone
from aura_browser.text import copy_text

Role = Literal["system", "user", "assistant"]
Messages = list["Message | Mapping[str, object]"]
"""A conversation, oldest message first. ``Messages([…])`` creates one; any other list, or a string, works too."""

Prompt = str | Iterable["Message | Mapping[str, object]"]
"""A question: a string (one user message), or messages as dicts or :class:`Message` values."""

_ROLES: Final[Mapping[str, Role]] = {role: role for role in get_args(Role)}
DEFAULT_MODEL: Final = "openchat_3.6"


class Message(msgspec.Struct, frozen=True):
    """One message of a conversation: its role and its text. The text is never part of ``repr``."""

    role: Role
    content: str

    def __repr__(self) -> str:
        return f"Message(role={self.role!r}, content=<{len(self.content)} characters>)"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("role", self.role), ("content", f"<{len(self.content)} characters>")]


class Model(msgspec.Struct, frozen=True):
    """A model of a site.

    Attributes:
        id: its id in requests.
        name: its display name.
    """

    id: str
    name: str


class ChatRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One question to a chat site.

    Attributes:
        messages: the conversation so far, oldest first.
        model: the model's id.
        temperature: 0 varies least.
        max_tokens: the context window in tokens, not an answer length: openchat.team limits answers to 1000 tokens,
            and drops the oldest messages that don't fit.
    """

    messages: tuple[Message, ...]
    model: str = DEFAULT_MODEL
    temperature: float = 0.5
    max_tokens: int = 8192

    @property
    def turns(self) -> list[Message]:
        """The messages without system messages."""
        return [message for message in self.messages if message.role != "system"]


def read_messages(messages: Prompt) -> tuple[Message, ...]:
    """Validate messages: a string (one user message), or dicts and :class:`Message` values.

    Raises:
        InvalidInput: naming the invalid message and field.
    """
    if isinstance(messages, str):
        return (_check_message("messages", "user", messages),)
    if not isinstance(messages, Iterable):
        raise InvalidInput("messages", "must be a string, or messages with role and content")
    return tuple(_read_message(f"messages[{index}]", message) for index, message in enumerate(messages))


def _read_message(place: str, message: object) -> Message:
    if isinstance(message, Message):
        return _check_message(place, message.role, message.content)
    if isinstance(message, Mapping):
        return _check_message(place, message.get("role"), message.get("content"))
    raise InvalidInput(place, "not a message: a dict with role and content, or a Message")


def _check_message(place: str, role: object, content: object) -> Message:
    known = _ROLES.get(role) if isinstance(role, str) else None
    if known is None:
        raise InvalidInput(f"{place}.role", f"must be one of {', '.join(_ROLES)}")
    if not isinstance(content, str):
        raise InvalidInput(f"{place}.content", "must be text")
    return Message(known, check_text(f"{place}.content", content))


def check_text(name: str, text: str) -> str:
    """Return *text* as exactly ``str``, if it can be sent.

    Raises:
        InvalidInput: if UTF-8 can't encode it.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        # Alone, because the decoder's error holds the whole text.
        raise_alone(InvalidInput(name, "contains a lone surrogate, which UTF-8 can't encode; remove it"))
    return copy_text(text)
