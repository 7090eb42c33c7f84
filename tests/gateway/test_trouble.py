"""Trouble as a client sees it: each row of the error table, over HTTP, and how often the official clients ask."""

import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp import web

from aura_browser import FileStore, SessionKey
from aura_browser.errors import (
    AnswerTimeout,
    AuraError,
    BrowserDied,
    BrowserError,
    ConnectionFailed,
    EmptyAnswer,
    GridFailed,
    HarvestCoolingDown,
    InteractionRequired,
    InvalidInput,
    LaunchFailed,
    PageFailed,
    RateLimited,
    SessionLocked,
    SessionProtected,
    SessionRefused,
    SessionUnreadable,
    SiteFailed,
    StoreError,
    StreamInterrupted,
)
from aura_browser.gateway.routes import check_method, is_anthropic
from aura_browser.gateway.server import Gateway
from aura_browser.gateway.trouble import describe_trouble
from aura_browser.gateway.wires.problem import Problem
from aura_browser.playground import Playground
from aura_browser.session import Session
from tests.parts.gateways import MODEL, QUICK, gateway_to, question, strict_anthropic, strict_openai
from tests.parts.harvests import Harvests
from tests.parts.lazily import load_lazily
from tests.parts.servers import serving
from tests.parts.sessions import make_session
from tests.parts.waiting import eventually

if TYPE_CHECKING:
    import anthropic
    import openai
else:
    anthropic = load_lazily("anthropic")
    openai = load_lazily("openai")

FINAL = {"x-should-retry": "false"}
PATHS = "/v1/chat/completions, /v1/responses, /v1/completions, /v1/messages, /v1/models"
BOTH_BASES = "A program's base URL ends with /v1 (for Anthropic's: without it)"


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
    async with Playground() as site, gateway_to(site) as running:
        yield running


