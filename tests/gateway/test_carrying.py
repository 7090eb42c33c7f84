"""Sites that speak OpenAI's wire themselves: requests and answers pass byte for byte, only the session is ours."""

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from aura_browser import AuraClient
from aura_browser.gateway.carrying import is_carried
from aura_browser.gateway.server import Gateway, Settings
from aura_browser.gateway.watching import Patience
from aura_browser.playground import Playground
from aura_browser.session import Session
from aura_browser.site import Probe, Site
from tests.parts.gateways import MODEL, gateway_to, strict_anthropic, strict_openai
from tests.parts.lazily import load_lazily
from tests.parts.servers import Handler, Server, serving
from tests.parts.sessions import make_session
from tests.parts.waiting import eventually

if TYPE_CHECKING:
    import openai
else:
    openai = load_lazily("openai")

TOKEN = "s3cret-jwt"
QUERY = "a=%23b%26&c=%2B+%0D%0A%C3%BC"
FUNCTION = {"name": "look_up", "arguments": '{"word": "sky"}'}
CALL = {"id": "call_1", "type": "function", "function": FUNCTION}
MESSAGE = {"role": "assistant", "content": None, "refusal": None, "tool_calls": [CALL], "odd": "kept"}
CHOICE = {"index": 0, "message": MESSAGE, "logprobs": None, "finish_reason": "tool_calls"}
WHOLE = json.dumps({"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": [CHOICE]}, indent=1)
EVENTS = b"".join(
    b"data: %s\n\n"
    % json.dumps({"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m", **each}).encode()
    for each in (
        {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, **CALL}]}, "finish_reason": None}]},
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}], "odd": "ü"},
    )
)
EVENTS += b"data: [DONE]\n\n"
TOOLS = [{"type": "function", "function": {"name": "look_up", "parameters": {"type": "object"}}}]
PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 5_000_000}}


class OpenWebUI:
    """Answers as Open WebUI does: under ``/api``, to a bearer token that its page keeps in the local storage."""

    def __init__(self) -> None:
        self.answering = 0

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.json_response({"detail": "Not authenticated"}, status=401)
        match request.path:
            case "/api/models":
                return web.json_response(
                    {"object": "list", "data": [{"id": "m", "object": "model", "created": 1, "owned_by": "x"}]}
                )
            case "/api/chat/completions":
                return await self._answer(request, await request.json())
        return web.json_response({"detail": "Not Found"}, status=404)

    async def _answer(self, request: web.BaseRequest, body: dict[str, Any]) -> web.StreamResponse:
        match body["messages"][-1]["content"]:
            case "limit":
                return web.json_response({"detail": "slow down"}, status=429, headers={"Retry-After": "7"})
            case "bad":
                error = {"message": "no such tool", "type": "invalid_request_error", "param": "tools", "code": "x"}
                return web.json_response({"error": error}, status=400)
            case "page":
                return web.Response(text="<!doctype html><h1>Hello</h1>", content_type="text/html")
            case "break" | "break off" | "wait" as what:
                return await self._begin(request, what)
        if not body.get("stream"):
            return web.Response(text=WHOLE, content_type="application/json")
        return web.Response(body=EVENTS, content_type="text/event-stream")

    async def _begin(self, request: web.BaseRequest, what: str) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(EVENTS.partition(b"\n\n")[0] + b"\n\n" if what == "break off" else EVENTS[:50])
        self.answering += 1
        try:
            if what == "wait":
                while request.transport is not None and not request.transport.is_closing():
                    await asyncio.wait([request.task], timeout=0.02)
        finally:
            self.answering -= 1
        if request.transport is not None:
            request.transport.abort()
        return response


def site_at(origin: str) -> Site:
    return Site(
        f"{origin}/",
        dialect="openai",
        chat_base="/api",
        api_paths=("/api/",),
        probe=Probe("/api/models"),
        derive=lambda session, _method: {"Authorization": f"Bearer {session.local_storage['token']}"},
    )


@asynccontextmanager
async def carrying(
    *,
    key: str = "",
    answer: Handler | None = None,
    **options: Any,  # noqa: ANN401 - any option
) -> AsyncIterator[tuple[OpenWebUI, Server, Gateway]]:
    app = OpenWebUI()
    async with serving(answer or app.handle) as (server, origin):
        chosen: dict[str, Any] = {"session": make_session(origin, local_storage={"token": TOKEN}), "store": "memory"}
        async with (
            AuraClient(site_at(origin), **(chosen | options)) as client,
            Gateway(client, Settings(port=0, token=key)) as gateway,
        ):
            yield app, server, gateway


