"""A person's everyday Chrome with two profiles, of which it tells the cookies of the one used last."""

import asyncio
from collections.abc import Iterator

import pytest
from aiohttp import web

from aura_browser import AttachChrome, Condition, Session, page_site
from aura_browser.errors import BrowserDied
from aura_browser.webdriver.harvest import harvest
from tests.parts.everyday import ALLOW, EverydayChrome, everyday_chrome
from tests.parts.servers import Server, serving
from tests.parts.waiting import eventually

pytestmark = [pytest.mark.alone, pytest.mark.chrome]


@pytest.fixture
def chrome(monkeypatch: pytest.MonkeyPatch) -> Iterator[EverydayChrome]:
    with everyday_chrome() as (running, base):
        monkeypatch.setenv("XDG_CONFIG_HOME", str(base))
        yield running


async def name_itself(request: web.BaseRequest) -> web.StreamResponse:
    name = request.path.strip("/") or "harvested"
    return web.Response(text="<p>plain", content_type="text/html", headers={"Set-Cookie": f"{name}=1; Path=/"})


async def show(chrome: EverydayChrome, server: Server, url: str, profile: str) -> None:
    """Have the person open *url* in a window of that profile, which is the one used last from then on."""
    before = len(server.seen)
    await asyncio.to_thread(chrome.show, url, profile)
    await eventually(lambda: len(server.seen) > before)
    await asyncio.to_thread(chrome.wait_for_rest)


async def harvest_and_allow(chrome: EverydayChrome, origin: str) -> Session:
    harvesting = asyncio.ensure_future(harvest(page_site(origin), engine=AttachChrome()))
    await asyncio.to_thread(chrome.click, ALLOW, harvesting.done)
    return await harvesting


async def test_only_the_profile_that_was_used_last_is_read(chrome: EverydayChrome) -> None:
    async with serving(name_itself) as (server, origin), serving(name_itself) as (other, elsewhere):
        await show(chrome, server, f"{origin}/first", "Default")
        await show(chrome, other, f"{elsewhere}/second", "Profile 1")
        with pytest.raises(BrowserDied, match=r"in another profile than the one .* Click into a window of that"):
            await harvest_and_allow(chrome, origin)
        await show(chrome, server, f"{origin}/again", "Default")
        names = {cookie.name for cookie in (await harvest_and_allow(chrome, origin)).cookies}
        assert names >= {"first", "again", "harvested"}
        assert "second" not in names


async def test_a_click_into_another_profile_ends_a_harvest(chrome: EverydayChrome) -> None:
    """Chrome would tell the cookies of that profile from then on."""
    async with serving(name_itself) as (server, origin), serving(name_itself) as (other, elsewhere):
        await show(chrome, other, f"{elsewhere}/second", "Profile 1")
        await show(chrome, server, f"{origin}/first", "Default")
        before = len(server.seen)
        never = page_site(origin, (Condition.parse("cookie:second"),))
        harvesting = asyncio.ensure_future(harvest(never, engine=AttachChrome()))
        await asyncio.to_thread(chrome.click, ALLOW, lambda: len(server.seen) > before)
        await asyncio.to_thread(chrome.show, f"{elsewhere}/second", "Profile 1")
        with pytest.raises(BrowserDied, match="another of its profiles was used last"):
            await harvesting
