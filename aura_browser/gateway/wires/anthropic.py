"""Anthropic's messages (https://docs.anthropic.com/en/api/messages and /messages-streaming)."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from aura_browser.chat.messages import Message
from aura_browser.chat.tokens import count_messages
from aura_browser.gateway.wires.content import read_messages, read_text
from aura_browser.gateway.wires.fields import Fields, Refused, always, parse_body
from aura_browser.gateway.wires.problem import Problem, anthropic_error, refuse_field
from aura_browser.gateway.wires.question import Finish, Heading, Question

_REASONS: Final = {"end": "end_turn", "length": "max_tokens", "stop": "stop_sequence"}
_NO_FORMAT: Final = "the site has no JSON mode; ask for JSON in the prompt"

_encode = msgspec.json.Encoder().encode


def _is_forced(choice: object) -> bool:
    return not (isinstance(choice, dict) and choice.get("type") in ("auto", "none"))


_REFUSED: Final[Mapping[str, Refused]] = {
    "tool_choice": _is_forced,
    "output_format": always,
    "output_config": lambda value: isinstance(value, dict) and value.get("format") is not None,
    "mcp_servers": bool,
}
_ADVICE: Final[Mapping[str, str]] = {
    "tool_choice": "the site has no tools; leave it out, or use auto or none",
    "output_format": _NO_FORMAT,
    "output_config": _NO_FORMAT,
    "mcp_servers": "the site has no tools; leave it out",
}


def read(body: bytes) -> Question:
    """Return the checked request; Problem names the field at fault."""
    fields = parse_body(body)
    fields.refuse(_REFUSED, _ADVICE)
    model, messages = fields.required_text("model"), _read_conversation(fields)
    if messages[-1].role == "assistant":
        raise refuse_field("messages", "unsupported_value", "must end with the user's: the site can't continue a text")
    fields.require("max_tokens")
    return Question(
        model=model,
        messages=messages,
        stream=fields.flag("stream"),
        temperature=fields.number("temperature", 0, 1),
        stop=fields.stops("stop_sequences"),
        max_tokens=fields.whole("max_tokens"),
        ignored=fields.ignored,
    )


def count_tokens(body: bytes) -> bytes:
    """Return the answer to a request to count tokens; Problem for one that is not valid."""
    fields = parse_body(body)
    fields.required_text("model")
    return _encode({"input_tokens": count_messages(_read_conversation(fields))})


def _read_conversation(fields: Fields) -> tuple[Message, ...]:
    return (*_read_system(fields), *read_messages(fields.require("messages"), "messages"))


def _read_system(fields: Fields) -> list[Message]:
    """Return the system texts in order; each block is a text of its own."""
    system = fields.take("system")
    blocks = [system] if isinstance(system, str) else [] if system is None else system
    if not isinstance(blocks, list):
        raise refuse_field("system", "invalid_type", "must be a text or a list of text blocks")
    return [Message("system", read_text(block if block is system else [block], "system")) for block in blocks]


def whole(heading: Heading, text: str, finish: Finish) -> bytes:
    """Return a whole answer."""
    content = [{"type": "text", "text": text, "citations": None}]
    return _encode(_describe(heading, content, finish, _REASONS[finish.reason]))


def _describe(heading: Heading, content: list[Any], finish: Finish | None, reason: str | None) -> dict[str, Any]:
    return {
        "id": f"msg_{heading.id}",
        "type": "message",
        "role": "assistant",
        "model": heading.question.model,
        "content": content,
        "stop_reason": reason,
        "stop_sequence": finish and finish.stop,
        "stop_details": None,
        "container": None,
        "usage": _count_usage(heading, finish.tokens if finish else 0),
    }


def _count_usage(heading: Heading, tokens: int) -> dict[str, Any]:
    return {
        "input_tokens": heading.prompt_tokens,
        "output_tokens": tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
        "inference_geo": None,
        "output_tokens_details": None,
        "server_tool_use": None,
        "service_tier": "standard",
    }


def events(heading: Heading) -> "MessageEvents":
    """Return what writes an answer as events."""
    return MessageEvents(heading)


class MessageEvents:
    """Writes one answer as events. All but the text is made once."""

    _before: Final = (
        b"event: content_block_delta\n"
        b'data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":'
    )

    def __init__(self, heading: Heading) -> None:
        block = {"type": "text", "text": "", "citations": None}
        self._id = heading.id
        self._request_id = heading.request_id
        self._first = b"".join(
            (
                _event("message_start", message=_describe(heading, [], None, None)),
                _event("content_block_start", index=0, content_block=block),
                _event("ping"),
            )
        )

    def text(self, text: str) -> bytes:
        """Return the events for a piece of text."""
        return self._take_first() + self._before + _encode(text) + b"}}\n\n"

    def end(self, finish: Finish) -> bytes:
        """Return the last events."""
        delta = {"stop_reason": _REASONS[finish.reason], "stop_sequence": finish.stop}
        return b"".join(
            (
                self._take_first(),
                _event("content_block_stop", index=0),
                _event("message_delta", delta=delta, usage={"output_tokens": finish.tokens}),
                _event("message_stop"),
            )
        )

    def fail(self, problem: Problem) -> bytes:
        """Return the event for an answer that broke off."""
        return b"event: error\ndata: " + anthropic_error(problem, self._request_id or f"req_{self._id}") + b"\n\n"

    def _take_first(self) -> bytes:
        first, self._first = self._first, b""
        return first


def _event(kind: str, **facts: object) -> bytes:
    return b"event: " + kind.encode() + b"\ndata: " + _encode({"type": kind, **facts}) + b"\n\n"
