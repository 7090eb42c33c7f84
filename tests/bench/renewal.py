"""A renewal in a program that runs already, with a kept profile or in an open browser, beside a cold harvest."""

import asyncio
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from aura_browser import Attach, Selenium, harvest, openchat_site
from aura_browser.engine import Engine
from aura_browser.playground import serve_in_thread
from aura_browser.webdriver.locate import locate
from tests.bench.harvest import harvest_script
from tests.bench.measure import Effort, alternate
from tests.bench.results import Goal, Result, make_row
from tests.parts.open_chrome import open_chrome

NAME: Final = "renewal"
COLD: Final = "a script that harvests, from its start"


def run(effort: Effort) -> list[Result]:
    """Measure both ways, and a new profile in a running program for comparison."""
    with serve_in_thread() as site, _folder() as folder, open_chrome(folder / "open", str(locate().chrome)) as address:
        ways: dict[str, Engine] = {
            "with a new profile": Selenium(),
            "with a kept profile": Selenium(profile=folder / "profile"),
            "in a browser that is open": Attach(address),
        }
        return [_row(name, engine, site.origin, effort.of(7)) for name, engine in ways.items()]


def _row(name: str, engine: Engine, url: str, count: int) -> Result:
    pairs = alternate(lambda: _renewal_s(engine, url), lambda: harvest_script(url).wall_s, count)
    goal = None if engine == Selenium() else Goal("ratio", 0.6)
    return make_row(NAME, f"{name}: wall", COLD, "s", pairs, goal=goal)


def _renewal_s(engine: Engine, url: str) -> float:
    began = time.perf_counter()
    asyncio.run(harvest(openchat_site(url), engine=engine))
    return time.perf_counter() - began


@contextmanager
def _folder() -> Iterator[Path]:
    # Chrome's last processes may still be writing there.
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)
