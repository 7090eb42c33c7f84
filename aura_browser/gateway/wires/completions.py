"""OpenAI's older completions (https://platform.openai.com/docs/api-reference/completions): one prompt, one text."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from aura_browser.chat.messages import Message
from aura_browser.gateway.wires.chat import DONE, REASONS, count_usage, is_forced, write_failure
from aura_browser.gateway.wires.fields import Fields, Refused, parse_body
from aura_browser.gateway.wires.problem import Problem, refuse_field
from aura_browser.gateway.wires.question import Finish, Heading, Question

_REFUSED: Final[Mapping[str, Refused]] = {
    "logprobs": lambda value: value is not False,  # 0 asks for those of the text itself
    "tool_choice": is_forced,
}

_encode = msgspec.json.Encoder().encode


def read(body: bytes) -> Question:
    """Return the checked request; Problem names the field at fault."""
    fields = parse_body(body)
    fields.refuse(_REFUSED, {})
    return Question(
        model=fields.required_text("model"),
        messages=(Message("user", _read_prompt(fields)),),
        place="prompt",
        stream=fields.flag("stream"),
        include_usage=fields.inner("stream_options").flag("include_usage"),
        temperature=fields.number("temperature", 0, 2),
        stop=fields.stops("stop"),
        max_tokens=fields.whole("max_tokens"),
        ignored=fields.ignored,
    )


def _read_prompt(fields: Fields) -> str:
    prompt = fields.require("prompt")
    if isinstance(prompt, list) and len(prompt) == 1:
        prompt = prompt[0]
    if not isinstance(prompt, str):
        raise refuse_field("prompt", "unsupported_value", "must be one text; ask several prompts one by one")
    return prompt


def whole(heading: Heading, text: str, finish: Finish) -> bytes:
    """Return a whole answer."""
    choices = [_choice(text, REASONS[finish.reason])]
    return _encode(_facts(heading) | {"choices": choices, "usage": count_usage(heading, finish)})


def events(heading: Heading) -> "CompletionEvents":
    """Return what writes an answer as events."""
    return CompletionEvents(heading)


class CompletionEvents:
    """Writes one answer as events. All but the text is made once."""

    def __init__(self, heading: Heading) -> None:
        self._heading = heading
        self._facts = b"data: " + _encode(_facts(heading))[:-1]
        self._before = self._facts + b',"choices":[{"index":0,"text":'
        usage = b',"usage":null' if heading.question.include_usage else b""
        self._tail = b"]" + usage + b"}\n\n"
        self._after = b',"logprobs":null,"finish_reason":null}' + self._tail

    def text(self, text: str) -> bytes:
        """Return the event for a piece of text."""
        return self._before + _encode(text) + self._after

    def end(self, finish: Finish) -> bytes:
        """Return the last events."""
        last = self._facts + b',"choices":[' + _encode(_choice("", REASONS[finish.reason])) + self._tail
        if self._heading.question.include_usage:
            last += self._facts + b',"choices":[],"usage":' + _encode(count_usage(self._heading, finish)) + b"}\n\n"
        return last + DONE

    def fail(self, problem: Problem) -> bytes:
        """Return the events for an answer that broke off."""
        return write_failure(problem)


def _facts(heading: Heading) -> dict[str, Any]:
    return {
        "id": f"cmpl-{heading.id}",
        "object": "text_completion",
        "created": heading.created,
        "model": heading.question.model,
    }


def _choice(text: str, reason: str) -> dict[str, Any]:
    return {"text": text, "index": 0, "logprobs": None, "finish_reason": reason}
