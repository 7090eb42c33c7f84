"""Messages and their texts, as the wires write them."""

from collections.abc import Mapping
from typing import Final

from aura_browser.chat.messages import Message, Role
from aura_browser.gateway.wires.fields import Fields, as_fields
from aura_browser.gateway.wires.problem import refuse_field

ROLES: Final[Mapping[str, Role]] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
}
_TEXTS: Final[Mapping[str, str]] = {
    "text": "text",
    "input_text": "text",
    "output_text": "text",
    "refusal": "refusal",
}
_SKIPPED: Final = frozenset({"thinking", "redacted_thinking", "reasoning"})
_TOOLS: Final = frozenset({"tool", "function"})


def read_messages(value: object, place: str) -> tuple[Message, ...]:
    """Return the messages of a conversation.

    Args:
        value: the list, as JSON.
        place: the name of its field.

    Raises:
        Problem: naming what can't be taken.
    """
    if not isinstance(value, list):
        raise refuse_field(place, "invalid_type", "must be a list of messages")
    if not value:
        raise refuse_field(place, "invalid_value", "must have at least one message")
    return tuple(_read_message(as_fields(each, f"{place}[{index}]")) for index, each in enumerate(value))


def has_names(messages: object) -> bool:
    """Return whether one of the messages says which of several people wrote it, which the site can't be told."""
    return isinstance(messages, list) and any(isinstance(each, dict) and each.get("name") for each in messages)


def _read_message(fields: Fields) -> Message:
    role = read_role(fields)
    if fields.take("tool_calls") or fields.take("function_call"):
        raise refuse_field(fields.name("tool_calls"), "unsupported_parameter", "the site has no tools")
    content = fields.take("content")
    if content is None and role == "assistant":
        return Message(role, "")
    return Message(role, read_text(content, fields.name("content")))


def read_role(fields: Fields) -> Role:
    """Return a message's role.

    Raises:
        Problem: if it is missing or not a role that has a text.
    """
    role = fields.require("role")
    if isinstance(role, str) and role in ROLES:
        return ROLES[role]
    if isinstance(role, str) and role in _TOOLS:
        reason = f"{role} can't be taken: the site has no tools; send their results as text of the user"
        raise refuse_field(fields.name("role"), "unsupported_value", reason)
    raise refuse_field(fields.name("role"), "invalid_value", f"must be one of {', '.join(ROLES)}")


def read_text(value: object, place: str) -> str:
    """Return a content's text: it is a text, or a list of parts that are joined.

    Raises:
        Problem: if it is anything else, or has a part that is not text.
    """
    if isinstance(value, str):
        return value
    if value is None:
        raise refuse_field(place, "missing_required_parameter", "is required")
    if not isinstance(value, list):
        raise refuse_field(place, "invalid_type", "must be a text or a list of parts")
    return "".join(_read_part(as_fields(part, f"{place}[{index}]")) for index, part in enumerate(value))


def _read_part(fields: Fields) -> str:
    kind = fields.require("type")
    if not isinstance(kind, str):
        raise refuse_field(fields.name("type"), "invalid_type", "must be a text")
    if kind in _SKIPPED:
        return ""
    if kind not in _TEXTS:
        raise refuse_field(fields.name("type"), "unsupported_value", "can't be taken: the site reads text only")
    return fields.required_text(_TEXTS[kind])