def asked(content: object, **fields: object) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": content}], "tools": TOOLS, **fields}


async def test_requests_and_answers_pass_byte_for_byte() -> None:
    async with carrying() as (_, server, gateway), aiohttp.ClientSession() as http:
        for stream, expected in ((False, WHOLE.encode()), (True, EVENTS)):
            body = json.dumps(asked("hi", stream=stream, response_format={"type": "json_object"}), indent=3).encode()
            headers = {"Content-Type": "application/json", "Authorization": "Bearer mine"}
            address = URL(f"{gateway.base_url}/chat/completions?{QUERY}", encoded=True)
            async with http.post(address, data=body, headers=headers) as response:
                assert await response.read() == expected
                assert response.headers["x-request-id"].startswith("req_")
            assert server.bodies[-1] == body
            assert server.seen[-1].raw_path == f"/api/chat/completions?{QUERY}"
            assert server.seen[-1].headers["Authorization"] == f"Bearer {TOKEN}"


async def test_the_official_client_gets_tools_and_sends_pictures() -> None:
    async with carrying() as (_, server, gateway), strict_openai(gateway) as client:
        answer = await client.chat.completions.create(**asked([{"type": "text", "text": "what?"}, PICTURE]))
        assert answer.choices[0].message.tool_calls is not None
        assert answer.choices[0].message.tool_calls[0].id == "call_1"
        assert len(server.bodies[-1]) > 5_000_000
        assert [model.id async for model in client.models.list()] == ["m"]


async def test_the_sites_own_errors_pass() -> None:
    async with carrying() as (_, _, gateway), strict_openai(gateway) as client:
        with pytest.raises(openai.BadRequestError, match="no such tool") as caught:
            await client.chat.completions.create(**asked("bad"))
        assert caught.value.param == "tools"


async def test_the_sites_limit_passes_and_holds_everybody_back() -> None:
    async with carrying() as (_, server, gateway), strict_openai(gateway) as client:
        for _ in range(2):
            with pytest.raises(openai.RateLimitError) as caught:
                await client.chat.completions.create(**asked("limit"))
            assert caught.value.response.headers["Retry-After"] == "7"
        assert len(server.seen) == 1


async def test_a_login_that_is_needed_is_said_in_the_clients_form() -> None:
    old: dict[str, Any] = {"refresh": "never"}
    async with carrying(**old) as (_, _, gateway), strict_openai(gateway, max_retries=2) as client:
        gateway._client._client._manager._live.current = make_session(  # a session that has ended
            gateway.site.origin, local_storage={"token": "old"}
        )
        with pytest.raises(openai.PermissionDeniedError, match="aura-browser harvest") as caught:
            await client.chat.completions.create(**asked("hi"))
        assert caught.value.code == "session_required"


async def test_a_session_that_ended_is_renewed_and_the_request_sent_again() -> None:
    harvested = 0

    async def harvest() -> Session:
        nonlocal harvested
        harvested += 1
        return make_session(gateway.site.origin, local_storage={"token": TOKEN}, harvested_at=2000.0)

    async with carrying(harvest=harvest) as (_, server, gateway), strict_openai(gateway) as client:
        gateway._client._client._manager._live.current = make_session(
            gateway.site.origin, local_storage={"token": "old"}
        )
        answer = await client.chat.completions.create(**asked([PICTURE]))
        assert answer.choices[0].finish_reason == "tool_calls"
        assert harvested == 1
        assert len(server.bodies[0]) > 5_000_000
        assert server.bodies[0] == server.bodies[-1]


@pytest.mark.parametrize(
    ("status", "headers", "expected"),
    [
        (502, {}, (503, "site_failed", None, "5")),
        (503, {"Retry-After": "7"}, (503, "site_failed", None, "7")),
        (500, {}, (502, "site_failed", None, None)),
        (413, {}, (502, "site_failed", "false", None)),
        (429, {"Retry-After": "7"}, (429, "rate_limit_exceeded", None, "7")),
        (404, {}, (502, "site_failed", "false", None)),
        (307, {}, (502, "site_failed", None, None)),
    ],
)
async def test_a_page_of_a_server_before_the_api_says_what_its_status_says(
    status: int, headers: dict[str, str], expected: tuple[int, str, str | None, str | None]
) -> None:
    async def answer(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=status, headers=headers, text="<h1>nginx</h1>", content_type="text/html")

    async with (
        carrying(answer=answer) as (_, _, gateway),
        aiohttp.ClientSession() as http,
        http.post(f"{gateway.base_url}/chat/completions", json=asked("hi")) as response,
    ):
        error, told = (await response.json())["error"], response.headers
        found = (response.status, error["code"], told.get("x-should-retry"), told.get("Retry-After"))
    assert found == expected
    assert ("is the base of its API right?" in error["message"]) is (status == 404)


