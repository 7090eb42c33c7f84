"""OpenAI's responses (https://platform.openai.com/docs/api-reference/responses), without a memory of its own."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from aura_browser.chat.messages import Message
from aura_browser.gateway.wires.chat import is_forced
from aura_browser.gateway.wires.content import read_role, read_text
from aura_browser.gateway.wires.fields import Fields, Refused, always, as_fields, parse_body
from aura_browser.gateway.wires.problem import Problem, refuse_field
from aura_browser.gateway.wires.question import Finish, Heading, Question

_MAX_TEXT_CHARS: Final = 4_000_000
_TOO_MANY: Final = 429


def _is_no_text_format(text: object) -> bool:
    wanted = text.get("format") if isinstance(text, dict) else text
    return wanted is not None and not (isinstance(wanted, dict) and wanted.get("type") == "text")


_REFUSED: Final[Mapping[str, Refused]] = {
    "prompt": always,
    "text": _is_no_text_format,
    "tool_choice": is_forced,
}
_ADVICE: Final[Mapping[str, str]] = {
    "prompt": "there are no templates here; send the input itself",
    "text": "the site has no JSON mode; ask for JSON in the prompt",
    "tool_choice": "the site has no tools; leave it out, or use auto or none",
}

_encode = msgspec.json.Encoder().encode


def read(body: bytes) -> Question:
    """Return the checked request; Problem names the field at fault."""
    fields = parse_body(body)
    fields.refuse(_REFUSED, _ADVICE)
    model = fields.required_text("model")
    instructions = fields.text("instructions")
    messages = _read_input(fields.require("input"))
    max_tokens, temperature = fields.whole("max_output_tokens"), fields.number("temperature", 0, 2)
    stream = fields.flag("stream")
    metadata = fields.inner("metadata").values
    ignored = tuple(
        name for name in fields.ignored if name != "text" or fields.inner("text").values.keys() - {"format"}
    )
    return Question(
        model=model,
        messages=(*([Message("system", instructions)] if instructions else []), *messages),
        place="input",
        stream=stream,
        temperature=temperature,
        max_tokens=max_tokens,
        ignored=ignored,
        echo={
            "instructions": instructions,
            "max_output_tokens": max_tokens,
            "temperature": 1.0 if temperature is None else temperature,
            "metadata": metadata,
        },
    )


def _read_input(value: object) -> list[Message]:
    if isinstance(value, str):
        return [Message("user", value)]
    if not isinstance(value, list):
        raise refuse_field("input", "invalid_type", "must be a text or a list of items")
    items = [as_fields(item, f"input[{index}]") for index, item in enumerate(value)]
    messages = [_read_item(item) for item in items if item.take("type") != "reasoning"]
    if not messages:
        raise refuse_field("input", "invalid_value", "must have at least one message")
    return messages


def _read_item(item: Fields) -> Message:
    kind = item.take("type")
    if kind not in (None, "message"):
        shown = kind if isinstance(kind, str) and kind.isidentifier() else "this type"
        reason = f"{shown} can't be taken: the site has no tools and no memory; send messages"
        raise refuse_field(item.name("type"), "unsupported_value", reason)
    return Message(read_role(item), read_text(item.take("content"), item.name("content")))


def whole(heading: Heading, text: str, finish: Finish) -> bytes:
    """Return a whole answer."""
    return _encode(_describe_end(heading, text, finish))


def _describe_end(heading: Heading, text: str, finish: Finish) -> dict[str, Any]:
    is_cut = finish.reason == "length"
    status = "incomplete" if is_cut else "completed"
    return _describe(heading, status) | {
        "completed_at": None if is_cut else finish.ended_at,
        "incomplete_details": {"reason": "max_output_tokens"} if is_cut else None,
        "output": [_item(heading, status, [_part(text)])],
        "usage": _count_usage(heading, finish.tokens),
    }


def _describe(heading: Heading, status: str) -> dict[str, Any]:
    return {
        "id": f"resp_{heading.id}",
        "object": "response",
        "created_at": heading.created,
        "completed_at": None,
        "status": status,
        "background": False,
        "error": None,
        "incomplete_details": None,
        "max_tool_calls": None,
        "model": heading.question.model,
        "output": [],
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "prompt_cache_key": None,
        "reasoning": {"effort": None, "summary": None},
        "safety_identifier": None,
        "service_tier": "default",
        "store": False,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_logprobs": 0,
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": None,
        "user": None,
        "presence_penalty": 0.0,
        "frequency_penalty": 0.0,
        **heading.question.echo,
    }


def _count_usage(heading: Heading, tokens: int) -> dict[str, Any]:
    return {
        "input_tokens": heading.prompt_tokens,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": heading.prompt_tokens + tokens,
    }


def _item(heading: Heading, status: str, content: list[Any]) -> dict[str, Any]:
    return {
        "id": f"msg_{heading.id}",
        "type": "message",
        "status": status,
        "role": "assistant",
        "content": content,
    }


def _part(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def events(heading: Heading) -> "ResponseEvents":
    """Return what writes an answer as events."""
    return ResponseEvents(heading)


class ResponseEvents:
    """Writes one answer as numbered events. All but text and number is made once."""

    def __init__(self, heading: Heading) -> None:
        self._heading = heading
        self._number = 0
        self._texts: list[str] = []
        self._length = 0
        self._place = {"item_id": f"msg_{heading.id}", "output_index": 0, "content_index": 0}
        self._before = b',"item_id":"msg_' + heading.id.encode() + b'","output_index":0,"content_index":0,"delta":'

    def text(self, text: str) -> bytes:
        """Return the events for a piece of text; Problem if the answer can't be repeated at its end."""
        self._length += len(text)
        if self._length > _MAX_TEXT_CHARS:
            message = f"The answer is over {_MAX_TEXT_CHARS:,} characters, which this wire can't repeat at its end."
            raise Problem(502, "answer_too_long", message, retry=False)
        self._texts.append(text)
        first = b"" if self._number else self._begin()
        number = self._number
        self._number += 1
        return b"".join(
            (
                first,
                b"event: response.output_text.delta\n"
                b'data: {"type":"response.output_text.delta","sequence_number":%d' % number,
                self._before,
                _encode(text),
                b',"logprobs":[]}\n\n',
            )
        )

    def end(self, finish: Finish) -> bytes:
        """Return the last events."""
        first = b"" if self._number else self._begin()
        text = "".join(self._texts)
        response = _describe_end(self._heading, text, finish)
        kind = "incomplete" if finish.reason == "length" else "completed"
        return b"".join(
            (
                first,
                self._event("output_text.done", **self._place, text=text, logprobs=[]),
                self._event("content_part.done", **self._place, part=_part(text)),
                self._event("output_item.done", output_index=0, item=response["output"][0]),
                self._event(kind, response=response),
            )
        )

    def fail(self, problem: Problem) -> bytes:
        """Return the events for an answer that broke off: one that OpenAI's client raises, one that Codex reads."""
        first = b"" if self._number else self._begin()
        error = {"type": "server_error", "code": problem.code, "message": problem.message, "param": None}
        return first + self._write("error", {"error": error}) + self._event("failed", response=self._fail(problem))

    def _fail(self, problem: Problem) -> dict[str, Any]:
        code, message = "server_error", problem.message
        if problem.status == _TOO_MANY:  # the form in which Codex reads how long to wait
            code = "rate_limit_exceeded"
            message += f" Please try again in {problem.retry_after_s or 1}s."
        output = [_item(self._heading, "incomplete", [_part("".join(self._texts))])] if self._texts else []
        return _describe(self._heading, "failed") | {"error": {"code": code, "message": message}, "output": output}

    def _begin(self) -> bytes:
        response = _describe(self._heading, "in_progress")
        return b"".join(
            (
                self._event("created", response=response),
                self._event("in_progress", response=response),
                self._event("output_item.added", output_index=0, item=_item(self._heading, "in_progress", [])),
                self._event("content_part.added", **self._place, part=_part("")),
            )
        )

    def _event(self, kind: str, **facts: object) -> bytes:
        return self._write(f"response.{kind}", facts)

    def _write(self, kind: str, facts: Mapping[str, object]) -> bytes:
        number, self._number = self._number, self._number + 1
        body = {"type": kind, "sequence_number": number, **facts}
        return b"event: " + kind.encode() + b"\ndata: " + _encode(body) + b"\n\n"
