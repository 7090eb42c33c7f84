"""Answers from a server that speaks OpenAI's streaming wire."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import ClientPayloadError, ClientSession, web

from aura_browser.playground import Playground

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_CHAT = {
    "model": {"id": "openchat_3.6", "tokenLimit": 8192},
    "messages": [{"role": "user", "content": "Hello"}],
    "prompt": "Be brief.",
    "temperature": 0.5,
}


@asynccontextmanager
async def _model_server(handler: _Handler) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/v1/chat/completions", handler)
    runner = web.AppRunner(app, shutdown_timeout=1, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{site.port}/v1"
    finally:
        await runner.cleanup()


async def _stream(request: web.Request, *events: str) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    await response.write(b": a comment\n\n")
    for event in events:
        await response.write(f"data: {event}\n\n".encode())
    return response


def _delta(**delta: object) -> str:
    return json.dumps({"choices": [{"delta": delta}]}, ensure_ascii=False)


_COMPLETE = (
    _delta(role="assistant", content=""),
    _delta(content="Grüße"),
    _delta(content=", 世界"),
    _delta(content=None),
    _delta(),
    '{"choices": [], "usage": {}}',
    "[DONE]",
)


async def _chat(site: Playground) -> tuple[int, str | None, str]:
    async with ClientSession() as http, http.post(f"{site.origin}/api/chat", json=_CHAT) as response:
        return response.status, response.reason, await response.text("utf-8")


async def test_the_answer_is_passed_on_and_the_question_too() -> None:
    asked: list[tuple[str | None, dict[str, object]]] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        asked.append((request.headers.get("Authorization"), await request.json()))
        return await _stream(request, *_COMPLETE)

    async with _model_server(answer) as url, Playground(upstream=url, upstream_key="made-up") as site:
        assert await _chat(site) == (200, "OK", "Grüße, 世界")
    ((key, question),) = asked
    assert key == "Bearer made-up"
    assert question == {
        "model": "openchat_3.6",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}],
        "temperature": 0.5,
        "max_tokens": 1000,
        "stream": True,
    }


async def test_without_a_key_none_is_sent_and_a_slash_at_the_end_of_the_address_is_not_doubled() -> None:
    asked: list[str | None] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        asked.append(request.headers.get("Authorization"))
        return await _stream(request, *_COMPLETE)

    async with _model_server(answer) as url, Playground(upstream=f"{url}/") as site:
        assert (await _chat(site))[0] == 200
    assert asked == [None]


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (429, '{"error": {"message": "Slow down please"}}', "Slow down please"),
        (401, '{"error": "no key"}', "401 Unauthorized"),
        (502, "<html>", "502 Bad Gateway"),
        (307, "", "307 Temporary Redirect"),
        (500, '{"error": {"message": "two\\nlines"}}', "two lines"),
        (500, '{"error": {"message": "At the limit"}}'.rjust(64 * 1024), "At the limit"),
        (500, '{"error": {"message": "Over it"}}'.rjust(64 * 1024 + 1), "500 Internal Server Error"),
    ],
)
async def test_an_error_becomes_the_sites_500(status: int, body: str, reason: str) -> None:
    async def fail(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, text=body, headers={"Location": "/elsewhere"})

    async with _model_server(fail) as url, Playground(upstream=url) as site:
        assert (await _chat(site))[:2] == (500, reason)


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ('{"error": {"message": "Overloaded"}}', "Overloaded"),
        ("{", "the server sent an event that is not part of an answer"),
        ('{"choices": [{}]}', "the server sent an event that is not part of an answer"),
        (_delta(), "the server broke off before the end of its answer"),
    ],
)
async def test_a_bad_event_is_an_error_before_the_first_text_and_a_cut_after_it(event: str, reason: str) -> None:
    before: list[str] = []

    async def fail(request: web.Request) -> web.StreamResponse:
        return await _stream(request, *before, event)

    async with _model_server(fail) as url, Playground(upstream=url) as site:
        before.append(_delta(content=""))
        assert (await _chat(site))[:2] == (500, reason)
        before.append(_delta(content="Hel"))
        with pytest.raises(ClientPayloadError):
            await _chat(site)


async def test_a_server_that_is_not_there_is_an_error() -> None:
    async with Playground() as closed:
        origin = closed.origin
    async with Playground(upstream=origin) as site:
        status, reason, _ = await _chat(site)
    assert status == 500
    assert reason
    assert "Connection refused" in reason


async def test_a_mode_in_the_message_has_its_own_way() -> None:
    async with Playground(upstream="http://127.0.0.1:9") as site, ClientSession() as http:
        chat = {**_CHAT, "messages": [{"role": "user", "content": "/echo here"}]}
        async with http.post(f"{site.origin}/api/chat", json=chat) as response:
            assert await response.text("utf-8") == "here"


async def test_a_client_that_leaves_ends_the_question() -> None:
    left = asyncio.Event()

    async def hang(request: web.Request) -> web.StreamResponse:
        try:
            response = await _stream(request, _delta(content="Hel"))
            await asyncio.Event().wait()
        finally:
            left.set()
        return response

    async with _model_server(hang) as url, Playground(upstream=url) as site:
        async with ClientSession() as http, http.post(f"{site.origin}/api/chat", json=_CHAT) as response:
            assert await response.content.readany() == b"Hel"
        async with asyncio.timeout(20):
            await left.wait()