async def test_a_page_in_place_of_an_answer_is_refused() -> None:
    async with carrying() as (_, _, gateway), strict_openai(gateway) as client:
        with pytest.raises(openai.APIStatusError, match="answered with a page, not with JSON") as caught:
            await client.chat.completions.create(**asked("page"))
        assert (caught.value.status_code, caught.value.code) == (502, "site_failed")
        assert caught.value.response.headers["x-should-retry"] == "false"


@pytest.mark.parametrize("what", ["break", "break off"])
async def test_an_answer_that_breaks_off_has_no_end_and_its_log_no_traceback(
    what: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Between two events an event says so; inside one nothing can be said."""
    came = b""
    async with (
        carrying() as (_, _, gateway),
        aiohttp.ClientSession() as http,
        http.post(f"{gateway.base_url}/chat/completions", json=asked(what, stream=True)) as response,
    ):
        try:
            async for data in response.content.iter_any():
                came += data
        except aiohttp.ClientPayloadError:
            pass
        else:
            pytest.fail("it ended as if it were complete")
        assert (b'"code":"stream_interrupted"' in came) is (what == "break off")
        shown = gateway._metrics.write({}, {})
        assert 'aura_upstream_errors_total{code="stream_interrupted"} 1' in shown
        assert 'disconnects_total{phase="streaming"} 1' not in shown
    assert [
        each for each in caplog.record_tuples if each[0].startswith("aura_browser") and each[1] > logging.INFO
    ] == []


async def test_a_client_that_leaves_stops_the_site() -> None:
    async with carrying() as (app, _, gateway), aiohttp.ClientSession() as http:
        async with http.post(f"{gateway.base_url}/chat/completions", json=asked("wait", stream=True)) as response:
            await response.content.readany()
            assert app.answering == 1
            response.close()
        await eventually(lambda: app.answering == 0, seconds=5)
        await eventually(lambda: 'disconnects_total{phase="streaming"} 1' in gateway._metrics.write({}, {}))


async def test_other_paths_of_the_site_are_out_of_reach() -> None:
    async with carrying() as (_, server, gateway), aiohttp.ClientSession() as http:
        for path in ("/v1/users", "/api/chat/completions", "/v1/../admin", "/v1/chat/completions/../../users"):
            async with http.post(f"{gateway.origin}{path}", json=asked("hi")) as response:
                assert response.status == 404, path
        assert server.seen == []


@pytest.mark.parametrize(
    "name",
    ["..%2F..%2Fapi%2Flogout?x=1", "%2e%2e/%2E%2E/users", "../../users", "..%5Cusers", "a/../../../users", ".", "a//b"],
)
async def test_a_models_name_leads_to_no_other_path_of_the_site(name: str) -> None:
    async with carrying() as (_, server, gateway), aiohttp.ClientSession() as http:
        address = URL(f"{gateway.base_url}/models/{name}", encoded=True)
        async with http.get(address) as response:
            assert response.status == 404
    assert {request.path for request in server.seen} <= {"/api/models"}


@pytest.mark.parametrize("name", ["org%2Fm", "org/m", "a%3Fx=1", "a%23b", "a%0d%0ab", "%252e%252e", "a%20b", "a..b"])
async def test_a_models_name_reaches_the_site_as_it_came(name: str) -> None:
    async with (
        carrying() as (_, server, gateway),
        aiohttp.ClientSession() as http,
        http.get(URL(f"{gateway.base_url}/models/{name}?y=2", encoded=True)) as response,
    ):
        assert response.status == 404
    assert server.seen[-1].raw_path.lower() == f"/api/models/{name}?y=2".lower()


@pytest.mark.parametrize(
    ("path", "method"),
    [
        ("/chat/completions", "POST"),
        ("/completions", "POST"),
        ("/responses", "POST"),
        ("/messages", "POST"),
        ("/messages/count_tokens", "POST"),
        ("/embeddings", "POST"),
        ("/models", "GET"),
        ("/models/gpt-x", "GET"),
    ],
)
def test_what_is_carried_and_how(path: str, method: str) -> None:
    assert is_carried(path, method)
    assert not is_carried(path, {"POST": "GET", "GET": "POST"}[method])
    assert not is_carried(path, "DELETE")


async def test_every_wire_passes_through_another_servers_own() -> None:
    """The other server is a gateway too, in front of the playground: a complete server of that API."""
    async with Playground() as playground, gateway_to(playground) as inner:
        site = Site(f"{inner.origin}/", dialect="openai", probe=Probe("/v1/models"))
        session = make_session(inner.origin)
        async with (
            AuraClient(site, session=session, store="memory") as client,
            Gateway(client, Settings(port=0)) as outer,
            strict_openai(outer) as asker,
            strict_anthropic(outer) as other,
        ):
            events = [event async for event in await asker.responses.create(model=MODEL, input="hello", stream=True)]
            assert events[-1].type == "response.completed"
            assert events[-1].response.output_text == "hello"
            asked: Any = {"model": MODEL, "max_tokens": 9, "messages": [{"role": "user", "content": "hello"}]}
            async with other.messages.stream(**asked) as stream:
                assert await stream.get_final_text() == "hello"
            assert (await other.messages.count_tokens(model=MODEL, messages=asked["messages"])).input_tokens == 6
            with pytest.raises(openai.BadRequestError, match="context length"):
                await asker.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "x" * 70_000}])


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": "Bearer wrong"}, 401),
        ({}, 401),
        ({"Authorization": "Bearer s3cret-key", "Content-Type": "text/plain"}, 415),
    ],
)
async def test_what_is_carried_needs_the_token_and_json_too(headers: dict[str, str], status: int) -> None:
    async with carrying(key="s3cret-key") as (_, server, gateway), aiohttp.ClientSession() as http:
        sent = {"Content-Type": "application/json"} | headers
        async with http.post(f"{gateway.base_url}/chat/completions", data=b"{}", headers=sent) as response:
            assert response.status == status
        assert server.seen == []


async def test_a_stop_ends_a_stream_with_an_error_and_no_second_answer() -> None:
    async with carrying() as (app, _, gateway), aiohttp.ClientSession() as http:
        async with http.post(f"{gateway.base_url}/chat/completions", json=asked("wait", stream=True)) as response:
            await eventually(lambda: app.answering == 1)
            ending = asyncio.create_task(gateway.stop(at_once=True))
            read = b""
            with contextlib.suppress(aiohttp.ClientError):
                async for data in response.content.iter_any():
                    read += data
            await ending
        assert b"HTTP/1.1" not in read
        assert b'data: {"error":{"message":' in read
        assert 'code="gateway_stopping"} 1' in gateway._metrics.write({}, {})


@pytest.mark.parametrize(
    ("kind", "begun", "pinged"),
    [
        ("text/event-stream", b"", True),
        ("text/event-stream; charset=utf-8", EVENTS, True),
        ("text/event-stream", EVENTS[:50], False),
        ("application/json", b"", False),
    ],
)
async def test_silence_of_the_site_is_broken_between_its_events_only(kind: str, begun: bytes, *, pinged: bool) -> None:
    go_on = asyncio.Event()

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": kind})
        await response.prepare(request)
        if begun:
            await response.write(begun)
        await go_on.wait()
        await response.write(b"the rest")
        return response

    patience = Patience(hold=0.1, beat=0.1, tick=0.02)
    async with serving(answer) as (_, origin):
        session = make_session(origin, local_storage={"token": TOKEN})
        async with (
            AuraClient(site_at(origin), session=session, store="memory") as client,
            Gateway(client, Settings(port=0, patience=patience)) as gateway,
            aiohttp.ClientSession() as http,
        ):
            asyncio.get_running_loop().call_later(0.5, go_on.set)
            async with http.post(f"{gateway.base_url}/chat/completions", json=asked("hi")) as response:
                read = await response.read()
    assert (b": ping\n\n" in read) is pinged
    assert read.replace(b": ping\n\n", b"") == begun + b"the rest"


async def test_one_model_is_the_sites_own() -> None:
    async with carrying() as (_, server, gateway), aiohttp.ClientSession() as http:
        async with http.get(f"{gateway.base_url}/models/openchat_3.6") as response:
            assert (response.status, await response.json()) == (404, {"detail": "Not Found"})
        assert server.seen[-1].path == "/api/models/openchat_3.6"


async def test_of_a_requests_headers_those_pass_that_the_api_reads() -> None:
    passed = {"Accept": "a/b", "Content-Type": "application/json; a=b", "anthropic-version": "1", "anthropic-beta": "b"}
    own = {"Cookie": "mine=1", "Authorization": "Bearer mine", "x-api-key": "mine", "X-Other": "mine"}
    async with carrying() as (_, server, gateway), aiohttp.ClientSession() as http:
        url = f"{gateway.base_url}/chat/completions"
        async with http.post(url, data=json.dumps(asked("hi")), headers=passed | own) as response:
            assert response.status == 200
        headers = server.seen[-1].headers
        assert {name: headers[name] for name in passed} == passed
        assert headers["Origin"] == gateway.site.origin
        assert "mine" not in str(headers)
        assert server.seen[-1].raw_path == "/api/chat/completions"


async def test_of_an_answers_headers_those_pass_that_its_reader_needs() -> None:
    passed = {
        "Content-Type": "application/json; a=b",
        "Cache-Control": "no-store",
        "Retry-After": "7",
        "retry-after-ms": "7000",
        "x-should-retry": "true",
    }

    async def answer(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=418, headers=passed | {"Set-Cookie": "sid=s3cret", "X-Other": "s3cret"})

    async with carrying(answer=answer) as (_, _, gateway), aiohttp.ClientSession() as http:
        async with http.post(f"{gateway.base_url}/chat/completions", json=asked("hi")) as response:
            assert (response.status, await response.read()) == (418, b"")
        assert {name: response.headers[name] for name in passed} == passed
        assert "s3cret" not in str(response.headers)


async def test_an_answer_that_is_no_stream_of_events_gets_no_event_when_it_is_ended() -> None:
    begun = asyncio.Event()

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        await response.write(b'{"id": ')
        begun.set()
        await asyncio.Event().wait()
        return response

    async with (
        carrying(answer=answer) as (_, _, gateway),
        aiohttp.ClientSession() as http,
        http.post(f"{gateway.base_url}/chat/completions", json=asked("hi")) as response,
    ):
        await begun.wait()
        assert await response.content.readany() == b'{"id": '
        await gateway.stop(at_once=True)
        with pytest.raises(aiohttp.ClientError):
            await response.content.readany()


async def test_a_request_of_over_32_mib_is_refused_before_it_is_read() -> None:
    async with carrying() as (_, server, gateway):
        for length, status in ((32 * 2**20 + 1, b"413"), (32 * 2**20, b"100")):
            reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
            head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n"
            writer.write(f"{head}Content-Type: application/json\r\nExpect: 100-continue\r\n\r\n".encode())
            assert (await reader.readline()).split()[1] == status
            writer.close()
        assert server.seen == []


async def test_who_waits_for_a_turn_when_the_sites_limit_begins_is_held_back_too() -> None:
    answers = asyncio.Event()

    async def answer(_request: web.BaseRequest) -> web.StreamResponse:
        await answers.wait()
        return web.Response(status=429, headers={"Retry-After": "60"})

    async def ask() -> int:
        async with http.post(f"{gateway.base_url}/chat/completions", json=asked("hi")) as response:
            return response.status

    async with carrying(answer=answer) as (_, server, gateway), aiohttp.ClientSession() as http:
        tasks = [asyncio.create_task(ask()) for _ in range(5)]  # four are asked at once
        await eventually(lambda: (len(server.seen), gateway._core.turns.waiting) == (4, 1))
        answers.set()
        assert await asyncio.gather(*tasks) == [429] * 5
        assert len(server.seen) == 4


async def test_an_answer_that_breaks_off_before_its_first_byte_is_an_error_of_its_own() -> None:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "5"})
        await response.prepare(request)
        assert request.transport is not None
        request.transport.close()
        return response

    async with (
        carrying(answer=answer) as (_, _, gateway),
        aiohttp.ClientSession() as http,
        http.post(f"{gateway.base_url}/chat/completions", json=asked("hi")) as response,
    ):
        error = (await response.json())["error"]
    assert (response.status, error["code"]) == (503, "site_failed")
