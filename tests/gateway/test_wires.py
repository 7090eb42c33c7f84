"""What the wires take, refuse and ignore, without I/O: one table for each."""

import json
from typing import Any

import pytest

from aura_browser.chat.tokens import count_messages, count_text
from aura_browser.gateway.wires import anthropic, chat, completions, responses
from aura_browser.gateway.wires.problem import Problem
from aura_browser.gateway.wires.question import Finish, Heading, Question, Wire

MINIMUM: dict[Any, dict[str, Any]] = {
    chat: {"model": "m", "messages": [{"role": "user", "content": "hi"}]},
    completions: {"model": "m", "prompt": "hi"},
    responses: {"model": "m", "input": "hi"},
    anthropic: {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]},
}
WIRES = list(MINIMUM)


def read(wire: Wire, **fields: object) -> Question:
    return wire.read(json.dumps(MINIMUM[wire] | fields).encode())


def refusal(wire: Wire, **fields: object) -> Problem:
    with pytest.raises(Problem) as caught:
        read(wire, **fields)
    assert caught.value.status == 400
    return caught.value


def user(content: object) -> list[dict[str, object]]:
    return [{"role": "user", "content": content}]


@pytest.mark.parametrize(
    ("wire", "field", "value", "code"),
    [
        (chat, "n", 2, "unsupported_value"),
        (chat, "n", True, "unsupported_value"),
        (chat, "logprobs", True, "unsupported_value"),
        (chat, "top_logprobs", 1, "unsupported_value"),
        (chat, "logit_bias", {"5": 1}, "unsupported_value"),
        (chat, "tool_choice", "required", "unsupported_value"),
        (chat, "tool_choice", {"type": "function", "function": {"name": "f"}}, "unsupported_value"),
        (chat, "response_format", {"type": "json_object"}, "unsupported_value"),
        (chat, "response_format", {"type": "json_schema", "json_schema": {}}, "unsupported_value"),
        (chat, "modalities", ["text", "audio"], "unsupported_value"),
        (chat, "audio", {"voice": "x"}, "unsupported_parameter"),
        (chat, "temperature", 3, "invalid_value"),
        (chat, "temperature", "1", "invalid_type"),
        (chat, "temperature", True, "invalid_type"),
        (chat, "max_tokens", 0, "invalid_value"),
        (chat, "max_completion_tokens", 1.5, "invalid_type"),
        (chat, "stop", 5, "invalid_type"),
        (chat, "stop", ["x"] * 17, "invalid_value"),
        (chat, "stream", "yes", "invalid_type"),
        (chat, "stream_options", [], "invalid_type"),
        (chat, "model", 5, "invalid_type"),
        (chat, "model", None, "missing_required_parameter"),
        (chat, "messages", None, "missing_required_parameter"),
        (chat, "messages", "hi", "invalid_type"),
        (chat, "messages", [], "invalid_value"),
        (completions, "echo", True, "unsupported_value"),
        (completions, "best_of", 2, "unsupported_value"),
        (completions, "suffix", "x", "unsupported_value"),
        (completions, "logprobs", 3, "unsupported_value"),
        (completions, "prompt", ["a", "b"], "unsupported_value"),
        (completions, "prompt", [1, 2, 3], "unsupported_value"),
        (completions, "prompt", None, "missing_required_parameter"),
        (responses, "previous_response_id", "resp_1", "unsupported_parameter"),
        (responses, "conversation", "conv_1", "unsupported_parameter"),
        (responses, "background", True, "unsupported_value"),
        (responses, "prompt", {"id": "p"}, "unsupported_parameter"),
        (responses, "text", {"format": {"type": "json_schema"}}, "unsupported_value"),
        (responses, "tool_choice", "required", "unsupported_value"),
        (responses, "input", [], "invalid_value"),
        (responses, "input", 5, "invalid_type"),
        (responses, "instructions", 5, "invalid_type"),
        (anthropic, "max_tokens", None, "missing_required_parameter"),
        (anthropic, "temperature", 1.5, "invalid_value"),
        (anthropic, "tool_choice", {"type": "tool", "name": "t"}, "unsupported_value"),
        (anthropic, "system", 5, "invalid_type"),
        (anthropic, "mcp_servers", [{}], "unsupported_value"),
    ],
)
def test_what_can_not_be_honoured_is_refused_by_name(wire: Wire, field: str, value: object, code: str) -> None:
    problem = refusal(wire, **{field: value})
    assert (problem.param, problem.code) == (field, code)
    assert field in problem.message


