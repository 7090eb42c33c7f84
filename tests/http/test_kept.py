"""``refresh="kept"``: a page stays open and renews what only a living browser can, while aiohttp sends the requests."""

import asyncio

import pytest
from aiohttp import web

from aura_browser import AuraClient, Probe, Site, assemble, openchat_site
from aura_browser.playground import Playground
from tests.parts.own_browsers import list_browsers
from tests.parts.servers import serving

pytestmark = pytest.mark.chrome


async def use(client: AuraClient, *, seconds: float, per_second: int) -> list[str]:
    """Ask so often for so long; return the answers."""
    loop = asyncio.get_running_loop()
    end, asked = loop.time() + seconds, []
    while loop.time() < end:
        asked.append(asyncio.create_task(client.complete("hello")))
        await asyncio.sleep(1 / per_second)
    return await asyncio.gather(*asked)


async def check_gate(*, life: float, seconds: float, per_second: int) -> None:
    async with (
        Playground("script", life=life) as server,
        AuraClient(openchat_site(server.origin), store="memory", refresh="kept") as client,
    ):
        answers = await use(client, seconds=seconds, per_second=per_second)
        assert set(answers) == {"hello"}
        assert len(answers) > seconds * per_second / 4
        assert (client.counters.harvests, client.counters.failures) == (1, 0)
        assert client.counters.refreshes >= 1
        assert len(list_browsers()) == sum(seen.path == "/" for seen in server.requests) == 1
    assert len(list_browsers()) == 0


@pytest.mark.soak
async def test_a_cookie_that_only_the_pages_script_renews_lasts() -> None:
    await check_gate(life=5.0, seconds=8.0, per_second=10)


@pytest.mark.soak
async def test_it_lasts_for_a_minute_of_steady_use() -> None:
    await check_gate(life=5.0, seconds=60.0, per_second=20)


async def test_a_session_that_is_refused_is_renewed_by_the_page() -> None:
    async with (
        Playground("script", life=3.0) as server,
        AuraClient(openchat_site(server.origin), store="memory", refresh="kept") as client,
    ):
        assert await client.complete("one") == "one"
        await asyncio.sleep(3.5)  # aiohttp's value is over, and nobody asked for another one
        assert await client.complete("two") == "two"
        assert (client.counters.harvests, client.counters.refreshes) == (1, 1)


async def test_a_page_that_renews_nothing_yet_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aura_browser.webdriver.fetching.held_page.CHANGE_TIMEOUT_S", 0.2)
    is_due, given = False, 0

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        nonlocal given
        response = web.Response(text="<!doctype html>hi", content_type="text/html")
        if (request.path == "/" and not given) or (is_due and request.path == "/me"):
            given += 1
            response.headers["Set-Cookie"] = f"sid={given}; Path=/; HttpOnly; Max-Age=3600"
        return response

    async with serving(handle) as (_server, origin):
        site = Site(f"{origin}/", probe=Probe("/me"))
        manager = assemble(site, store="memory", refresh="kept")
        first = await manager.get()
        refresh = manager._renewal._refresher
        assert refresh is not None
        assert await refresh.try_refresh(first, "early") is None
        is_due = True
        renewed = await refresh.try_refresh(first, "over")
        await manager.aclose()
    assert renewed is not None
    assert [cookie.value for cookie in renewed.cookies] != [cookie.value for cookie in first.cookies]


async def test_a_page_that_cannot_renew_is_followed_by_a_harvest() -> None:
    async with (
        Playground("script", life=3.0) as server,
        AuraClient(openchat_site(server.origin), store="memory", refresh="kept") as client,
    ):
        assert await client.complete("one") == "one"
        server.revoke_all()  # the page's key is no good any more
        assert await client.complete("two") == "two"
        assert client.counters.harvests == 2
