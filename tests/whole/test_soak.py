"""A minute of steady use: a session that slides on, one that ends every few seconds, and a dead site; a burst."""

import asyncio
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from aura_browser import AuraClient
from aura_browser.playground import Playground
from tests.parts.fleet_worker import Settings, reports_of, workers
from tests.parts.scratch import browsers_left
from tests.parts.servers import serving
from tests.parts.sessions import make_session

pytestmark = pytest.mark.soak
SECONDS = 60.0


class DeadSite:
    """A site whose page is fine and whose every answer is 401, whatever the browser brought."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.page_loads = 0


@asynccontextmanager
async def dead_site() -> AsyncIterator[DeadSite]:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if request.path != "/":
            return web.Response(status=401, text="no")
        site.page_loads += 1
        page = '<!doctype html><body><textarea placeholder="Type a message or ..."></textarea></body>'
        return web.Response(text=page, content_type="text/html")

    async with serving(handle) as (_server, origin):
        site = DeadSite(origin)
        yield site


async def a_sliding_session_is_harvested_once(store: Path, scratch: Path) -> None:
    async with Playground("check-503", sliding=True, life=10) as site:
        load = Settings(origin=site.origin, store=str(store), scratch=str(scratch), tasks=30, spread_s=SECONDS)
        async with workers(load) as running:
            running[0].go()
            [report] = await reports_of(running)
        assert report.errors == []
        assert report.right == 30
        assert report.after.rotations == 30
        assert report.after.renewals == {"missing": 1}
        assert site.page_loads == 1


async def a_session_that_ends_all_the_time_is_replaced_unseen(store: Path, scratch: Path, life: float) -> None:
    async with Playground("check-503", life=life, check_delay=0.3) as site:
        load = Settings(
            origin=site.origin, store=str(store), scratch=str(scratch), first=True, tasks=1200, spread_s=SECONDS
        )
        async with workers(load) as running:
            running[0].go()
            [report] = await reports_of(running)
        assert report.errors == []
        assert report.right == 1200
        assert report.after.waits == report.before.waits, f"a life is {life:.0f} s, harvests took {report.harvests_s}"
        assert report.after.refusals == 0
        renewals = report.after.renewals
        assert set(renewals) == {"missing", "early"}
        assert renewals["missing"] == 1
        # A session is used for a whole life at most, and for two fifths of it at least.
        assert SECONDS / life - 1 <= renewals["early"] <= SECONDS / (0.4 * life)
        # One more may have been under way at the end.
        assert 0 <= site.page_loads - sum(renewals.values()) <= 1


async def a_dead_site_costs_few_browsers(store: Path, scratch: Path) -> None:
    async with dead_site() as site:
        each = [
            Settings(
                origin=site.origin,
                store=str(store),
                scratch=str(scratch),
                tasks=63 if n < 4 else 62,
                spread_s=SECONDS,
                limit_s=20,
            )
            for n in range(8)
        ]
        async with workers(*each) as running:
            for worker in running:
                worker.go()
            reports = await reports_of(running)
        errors = Counter(kind for report in reports for kind, _ in report.errors)
        assert sum(errors.values()) == 500
        assert set(errors) == {"SessionRefused", "HarvestCoolingDown"}
        assert all("401" in text for report in reports for _, text in report.errors)
        # Two failures are at least 30 s apart and the third another 60 s, so a third does not fit into the minute.
        assert 1 <= site.page_loads <= 2
        assert sum(report.after.harvests for report in reports) == site.page_loads


async def bearable_life() -> float:
    """Return 10 s, or what is as hard where a browser takes longer than 2 s to start."""
    async with Playground("check-503", check_delay=0.3) as site, AuraClient(site.origin, store="memory") as client:
        began = time.monotonic()
        await client.session()
        return max(10.0, 5 * (time.monotonic() - began))


@pytest.mark.chrome
async def test_a_minute_of_a_sliding_a_short_and_a_dead_session(tmp_path: Path) -> None:
    """The three run beside each other, to take one minute and not three."""
    life = await bearable_life()
    # A short path, as Chrome puts a socket below it.
    with tempfile.TemporaryDirectory(prefix="soak-") as name:
        scratch = Path(name)
        async with asyncio.TaskGroup() as group:
            group.create_task(a_sliding_session_is_harvested_once(tmp_path / "sliding", scratch))
            group.create_task(a_session_that_ends_all_the_time_is_replaced_unseen(tmp_path / "short", scratch, life))
            group.create_task(a_dead_site_costs_few_browsers(tmp_path / "dead", scratch))
        assert browsers_left(scratch) == []


async def test_a_steady_load_after_a_burst_meets_no_connection_that_the_site_closes() -> None:
    """The burst leaves idle connections, so many that the load takes each up when the site closes it, after 5 s."""
    async with Playground() as site, AuraClient(site.origin, session=make_session(site.origin)) as client:
        burst, load = [f"burst {n}" for n in range(101)], [f"load {n}" for n in range(200)]
        assert await asyncio.gather(*(client.complete(question) for question in burst)) == burst
        began = asyncio.get_running_loop().time()

        async def paced(question: str, at: float) -> str:
            await asyncio.sleep(at - asyncio.get_running_loop().time())  # the pace of the load: 20 requests/s
            return await client.complete(question)

        answers = asyncio.gather(*(paced(question, began + n / 20) for n, question in enumerate(load)))
        assert await answers == load