@pytest.mark.parametrize(
    ("command", "status", "code", "retry_after"),
    [
        ("/error Slow down please", 502, "site_failed", None),
        ("/gateway", 503, "site_failed", "5"),
        ("/empty", 502, "empty_answer", None),
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


async def test_silence_of_the_site() -> None:
    async with Playground() as site, gateway_to(site, {"read_timeout": 0.3}) as gateway:
        status, error, _ = await ask(gateway, question("/silent-start"))
        assert (status, error["code"]) == (504, "answer_timeout")


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


@pytest.mark.parametrize("fields", [{"stream": False}, {"stream": True}, {"model": "not-known-yet"}])
async def test_a_harvest_that_takes_long_is_503_and_goes_on(fields: dict[str, Any]) -> None:
    goes_on = asyncio.Event()
    async with Playground("login-401") as site:
        log_in = Harvests(site)

        async def harvest() -> Session:
            await goes_on.wait()
            return await log_in()

        options = {"session": "default", "harvest": harvest}
        async with gateway_to(site, options, patience=QUICK) as gateway:
            status, error, headers = await ask(gateway, question("hi", **fields))
            assert (status, error["code"], headers["Retry-After"]) == (503, "harvest_running", "5")
            goes_on.set()
            await eventually(lambda: not gateway._client.is_harvesting)  # which may take longer than a question waits
            assert (await ask(gateway, question("hi")))[0] == 200
        assert log_in.count == 1


@pytest.mark.slow
@pytest.mark.parametrize("words", ["0.2 a b c d e f g h i j", "2 late"], ids=["begun", "awaited"])
async def test_an_answer_of_the_site_is_not_ended_by_another_ones_harvest(words: str) -> None:
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
            slow = asyncio.create_task(ask(gateway, question(f"/slow {words}")))
            await eventually(lambda: site.answering == 1)
            site.revoke_all()
            status, error, _ = await ask(gateway, question("hi"))
            assert (status, error["code"]) == (503, "harvest_running")
            assert (await slow)[0] == 200
            goes_on.set()


@pytest.mark.parametrize(
    ("error", "status", "code", "headers"),
    [
        (InvalidInput("temperature", "is too hot"), 400, "invalid_value", FINAL),
        (HarvestCoolingDown(2.1, "it failed"), 503, "harvest_cooling_down", {"Retry-After": "3"}),
        (BrowserDied("http://a/", "it crashed"), 503, "harvest_failed", {"Retry-After": "30"}),
        (PageFailed("http://a/", "x"), 503, "harvest_failed", {"Retry-After": "30"}),
        (LaunchFailed("/chrome", "it ended"), 503, "harvest_failed", {"Retry-After": "30"}),
        (GridFailed("http://grid", "it is full"), 503, "harvest_failed", {"Retry-After": "30"}),
        (StoreError("redis://127.0.0.1", "it is away"), 503, "store_failed", {"Retry-After": "5"}),
        (SessionUnreadable("slug", "it is damaged"), 403, "session_required", FINAL),
        (SessionLocked("slug", "it is locked"), 403, "session_required", FINAL),
        (SessionProtected("slug", "it is protected"), 403, "session_required", FINAL),
        (SessionRefused("http://a/", 401, "status 401", "Log in."), 403, "session_required", FINAL),
        (InteractionRequired("It is over.", "aura-browser harvest"), 403, "session_required", FINAL),
        (BrowserError(), 403, "session_required", FINAL),
        (RateLimited("http://a/", 0.2), 429, "rate_limit_exceeded", {"Retry-After": "1"}),
        (RateLimited("http://a/", None), 429, "rate_limit_exceeded", {"Retry-After": "10"}),
        (ConnectionFailed("http://a/", "it is away"), 503, "site_failed", {"Retry-After": "5"}),
        *((SiteFailed("http://a/", each, "x"), 503, "site_failed", {"Retry-After": "5"}) for each in (502, 503, 504)),
        (SiteFailed("http://a/", 503, "x", 6.5), 503, "site_failed", {"Retry-After": "7"}),
        *((SiteFailed("http://a/", each, "x"), 502, "site_failed", FINAL) for each in (400, 499)),
        *((SiteFailed("http://a/", each, "x"), 502, "site_failed", {}) for each in (399, 500, 505)),
        (EmptyAnswer("http://a/"), 502, "empty_answer", FINAL),
        (AnswerTimeout("http://a/", 3.0), 504, "answer_timeout", {}),
        (StreamInterrupted("http://a/", "it broke off", "so far"), 502, "stream_interrupted", {}),
        (AuraError("x"), 502, "site_failed", {}),
    ],
)
def test_each_error_says_whether_to_try_again(
    error: AuraError, status: int, code: str, headers: dict[str, str]
) -> None:
    problem = describe_trouble(error)
    assert (problem.status, problem.code, problem.headers) == (status, code, headers)
    assert problem.message == str(error)
    assert problem.param == (error.name if isinstance(error, InvalidInput) else None)


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
        assert response.headers.get("Allow") == (None if status != 405 else "POST" if method == "GET" else "GET, HEAD")
        assert response.headers["x-should-retry"] == "false"


@pytest.mark.parametrize(
    ("path", "method", "message"),
    [
        (
            "/responses",
            "GET",
            "/responses takes POST, not GET. A program sends the question there; to see the models, open /v1/models.",
        ),
        ("/models", "POST", "/models takes GET, HEAD, not POST."),
        ("/embeddings", "POST", "There are no embeddings here: the site answers chats only."),
        (
            "/api/chat",
            "POST",
            f"There is nothing at /api/chat. A program's base URL ends with /v1; there are {PATHS}.",
        ),
        (
            "/v1/messages",
            "POST",
            f"There is nothing at /v1/messages. {BOTH_BASES}; there are {PATHS}.",
        ),
    ],
)
def test_what_is_right_instead_is_said_in_words(path: str, method: str, message: str) -> None:
    with pytest.raises(Problem) as caught:
        check_method(path, method)
    assert caught.value.message == message


@pytest.mark.parametrize(
    ("path", "method"),
    [
        *((path, "POST") for path in ("/chat/completions", "/responses", "/completions", "/messages")),
        ("/messages/count_tokens", "POST"),
        *(
            (path, method)
            for path in ("/", "/healthz", "/metrics", "/models", "/models/m")
            for method in ("GET", "HEAD")
        ),
    ],
)
def test_what_there_is_takes_these_methods_alone(path: str, method: str) -> None:
    check_method(path, method)
    with pytest.raises(Problem):
        check_method(path, "PUT")


@pytest.mark.parametrize(
    ("path", "headers", "is_one"),
    [
        ("/messages", {}, True),
        ("/messages/count_tokens", {}, True),
        ("/models", {"anthropic-version": "2023-06-01"}, True),
        ("/models", {}, False),
        ("/chat/completions", {}, False),
    ],
)
def test_a_client_of_anthropic_is_known_by_its_path_or_its_header(
    path: str, headers: dict[str, str], *, is_one: bool
) -> None:
    assert is_anthropic(path, headers) is is_one


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


@pytest.mark.parametrize(("characters", "marked"), [(3996, None), (3997, "true")])
async def test_an_answer_of_as_many_tokens_as_the_site_gives_was_probably_cut(
    gateway: Gateway, characters: int, marked: str | None
) -> None:
    _, _, headers = await ask(gateway, question("x" * characters))
    assert headers.get("x-aura-probably-cut") == marked
    _, _, headers = await ask(gateway, question("x" * 5000, max_tokens=1000))
    assert "x-aura-probably-cut" not in headers, "the client wanted no more"


async def test_the_mark_of_a_stream_that_was_probably_cut_is_a_comment_of_its_own(gateway: Gateway) -> None:
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{gateway.base_url}/chat/completions", json=question("/long 1000", stream=True)) as response,
    ):
        *_, comment, last, done, rest = (await response.text()).split("\n\n")
    assert (comment, done, rest) == (": the site probably cut this answer at its own limit", "data: [DONE]", "")
    assert last.startswith("data: {")


FITS = "x" * 25_949
LONGER = "x" * 25_953


@pytest.mark.parametrize(
    ("messages", "needed", "message"),
    [
        ([{"role": "system", "content": FITS}, {"role": "user", "content": "hi"}], 0, ""),
        (
            [{"role": "system", "content": LONGER}, {"role": "user", "content": "hi"}],
            8193,
            (
                "This model's maximum context length is 8192 tokens. However, your messages need about 8193 tokens "
                "(768 of them for the answer). Please reduce the length of the messages."
            ),
        ),
        ([{"role": "user", "content": "x" * 24_576}], 0, ""),
        (
            [{"role": "user", "content": "x" * 24_577}],
            7027,
            (
                "This model's maximum context length is 7021 tokens. However, your messages need about 7027 tokens "
                "(the last message has 24577 characters, and the site takes 24576). "
                "Please reduce the length of the messages."
            ),
        ),
    ],
    ids=["as long as fits", "longer", "as long as the last one may be", "longer than the last one may be"],
)
async def test_what_just_fits_is_asked_and_a_token_more_is_refused_with_the_numbers(
    gateway: Gateway, messages: list[dict[str, str]], needed: int, message: str
) -> None:
    status, error, headers = await ask(gateway, question("") | {"messages": messages})
    assert (status, error.get("message", "")) == (400 if needed else 200, message)
    assert headers.get("x-should-retry") == ("false" if needed else None)


async def test_an_empty_prompt_is_refused_by_the_field_that_it_came_in(gateway: Gateway) -> None:
    said = "prompt: has nothing to answer: the last message must have text"
    status, error, _ = await ask(gateway, {"model": MODEL, "prompt": ""}, "/completions")
    assert (status, error["code"], error["param"], error["message"]) == (400, "invalid_value", "prompt", said)


async def test_who_waits_for_a_turn_when_the_sites_limit_begins_is_held_back_too() -> None:
    asked, answers = [], asyncio.Event()

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        asked.append(request.path)
        await answers.wait()
        return web.Response(status=429, headers={"Retry-After": "60"})

    async with serving(handle) as (_, origin), gateway_to(origin, upstream_concurrency=1) as gateway:
        first, second = (asyncio.create_task(ask(gateway, question("hi"))) for _ in range(2))
        await eventually(lambda: gateway._core.turns.waiting == 1)
        answers.set()
        assert [(await each)[0] for each in (first, second)] == [429, 429]
    assert asked == ["/api/chat"]


async def test_who_comes_during_the_sites_limit_does_not_wait_for_a_turn() -> None:
    answers = asyncio.Event()

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/api/chat":
            await answers.wait()
        return web.Response(status=429, headers={"Retry-After": "60"})

    async with serving(handle) as (server, origin), gateway_to(origin, upstream_concurrency=1) as gateway:
        first = asyncio.create_task(ask(gateway, question("hi")))
        await eventually(lambda: len(server.seen) == 1)
        assert (await ask(gateway, question("hi") | {"model": "gpt-4o"}))[0] == 429, "its list is limited"
        async with asyncio.timeout(20):
            assert (await ask(gateway, question("hi")))[0] == 429
        answers.set()
        await first


async def test_the_context_window_is_the_gateways_own() -> None:
    async with Playground() as site, gateway_to(site, {"max_tokens": 4000}) as gateway:
        await ask(gateway, question("hi"))
        assert json.loads(site.requests[-1].body)["model"]["tokenLimit"] == 8192


async def test_what_may_begin_a_stop_sequence_is_given_at_the_end(gateway: Gateway) -> None:
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{gateway.base_url}/chat/completions", json=question("one thr", stop="three")) as response,
    ):
        (choice,) = (await response.json())["choices"]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("one thr", "stop")


