"""OpenAI's own client, in strict validation, against the gateway: answers, events, errors, and how often it asks."""

import json
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from aura_browser.gateway.server import Gateway
from aura_browser.playground import Playground
from tests.parts.gateways import MODEL, gateway_to, question, read_until_error, strict_openai
from tests.parts.lazily import load_lazily
from tests.parts.waiting import eventually

if TYPE_CHECKING:
    import openai
else:
    openai = load_lazily("openai")

TEXT = "Привет, 你好, hello 👩‍👩‍👧!"


@pytest.fixture
async def client(gateway: Gateway) -> AsyncIterator["openai.AsyncOpenAI"]:
    async with strict_openai(gateway) as each:
        yield each


async def test_a_whole_answer(client: "openai.AsyncOpenAI") -> None:
    answer = await client.chat.completions.create(**question(TEXT))
    (choice,) = answer.choices
    assert (choice.message.content, choice.finish_reason) == (TEXT, "stop")
    assert answer.model == MODEL
    assert answer.id.startswith("chatcmpl-")
    assert answer.usage is not None
    assert answer.usage.completion_tokens == -(-len(TEXT.encode()) // 4)
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


async def test_a_streamed_answer(client: "openai.AsyncOpenAI") -> None:
    stream = await client.chat.completions.create(
        **question(f"/slow 0.01 {TEXT}", stream=True, stream_options={"include_usage": True})
    )
    chunks = [chunk async for chunk in stream]
    *chosen, usage = chunks
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chosen) == TEXT
    assert [chunk.choices[0].finish_reason for chunk in chosen] == [None] * (len(chosen) - 1) + ["stop"]
    assert chosen[0].choices[0].delta.role == "assistant"
    assert len(chosen) > 4, "it does not come in one piece"
    assert usage.choices == []
    assert usage.usage is not None
    assert len({(chunk.id, chunk.created, chunk.model) for chunk in chunks}) == 1
    assert all(chunk.usage is None for chunk in chosen)


async def test_usage_is_sent_only_if_it_is_asked_for(client: "openai.AsyncOpenAI") -> None:
    stream = await client.chat.completions.create(**question("hi", stream=True))
    chunks = [chunk async for chunk in stream]
    assert all(chunk.choices for chunk in chunks)
    assert all("usage" not in chunk.model_fields_set for chunk in chunks)


async def test_the_whole_conversation_reaches_the_site_unchanged() -> None:
    messages: list[Any] = [
        {"role": "system", "content": "First."},
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": " b"}]},
        {"role": "assistant", "content": "c"},
        {"role": "developer", "content": "Second."},
        {"role": "user", "content": TEXT},
        {"role": "user", "content": "e"},
    ]
    async with Playground() as site, gateway_to(site) as gateway, strict_openai(gateway) as client:
        await client.chat.completions.create(
            model="openchat_v3.2_mistral", messages=messages, temperature=0.2, max_tokens=5
        )
        body = json.loads(site.requests[-1].body)
    assert body["prompt"] == "First.\nSecond."
    assert [(each["role"], each["content"]) for each in body["messages"]] == [
        ("user", "a b"),
        ("assistant", "c"),
        ("user", TEXT),
        ("user", "e"),
    ]
    assert body["model"]["id"] == "openchat_v3.2_mistral"
    assert body["model"]["tokenLimit"] == 8192, "an answer's length must not become the site's context window"
    assert body["temperature"] == 0.2


@pytest.mark.parametrize("stream", [False, True])
async def test_max_tokens_cut_the_answer_and_stop_the_site(stream: bool) -> None:  # noqa: FBT001 - a case
    async with Playground() as site, gateway_to(site) as gateway, strict_openai(gateway) as client:
        asked = question("/slow 0.02 " + "word " * 400, max_completion_tokens=3, stream=stream)
        if stream:
            chunks = [chunk async for chunk in await client.chat.completions.create(**asked)]
            text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
            reason = chunks[-1].choices[0].finish_reason
        else:
            (choice,) = (await client.chat.completions.create(**asked)).choices
            text, reason = choice.message.content or "", choice.finish_reason
        assert (len(text), reason) == (12, "length")
        await eventually(lambda: site.answering == 0, seconds=2)


async def test_stop_sequences_end_the_answer(client: "openai.AsyncOpenAI") -> None:
    asked = question("/slow 0.005 one two thr-ee four five", stop=["three", "thr-ee f"])
    (choice,) = (await client.chat.completions.create(**asked)).choices
    assert (choice.message.content, choice.finish_reason) == ("one two ", "stop")


async def test_models(client: "openai.AsyncOpenAI") -> None:
    await client.chat.completions.create(**question("hi"))
    models = [model async for model in client.models.list()]
    assert {MODEL, "openchat_v3.2_mistral"} == {model.id for model in models}
    assert (await client.models.retrieve(MODEL)).id == MODEL
    with pytest.raises(openai.NotFoundError) as caught:
        await client.models.retrieve("gpt-9")
    assert caught.value.code == "model_not_found"


