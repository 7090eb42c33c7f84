"""Trouble as a client sees it: each row of the error table, over HTTP, and how often the official clients ask."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from aura_browser import FileStore, SessionKey
from aura_browser.errors import PageFailed, SessionUnreadable, StoreError
from aura_browser.gateway.routes import check_method
from aura_browser.gateway.server import Gateway
from aura_browser.gateway.trouble import describe_trouble
from aura_browser.gateway.wires.problem import Problem
from aura_browser.playground import Playground
from aura_browser.session import Session
from tests.parts.gateways import MODEL, QUICK, gateway_to, question, strict_anthropic, strict_openai
from tests.parts.harvests import Harvests
from tests.parts.lazily import load_lazily
from tests.parts.sessions import make_session
from tests.parts.waiting import eventually

if TYPE_CHECKING:
    import anthropic
    import openai
else:
    anthropic = load_lazily("anthropic")
    openai = load_lazily("openai")


async def ask(gateway: Gateway, body: object, path: str = "/chat/completions") -> tuple[int, dict[str, Any], Any]:
    """Ask once; return status, error and headers."""
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{gateway.base_url}{path}", json=body) as response,
    ):
        return response.status, (await response.json()).get("error", {}), response.headers


@pytest.fixture
def asked(caplog: pytest.LogCaptureFixture) -> Callable[[], int]:
    """Return what counts the requests that the gateway has answered."""
    caplog.set_level(logging.INFO, logger="aura_browser.gateway.handling")
    return lambda: sum("POST" in record.getMessage() for record in caplog.records)


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    async with Playground() as site, gateway_to(site, {"read_timeout": 0.3}) as running:
        yield running


@pytest.mark.parametrize(
    ("command", "status", "code", "retry_after"),
    [
        ("/error Slow down please", 502, "site_failed", None),
        ("/gateway", 503, "site_failed", "5"),
        ("/empty", 502, "empty_answer", None),
        ("/silent-start", 504, "answer_timeout", None),
        ("/dropped", 503, "site_failed", "5"),
        ("/dropped text", 502, "stream_interrupted", None),
        ("/limit 7", 429, "rate_limit_exceeded", "7"),
        ("/limit", 429, "rate_limit_exceeded", "10"),
    ],
)
async def test_failures_of_the_site(
    gateway: Gateway, command: str, status: int, code: str, retry_after: str | None
) -> None:
    seen, error, headers = await ask(gateway, question(command))
    assert (seen, error["code"], headers.get("Retry-After")) == (status, code, retry_after)
    assert set(error) == {"message", "type", "param", "code"}
    assert headers.get("x-should-retry") == ("false" if code == "empty_answer" else None)


@pytest.mark.parametrize(
    ("body", "status", "code", "param"),
    [
        (question("hi") | {"model": "gpt-9"}, 404, "model_not_found", "model"),
        (question("hi") | {"model": None}, 400, "missing_required_parameter", "model"),
        (question("hi") | {"messages": []}, 400, "invalid_value", "messages"),
        (question("hi", n=2), 400, "unsupported_value", "n"),
        (question("x" * 70_000), 400, "context_length_exceeded", "messages"),
        (question("x" * 25_000), 400, "context_length_exceeded", "messages"),
        ({"model": MODEL, "messages": [{"role": "system", "content": "s"}]}, 400, "invalid_value", "messages"),
    ],
)
async def test_requests_that_can_not_be_answered(
    gateway: Gateway, body: object, status: int, code: str, param: str
) -> None:
    seen, error, headers = await ask(gateway, body)
    assert (seen, error["code"], error["param"]) == (status, code, param)
    assert headers["x-request-id"].startswith("req_")


async def test_the_sites_limit_holds_everybody_back() -> None:
    async with Playground() as site, gateway_to(site) as gateway:
        await ask(gateway, question("/limit 7"))
        for path, body in (("/chat/completions", question("hi")), ("/responses", {"model": MODEL, "input": "hi"})):
            status, error, headers = await ask(gateway, body, path)
            assert (status, error["code"]) == (429, "rate_limit_exceeded")
            assert 1 <= int(headers["Retry-After"]) <= 7
        assert site.chats == 1


async def test_a_person_has_to_act_is_403_with_the_command_and_asked_once(asked: Callable[[], int]) -> None:
    needs_person = {"session": "default", "refresh": "never"}
    async with Playground("login-401") as site, gateway_to(site, needs_person) as gateway:
        async with strict_openai(gateway, max_retries=2) as client:
            with pytest.raises(openai.PermissionDeniedError, match="Run: aura-browser harvest http") as caught:
                await client.chat.completions.create(**question("hi"))
        assert caught.value.code == "session_required"
        assert asked() == 1
        async with strict_anthropic(gateway, max_retries=2) as other:
            with pytest.raises(anthropic.PermissionDeniedError, match="aura-browser harvest"):
                await other.messages.create(
                    model=MODEL, max_tokens=9, messages=[{"role": "user", "content": "hi"}], stream=True
                )
        assert asked() == 2


@pytest.mark.slow
async def test_the_official_client_waits_as_the_site_asks(asked: Callable[[], int]) -> None:
    async with Playground(answer="limit 1") as site, gateway_to(site) as gateway:
        loop = asyncio.get_running_loop()
        async with strict_openai(gateway, max_retries=2) as client:
            began = loop.time()
            with pytest.raises(openai.RateLimitError):
                await client.chat.completions.create(**question("hi"))
        assert asked() == 3
        assert loop.time() - began >= 1.9


async def test_a_harvest_that_failed_cools_down() -> None:
    async def harvest() -> Session:
        raise PageFailed("http://127.0.0.1/", "ERR_CONNECTION_REFUSED")

    async with Playground() as site, gateway_to(site, {"session": "default", "harvest": harvest}) as gateway:
        status, error, headers = await ask(gateway, question("hi"))
        assert (status, error["code"], headers["Retry-After"]) == (503, "harvest_failed", "30")
        status, error, headers = await ask(gateway, question("hi"))
        assert (status, error["code"]) == (503, "harvest_cooling_down")
        assert 1 <= int(headers["Retry-After"]) <= 30


@pytest.mark.parametrize("stream", [False, True])
async def test_a_harvest_that_takes_long_is_503_and_goes_on(stream: bool) -> None:  # noqa: FBT001 - a case
    goes_on = asyncio.Event()
    async with Playground("login-401") as site:
        log_in = Harvests(site)

        async def harvest() -> Session:
            await goes_on.wait()
            return await log_in()

        options = {"session": "default", "harvest": harvest}
        async with gateway_to(site, options, patience=QUICK) as gateway:
            status, error, headers = await ask(gateway, question("hi", stream=stream))
            assert (status, error["code"], headers["Retry-After"]) == (503, "harvest_running", "5")
            goes_on.set()
            assert (await ask(gateway, question("hi")))[0] == 200
        assert log_in.count == 1


async def test_an_answer_that_has_begun_is_not_ended_by_another_ones_harvest() -> None:
    goes_on = asyncio.Event()
    async with Playground("login-401") as site:
        log_in = Harvests(site)

        async def harvest() -> Session:
            if log_in.count:
                await goes_on.wait()
            return await log_in()

        options = {"session": "default", "harvest": harvest}
        async with gateway_to(site, options, patience=QUICK) as gateway:
            assert (await ask(gateway, question("hi")))[0] == 200
            slow = asyncio.create_task(ask(gateway, question("/slow 0.2 a b c d e f g h i j")))
            await eventually(lambda: site.answering == 1)
            site.revoke_all()
            status, error, _ = await ask(gateway, question("hi"))
            assert (status, error["code"]) == (503, "harvest_running")
            assert (await slow)[0] == 200
            goes_on.set()


async def test_a_store_that_is_away_is_for_later() -> None:
    error = describe_trouble(StoreError("redis://127.0.0.1", "it can't be used. Check that Redis runs"))
    assert (error.status, error.code) == (503, "store_failed")
    assert describe_trouble(SessionUnreadable("slug", "it is damaged")).status == 403


async def test_an_unknown_model_is_no_reason_for_404_while_the_list_is_not_known() -> None:
    needs_person = {"session": "default", "refresh": "never"}
    async with Playground("login-401") as site, gateway_to(site, needs_person) as gateway:
        status, error, _ = await ask(gateway, question("hi") | {"model": "openchat_v3.2_mistral"})
        assert (status, error["code"]) == (403, "session_required")


async def test_a_menu_of_models_needs_no_session() -> None:
    async with (
        Playground("login-401") as site,
        gateway_to(site, {"session": "default", "refresh": "never"}) as gateway,
        strict_openai(gateway) as client,
    ):
        assert [model.id async for model in client.models.list()] == [MODEL]
        assert site.requests == []


async def test_a_menu_of_models_takes_a_cached_session(state_home: Path) -> None:
    async with Playground() as site:
        store = FileStore(state_home / "aura-browser" / "sessions")
        await store.save(SessionKey(site.origin), make_session(site.origin))
        options = {"session": "default", "refresh": "never", "store": None}
        async with gateway_to(site, options) as gateway, strict_openai(gateway) as client:
            assert [model.id async for model in client.models.list()] == [MODEL, "openchat_v3.2_mistral"]


@pytest.mark.parametrize(
    ("method", "path", "status", "code", "words"),
    [
        ("GET", "/v1/chat/completions", 405, "method_not_allowed", "takes POST"),
        ("POST", "/v1/models", 405, "method_not_allowed", "takes GET"),
        ("POST", "/v1/v1/chat/completions", 404, "unknown_url", "base URL ends with /v1"),
        ("POST", "/v1/chat/completions/chat/completions", 404, "unknown_url", "/v1/chat/completions"),
        ("POST", "/v1/embeddings", 404, "unknown_url", "no embeddings"),
        ("GET", "/api/tags", 404, "unknown_url", "base URL"),
        ("DELETE", "/", 405, "method_not_allowed", "takes GET"),
        ("GET", "/v1x", 404, "unknown_url", "base URL"),
    ],
)
async def test_wrong_paths_and_methods_say_what_is_right(  # noqa: PLR0917 - one case
    gateway: Gateway,
    method: str,
    path: str,
    status: int,
    code: str,
    words: str,
) -> None:
    async with (
        aiohttp.ClientSession() as http,
        http.request(method, f"{gateway.origin}{path}", json={}) as response,
    ):
        error = (await response.json())["error"]
        assert (response.status, error["code"]) == (status, code)
        assert words in error["message"]
        assert ("Allow" in response.headers) == (status == 405)


@pytest.mark.parametrize(
    "path",
    [
        *("audio/speech", "images/generations", "assistants", "threads", "files", "batches", "moderations"),
        *("embeddings", "realtime"),
    ],
)
def test_what_other_servers_have_and_this_one_has_not_is_named(path: str) -> None:
    with pytest.raises(Problem, match=f"no {path.partition('/')[0]}") as caught:
        check_method(f"/{path}", "POST")
    assert (caught.value.status, caught.value.code) == (404, "unknown_url")


async def test_paths_work_without_v1_and_with_a_slash(gateway: Gateway) -> None:
    async with aiohttp.ClientSession() as http:
        for path in ("/chat/completions", "/v1/chat/completions/", "/v1/chat/completions?api-version=1"):
            async with http.post(f"{gateway.origin}{path}", json=question("hi")) as response:
                assert response.status == 200, path
        for path in ("/", "/models", "/v1/models/", "/healthz"):
            async with http.head(f"{gateway.origin}{path}") as response:
                assert response.status == 200, path


async def test_an_answer_that_was_probably_cut_is_marked(caplog: pytest.LogCaptureFixture) -> None:
    async with Playground() as site, gateway_to(site) as gateway, aiohttp.ClientSession() as http:
        for command, marked in (("/long 1000", "true"), ("/long 10", None)):
            async with http.post(f"{gateway.base_url}/chat/completions", json=question(command)) as response:
                answer = await response.json()
            assert response.headers.get("x-aura-probably-cut") == marked
            assert response.headers["x-aura-answer-limit"] == "1000"
            assert answer["choices"][0]["finish_reason"] == "stop"
        assert caplog.text.count("probably cut") == 1
        async with http.post(
            f"{gateway.base_url}/chat/completions", json=question("/long 1000", stream=True)
        ) as response:
            assert ": the site probably cut this answer" in await response.text()