@pytest.mark.parametrize("path", ["/chat/completions", "/messages"])
async def test_a_bug_ends_one_request_with_an_error_in_the_clients_form(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    body = question("hi", max_tokens=9)
    with monkeypatch.context() as broken:
        broken.setattr("aura_browser.gateway.core.Core.begin", None)
        status, error, headers = await ask(gateway, body, path)
    said = "The gateway failed: a bug in aura-browser. Its log says more (serve --debug)."
    assert (status, error["message"], headers["x-should-retry"]) == (500, said, "false")
    assert error.get("code") == ("internal_error" if path == "/chat/completions" else None)
    assert (await ask(gateway, body, path))[0] == 200


async def test_a_response_says_whose_it_is_and_its_own_name() -> None:
    async with Playground() as site, gateway_to(site) as gateway:
        for path, is_anthropics in (("/chat/completions", False), ("/messages", True)):
            _, _, headers = await ask(gateway, question("hi", max_tokens=9), path)
            assert headers["Server"] == "aura-browser"
            assert re.fullmatch(r"req_[0-9a-f]{24}", headers["x-request-id"])
            assert headers.get("request-id") == (headers["x-request-id"] if is_anthropics else None)


async def test_the_log_has_a_line_for_each_request(gateway: Gateway, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="aura_browser.gateway.handling")
    await ask(gateway, question("12345"))
    await ask(gateway, question("hi") | {"model": None})
    lines = [re.sub(r"\d+ ms", "N ms", record.getMessage()) for record in caplog.records]
    ids = [re.findall(r"req_\w+", line)[0] for line in lines]
    assert lines == [
        f"POST /v1/chat/completions 200 N ms, about 2 tokens, {ids[0]} ",
        f"POST /v1/chat/completions 400 N ms, about 0 tokens, {ids[1]} missing_required_parameter",
    ]
