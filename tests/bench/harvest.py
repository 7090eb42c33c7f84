"""A cold harvest of a plain page, as a whole process, beside Chrome alone printing the same page."""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from aura_browser.playground import serve_in_thread
from aura_browser.webdriver.locate import locate
from tests.bench.measure import Effort, Pair, alternate
from tests.bench.processes import COMMAND, CommandFailed, Cost, run_tree
from tests.bench.results import Goal, Result, make_row
from tests.parts.open_chrome import FLAGS

NAME: Final = "harvest"
_PAIRS: Final = 15
CPU_GOAL: Final = Goal("ratio", 1.15)
WALL_GOAL: Final = Goal("ratio", 1.2)
WITHOUT_DRIVER_GOAL: Final = Goal("ratio", 0.92)
"""Of a harvest without ChromeDriver, beside one with it."""
CONDITION: Final = "selector:textarea"
"""What is waited for: without a condition, a page with scripts is given half a second more to come to rest."""
FLOOR: Final = "chrome --dump-dom"
_SCRIPT: Final = Path(__file__).with_name("harvest_script.py")


def run(effort: Effort) -> list[Result]:
    """Measure the command line, and a script that awaits ``harvest``."""
    with serve_in_thread() as site:

        def floor() -> Cost:
            return dump_dom(site.origin)

        command = _rows("aura-browser harvest", lambda: harvest_command(site.origin), floor, effort.of(_PAIRS))
        script = _rows("await harvest()", lambda: harvest_script(site.origin), floor, effort.of(_PAIRS))
        chrome = _rows_without_driver(site.origin, effort.of(_PAIRS))
    return [*command, *script, *chrome]


def dump_dom(url: str) -> Cost:
    """Have Chrome print the page at *url*, in a new profile: the floor of every harvest."""
    with tempfile.TemporaryDirectory(prefix="bench-profile-", ignore_cleanup_errors=True) as profile:
        cost = run_tree([str(locate().chrome), *FLAGS, f"--user-data-dir={profile}", "--dump-dom", url])
    if "<textarea" not in cost.said:
        raise CommandFailed("Chrome did not print the playground's page")
    return cost


def harvest_command(url: str) -> Cost:
    """Run ``aura-browser harvest URL --until … -o FILE`` with a state folder of its own."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        output = Path(folder) / "session.json"
        command = [COMMAND, "harvest", url, "--until", CONDITION, "-o", str(output)]
        cost = run_tree(command, env={"XDG_STATE_HOME": folder})
        if "user_agent" not in output.read_text("utf-8"):
            raise CommandFailed("the harvest wrote no session")
    return cost


def harvest_script(url: str, engine: str = "selenium") -> Cost:
    """Run the script that awaits ``harvest`` by *engine*."""
    cost = run_tree([sys.executable, str(_SCRIPT), url, engine, CONDITION])
    if "Chrome/" not in cost.said:
        raise CommandFailed("the script printed no user agent")
    return cost


def _rows_without_driver(url: str, count: int) -> list[Result]:
    pairs = alternate(lambda: harvest_script(url, "chrome"), lambda: harvest_script(url), count)
    cpu: list[Pair[float]] = [(one.cpu_s, other.cpu_s) for one, other in pairs]
    wall: list[Pair[float]] = [(one.wall_s, other.wall_s) for one, other in pairs]
    name, beside = "await harvest(engine=Chrome())", "await harvest(engine=Selenium())"
    return [
        make_row(NAME, f"{name}: CPU of all processes", beside, "s", cpu, goal=WITHOUT_DRIVER_GOAL),
        make_row(NAME, f"{name}: wall", beside, "s", wall),
    ]


def _rows(name: str, ours: Callable[[], Cost], floor: Callable[[], Cost], count: int) -> list[Result]:
    pairs = alternate(ours, floor, count)
    cpu: list[Pair[float]] = [(one.cpu_s, other.cpu_s) for one, other in pairs]
    wall: list[Pair[float]] = [(one.wall_s, other.wall_s) for one, other in pairs]
    return [
        make_row(NAME, f"{name}: CPU of all processes", FLOOR, "s", cpu, goal=CPU_GOAL),
        make_row(NAME, f"{name}: wall", FLOOR, "s", wall, goal=WALL_GOAL),
    ]
