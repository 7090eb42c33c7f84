"""Anthropic's own client, in strict validation, against the gateway."""

import json
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import pytest

from aura_browser.gateway.server import Gateway
from aura_browser.playground import Playground
from tests.parts.gateways import MODEL, gateway_to, read_until_error, strict_anthropic
from tests.parts.lazily import load_lazily

if TYPE_CHECKING:
    import anthropic
else:
    anthropic = load_lazily("anthropic")

TEXT = "Привет, 你好, hello 👩‍👩‍👧!"


def asked(text: str, **fields: object) -> dict[str, Any]:
    return {"model": MODEL, "max_tokens": 1000, "messages": [{"role": "user", "content": text}], **fields}


@pytest.fixture
async def client(gateway: Gateway) -> AsyncIterator["anthropic.AsyncAnthropic"]:
    async with strict_anthropic(gateway) as each:
        yield each


async def test_a_whole_message(client: "anthropic.AsyncAnthropic") -> None:
    message = await client.messages.create(**asked(TEXT))
    (block,) = message.content
    assert block.type == "text"
    assert (block.text, message.stop_reason, message.model) == (TEXT, "end_turn", MODEL)
    assert message.usage.output_tokens == -(-len(TEXT.encode()) // 4)


async def test_a_streamed_message(client: "anthropic.AsyncAnthropic") -> None:
    events = [event async for event in await client.messages.create(**asked(f"/slow 0.01 {TEXT}", stream=True))]
    kinds = [event.type for event in events if event.type != "content_block_delta"]
    assert kinds == ["message_start", "content_block_start", "content_block_stop", "message_delta", "message_stop"]
    assert "".join(event.delta.text for event in events if event.type == "content_block_delta") == TEXT
    first = events[0]
    assert first.type == "message_start"
    assert first.message.usage.input_tokens > 4, "the estimate comes first, or Claude Code counts nothing"


async def test_the_accumulating_stream(client: "anthropic.AsyncAnthropic") -> None:
    async with client.messages.stream(**asked(TEXT)) as stream:
        assert "".join([text async for text in stream.text_stream]) == TEXT
        message = await stream.get_final_message()
    assert message.stop_reason == "end_turn"


async def test_system_blocks_and_history_reach_the_site_in_order() -> None:
    async with Playground() as site, gateway_to(site) as gateway, strict_anthropic(gateway) as client:
        await client.messages.create(
            model=MODEL,
            max_tokens=100,
            system=[
                {"type": "text", "text": "First.", "cache_control": {"type": "ephemeral"}},
                {"type": "text", "text": "Second."},
            ],
            messages=[
                {"role": "user", "content": "a"},
                {"role": "assistant", "content": [{"type": "text", "text": "b"}]},
                {"role": "user", "content": [{"type": "text", "text": "c"}]},
            ],
        )
        body = json.loads(site.requests[-1].body)
    assert body["prompt"] == "First.\nSecond."
    assert [each["content"] for each in body["messages"]] == ["a", "b", "c"]


async def test_how_an_answer_ended(client: "anthropic.AsyncAnthropic") -> None:
    cut = await client.messages.create(**asked("word " * 50) | {"max_tokens": 2})
    assert (cut.stop_reason, cut.stop_sequence) == ("max_tokens", None)
    stopped = await client.messages.create(**asked("one two three"), stop_sequences=["x", "two"])
    assert (stopped.stop_reason, stopped.stop_sequence) == ("stop_sequence", "two")


async def test_tokens_are_counted(client: "anthropic.AsyncAnthropic") -> None:
    counted = await client.messages.count_tokens(
        model=MODEL, system="Be kind.", messages=[{"role": "user", "content": "12345678"}]
    )
    assert counted.input_tokens == (2 + 4) + (2 + 4)


async def test_models(client: "anthropic.AsyncAnthropic") -> None:
    assert MODEL in [model.id async for model in client.models.list()]
    assert (await client.models.retrieve(MODEL)).display_name == "OpenChat 3.6 (latest)"
    with pytest.raises(anthropic.NotFoundError):
        await client.models.retrieve("claude-9")


async def test_a_prompt_that_is_too_long_is_refused_in_the_words_that_claude_code_parses(
    client: "anthropic.AsyncAnthropic",
) -> None:
    with pytest.raises(anthropic.BadRequestError) as caught:
        await client.messages.create(**asked("x" * 70_000))
    assert caught.value.body["error"]["message"] == "prompt is too long: 20773 tokens > 8192 maximum"  # type: ignore[index]


async def test_what_claude_code_sends_is_taken(gateway: Gateway) -> None:
    async with strict_anthropic(gateway) as client:
        raw = await client.beta.messages.with_raw_response.create(
            **asked("hi"),
            thinking={"type": "enabled", "budget_tokens": 1024},
            metadata={"user_id": "u"},
            tools=[{"name": "Bash", "input_schema": {"type": "object"}}],
            extra_body={"context_management": {"edits": []}, "output_config": {"effort": "high"}},
            extra_query={"beta": "true"},
        )
    ignored = set(raw.headers["x-aura-ignored"].split(", "))
    assert ignored == {"thinking", "metadata", "tools", "context_management", "output_config"}


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"max_tokens": None}, "max_tokens"),
        ({"temperature": 1.5}, "temperature"),
        ({"tool_choice": {"type": "any"}}, "tool_choice"),
        ({"output_config": {"format": {"type": "json_schema"}}}, "output_config"),
        ({"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}, "messages"),
        ({"messages": [{"role": "user", "content": [{"type": "image", "source": {}}]}]}, "messages[0].content[0].type"),
        (
            {"messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t"}]}]},
            "messages[0].content[0].type",
        ),
    ],
)
async def test_what_can_not_be_honoured_is_refused_by_name(
    client: "anthropic.AsyncAnthropic", fields: dict[str, object], named: str
) -> None:
    with pytest.raises(
        anthropic.BadRequestError, match=rf"{named}: ".replace("[", r"\[").replace("]", r"\]")
    ) as caught:
        await client.messages.create(**asked("hi"), extra_body=fields)
    assert caught.value.body["error"]["type"] == "invalid_request_error"  # type: ignore[index]
    assert caught.value.request_id == caught.value.body["request_id"]  # type: ignore[index]


async def test_a_broken_stream_raises(client: "anthropic.AsyncAnthropic") -> None:
    stream = await client.messages.create(**asked("/dropped so far", stream=True))
    seen = await read_until_error(stream, anthropic.APIStatusError, "broke off")
    assert "so far" in str(seen)
    assert seen[-1].body["request_id"] == seen[-1].request_id == stream.response.headers["request-id"]
