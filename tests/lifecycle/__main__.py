"""Runs cells: ``python -m tests.lifecycle [ENGINE…] [--json FILE]``."""

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.bench.machine import this_machine
from tests.lifecycle.matrix import ENGINES, cells, senseless
from tests.lifecycle.report import Report, report_text, to_json
from tests.lifecycle.rows import run_rows
from tests.lifecycle.run import Result
from tests.lifecycle.running import running
from tests.parts.own_place import hear_signals


def main(argv: Sequence[str] | None = None) -> int:
    """Run the cells of the engines named, all if none is; print the table and write the JSON.

    Returns:
        1 if a cell failed; under CI also if something that a cell needs is missing.
    """
    parser = _parser()
    options = parser.parse_args(argv)
    if unknown := set(options.engines) - set(ENGINES):
        parser.error(f"no such engine: {', '.join(sorted(unknown))}; there are {', '.join(ENGINES)}")
    hear_signals()
    machine = this_machine()
    rows = () if options.engines else tuple(run_rows())
    with running(cells(options.engines or ENGINES)) as results:
        report = Report(
            machine=machine, results=tuple(_told(result.result()) for result in results.values()), rows=rows
        )
    options.json.write_bytes(to_json(report))
    sys.stdout.write(f"{report_text(report)}\nwritten to {options.json}\n")
    is_partial = any(result.undone and not senseless(result.cell) for result in report.results)
    return int(bool(report.failed) or (is_partial and os.environ.get("CI") == "true"))


def _told(result: Result) -> Result:
    sys.stderr.write(f"{result.cell}: {'; '.join(result.faults) or result.undone or 'ok'} ({result.took_s:.0f} s)\n")
    return result


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.lifecycle", description="Prove that nothing stays behind.")
    parser.add_argument("engines", nargs="*", metavar="ENGINE", help=", ".join(ENGINES))
    parser.add_argument(
        "--json",
        type=Path,
        default=Path(tempfile.gettempdir()) / "lifecycle-results.json",
        metavar="FILE",
        help="where to write the results [default: %(default)s]",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
