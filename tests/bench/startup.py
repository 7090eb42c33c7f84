"""What the command line and the imports cost before anything is done."""

import sys
from typing import Final

from tests.bench.measure import Effort, alternate
from tests.bench.processes import COMMAND, first_byte_ms, wall_ms
from tests.bench.results import Goal, Result, Row, make_row

NAME: Final = "startup"
_PYTHON: Final = (sys.executable, "-c")


def run(effort: Effort) -> list[Result]:
    """Measure ``--help``, and both ways to import; the root itself loads nothing before it is used."""
    count = effort.of(25)
    return [
        _row("aura-browser --help", (COMMAND, "--help"), "pass", 60, count),
        _row("import aura_browser", (*_PYTHON, "import aura_browser"), "import aiohttp", 10, count),
        _row(
            "from aura_browser import AuraClient",
            (*_PYTHON, "from aura_browser import AuraClient"),
            "import aiohttp",
            10,
            count,
        ),
        _complete(count),
    ]


def _complete(count: int) -> Row:
    """Measure what bash waits for after a Tab behind a command's name."""
    asked = {"_AURA_BROWSER_COMPLETE": "bash_complete", "COMP_WORDS": "aura-browser exec ", "COMP_CWORD": "2"}
    pairs = [(first_byte_ms((COMMAND,), asked), 0.0) for _ in range(count)]
    return make_row(NAME, "one completion", "nothing", "ms", pairs, goal=Goal("difference", 100))


def _row(name: str, ours: tuple[str, ...], statement: str, most_ms: float, count: int) -> Row:
    pairs = alternate(lambda: wall_ms(ours), lambda: wall_ms((*_PYTHON, statement)), count)
    return make_row(NAME, name, f"python -c '{statement}'", "ms", pairs, goal=Goal("difference", most_ms))
