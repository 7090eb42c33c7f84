"""What one made-up hostile input costs at each entrance, among few and among many; see ``tests/fuzz``."""

from typing import Final

from tests.bench.measure import Effort
from tests.bench.results import Result, make_series
from tests.fuzz.entrances import ENTRANCES
from tests.fuzz.running import fuzz

NAME: Final = "fuzz"
_SEED: Final = "bench"


def run(effort: Effort) -> list[Result]:
    """Measure each entrance in turn; the time to make the inputs is in it."""
    sizes = (effort.of(500, 5), effort.of(4000, 10))
    return [
        make_series(NAME, f"{name}: time of one input", "ms", [(size, _time_ms(name, size)) for size in sizes])
        for name in ENTRANCES
    ]


def _time_ms(name: str, count: int) -> float:
    return fuzz(name, count, _SEED).seconds * 1000 / count
