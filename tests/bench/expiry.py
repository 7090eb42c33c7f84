"""A thousand streams at once when the session has just expired, beside the same with a good one and one harvest."""

from typing import Final

import msgspec

from tests.bench.expiry_client import Settings, Way
from tests.bench.measure import Effort, Pair
from tests.bench.processes import in_child
from tests.bench.results import Goal, Result, make_row
from tests.bench.server import Answer, serve

NAME: Final = "expiry"
_NOTE: Final = "ours is without the harvest stand-in's own time, measured alone; the program checks that there was one"
_GOAL: Final = Goal("ratio", 1.1)
_HARVEST_S: Final = 1.0  # what a browser takes at least


def run(effort: Effort) -> list[Result]:
    """Measure a session that the site revoked unseen and one whose end was known; short answers and lasting ones."""
    short = Answer(chunks=20, gated=True)
    lasting = Answer(chunks=10, per_write=1, pause_s=0.01 if effort.quick else 0.2, gated=True)
    return [
        _row(effort, "revoked unseen, answers at once", short, "revoked"),
        _row(effort, "revoked unseen, answers of 2 s", lasting, "revoked"),
        _row(effort, "its end was known, answers at once", short, "over"),
        _row(effort, "revoked unseen, answers at once, a harvest of no time", short, "revoked", harvest_s=0.0),
    ]


def _row(effort: Effort, name: str, answer: Answer, way: Way, *, harvest_s: float = _HARVEST_S) -> Result:
    """Measure one case; where the harvest takes no time, nothing hides the refusals, and the row has no goal."""
    streams = effort.of(1000, 5)
    with serve(answer) as origin:
        settings = Settings(
            origin=origin,
            way=way,
            streams=streams,
            pairs=effort.of(9),
            harvest_s=0.0 if effort.quick else harvest_s,
            characters=answer.characters,
        )
        pairs = msgspec.json.decode(in_child("expiry_client", settings), type=list[Pair[float]])
    name = f"{streams:,} streams, {name}"
    return make_row(NAME, name, "with a good session", "s", pairs, goal=_GOAL if harvest_s else None, note=_NOTE)
