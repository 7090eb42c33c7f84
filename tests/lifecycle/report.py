"""What a run of cells gives: a table for people, and JSON."""

from collections.abc import Iterable, Sequence
from itertools import product

import msgspec

from tests.bench.results import Machine
from tests.lifecycle.matrix import ENDS, ENGINES, MOMENTS, proviso
from tests.lifecycle.rows import Row
from tests.lifecycle.run import Result


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All of a run, as it is written as JSON."""

    machine: Machine
    results: tuple[Result, ...]
    rows: tuple[Row, ...] = ()

    @property
    def failed(self) -> int:
        """How many cells were not as they have to be."""
        return sum(bool(result.faults) for result in self.results) + sum(bool(row.faults) for row in self.rows)


def to_json(report: Report) -> bytes:
    """Return *report* as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(report), indent=2)


def report_text(report: Report) -> str:
    """Return the table, engine and moment by end, and below it what its numbers stand for."""
    notes: list[str] = []
    words = {result.cell: _word(result, notes) for result in report.results}
    lines = [("engine", "moment", *ENDS)]
    for engine, moment in product(ENGINES, MOMENTS):
        row = {cell.end: word for cell, word in words.items() if (cell.engine, cell.moment) == (engine, moment)}
        lines += [(engine, moment, *(row.get(end, "") for end in ENDS))] if row else []
    done = [result for result in report.results if not result.undone]
    slowest = max((result.gone_s for result in done), default=0.0)
    summary = (
        f"{len(done)} cells, {report.failed} failed; the last of it was gone {slowest:.1f} s after the process at most"
    )
    numbered = [f"[{number}] {note}" for number, note in enumerate(notes, 1)]
    rows = [f"{row.name}: {'; '.join(row.faults) or 'ok'}" for row in report.rows]
    return "\n".join([*_aligned(lines), *rows, "", *numbered, summary])


def _word(result: Result, notes: list[str]) -> str:
    faults = f"{result.cell}: {'; '.join(result.faults)}" if result.faults else None
    note = faults or result.undone or proviso(result.cell)
    word = "FAILED" if faults else "-" if result.undone else "ok"
    if note is None:
        return word
    if note not in notes:
        notes.append(note)
    return f"{word} [{notes.index(note) + 1}]"


def _aligned(lines: Sequence[Sequence[str]]) -> Iterable[str]:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return ["  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)).rstrip() for line in lines]
