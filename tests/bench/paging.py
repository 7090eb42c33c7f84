"""What it costs to have a page of the browser send requests, beside aiohttp; and what an open page costs."""

from typing import Final

import msgspec

from tests.bench.measure import Effort, Pair
from tests.bench.paging_client import Measured, Settings
from tests.bench.processes import in_child
from tests.bench.results import Goal, Result, make_row
from tests.bench.server import Answer, serve

NAME: Final = "page"
_HTTP: Final = "aiohttp"
_PAIRS: Final = 15
_TOKENS_PER_S: Final = 20_000
_IDLE_SHARE: Final = 0.005
_MOST_LATER_S: Final = 0.008


def run(effort: Effort) -> list[Result]:
    """Measure the first text, the speed and the CPU of long answers, five at once, and an open page."""
    first, long = Answer(chunks=1), Answer(chunks=effort.of(20_000, 200), per_write=1)
    pairs = effort.of(_PAIRS)
    early = _measure(first, Settings(pairs=pairs, idle_s=effort.of(10)))
    late = _measure(long, Settings(pairs=effort.of(5), at_once=1))
    several = _measure(long, Settings(pairs=effort.of(3), at_once=5))
    tokens = f"{long.chunks:,} tokens"
    pace = [(ours, long.chunks / _TOKENS_PER_S) for ours, _ in late.wall]
    idle: list[Pair[float]] = [(early.idle_cpu_s, _IDLE_SHARE * early.idle_s)]
    return [
        make_row(NAME, "first text", _HTTP, "s", early.first, goal=Goal("difference", _MOST_LATER_S)),
        make_row(NAME, tokens, f"{_TOKENS_PER_S:,} tokens a second", "s", pace, goal=Goal("ratio", 1.0)),
        make_row(NAME, f"{tokens}: CPU of all processes", _HTTP, "s", late.cpu),
        make_row(NAME, f"{tokens}, five at once", _HTTP, "s", several.wall),
        make_row(NAME, "a page that is only open: CPU", "0.5 % of a core", "s", idle, goal=Goal("ratio", 1.0)),
    ]


def _measure(answer: Answer, settings: Settings) -> Measured:
    with serve(answer) as origin:
        asked = msgspec.structs.replace(settings, origin=origin, characters=answer.characters)
        return msgspec.json.decode(in_child("paging_client", asked), type=Measured)
