"""Results as text for people."""

from collections.abc import Iterable, Sequence

from tests.bench.results import Report, Result, Row, Series, Undone

_HEAD = ("benchmark", "what", "compared with", "ours", "theirs", "ratio", "load", "goal", "")


def report_text(report: Report) -> str:
    """Return all of *report*: the machine, the table, the series, the notes."""
    machine = report.machine
    parts = [
        f"{machine.cores} cores, Python {machine.python}, {machine.chrome or 'no Chrome'}, {machine.system}, "
        f"load {machine.load:.2f}" + (" (quick: figures mean nothing)" if report.quick else ""),
        comparisons(report.results),
        *(series_text(series) for series in report.results if isinstance(series, Series)),
        "\n".join(_notes(report.results)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def comparisons(results: Iterable[Result]) -> str:
    """Return the table of rows, and of what could not be measured; empty if there is none."""
    lines = [_cells(result) for result in results if not isinstance(result, Series)]
    return _aligned([_HEAD, *lines]) if lines else ""


def series_text(series: Series) -> str:
    """Return one series as a small table: sizes above, the cost of a unit below."""
    sizes = ("", *(f"{size:,}" for size in series.sizes), "last / first")
    costs = (series.unit, *(format_figure(cost) for cost in series.costs), f"{series.growth:.2f}")
    return f"{series.benchmark}: {series.name}\n{_aligned([sizes, costs])}"


def _cells(result: Row | Undone) -> tuple[str, ...]:
    if isinstance(result, Undone):
        return (result.benchmark, result.name, "", "", "", "", "", "", f"not measured: {result.reason}")
    return (
        result.benchmark,
        result.name,
        result.versus,
        f"{format_figure(result.ours_median)} {result.unit}",
        f"{format_figure(result.theirs_median)} {result.unit}",
        "" if result.ratio is None else f"{result.ratio:.3f}",
        f"{result.load:.2f}",
        format_goal(result),
        {True: "ok", False: "MISS", None: ""}[result.met],
    )


def format_goal(row: Row) -> str:
    """Return the bound of *row*, with the difference if that is what is bounded."""
    if row.goal is None:
        return "shown"
    if row.goal.kind == "ratio":
        return f"<= {row.goal.most:g}"
    sign = "-" if row.difference < 0 else "+"
    return f"{sign}{format_figure(abs(row.difference))}, <= +{row.goal.most:g} {row.unit}"


def format_figure(value: float) -> str:
    """Return *value* with the digits that mean something."""
    if value == 0:
        return "0"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _notes(results: Iterable[Result]) -> list[str]:
    """Return each note once, however many rows of a benchmark have it."""
    return list(dict.fromkeys(f"{row.benchmark}: {row.note}" for row in results if isinstance(row, Row) and row.note))


def _aligned(lines: Sequence[Sequence[str]]) -> str:
    widths = [max(len(cell) for cell in column) for column in zip(*(line[:-1] for line in lines), strict=True)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(line, widths, strict=False)), line[-1]]).rstrip()
        for line in lines
    )
