"""A person's everyday Chrome with two profiles."""

import asyncio
from collections.abc import Iterator

import pytest
from aiohttp import web
from yarl import URL

from aura_browser import Attach, AttachChrome, Condition, Session, page_site
from aura_browser.errors import BrowserDied
from aura_browser.webdriver.harvest import harvest
from tests.parts.everyday import ALLOW, EverydayChrome, everyday_chrome
from tests.parts.servers import Server, serving
from tests.parts.waiting import eventually

pytestmark = pytest.mark.chrome


@pytest.fixture
def chrome(monkeypatch: pytest.MonkeyPatch) -> Iterator[EverydayChrome]:
    with everyday_chrome() as (running, base):
        monkeypatch.setenv("XDG_CONFIG_HOME", str(base))
        yield running


class Site:
    """A site whose addresses set a cookie of their name; its page asks for ``/late`` until that is given."""

    def __init__(self) -> None:
        self.is_late = False

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        name = request.path.strip("/") or "harvested"
        is_set = self.is_late or name != "late"
        headers = {"Set-Cookie": f"{name}=1; Path=/"} if is_set else {}
        script = "<script>setInterval(() => fetch('/late'), 100)</script>" if name == "harvested" else ""
        return web.Response(text=f"<p>plain{script}", content_type="text/html", headers=headers)


def count(server: Server, url: str) -> int:
    """Return how often that page was asked for; Chrome asks for a site's icon too, at any time."""
    return [request.path for request in server.seen].count(URL(url).path)


async def show(chrome: EverydayChrome, server: Server, url: str, profile: str) -> None:
    """Have the person open *url* in a window of that profile, which is the one used last from then on."""
    before = count(server, url)
    await asyncio.to_thread(chrome.show, url, profile)
    await eventually(lambda: count(server, url) > before)
    await asyncio.to_thread(chrome.wait_for_rest)


async def harvest_and_allow(chrome: EverydayChrome, origin: str) -> Session:
    harvesting = asyncio.ensure_future(harvest(page_site(origin), engine=AttachChrome()))
    await asyncio.to_thread(chrome.click, ALLOW, harvesting.done)
    return await harvesting


@pytest.mark.alone
async def test_a_tab_is_opened_in_the_profile_that_was_used_last_only(chrome: EverydayChrome) -> None:
    async with serving(Site().handle) as (server, origin), serving(Site().handle) as (other, elsewhere):
        await show(chrome, server, f"{origin}/first", "Default")
        await show(chrome, other, f"{elsewhere}/second", "Profile 1")
        with pytest.raises(BrowserDied, match=r"in another profile than the one .* Click into a window of that"):
            await harvest_and_allow(chrome, origin)
        await show(chrome, server, f"{origin}/again", "Default")
        names = {cookie.name for cookie in (await harvest_and_allow(chrome, origin)).cookies}
        assert names >= {"first", "again", "harvested"}
        assert "second" not in names


@pytest.mark.parametrize(
    "asks",
    [pytest.param(True, marks=[pytest.mark.alone, pytest.mark.soak], id="everyday"), pytest.param(False, id="port")],
)
async def test_a_click_into_another_profile_changes_nothing(
    asks: bool,  # noqa: FBT001 - from the table above
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In a tab, ``Storage.getCookies`` is about the profile that was used last."""
    site = Site()
    with everyday_chrome(*(() if asks else ("--remote-debugging-port=0",))) as (chrome, base):
        monkeypatch.setenv("XDG_CONFIG_HOME", str(base))
        port = (chrome.folder / "DevToolsActivePort").read_text("ascii").partition("\n")[0]
        engine = AttachChrome() if asks else Attach(f"127.0.0.1:{port}")
        async with serving(site.handle) as (server, origin), serving(Site().handle) as (other, elsewhere):
            await show(chrome, other, f"{elsewhere}/second", "Profile 1")
            await show(chrome, server, f"{origin}/first", "Default")
            late = page_site(origin, (Condition.parse("cookie:late"),))
            harvesting = asyncio.ensure_future(harvest(late, engine=engine, timeout_s=30))
            if asks:
                await asyncio.to_thread(chrome.click, ALLOW, lambda: count(server, f"{origin}/late"))
            await eventually(lambda: count(server, f"{origin}/late"))
            await show(chrome, other, f"{elsewhere}/second", "Profile 1")
            site.is_late = True
            names = {cookie.name for cookie in (await harvesting).cookies}
            if not asks:
                before = count(server, origin)
                with pytest.raises(BrowserDied, match="in another profile than the one"):
                    await harvest(page_site(origin), engine=engine, timeout_s=30)
                assert count(server, origin) == before
    assert names >= {"first", "harvested", "late"}
    assert "second" not in names
