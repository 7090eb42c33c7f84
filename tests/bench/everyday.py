"""What a harvest in a person's everyday Chrome costs once the person has clicked "Allow"."""

import asyncio
import os
import time
from typing import Final
from unittest.mock import patch

from aura_browser import AttachChrome, page_site
from aura_browser.webdriver.harvest import harvest
from tests.bench.measure import Effort, Pair
from tests.bench.processes import CommandFailed
from tests.bench.results import Goal, Result, make_row
from tests.parts.everyday import ALLOW, EverydayChrome, everyday_chrome
from tests.parts.servers import page, serving

NAME: Final = "everyday"
_PAIRS: Final = 9
_MOST_S: Final = 0.15
_COOKIE: Final = {"Set-Cookie": "sid=1; Path=/; HttpOnly"}


def run(effort: Effort) -> list[Result]:
    """Measure from the click that had an effect to the session, at a plain page."""
    with everyday_chrome() as (chrome, config), patch.dict(os.environ, {"XDG_CONFIG_HOME": str(config)}):
        took = asyncio.run(_measure(chrome, effort.of(_PAIRS)))
    pairs: list[Pair[float]] = [(each, 0.0) for each in took]
    goal = Goal("difference", _MOST_S)
    return [make_row(NAME, "from Allow to the session", "nothing", "s", pairs, goal=goal)]


async def _measure(chrome: EverydayChrome, count: int) -> list[float]:
    async with serving(page("<p>plain", headers=_COOKIE)) as (_, origin):
        return [await _time_harvest(chrome, origin) for _ in range(count)]


async def _time_harvest(chrome: EverydayChrome, origin: str) -> float:
    """Return the seconds from the click to the end of one harvest; clicks come further apart than that."""
    await asyncio.to_thread(chrome.wait_for_rest)
    harvesting = asyncio.ensure_future(harvest(page_site(origin), engine=AttachChrome()))
    await asyncio.to_thread(chrome.wait_for_question)
    clicking = asyncio.ensure_future(asyncio.to_thread(chrome.click, ALLOW, harvesting.done))
    session = await harvesting
    ended = time.monotonic()
    await clicking
    if [cookie.name for cookie in session.cookies] != ["sid"]:
        raise CommandFailed("the harvest in the everyday Chrome brought no cookie")
    return ended - chrome.clicked_at
