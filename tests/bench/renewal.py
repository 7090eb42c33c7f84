"""Renewal with a kept profile, or in a browser that is still open, beside a cold harvest."""

from typing import Final

from tests.bench.measure import Effort
from tests.bench.results import Result, Undone

NAME: Final = "renewal"
_REASON: Final = "not built yet: every harvest opens a browser of its own in a new profile"


def run(effort: Effort) -> list[Result]:
    """Say that there is nothing to measure."""
    return [Undone(benchmark=NAME, name=name, reason=_REASON) for name in ("with a kept profile", "in a warm browser")]
