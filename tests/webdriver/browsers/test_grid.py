"""A Selenium Grid on this machine, as drivers/grid/start.sh starts it, and harvests in its browsers."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlsplit

import pytest
from selenium import webdriver
from selenium.webdriver.remote.client_config import ClientConfig

from aura_browser import Condition, Grid, openchat_site, page_site
from aura_browser.errors import BrowserDied, GridFailed, NotReady
from aura_browser.playground import Playground
from aura_browser.webdriver.harvest import harvest
from tests.parts.drivers import browse_on_grid
from tests.parts.harvests import works
from tests.parts.hurry import Hurry
from tests.parts.selenium_grid import SeleniumGrid
from tests.parts.servers import page, serving
from tests.parts.waiting import eventually, until

pytestmark = pytest.mark.chrome
PASSWORD: Final = 's3cret/@:ü "\\'


@pytest.fixture(scope="module")
def two_nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeleniumGrid]:
    with SeleniumGrid(tmp_path_factory.mktemp("two")) as grid:
        yield grid


@pytest.mark.soak
def test_two_nodes_serve_a_browser_each(two_nodes: SeleniumGrid) -> None:
    assert [node["availability"] for node in two_nodes.status()["nodes"]] == ["UP", "UP"]
    first, second = browse_on_grid(two_nodes.url), browse_on_grid(two_nodes.url)
    try:
        assert {first.session_id, second.session_id} == set(two_nodes.sessions())
        assert {two_nodes.node_of(str(driver.session_id)) for driver in (first, second)} == {0, 1}
        first.get("data:text/html,<title>over the Grid</title>")
        assert first.title == "over the Grid"
    finally:
        first.quit()
        second.quit()
    until(lambda: not two_nodes.sessions(), "the slots are free again")


async def test_a_grid_serves_a_harvest_as_soon_as_its_slot_is_free(selenium_grid: SeleniumGrid) -> None:
    async with Playground("check-503", check_delay=0.2) as server:
        site = openchat_site(server.origin)
        # Two for one slot: one waits.
        sessions = await asyncio.gather(*(harvest(site, engine=Grid(selenium_grid.url)) for _ in range(2)))
        assert len({session.cookies for session in sessions}) == 2
        assert all([await works(session) for session in sessions])
    await asyncio.to_thread(until, lambda: selenium_grid.sessions() == [], "the Grid is free", 10.0)


async def is_reserved(grid: SeleniumGrid) -> bool:
    return "reserved" in await asyncio.to_thread(grid.sessions)


async def is_full(grid: SeleniumGrid) -> bool:
    return len([key for key in await asyncio.to_thread(grid.sessions) if key != "reserved"]) == 2


async def test_a_harvest_that_fails_or_is_cancelled_frees_its_browser(
    selenium_grid: SeleniumGrid, hurry: Hurry
) -> None:
    never = (Condition.parse("cookie:never"),)
    async with serving(page()) as (_server, origin):
        site = page_site(origin, never)
        with pytest.raises(NotReady, match="cookie:never"):
            await harvest(site, engine=Grid(selenium_grid.url), on_wait=hurry("cookie:never"))
        await asyncio.to_thread(until, lambda: selenium_grid.sessions() == [], "the Grid is free", 10.0)
        harvesting = asyncio.ensure_future(harvest(site, engine=Grid(selenium_grid.url)))
        await eventually(lambda: is_reserved(selenium_grid))
        harvesting.cancel()  # while its browser starts
        with pytest.raises(asyncio.CancelledError):
            await harvesting
    await asyncio.to_thread(until, lambda: selenium_grid.sessions() == [], "the Grid is free", 10.0)


@pytest.mark.soak
async def test_a_person_may_take_longer_than_the_grid_waits_for_the_idle(tmp_path: Path) -> None:
    with SeleniumGrid(tmp_path, nodes=1, session_timeout_s=5) as grid:
        async with serving(page()) as (_server, origin):
            # The Grid looks each 30 s for sessions without a command for 5 s.
            clock = Condition.parse("js:performance.now() > 36000")
            session = await harvest(page_site(origin, (clock,)), engine=Grid(grid.url), timeout_s=80)
        assert session.origin == origin
        await asyncio.to_thread(until, lambda: grid.sessions() == [], "the Grid is free", 10.0)


@pytest.mark.soak
async def test_a_node_killed_in_a_harvest_is_a_clear_error_and_the_next_uses_the_other(tmp_path: Path) -> None:
    never = (Condition.parse("cookie:never"),)
    with SeleniumGrid(tmp_path) as grid:
        async with serving(page()) as (_server, origin):
            waiting = asyncio.Event()
            loop = asyncio.get_running_loop()

            def tell() -> None:
                loop.call_soon_threadsafe(waiting.set)

            harvesting = asyncio.ensure_future(
                harvest(
                    page_site(origin, never),
                    engine=Grid(grid.url),
                    on_wait=lambda _left, _missing: tell(),
                )
            )
            await waiting.wait()
            [session_id] = await asyncio.to_thread(grid.sessions)
            await asyncio.to_thread(lambda: grid.kill_node(grid.node_of(session_id)))
            with pytest.raises(BrowserDied, match="existing session"):
                async with asyncio.timeout(10):
                    await harvesting
            # At once, while the Grid still thinks that the node is there.
            for _ in range(2):
                assert (await harvest(page_site(origin), engine=Grid(grid.url))).origin == origin


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeleniumGrid]:
    with SeleniumGrid(tmp_path_factory.mktemp("guarded"), nodes=1, password=PASSWORD) as grid:
        yield grid


@pytest.mark.soak
async def test_a_grid_with_a_password(guarded: SeleniumGrid) -> None:
    host = urlsplit(guarded.url).netloc
    async with serving(page()) as (_server, origin):
        named = Grid(f"http://grid:{quote(PASSWORD, safe='')}@{host}")
        assert (await harvest(page_site(origin), engine=named)).origin == origin
        for url in (guarded.url, f"http://grid:s3cret-not@{host}"):
            with pytest.raises(GridFailed, match="another user and password") as caught:
                await harvest(page_site(origin), engine=Grid(url))
            assert "s3cret" not in f"{caught.value!r} {caught.value}"


@pytest.mark.soak
def test_a_password_is_in_no_command_line_and_not_in_javas_environment(guarded: SeleniumGrid) -> None:
    assert guarded.status()["ready"] is True
    assert not any("s3cret" in word for process in guarded.processes() for word in process.cmdline())
    java = [process for process in guarded.processes() if process.name() == "java"]
    assert len(java) == 2
    assert not any("GRID_PASSWORD" in process.environ() for process in java)
    wrong = ClientConfig(guarded.url, timeout=20, username="grid", password="wrong")
    with pytest.raises(Exception, match="Authorization Required"):
        webdriver.Remote(guarded.url, options=webdriver.ChromeOptions(), client_config=wrong)


async def test_no_grid_there_is_said_at_once() -> None:
    async with serving(page()) as (_server, origin):
        for url in ("http://127.0.0.1:9", origin):
            began = time.monotonic()
            with pytest.raises(GridFailed, match=f"{url}.*no Grid answers there"):
                await harvest(page_site(origin), engine=Grid(url))
            assert time.monotonic() - began < 20


@pytest.mark.soak
async def test_a_full_grid_is_waited_for_until_the_time_is_over(two_nodes: SeleniumGrid) -> None:
    never = (Condition.parse("cookie:never"),)
    async with serving(page()) as (_server, origin):
        site = page_site(origin, never)
        holding = [asyncio.ensure_future(harvest(site, engine=Grid(two_nodes.url))) for _ in range(2)]
        await eventually(lambda: is_full(two_nodes))
        names = set(await asyncio.to_thread(two_nodes.names))
        assert len(names) == 2, "each is found again by its own name when its program was killed"
        assert all(name.startswith("aura-browser-") for name in names)
        with pytest.raises(GridFailed, match="no browser was free within 2 s"):
            await harvest(site, engine=Grid(two_nodes.url), timeout_s=2)
        for harvesting in holding:
            harvesting.cancel()
        await asyncio.gather(*holding, return_exceptions=True)
    await asyncio.to_thread(until, lambda: two_nodes.sessions() == [], "the Grid is free", 10.0)
