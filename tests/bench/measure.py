"""Pairs that take turns, and their medians."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TypeVar

T = TypeVar("T")

Pair = tuple[T, T]


@dataclass(frozen=True)
class Effort:
    """How much to measure.

    Attributes:
        quick: only as much as shows that a benchmark works; its figures mean nothing.
    """

    quick: bool = False

    def of(self, full: int, quick: int = 1) -> int:
        """Return *full*, or *quick* in a quick run."""
        return quick if self.quick else full


def alternate(ours: Callable[[], T], theirs: Callable[[], T], count: int) -> list[Pair[T]]:
    """Run *count* pairs that take turns in who is first; a round before them that warms caches is thrown away."""
    if count > 1:
        ours(), theirs()
    pairs = []
    for ours_first in _turns(count):
        if ours_first:
            one = ours()
            pairs.append((one, theirs()))
        else:
            other = theirs()
            pairs.append((ours(), other))
    return pairs


async def alternate_async(
    ours: Callable[[], Awaitable[T]], theirs: Callable[[], Awaitable[T]], count: int
) -> list[Pair[T]]:
    """Do as :func:`alternate` in one event loop."""
    if count > 1:
        await ours(), await theirs()
    pairs = []
    for ours_first in _turns(count):
        if ours_first:
            one = await ours()
            pairs.append((one, await theirs()))
        else:
            other = await theirs()
            pairs.append((await ours(), other))
    return pairs


def median_ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Return the median of the pairs' ratios, which a drift of the machine changes less than a ratio of medians."""
    return median(one / other for one, other in zip(ours, theirs, strict=True))


def median_difference(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Return the median of the pairs' differences."""
    return median(one - other for one, other in zip(ours, theirs, strict=True))


def _turns(count: int) -> Iterator[bool]:
    return (number % 2 == 0 for number in range(count))
