"""A cold harvest of a plain page, as a whole process, beside Chrome alone printing the same page."""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from aura_browser.playground import serve_in_thread
from aura_browser.webdriver.browsers.capabilities import FEATURES_OFF
from aura_browser.webdriver.locate import locate
from tests.bench.measure import Effort, Pair, alternate
from tests.bench.processes import COMMAND, CommandFailed, Cost, run_tree
from tests.bench.results import Goal, Result, make_row
from tests.parts.open_chrome import FLAGS

NAME: Final = "harvest"
_PAIRS: Final = 15
CPU_GOAL: Final = Goal("ratio", 0.82)
WALL_GOAL: Final = Goal("ratio", 0.92)
"""Of ``await harvest()``, beside the floor."""
_COMMAND_GOALS: Final = Goal("ratio", 0.95), Goal("ratio", 1.0)
_CHROME_GOALS: Final = Goal("ratio", 0.75), Goal("ratio", 0.85)
_SAME_FEATURES_GOAL: Final = Goal("ratio", 1.05)
_WITHOUT_DRIVER_GOAL: Final = Goal("ratio", 0.92)
CONDITION: Final = "selector:textarea"
"""What is waited for: without a condition, a page with scripts is given half a second more to come to rest."""
FLOOR: Final = "chrome --dump-dom"
_SCRIPT: Final = Path(__file__).with_name("harvest_script.py")


class Measured(NamedTuple):
    """What is measured, and how it is run once."""

    name: str
    run: Callable[[], Cost]


def run(effort: Effort) -> list[Result]:
    """Measure the command line, and a script that awaits ``harvest`` by each engine that starts a Chrome."""
    count = effort.of(_PAIRS)
    with serve_in_thread() as site:
        command = Measured("aura-browser harvest", lambda: harvest_command(site.origin))
        selenium = Measured("await harvest()", lambda: harvest_script(site.origin))
        chrome = Measured("await harvest(engine=Chrome())", lambda: harvest_script(site.origin, "chrome"))
        floor = Measured(FLOOR, lambda: dump_dom(site.origin))
        same = Measured(f"{FLOOR}, the same features off", lambda: dump_dom(site.origin, FEATURES_OFF))
        return [
            *_compare(command, floor, count, *_COMMAND_GOALS),
            *_compare(selenium, floor, count, CPU_GOAL, WALL_GOAL),
            *_compare(selenium, same, count, _SAME_FEATURES_GOAL, _SAME_FEATURES_GOAL),
            *_compare(chrome, floor, count, *_CHROME_GOALS),
            *_compare(chrome, selenium, count, _WITHOUT_DRIVER_GOAL, None),
        ]


def dump_dom(url: str, *flags: str) -> Cost:
    """Have Chrome print the page at *url*, in a new profile: the floor of every harvest."""
    with tempfile.TemporaryDirectory(prefix="bench-profile-", ignore_cleanup_errors=True) as profile:
        cost = run_tree([str(locate().chrome), *FLAGS, *flags, f"--user-data-dir={profile}", "--dump-dom", url])
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


def _compare(
    ours: Measured, theirs: Measured, count: int, cpu_goal: Goal | None, wall_goal: Goal | None
) -> list[Result]:
    """Return the rows of CPU and of wall time."""
    pairs = alternate(ours.run, theirs.run, count)
    cpu: list[Pair[float]] = [(one.cpu_s, other.cpu_s) for one, other in pairs]
    wall: list[Pair[float]] = [(one.wall_s, other.wall_s) for one, other in pairs]
    return [
        make_row(NAME, f"{ours.name}: CPU of all processes", theirs.name, "s", cpu, goal=cpu_goal),
        make_row(NAME, f"{ours.name}: wall", theirs.name, "s", wall, goal=wall_goal),
    ]
