"""The menu of models: where there is no session, where the site is slow or away, and when a gateway stops meanwhile."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from aura_browser import MemoryStore, Session, SessionKey, openchat_site
from aura_browser.chat.client import AuraClient
from aura_browser.gateway.limits import Hold
from aura_browser.gateway.models import Models
from aura_browser.gateway.wires.problem import Problem
from aura_browser.playground import Playground
from tests.parts.clock import Clock
from tests.parts.gateways import MODEL, gateway_to, question
from tests.parts.servers import serving
from tests.parts.sessions import make_session
from tests.parts.waiting import eventually

OTHER = "openchat_v3.2_mistral"


async def open_nothing() -> Session:
    raise AssertionError("a browser was opened for a menu")


@pytest.fixture
async def site() -> AsyncIterator[Playground]:
    async with Playground() as running:
        yield running


async def listed(gateway_origin: str) -> list[str]:
    async with aiohttp.ClientSession() as http, http.get(f"{gateway_origin}/v1/models") as response:
        assert response.status == 200
        return [model["id"] for model in (await response.json())["data"]]


async def test_a_menu_is_what_is_known_where_the_session_can_not_be_read(
    site: Playground, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    store = MemoryStore()
    newer = make_session(site.origin).to_json().replace('"version": 2', '"version": 3').encode()
    await store.swap(SessionKey(site.origin).slug, None, newer)
    options: dict[str, Any] = {"store": store, "session": None, "harvest": open_nothing}
    async with gateway_to(site, options, aliases={"gpt-4": MODEL, "*": MODEL}) as gateway:
        assert await listed(gateway.origin) == [MODEL, "gpt-4"]
    assert "models are not asked for now" in caplog.text
    assert "a newer aura-browser wrote it" in caplog.text


async def test_a_menu_opens_no_browser(site: Playground) -> None:
    options: dict[str, Any] = {"session": None, "harvest": open_nothing}
    async with gateway_to(site, options) as gateway:
        assert await listed(gateway.origin) == [MODEL]
    assert site.requests == []


class Asked:
    """Stands in for a client whose site answers with its models when it is told to."""

    def __init__(self) -> None:
        self.answers = asyncio.Event()
        self.asked = self.ended = 0

    async def models(self) -> list[Any]:
        self.asked += 1
        try:
            await self.answers.wait()
        finally:
            self.ended += 1
        return []

    async def load_session(self) -> Session:
        return make_session()


def models_of(client: Any, clock: Clock) -> Models:  # noqa: ANN401 - a stand-in
    return Models(client, MODEL, {}, clock, Hold(clock))


async def test_stopping_ends_what_is_asked() -> None:
    client, before = Asked(), asyncio.all_tasks()
    models = models_of(client, Clock())
    asking = asyncio.create_task(models.resolve(OTHER))
    await eventually(lambda: client.asked == 1)
    await models.aclose()
    assert client.ended == 1
    with pytest.raises(Problem, match=r"There is no model 'openchat_v3\.2_mistral'"):
        await asking
    assert asyncio.all_tasks() == before


async def test_a_site_that_names_no_models_has_the_one_that_is_known() -> None:
    client = Asked()
    client.answers.set()
    models = models_of(client, Clock())
    assert await models.list() == [(MODEL, MODEL)]
    assert await models.resolve(MODEL) == MODEL
    with pytest.raises(Problem, match="There are: openchat"):
        await models.resolve(OTHER)


async def test_a_list_is_asked_for_once_by_all_who_wait_and_again_after_five_minutes(site: Playground) -> None:
    clock = Clock()
    async with AuraClient(site.origin, store="memory", session=make_session(site.origin)) as client:
        models = models_of(client, clock)
        assert await asyncio.gather(*(models.resolve(OTHER) for _ in range(5))) == [OTHER] * 5
        for seconds, asked in ((0.0, 1), (299.0, 1), (2.0, 2)):
            clock.now += seconds
            assert [name for name, _ in await models.list()] == [MODEL, OTHER]
            assert [seen.path for seen in site.requests].count("/api/models") == asked
        await models.aclose()


async def test_an_alias_for_any_name_works_where_the_site_has_no_list() -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=404 if request.path == "/api/models" else 200, text="yes")

    async with serving(handle) as (server, origin):
        site = openchat_site(origin)
        async with gateway_to(site, aliases={"*": MODEL}) as gateway, aiohttp.ClientSession() as http:
            for name in ("gpt-4o", "gpt-5"):
                body = question("hi") | {"model": name}
                async with http.post(f"{gateway.base_url}/chat/completions", json=body) as response:
                    assert (response.status, response.headers["x-aura-model"]) == (200, MODEL)
        async with gateway_to(site) as gateway, aiohttp.ClientSession() as http:
            body = question("hi") | {"model": "gpt-4o"}
            async with http.post(f"{gateway.base_url}/chat/completions", json=body) as response:
                assert response.status == 404
                assert (await response.json())["error"]["code"] == "model_not_found"
        assert server.seen


async def test_a_model_is_looked_up_without_a_browser() -> None:
    async with Playground("login-401") as site:
        options = {"session": "default", "harvest": open_nothing}
        async with gateway_to(site, options) as gateway, aiohttp.ClientSession() as http:
            for name, status in ((MODEL, 200), ("other", 404)):
                async with http.get(f"{gateway.base_url}/models/{name}") as response:
                    assert response.status == status


async def test_the_sites_limit_holds_back_its_list_too() -> None:
    asked: list[str] = []

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        asked.append(request.path)
        return web.Response(status=429, headers={"Retry-After": "60"})

    async with (
        serving(handle) as (_, origin),
        gateway_to(openchat_site(origin)) as gateway,
        aiohttp.ClientSession() as http,
    ):
        for name in ("gpt-4o", "gpt-5", MODEL):
            body = question("hi") | {"model": name}
            async with http.post(f"{gateway.base_url}/chat/completions", json=body) as response:
                assert response.status == 429
        async with http.get(f"{gateway.base_url}/models") as response:
            assert response.status == 200
    assert asked == ["/api/models"]


async def test_a_menu_does_not_wait_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aura_browser.gateway.models._MENU_PATIENCE_S", 0.01)
    models = models_of(Asked(), Clock())
    async with asyncio.timeout(20):
        assert await models.list() == [(MODEL, MODEL)]
    await models.aclose()


@pytest.mark.parametrize(
    ("given", "status", "code"),
    [
        (400, 404, "model_not_found"),
        (499, 404, "model_not_found"),
        (500, 502, "site_failed"),
        (399, 502, "site_failed"),
        (503, 503, "site_failed"),
    ],
)
async def test_a_name_is_unknown_where_the_site_has_no_list_and_not_where_its_list_failed(
    given: int, status: int, code: str
) -> None:
    async def handle(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=given)

    async with (
        serving(handle) as (_, origin),
        gateway_to(openchat_site(origin)) as gateway,
        aiohttp.ClientSession() as http,
        http.post(f"{gateway.base_url}/chat/completions", json=question("hi") | {"model": "gpt-4o"}) as response,
    ):
        assert (response.status, (await response.json())["error"]["code"]) == (status, code)


async def test_an_alias_of_no_model_is_named_and_not_exchanged(site: Playground) -> None:
    aliases = {"gpt-4": "typo", "mine": MODEL, "*": MODEL}
    async with gateway_to(site, aliases=aliases) as gateway, aiohttp.ClientSession() as http:
        asked = question("hi") | {"model": "gpt-4"}
        async with http.post(f"{gateway.base_url}/chat/completions", json=asked) as response:
            error = (await response.json())["error"]
        assert (response.status, error["code"]) == (404, "model_not_found")
        assert "There is no model 'typo', which 'gpt-4' stands for. There are: " in error["message"]
        assert await listed(gateway.origin) == [MODEL, OTHER, "mine"]


async def test_a_name_that_is_refused_comes_with_those_that_there_are(site: Playground) -> None:
    said = (
        "There is no model 'gone', which 'gpt-9' stands for. There are: openchat_3.6, openchat_v3.2_mistral, gpt-4. "
        "For a program with a fixed name, start serve with --alias NAME=MODEL."
    )
    async with (
        gateway_to(site, aliases={"gpt-4": MODEL, "*": "gone"}) as gateway,
        aiohttp.ClientSession() as http,
        http.post(f"{gateway.base_url}/chat/completions", json=question("hi") | {"model": "gpt-9"}) as response,
    ):
        error = (await response.json())["error"]
        assert (response.status, error["message"], error["param"]) == (404, said, "model")
        assert response.headers["x-should-retry"] == "false"


async def test_an_alias_is_listed_once_and_any_name_is_looked_up_as_it_is(site: Playground) -> None:
    aliases = {"gpt-4": OTHER, OTHER: MODEL, "*": MODEL}
    async with gateway_to(site, aliases=aliases) as gateway, aiohttp.ClientSession() as http:
        assert await listed(gateway.origin) == [MODEL, OTHER, "gpt-4"]
        for name, shown in (("gpt-4", f"gpt-4 ({OTHER})"), ("any/name", "any/name"), (MODEL, "OpenChat 3.6 (latest)")):
            async with http.get(f"{gateway.base_url}/models/{name}") as response:
                facts = await response.json()
            assert (facts["id"], facts["display_name"], facts["context_length"]) == (name, shown, 8192)
