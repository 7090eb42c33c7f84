"""What a request on a good session costs beside a plain aiohttp POST with the same headers."""

from typing import Final

import msgspec

from tests.bench.measure import Effort, Pair
from tests.bench.processes import in_child
from tests.bench.requests_client import Settings, Way
from tests.bench.results import Goal, Result, make_row
from tests.bench.server import Answer, serve

NAME: Final = "requests"
_WAYS: Final[tuple[tuple[Way, str], ...]] = (
    ("middleware", "one request: manager, middleware, verdict; CPU"),
    ("client", "one request: client.complete, all of it; CPU"),
)


def run(effort: Effort) -> list[Result]:
    """Measure the middleware alone, and the whole client."""
    rows: list[Result] = []
    for way, name in _WAYS:
        with serve(Answer()) as origin:
            settings = Settings(origin=origin, way=way, pairs=effort.of(150), requests=effort.of(60, 5))
            pairs = msgspec.json.decode(in_child("requests_client", settings), type=list[Pair[float]])
        # The whole client also makes the request, which the other side has ready.
        goal = Goal("ratio", 1.05) if way == "middleware" else None
        rows.append(make_row(NAME, name, "aiohttp POST, same headers", "µs", pairs, goal=goal))
    return rows
