"""Writes the tables of ``docs/speed.md``: ``python -m tests.bench.page [FILE…]``.

Each FILE is what ``make bench`` or ``make bench-peers`` wrote; it is kept in ``tests/bench/kept``, from which the page
is made.
"""

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from tests.bench.processes import ROOT
from tests.bench.results import Report, Row, to_json
from tests.bench.table import format_figure, format_goal

PAGE: Final = ROOT / "docs" / "speed.md"
KEPT: Final = Path(__file__).with_name("kept")
_HEAD: Final = "| what | beside | ours | theirs | ratio | goal | load |\n|---|---|---|---|---|---|---|\n"


def main(argv: Sequence[str] | None = None) -> int:
    """Keep the reports that are named, and write the page anew."""
    for name in sys.argv[1:] if argv is None else argv:
        report = msgspec.json.decode(Path(name).read_bytes(), type=Report)
        keep(report)
    PAGE.write_text(render_page(PAGE.read_text("utf-8")), "utf-8")
    return 0


def keep(report: Report) -> None:
    """Keep *report*, one file for each benchmark in it, without the figures of single pairs."""
    KEPT.mkdir(exist_ok=True)
    name, *_, architecture = report.machine.system.split()  # the version of a kernel says nothing of speed
    machine = msgspec.structs.replace(report.machine, system=f"{name} {architecture}")
    rows = [result for result in report.results if isinstance(result, Row)]
    for benchmark in dict.fromkeys(row.benchmark for row in rows):
        short = [msgspec.structs.replace(row, ours=(), theirs=()) for row in rows if row.benchmark == benchmark]
        part = msgspec.structs.replace(report, machine=machine, results=tuple(short))
        (KEPT / f"{benchmark}.json").write_bytes(msgspec.json.format(to_json(part)) + b"\n")


def render_page(text: str) -> str:
    """Return the page *text* with the tables of the reports that are kept."""
    return re.sub(r"(<!-- table: ([a-z0-9 -]+) -->\n).*?(<!-- end -->)", _render_block, text, flags=re.DOTALL)


def _render_block(block: re.Match[str]) -> str:
    names = block[2].split()
    reports = [msgspec.json.decode((KEPT / f"{name}.json").read_bytes(), type=Report) for name in names]
    rows = [row for report in reports for row in report.results if isinstance(row, Row)]
    return f"{block[1]}{_HEAD}{''.join(map(_render_row, rows))}{block[3]}"


def _render_row(row: Row) -> str:
    cells = (
        row.name,
        row.versus,
        f"{format_figure(row.ours_median)} {row.unit}",
        f"{format_figure(row.theirs_median)} {row.unit}",
        "" if row.ratio is None else f"{row.ratio:.2f}",
        f"{format_goal(row)}{'' if row.met is not False else ' (missed)'}",
        f"{row.load:.2f}",
    )
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"


if __name__ == "__main__":
    sys.exit(main())