async def test_an_alias_answers_under_its_own_name() -> None:
    aliases = {"gpt-4o": "openchat_v3.2_mistral", "*": MODEL}
    async with Playground() as site, gateway_to(site, aliases=aliases) as gateway, strict_openai(gateway) as client:
        for name, model in (("gpt-4o", "openchat_v3.2_mistral"), ("anything/else", MODEL)):
            raw = await client.chat.completions.with_raw_response.create(**question("hi") | {"model": name})
            assert raw.headers["x-aura-model"] == model
            assert raw.parse().model == name
            assert json.loads(site.requests[-1].body)["model"]["id"] == model


async def test_a_whole_response(client: "openai.AsyncOpenAI") -> None:
    answer = await client.responses.create(
        model=MODEL, input=TEXT, instructions="Be kind.", temperature=0.3, metadata={"a": "b"}
    )
    assert answer.output_text == TEXT
    assert answer.status == "completed"
    assert (answer.instructions, answer.temperature, answer.metadata) == ("Be kind.", 0.3, {"a": "b"})
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens


async def test_a_streamed_response(client: "openai.AsyncOpenAI") -> None:
    stream = await client.responses.create(model=MODEL, input=f"/slow 0.01 {TEXT}", stream=True)
    events = [event async for event in stream]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    kinds = [event.type for event in events if event.type != "response.output_text.delta"]
    assert kinds == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == TEXT
    assert events[-1].type == "response.completed"
    assert events[-1].response.output_text == TEXT


async def test_a_cut_response_is_incomplete(client: "openai.AsyncOpenAI") -> None:
    whole = await client.responses.create(model=MODEL, input="word " * 50, max_output_tokens=2)
    assert (whole.status, whole.output_text) == ("incomplete", "word wor")
    assert whole.incomplete_details is not None
    assert whole.incomplete_details.reason == "max_output_tokens"
    stream = await client.responses.create(model=MODEL, input="word " * 50, max_output_tokens=2, stream=True)
    *_, last = [event async for event in stream]
    assert last.type == "response.incomplete"


async def test_a_response_to_items() -> None:
    async with Playground() as site, gateway_to(site) as gateway, strict_openai(gateway) as client:
        items = [
            {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "Second."}]},
            {"role": "user", "content": "a"},
            {"type": "reasoning", "summary": []},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "b"}]},
            {"role": "user", "content": "c"},
        ]
        answer = await client.responses.create(model=MODEL, instructions="First.", input=items)  # type: ignore[arg-type]
        body = json.loads(site.requests[-1].body)
    assert answer.output_text == "c"
    assert body["prompt"] == "First.\nSecond."
    assert [each["content"] for each in body["messages"]] == ["a", "b", "c"]


async def test_a_completion(client: "openai.AsyncOpenAI") -> None:
    answer = await client.completions.create(model=MODEL, prompt=[TEXT])
    assert (answer.choices[0].text, answer.choices[0].finish_reason) == (TEXT, "stop")
    assert answer.usage is not None


async def test_a_streamed_completion(gateway: Gateway) -> None:
    # Its strict types have no chunk without a reason, as OpenAI's own server sends them.
    async with openai.AsyncOpenAI(base_url=gateway.base_url, api_key="none") as client:
        stream = await client.completions.create(
            model=MODEL, prompt=TEXT, stream=True, stream_options={"include_usage": True}
        )
        *chosen, usage = [chunk async for chunk in stream]
    assert "".join(chunk.choices[0].text for chunk in chosen) == TEXT
    assert chosen[-1].choices[0].finish_reason == "stop"
    assert usage.usage is not None


async def test_a_broken_stream_raises_on_each_wire() -> None:
    async with Playground() as site, gateway_to(site) as gateway, strict_openai(gateway) as client:
        for create in (
            lambda: client.chat.completions.create(**question("/dropped so far", stream=True)),
            lambda: client.responses.create(model=MODEL, input="/dropped so far", stream=True),
        ):
            asked = site.chats
            seen = await read_until_error(await create(), openai.APIError, "broke off")
            assert "so far" in str(seen[:-1])
            assert seen[-1].code == "stream_interrupted"
            assert site.chats == asked + 1, "what has begun is never asked again"


async def test_codex_reads_how_long_to_wait_from_a_failed_response(gateway: Gateway) -> None:
    async with aiohttp.ClientSession() as http:
        body = {"model": MODEL, "input": "/dropped so far", "stream": True}
        async with http.post(f"{gateway.base_url}/responses", json=body) as response:
            events = [json.loads(line[6:]) for line in (await response.text()).splitlines() if line.startswith("data:")]
    error, failed = events[-2:]
    assert (error["type"], error["error"]["code"]) == ("error", "stream_interrupted")
    assert (failed["type"], failed["response"]["status"]) == ("response.failed", "failed")
    assert failed["response"]["error"]["code"] == "server_error"
