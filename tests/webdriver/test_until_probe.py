"""The probe as a condition: a page is ready once the site takes its session, whatever the page itself shows."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from aura_browser import Condition, Probe, Site, assemble
from aura_browser.errors import InvalidInput, LoginNeeded
from aura_browser.site.place import Template
from aura_browser.site.tokens import Auth
from aura_browser.webdriver.harvest import harvest
from tests.parts.servers import Server, serving

# The dead token is there from the beginning, as in a profile that is kept; the page renews it late, or never.
_PAGE = """<!doctype html><body><p id=app>App</p><script>
localStorage.setItem('tokens', JSON.stringify({access: 'dead'}));
document.cookie = 'sid=dead';
const begin = async () => {
  %s
};
setTimeout(begin, 1500);
</script></body>"""
_RENEW = """localStorage.setItem('tokens', JSON.stringify({access: (await (await fetch('/renew')).json()).access}));"""
_SEND = """await fetch('/data', {headers: {Authorization: 'Bearer alive'}});"""


@asynccontextmanager
async def app(script: str, value: str) -> AsyncIterator[tuple[Server, Site]]:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/":
            return web.Response(text=_PAGE % script, content_type="text/html")
        if request.path == "/renew":
            return web.json_response({"access": "alive"})
        is_good = request.headers.get("Authorization") == "Bearer alive"
        return web.json_response({"user": "boss"}, status=200 if is_good else 401)

    async with serving(handle) as (server, origin):
        probe = Probe("/me", good="200 application/json", dropped="401")
        ready = (Condition("selector", "#app"), Condition("probe", ""))
        yield server, Site(f"{origin}/", ready=ready, probe=probe, auth=Auth("Authorization", Template(value)))


@pytest.mark.chrome
@pytest.mark.usefixtures("shared_chrome")
async def test_a_dead_token_is_waited_out_until_the_page_renews_it() -> None:
    async with app(_RENEW, "Bearer {local_storage.tokens.access}") as (_, site):
        manager = assemble(site, store="memory")
        session = await manager.get()
        await manager.aclose()
    assert session.proof == "distinguished"
    assert json.loads(session.local_storage["tokens"]) == {"access": "alive"}


@pytest.mark.chrome
@pytest.mark.usefixtures("shared_chrome")
async def test_a_token_that_only_the_page_knows_is_taken_from_its_requests() -> None:
    async with app(_SEND, "{captured}") as (_, site):
        manager = assemble(site, store="memory")
        session = await manager.get()
        await manager.aclose()
    assert (session.proof, dict(session.tokens)) == ("distinguished", {"captured": "Bearer alive"})
    assert "alive" not in repr(session)


@pytest.mark.chrome
@pytest.mark.usefixtures("shared_chrome")
async def test_a_login_that_is_dead_ends_a_harvest_without_a_window_soon() -> None:
    async with app("", "Bearer {local_storage.tokens.access}") as (_, site):
        manager = assemble(site, store="memory")
        with pytest.raises(LoginNeeded, match="the probe is refused"):
            async with asyncio.timeout(30):
                await manager.get()
        await manager.aclose()


async def test_a_harvest_that_proves_nothing_says_so_before_anything_starts() -> None:
    async with app("", "Bearer {cookie.sid}") as (server, site):
        with pytest.raises(InvalidInput, match="until: the condition probe needs a proof"):
            await harvest(site)
        assert server.seen == []