@pytest.mark.parametrize(
    ("wire", "fields", "param"),
    [
        (chat, {"messages": user([{"type": "image_url", "image_url": {}}])}, "messages[0].content[0].type"),
        (chat, {"messages": [{"role": "tool", "content": "x", "tool_call_id": "c"}]}, "messages[0].role"),
        (chat, {"messages": [{"role": "function", "name": "f", "content": "x"}]}, "messages[0].role"),
        (chat, {"messages": [{"role": "User", "content": "x"}]}, "messages[0].role"),
        (chat, {"messages": [{"content": "x"}]}, "messages[0].role"),
        (chat, {"messages": [{"role": ["user"], "content": "x"}]}, "messages[0].role"),
        (chat, {"messages": [*user("a"), {"role": "user"}]}, "messages[1].content"),
        (chat, {"messages": user([{"type": "text"}])}, "messages[0].content[0].text"),
        (chat, {"messages": user(["text"])}, "messages[0].content[0]"),
        (chat, {"messages": user(5)}, "messages[0].content"),
        (chat, {"messages": ["hi"]}, "messages[0]"),
        (
            chat,
            {"messages": [{"role": "assistant", "content": None, "tool_calls": [{"id": "c"}]}]},
            "messages[0].tool_calls",
        ),
        (responses, {"input": [{"type": "function_call_output", "output": "x"}]}, "input[0].type"),
        (responses, {"input": [{"type": "item_reference", "id": "x"}]}, "input[0].type"),
        (responses, {"input": user([{"type": "input_image"}])}, "input[0].content[0].type"),
        (responses, {"input": ["hi"]}, "input[0]"),
    ],
)
def test_messages_that_can_not_be_taken_are_refused_by_name(wire: Wire, fields: dict[str, object], param: str) -> None:
    assert refusal(wire, **fields).param == param


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize(
    "body",
    [b"", b"{", b'{"a": NaN}', b"\xff\xfe{}", b"[]", b"5", b"[" * 100_000, b'{"a":' * 100_000, b'{"model": "\\ud800"}'],
)
def test_what_is_not_a_json_object_is_refused(wire: Wire, body: bytes) -> None:
    with pytest.raises(Problem) as caught:
        wire.read(body)
    assert caught.value.status == 400
    assert caught.value.code in {"invalid_json", "invalid_type"}


@pytest.mark.parametrize(
    ("wire", "fields", "ignored"),
    [
        (chat, {"top_p": 0.5, "seed": 1, "user": "u", "tools": [{}], "x": 1}, {"top_p", "seed", "user", "tools", "x"}),
        (
            chat,
            {"tool_choice": "auto", "tools": [{}], "reasoning_effort": "low"},
            {"tool_choice", "tools", "reasoning_effort"},
        ),
        (chat, {"presence_penalty": None, "stop": None, "metadata": None}, set()),
        (chat, {"a\r\nb": 1, "ü": 2}, {"and-2-more"}),
        (
            responses,
            {"store": True, "include": ["x"], "reasoning": {}, "truncation": "auto"},
            {"store", "include", "reasoning", "truncation"},
        ),
        (responses, {"text": {"format": {"type": "text"}}}, set()),
        (responses, {"text": {"verbosity": "low"}}, {"text"}),
        (
            anthropic,
            {"thinking": {}, "top_k": 5, "output_config": {"effort": "high"}},
            {"thinking", "top_k", "output_config"},
        ),
        (completions, {"suffix": "", "user": "u"}, {"suffix", "user"}),
    ],
)
def test_what_only_tunes_is_accepted_and_named(wire: Wire, fields: dict[str, object], ignored: set[str]) -> None:
    assert set(read(wire, **fields).ignored) == ignored


def test_many_unknown_fields_fit_a_header() -> None:
    ignored = read(chat, **{f"field{number}": 1 for number in range(1000)}).ignored
    assert len(ignored) == 33
    assert ignored[-1] == "and-968-more"


def test_texts_are_kept_in_order() -> None:
    question = read(
        chat,
        messages=[
            {"role": "developer", "content": "s1"},
            {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "input_text", "text": "b"}]},
            {"role": "assistant", "content": None},
            {"role": "system", "content": "s2"},
            *user("c"),
        ],
    )
    assert [(each.role, each.content) for each in question.messages] == [
        ("system", "s1"),
        ("user", "ab"),
        ("assistant", ""),
        ("system", "s2"),
        ("user", "c"),
    ]


def test_the_newer_name_of_the_limit_wins() -> None:
    assert read(chat, max_tokens=5, max_completion_tokens=7).max_tokens == 7
    assert read(chat, max_tokens=5).max_tokens == 5


