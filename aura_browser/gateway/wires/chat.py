"""OpenAI's chat completions (https://platform.openai.com/docs/api-reference/chat)."""

from collections.abc import Mapping
from typing import Final

import msgspec

from aura_browser.gateway.wires.content import has_names, read_messages
from aura_browser.gateway.wires.fields import Refused, always, parse_body
from aura_browser.gateway.wires.problem import Problem, openai_error
from aura_browser.gateway.wires.question import Finish, Heading, Question

REASONS: Final = {"end": "stop", "stop": "stop", "length": "length"}
DONE: Final = b"data: [DONE]\n\n"
_FREE_CHOICES: Final = ("none", "auto")

_encode = msgspec.json.Encoder().encode


def is_forced(choice: object) -> bool:
    """Return whether a ``tool_choice`` asks for a tool."""
    kind = choice.get("type") if isinstance(choice, dict) else choice
    return kind not in _FREE_CHOICES


REFUSED: Final[Mapping[str, Refused]] = {
    "tool_choice": is_forced,
    "function_call": is_forced,
    "web_search_options": always,
}
ADVICE: Final[Mapping[str, str]] = {
    "tool_choice": "the site has no tools; leave it out, or use auto or none",
    "function_call": "the site has no tools; leave it out",
    "web_search_options": "the site has no tools; leave it out",
}
"""Fields that would change the answer's meaning, and why they can't be honoured."""


def read(body: bytes) -> Question:
    """Return the checked request; Problem names the field at fault."""
    fields = parse_body(body)
    fields.refuse(REFUSED, ADVICE)
    model = fields.required_text("model")
    said = fields.require("messages")
    messages = read_messages(said, "messages")
    newer, older = fields.whole("max_completion_tokens"), fields.whole("max_tokens")
    return Question(
        model=model,
        messages=messages,
        stream=fields.flag("stream"),
        include_usage=fields.inner("stream_options").flag("include_usage"),
        temperature=fields.number("temperature", 0, 2),
        stop=fields.stops("stop"),
        max_tokens=newer or older,
        ignored=(*fields.ignored, *(["messages.name"] if has_names(said) else [])),
    )


def whole(heading: Heading, text: str, finish: Finish) -> bytes:
    """Return a whole answer."""
    message: dict[str, object] = {"role": "assistant", "content": text, "refusal": None, "annotations": []}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": REASONS[finish.reason]}
    return _encode(
        {
            "id": f"chatcmpl-{heading.id}",
            "object": "chat.completion",
            "created": heading.created,
            "model": heading.question.model,
            "choices": [choice],
            "usage": count_usage(heading, finish),
            "service_tier": "default",
        }
    )


def count_usage(heading: Heading, finish: Finish) -> dict[str, object]:
    """Return the usage, which is an estimate."""
    return {
        "prompt_tokens": heading.prompt_tokens,
        "completion_tokens": finish.tokens,
        "total_tokens": heading.prompt_tokens + finish.tokens,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def events(heading: Heading) -> "ChatEvents":
    """Return what writes an answer as events."""
    return ChatEvents(heading)


class ChatEvents:
    """Writes one answer as events. All but the text is made once."""

    def __init__(self, heading: Heading) -> None:
        facts = {
            "id": f"chatcmpl-{heading.id}",
            "object": "chat.completion.chunk",
            "created": heading.created,
            "model": heading.question.model,
        }
        self._heading = heading
        self._has_usage = heading.question.include_usage
        self._facts = b"data: " + _encode(facts)[:-1]
        self._before = self._facts + b',"choices":[{"index":0,"delta":{"content":'
        usage = b',"usage":null' if self._has_usage else b""
        self._tail = b"]" + usage + b"}\n\n"
        self._after = b'},"logprobs":null,"finish_reason":null}' + self._tail
        self._first = self._choice({"role": "assistant", "content": "", "refusal": None}, None)

    def text(self, text: str) -> bytes:
        """Return the events for a piece of text."""
        return self._take_first() + self._before + _encode(text) + self._after

    def end(self, finish: Finish) -> bytes:
        """Return the last events."""
        last = self._take_first() + self._choice({}, REASONS[finish.reason])
        if self._has_usage:
            last += self._facts + b',"choices":[],"usage":' + _encode(count_usage(self._heading, finish)) + b"}\n\n"
        return last + DONE

    def fail(self, problem: Problem) -> bytes:
        """Return the events for an answer that broke off."""
        return write_failure(problem)

    def _choice(self, delta: Mapping[str, object], reason: str | None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        return self._facts + b',"choices":[' + _encode(choice) + self._tail

    def _take_first(self) -> bytes:
        first, self._first = self._first, b""
        return first


def write_failure(problem: Problem) -> bytes:
    """Return the events that end a broken answer: an error, and the mark of the end, which clients wait for."""
    return b"data: " + openai_error(problem) + b"\n\n" + DONE
