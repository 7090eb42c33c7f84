"""What a benchmark gives: rows, series, and what could not be measured. Also the shape of the JSON."""

from collections.abc import Sequence
from statistics import median
from typing import Literal

import msgspec

from tests.bench.measure import Pair, median_difference, median_ratio


class Goal(msgspec.Struct, frozen=True):
    """What a row should stay within.

    Attributes:
        kind: whether the pairs' ratio or their difference is bounded.
        most: the bound, in the row's unit if it is a difference.
    """

    kind: Literal["ratio", "difference"]
    most: float


class Row(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="row"):
    """One comparison.

    Attributes:
        benchmark: its name.
        name: what was measured.
        versus: what it is compared with.
        unit: of all figures but the ratio.
        ours: one figure a pair.
        theirs: one figure a pair.
        ours_median: of *ours*.
        theirs_median: of *theirs*.
        ratio: the median of the pairs' ratios; None if theirs has a 0.
        difference: the median of the pairs' differences.
        goal: None if it is shown only.
        met: whether the goal was met; None without one.
        note: what else a reader should know.
        load: the machine's load average over a minute when its benchmark began.
    """

    benchmark: str
    name: str
    versus: str
    unit: str
    ours: tuple[float, ...]
    theirs: tuple[float, ...]
    ours_median: float
    theirs_median: float
    ratio: float | None
    difference: float
    goal: Goal | None
    met: bool | None
    note: str = ""
    load: float = 0.0


class Series(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="series"):
    """How the cost of one unit changes as work grows.

    Attributes:
        benchmark: its name.
        name: what grows.
        unit: of the costs.
        sizes: how much work.
        costs: of one unit of it, at each size.
        growth: the last cost by the first; about 1 is a straight line.
    """

    benchmark: str
    name: str
    unit: str
    sizes: tuple[int, ...]
    costs: tuple[float, ...]
    growth: float


class Undone(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="undone"):
    """A row without figures, and why."""

    benchmark: str
    name: str
    reason: str


Result = Row | Series | Undone


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """Where it was measured.

    Attributes:
        cores: that this process may use.
        python: its version.
        chrome: its version, or empty if there is none.
        system: kernel and architecture.
        load: the load average over a minute when it began; above 0.5 or so, figures say little.
    """

    cores: int
    python: str
    chrome: str
    system: str
    load: float


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All of a run, as it is written as JSON."""

    machine: Machine
    quick: bool
    results: tuple[Result, ...]


def add_load(results: Sequence[Result], load: float) -> tuple[Result, ...]:
    """Return *results* with the load average that the machine had before them."""
    return tuple(msgspec.structs.replace(each, load=load) if isinstance(each, Row) else each for each in results)


def make_row(
    benchmark: str,
    name: str,
    versus: str,
    unit: str,
    pairs: Sequence[Pair[float]],
    *,
    goal: Goal | None = None,
    note: str = "",
) -> Row:
    """Return the row of *pairs* (ours, theirs), with its medians and whether it meets *goal*."""
    ours, theirs = tuple(one for one, _ in pairs), tuple(other for _, other in pairs)
    ratio = median_ratio(ours, theirs) if all(theirs) else None
    difference = median_difference(ours, theirs)
    return Row(
        benchmark=benchmark,
        name=name,
        versus=versus,
        unit=unit,
        ours=ours,
        theirs=theirs,
        ours_median=median(ours),
        theirs_median=median(theirs),
        ratio=ratio,
        difference=difference,
        goal=goal,
        met=_met(goal, ratio, difference),
        note=note,
    )


def make_series(benchmark: str, name: str, unit: str, points: Sequence[tuple[int, float]]) -> Series:
    """Return the series of *points* (size, cost of one unit)."""
    sizes, costs = tuple(size for size, _ in points), tuple(cost for _, cost in points)
    return Series(benchmark=benchmark, name=name, unit=unit, sizes=sizes, costs=costs, growth=costs[-1] / costs[0])


def to_json(report: Report) -> bytes:
    """Return *report* as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(report), indent=2)


def _met(goal: Goal | None, ratio: float | None, difference: float) -> bool | None:
    if goal is None:
        return None
    measured = ratio if goal.kind == "ratio" else difference
    return measured is not None and measured <= goal.most