@pytest.mark.parametrize("wire", [chat, completions, anthropic])
def test_texts_that_end_an_answer_are_read(wire: Wire) -> None:
    assert read(wire, **{"stop_sequences" if wire is anthropic else "stop": ["a", "b"]}).stop == ("a", "b")


def test_a_question_shows_no_text() -> None:
    question = read(chat, messages=user("s3cret"), stop="s3cret")
    assert "s3cret" not in repr(question)


def heading(wire: Wire, **fields: object) -> Heading:
    return Heading(id="0" * 24, created=1, question=read(wire, **fields), prompt_tokens=3)


@pytest.mark.parametrize("wire", WIRES)
def test_each_result_is_whole_events(wire: Wire) -> None:
    writer = wire.events(heading(wire))
    problem = Problem(502, "stream_interrupted", 'It "broke"\noff.')
    parts = [
        writer.text('a "quoted"\n\u2028 text'),
        writer.text("b"),
        writer.end(Finish(reason="end", tokens=2, ended_at=2)),
        wire.events(heading(wire)).fail(problem),
    ]
    for part in parts:
        assert part.endswith(b"\n\n")
        for event in part[:-2].split(b"\n\n"):
            *names, data = event.split(b"\n")
            assert data.startswith(b"data: ")
            assert len(names) == (1 if wire in {responses, anthropic} else 0)
            if data != b"data: [DONE]":
                kind = json.loads(data[6:]).get("type")
                assert names == ([f"event: {kind}".encode()] if names else [])


@pytest.mark.parametrize(
    ("wire", "word"), [(chat, '"role":"assistant"'), (responses, "response.created"), (anthropic, "message_start")]
)
def test_an_answer_without_text_has_its_first_events_all_the_same(wire: Wire, word: str) -> None:
    last = wire.events(heading(wire)).end(Finish(reason="stop", stop="x", tokens=0, ended_at=2)).decode()
    assert word in last


def test_tokens_are_estimated_by_bytes() -> None:
    assert [count_text(text) for text in ("", "a", "abcd", "abcde", "你好")] == [0, 1, 1, 2, 2]
    assert count_messages(read(chat, messages=[*user("abcd"), *user("")]).messages) == (1 + 4) + 4


COMMON: list[tuple[str, object, str]] = [
    ("n", 2, "unsupported_value"),
    ("best_of", 3, "unsupported_value"),
    ("echo", True, "unsupported_value"),
    ("suffix", "x", "unsupported_value"),
    ("logprobs", True, "unsupported_value"),
    ("top_logprobs", 1, "unsupported_value"),
    ("logit_bias", {"5": 1}, "unsupported_value"),
    ("response_format", {"type": "json_object"}, "unsupported_value"),
    ("modalities", ["audio"], "unsupported_value"),
    ("previous_response_id", "resp_1", "unsupported_parameter"),
    ("conversation", "conv_1", "unsupported_parameter"),
    ("background", True, "unsupported_value"),
]


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize(("field", "value", "code"), COMMON)
def test_what_changes_the_meaning_is_refused_on_each_wire(wire: Wire, field: str, value: object, code: str) -> None:
    problem = refusal(wire, **{field: value})
    assert (problem.param, problem.code) == (field, code)


@pytest.mark.parametrize(
    ("field", "value", "advice"),
    [
        ("n", 2, "the site answers with one text only"),
        ("response_format", {"type": "json_object"}, "ask for JSON in the prompt"),
        ("previous_response_id", "resp_1", "send the whole conversation"),
        ("conversation", "conv_1", "send the whole conversation"),
        ("background", True, "send the whole conversation"),
    ],
)
@pytest.mark.parametrize("wire", WIRES)
def test_a_refusal_says_what_to_do_instead(wire: Wire, field: str, value: object, advice: str) -> None:
    assert advice in refusal(wire, **{field: value}).message


@pytest.mark.parametrize("wire", WIRES)
def test_values_that_change_nothing_are_taken_on_each_wire(wire: Wire) -> None:
    plain = {"n": 1, "best_of": 1, "echo": False, "suffix": "", "logprobs": False, "top_logprobs": 0, "logit_bias": {}}
    taken = read(wire, **plain, response_format={"type": "text"}, modalities=["text"], background=False, prediction={})
    assert taken.model == "m"


def test_completions_give_no_log_probabilities() -> None:
    assert refusal(completions, logprobs=0).param == "logprobs"
    assert refusal(completions, tool_choice="required").param == "tool_choice"
