"""What the wires take, refuse and ignore, without I/O: one table for each."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from rich.pretty import pretty_repr

from aura_browser.chat.tokens import count_messages, count_text
from aura_browser.gateway.wires import anthropic, chat, completions, responses
from aura_browser.gateway.wires.models import write_list, write_one
from aura_browser.gateway.wires.problem import Problem, anthropic_error, openai_error
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
    assert (caught.value.status, caught.value.headers) == (400, {"x-should-retry": "false"})
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
        (chat, "function_call", {"name": "f"}, "unsupported_value"),
        (chat, "web_search_options", {}, "unsupported_parameter"),
        (chat, "tool_choice", {"type": "function", "function": {"name": "f"}}, "unsupported_value"),
        (chat, "response_format", {"type": "json_object"}, "unsupported_value"),
        (chat, "response_format", {"type": "json_schema", "json_schema": {}}, "unsupported_value"),
        (chat, "response_format", "json_object", "unsupported_value"),
        (chat, "modalities", ["text", "audio"], "unsupported_value"),
        (chat, "audio", {"voice": "x"}, "unsupported_parameter"),
        (chat, "temperature", 3, "invalid_value"),
        (chat, "temperature", "1", "invalid_type"),
        (chat, "temperature", True, "invalid_type"),
        (chat, "max_tokens", 0, "invalid_value"),
        (chat, "max_completion_tokens", 1.5, "invalid_type"),
        (chat, "max_tokens", True, "invalid_type"),
        (chat, "max_tokens", 2**31, "invalid_value"),
        (chat, "stop", 5, "invalid_type"),
        (chat, "stop", ["a", 5], "invalid_type"),
        (chat, "stop", "x" * 1001, "invalid_value"),
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
        (completions, "temperature", 2.1, "invalid_value"),
        (responses, "previous_response_id", "resp_1", "unsupported_parameter"),
        (responses, "conversation", "conv_1", "unsupported_parameter"),
        (responses, "background", True, "unsupported_value"),
        (responses, "prompt", {"id": "p"}, "unsupported_parameter"),
        (responses, "text", {"format": {"type": "json_schema"}}, "unsupported_value"),
        (responses, "text", {"format": "text"}, "unsupported_value"),
        (responses, "text", "text", "unsupported_value"),
        (responses, "metadata", "x", "invalid_type"),
        (responses, "max_output_tokens", 0, "invalid_value"),
        (responses, "temperature", 2.1, "invalid_value"),
        (responses, "tool_choice", "required", "unsupported_value"),
        (responses, "input", [], "invalid_value"),
        (responses, "input", [{"type": "reasoning", "summary": []}], "invalid_value"),
        (responses, "input", 5, "invalid_type"),
        (responses, "instructions", 5, "invalid_type"),
        (anthropic, "max_tokens", None, "missing_required_parameter"),
        (anthropic, "temperature", 1.5, "invalid_value"),
        (anthropic, "tool_choice", {"type": "tool", "name": "t"}, "unsupported_value"),
        (anthropic, "tool_choice", "auto", "unsupported_value"),
        (anthropic, "output_format", {"type": "json_schema"}, "unsupported_parameter"),
        (anthropic, "output_config", {"format": {"type": "json_schema"}}, "unsupported_value"),
        (anthropic, "messages", [*user("a"), {"role": "assistant", "content": "b"}], "unsupported_value"),
        (anthropic, "system", 5, "invalid_type"),
        (anthropic, "mcp_servers", [{}], "unsupported_value"),
    ],
)
def test_what_can_not_be_honoured_is_refused_by_name(wire: Wire, field: str, value: object, code: str) -> None:
    problem = refusal(wire, **{field: value})
    assert (problem.param, problem.code) == (field, code)
    assert field in problem.message


@pytest.mark.parametrize(
    ("wire", "fields", "param", "code"),
    [
        (chat, {"messages": user([{"type": "image_url"}])}, "messages[0].content[0].type", "unsupported_value"),
        (chat, {"messages": [{"role": "tool", "content": "x"}]}, "messages[0].role", "unsupported_value"),
        (chat, {"messages": [{"role": "function", "content": "x"}]}, "messages[0].role", "unsupported_value"),
        (chat, {"messages": [{"role": "User", "content": "x"}]}, "messages[0].role", "invalid_value"),
        (chat, {"messages": [{"content": "x"}]}, "messages[0].role", "missing_required_parameter"),
        (chat, {"messages": [{"role": ["user"], "content": "x"}]}, "messages[0].role", "invalid_value"),
        (chat, {"messages": [*user("a"), {"role": "user"}]}, "messages[1].content", "missing_required_parameter"),
        (chat, {"messages": user([{"type": "text"}])}, "messages[0].content[0].text", "missing_required_parameter"),
        (chat, {"messages": user([{"text": "x"}])}, "messages[0].content[0].type", "missing_required_parameter"),
        (chat, {"messages": user([{"type": 5}])}, "messages[0].content[0].type", "invalid_type"),
        (chat, {"messages": user(["text"])}, "messages[0].content[0]", "invalid_type"),
        (chat, {"messages": user(5)}, "messages[0].content", "invalid_type"),
        (chat, {"messages": ["hi"]}, "messages[0]", "invalid_type"),
        (
            chat,
            {"messages": [{"role": "assistant", "content": None, "tool_calls": [{"id": "c"}]}]},
            "messages[0].tool_calls",
            "unsupported_parameter",
        ),
        (
            chat,
            {"messages": [{"role": "assistant", "content": None, "function_call": {"name": "f"}}]},
            "messages[0].tool_calls",
            "unsupported_parameter",
        ),
        (responses, {"input": [{"type": "function_call_output"}]}, "input[0].type", "unsupported_value"),
        (responses, {"input": [{"type": "item_reference", "id": "x"}]}, "input[0].type", "unsupported_value"),
        (responses, {"input": user([{"type": "input_image"}])}, "input[0].content[0].type", "unsupported_value"),
        (responses, {"input": ["hi"]}, "input[0]", "invalid_type"),
        (anthropic, {"system": [{"type": "image"}]}, "system[0].type", "unsupported_value"),
    ],
)
def test_messages_that_can_not_be_taken_are_refused_by_name(
    wire: Wire, fields: dict[str, object], param: str, code: str
) -> None:
    problem = refusal(wire, **fields)
    assert (problem.param, problem.code) == (param, code)


@pytest.mark.parametrize(
    ("wire", "fields", "message"),
    [
        (chat, {"model": None}, "model: is required"),
        (chat, {"model": 5}, "model: must be a text"),
        (chat, {"messages": user(None)}, "messages[0].content: is required"),
        (chat, {"stream": 1}, "stream: must be true or false"),
        (chat, {"temperature": 3}, "temperature: must be from 0 to 2"),
        (anthropic, {"temperature": 3}, "temperature: must be from 0 to 1"),
        (responses, {"instructions": 5}, "instructions: must be a text"),
        (
            chat,
            {"messages": [{"role": "tool", "content": "x"}]},
            "messages[0].role: tool can't be taken: the site has no tools; send their results as text of the user",
        ),
        (
            responses,
            {"input": [{"type": "function_call_output"}]},
            "input[0].type: function_call_output can't be taken: the site has no tools and no memory; send messages",
        ),
        (
            responses,
            {"input": [{"type": "a\nb"}]},
            "input[0].type: this type can't be taken: the site has no tools and no memory; send messages",
        ),
        (
            responses,
            {"input": [{"type": 5}]},
            "input[0].type: this type can't be taken: the site has no tools and no memory; send messages",
        ),
        (chat, {"stop": ["x"] * 17}, "stop: may have 16 texts of up to 1000 characters"),
    ],
)
def test_a_refusal_says_what_is_wrong(wire: Wire, fields: dict[str, object], message: str) -> None:
    assert refusal(wire, **fields).message == message


@pytest.mark.parametrize(
    ("wire", "fields"),
    [
        *((wire, {"temperature": 0}) for wire in WIRES),
        *((wire, {"temperature": 1 if wire is anthropic else 2}) for wire in WIRES),
        *((wire, {"max_output_tokens" if wire is responses else "max_tokens": 1}) for wire in WIRES),
        *((wire, {"max_output_tokens" if wire is responses else "max_tokens": 2**31 - 1}) for wire in WIRES),
        (chat, {"max_completion_tokens": 1}),
        (chat, {"stop": ["x" * 1000] * 16}),
        *((wire, {"tool_choice": each}) for wire in (chat, completions, responses) for each in ("none", "auto")),
        *((wire, {"tool_choice": {"type": each}}) for wire in WIRES for each in ("none", "auto")),
        *((chat, {"function_call": each}) for each in ("none", "auto")),
        (responses, {"text": {}}),
        (anthropic, {"mcp_servers": []}),
    ],
)
def test_what_is_just_within_the_limits_is_taken(wire: Wire, fields: dict[str, object]) -> None:
    assert read(wire, **fields).model == "m"


@pytest.mark.parametrize("wire", WIRES)
def test_what_tunes_an_answer_is_read(wire: Wire) -> None:
    length = "max_output_tokens" if wire is responses else "max_tokens"
    question = read(wire, temperature=0.5, stream=True, **{length: 7})
    assert (question.temperature, question.stream, question.max_tokens) == (0.5, True, 7)
    assert read(wire).stream is False


@pytest.mark.parametrize("wire", [chat, completions])
def test_usage_is_asked_for_by_an_option_of_the_stream(wire: Wire) -> None:
    assert read(wire, stream_options={"include_usage": True}).include_usage is True
    assert read(wire, stream_options={}).include_usage is read(wire).include_usage is False


@pytest.mark.parametrize(
    ("wire", "place"), [(chat, "messages"), (completions, "prompt"), (responses, "input"), (anthropic, "messages")]
)
def test_a_question_knows_the_field_that_it_came_in(wire: Wire, place: str) -> None:
    question = read(wire)
    assert question.place == place
    assert [(each.role, each.content) for each in question.messages] == [("user", "hi")]


@pytest.mark.parametrize("kind", ["text", "input_text", "output_text", "refusal"])
def test_parts_of_each_kind_of_text_are_joined(kind: str) -> None:
    field = "refusal" if kind == "refusal" else "text"
    messages = user([{"type": kind, field: "a"}, {"type": kind, field: "b"}])
    assert read(chat, messages=messages).messages[0].content == "ab"


@pytest.mark.parametrize("kind", ["thinking", "redacted_thinking", "reasoning"])
def test_what_a_model_thought_is_left_out(kind: str) -> None:
    messages = user([{"type": kind, "thinking": "hm"}, {"type": "text", "text": "a"}])
    assert read(anthropic, messages=messages).messages[0].content == "a"
    assert read(responses, input=[{"type": "reasoning"}, *user("b")]).messages[0].content == "b"


def test_one_prompt_may_be_a_list_of_one() -> None:
    assert read(completions, prompt=["a"]).messages[0].content == "a"


def test_empty_texts_end_no_answer() -> None:
    assert read(chat, stop=["", "a"]).stop == ("a",)


@pytest.mark.parametrize(
    ("wire", "system", "texts"),
    [
        (anthropic, {"system": "one"}, ["one"]),
        (anthropic, {"system": [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]}, ["one", "two"]),
        (responses, {"instructions": "one"}, ["one"]),
        (responses, {"instructions": ""}, []),
    ],
)
def test_what_the_wires_call_otherwise_is_a_system_text(
    wire: Wire, system: dict[str, object], texts: list[str]
) -> None:
    messages = read(wire, **system).messages
    assert [(each.role, each.content) for each in messages[:-1]] == [("system", text) for text in texts]


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize(
    "body",
    [b"", b"{", b'{"a": NaN}', b"\xff\xfe{}", b"[]", b"5", b"[" * 100_000, b'{"a":' * 100_000, b'{"model": "\\ud800"}'],
)
def test_what_is_not_a_json_object_is_refused(wire: Wire, body: bytes) -> None:
    with pytest.raises(Problem) as caught:
        wire.read(body)
    assert (caught.value.status, caught.value.headers) == (400, {"x-should-retry": "false"})
    assert caught.value.code in {"invalid_json", "invalid_type"}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"[" * 100_000, "The body is nested too deeply."),
        (b"{", "The body is not JSON: Input data was truncated."),
        (b'{"model": "\xff"}', "The body is not JSON: it is not UTF-8."),
        (b"5", "The body must be a JSON object."),
    ],
)
def test_it_is_said_what_a_body_is_not(body: bytes, message: str) -> None:
    with pytest.raises(Problem) as caught:
        chat.read(body)
    assert caught.value.message == message


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
        (chat, {"messages": [{"role": "user", "name": "ann", "content": "hi"}]}, {"messages.name"}),
        (chat, {"messages": [{"role": "user", "name": None, "content": "hi"}]}, set()),
        (
            responses,
            {"store": True, "include": ["x"], "reasoning": {}, "truncation": "auto"},
            {"store", "include", "reasoning", "truncation"},
        ),
        (responses, {"text": {"format": {"type": "text"}}}, set()),
        (responses, {"text": {"verbosity": "low"}}, {"text"}),
        (responses, {"text": {"format": {"type": "text"}, "verbosity": "low"}}, {"text"}),
        (anthropic, {"output_config": "high"}, {"output_config"}),
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
    assert repr(question) == "Question(model='m', 1 messages, stream=False)"
    assert pretty_repr(question) == "Question(model='m', messages=1, stream=False)"


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


@pytest.mark.parametrize(
    ("wire", "field", "value", "advice"),
    [
        *(
            (wire, "tool_choice", "required", "the site has no tools; leave it out, or use auto or none")
            for wire in (chat, responses, anthropic)
        ),
        (chat, "function_call", {"name": "f"}, "the site has no tools; leave it out"),
        (chat, "web_search_options", {}, "the site has no tools; leave it out"),
        (responses, "prompt", {"id": "p"}, "there are no templates here; send the input itself"),
        (
            responses,
            "text",
            {"format": {"type": "json_schema"}},
            "the site has no JSON mode; ask for JSON in the prompt",
        ),
        (anthropic, "output_format", {}, "the site has no JSON mode; ask for JSON in the prompt"),
        (anthropic, "output_config", {"format": {}}, "the site has no JSON mode; ask for JSON in the prompt"),
        (anthropic, "mcp_servers", [{}], "the site has no tools; leave it out"),
    ],
)
def test_a_refusal_says_what_to_do_instead_on_the_wire_that_it_came_on(
    wire: Wire, field: str, value: object, advice: str
) -> None:
    assert refusal(wire, **{field: value}).message == f"{field}: can't be honoured: {advice}"


@pytest.mark.parametrize("wire", WIRES)
def test_values_that_change_nothing_are_taken_on_each_wire(wire: Wire) -> None:
    plain = {"n": 1, "best_of": 1, "echo": False, "suffix": "", "logprobs": False, "top_logprobs": 0, "logit_bias": {}}
    taken = read(wire, **plain, response_format={"type": "text"}, modalities=["text"], background=False, prediction={})
    assert taken.model == "m"


def test_completions_give_no_log_probabilities() -> None:
    assert refusal(completions, logprobs=0).param == "logprobs"
    assert refusal(completions, tool_choice="required").param == "tool_choice"


def test_tokens_are_counted_for_one_who_names_a_model() -> None:
    asked = MINIMUM[anthropic] | {"system": "Be kind."}
    assert json.loads(anthropic.count_tokens(json.dumps(asked).encode())) == {"input_tokens": (2 + 4) + (1 + 4)}
    with pytest.raises(Problem, match="model: is required"):
        anthropic.count_tokens(json.dumps(asked | {"model": None}).encode())


def test_a_response_repeats_the_usual_temperature_where_none_was_asked_for() -> None:
    written = json.loads(responses.whole(heading(responses), "hi", Finish(reason="end", tokens=1, ended_at=2)))
    assert (written["temperature"], written["instructions"], written["metadata"]) == (1.0, None, {})


def test_a_response_that_can_not_be_repeated_at_its_end_is_ended() -> None:
    writer = responses.events(heading(responses))
    writer.text("x" * 4_000_000)
    with pytest.raises(Problem, match="over 4,000,000 characters") as caught:
        writer.text("x")
    assert (caught.value.status, caught.value.code) == (502, "answer_too_long")
    assert caught.value.headers == {"x-should-retry": "false"}


def test_an_answer_that_broke_off_names_its_request() -> None:
    failed = anthropic.events(
        Heading(request_id="req_1", id="0" * 24, created=1, question=read(anthropic), prompt_tokens=3)
    )
    assert b'"request_id":"req_1"' in failed.fail(Problem(502, "stream_interrupted", "It broke off."))


@pytest.mark.parametrize("window", [8192, 0])
def test_a_model_is_described_for_the_clients_of_both(window: int) -> None:
    facts: dict[str, object] = {
        "id": "m",
        "object": "model",
        "created": 1_700_000_000,
        "owned_by": "aura-browser",
        "type": "model",
        "display_name": "Model",
        "created_at": datetime.fromtimestamp(1_700_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "lifecycle": "active",
    } | ({"context_length": window} if window else {})
    other = facts | {"id": "n", "display_name": "Other"}
    assert json.loads(write_one("m", "Model", window)) == facts
    listed = {"object": "list", "data": [facts, other], "has_more": False, "first_id": "m", "last_id": "n"}
    assert json.loads(write_list([("m", "Model"), ("n", "Other")], window)) == listed


def test_a_list_of_no_models_has_neither_first_nor_last() -> None:
    listed = {"object": "list", "data": [], "has_more": False, "first_id": None, "last_id": None}
    assert json.loads(write_list([], 0)) == listed


@pytest.mark.parametrize(
    ("status", "openai", "anthropics"),
    [
        (400, "invalid_request_error", "invalid_request_error"),
        (401, "authentication_error", "authentication_error"),
        (403, "permission_error", "permission_error"),
        (404, "not_found_error", "not_found_error"),
        (413, "invalid_request_error", "request_too_large"),
        (429, "rate_limit_error", "rate_limit_error"),
        (499, "invalid_request_error", "invalid_request_error"),
        (500, "api_error", "api_error"),
        (502, "api_error", "api_error"),
        (503, "api_error", "overloaded_error"),
    ],
)
def test_an_error_is_of_the_class_that_each_client_knows(status: int, openai: str, anthropics: str) -> None:
    problem = Problem(status, "code", "It failed.", param="p", brief="Failed.")
    error = {"message": "It failed.", "type": openai, "param": "p", "code": "code"}
    assert json.loads(openai_error(problem)) == {"error": error}
    brief = {"type": anthropics, "message": "Failed."}
    assert json.loads(anthropic_error(problem, "req_1")) == {"type": "error", "error": brief, "request_id": "req_1"}


def test_an_error_may_be_tried_again_unless_it_says_otherwise() -> None:
    assert Problem(502, "code", "It failed.").headers == {}
    assert str(Problem(502, "code", "It failed.")) == "It failed."
    told = Problem(503, "code", "It failed.", retry_after_s=7, headers={"Connection": "close"}).headers
    assert told == {"Connection": "close", "Retry-After": "7"}
    assert b'"message":"It failed."' in anthropic_error(Problem(502, "code", "It failed."), "req_1")
