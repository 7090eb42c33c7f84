"""What the client's own CPU is for long answers, beside aiohttp with a decoder."""

from typing import Final

import msgspec

from tests.bench.measure import Effort, Pair
from tests.bench.processes import MEMORY_IS_KEPT, in_child
from tests.bench.results import Goal, Result, make_row
from tests.bench.server import Answer, serve
from tests.bench.streaming_client import Settings

NAME: Final = "streaming"
_PROCESSES: Final = 5  # a chunk costs 68 µs in one process and 117 in the next, whoever reads it
_PAIRS: Final = 3


def run(effort: Effort) -> list[Result]:
    """Measure many small chunks, few large ones, and small ones that come one at a time as a model's tokens do."""
    small = Answer(chunks=effort.of(200_000, 200))
    large = Answer(repeat=effort.of(10_000), chunks=effort.of(1667), per_write=1)
    apart = Answer(chunks=effort.of(5_000, 10), per_write=1, pause_s=0.0002)
    rows: list[Result] = []
    for name, answer in (
        (f"{small.chunks:,} small chunks, client CPU", small),
        (f"{large.characters / 1e6:.0f} MB in large chunks, client CPU", large),
        (f"{apart.chunks:,} small chunks, each on its own, client CPU", apart),
    ):
        with serve(answer) as origin:
            settings = Settings(origin=origin, pairs=effort.of(_PAIRS), characters=answer.characters)
            pairs = [pair for _ in range(effort.of(_PROCESSES)) for pair in _measure(settings)]
        rows.append(make_row(NAME, name, "aiohttp iter_any, decoded", "s", pairs, goal=Goal("ratio", 1.02)))
    return rows


def _measure(settings: Settings) -> list[Pair[float]]:
    return msgspec.json.decode(in_child("streaming_client", settings, MEMORY_IS_KEPT), type=list[Pair[float]])
