"""Runs benchmarks: ``python -m tests.bench [NAME…] [--quick] [--rest] [--json FILE]``."""

import argparse
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.bench.catalogue import BENCHMARKS
from tests.bench.machine import this_machine
from tests.bench.measure import Effort
from tests.bench.processes import CommandFailed
from tests.bench.results import Report, Result, Undone, add_load, to_json
from tests.bench.table import report_text
from tests.parts.waiting import holds_within

_REST_LOAD = 0.5
_MAX_REST_S = 300.0


def main(argv: Sequence[str] | None = None) -> int:
    """Run what is named, all if nothing is; print the table and write the JSON. A missed goal is no failure."""
    parser = _parser()
    options = parser.parse_args(argv)
    if unknown := set(options.names) - set(BENCHMARKS):
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    logging.basicConfig(level=logging.ERROR)  # that root has no sandbox need not be said before each row
    effort = Effort(quick=options.quick)
    machine = this_machine()
    results: list[Result] = []
    for name in options.names or BENCHMARKS:
        if options.rest:
            holds_within(_MAX_REST_S, lambda: os.getloadavg()[0] < _REST_LOAD)
        results += _measured(name, effort)
    report = Report(machine=machine, quick=effort.quick, results=tuple(results))
    options.json.write_bytes(to_json(report))
    sys.stdout.write(f"{report_text(report)}\nwritten to {options.json}\n")
    return int(any(isinstance(result, Undone) and result.name == _ALL for result in results))


_ALL = "all of it"


def _measured(name: str, effort: Effort) -> tuple[Result, ...]:
    sys.stderr.write(f"{name} … ")
    sys.stderr.flush()
    began, load = time.perf_counter(), os.getloadavg()[0]
    try:
        return add_load(BENCHMARKS[name](effort), load)
    except (CommandFailed, OSError, subprocess.SubprocessError) as error:
        # The others are still worth measuring.
        return (Undone(benchmark=name, name=_ALL, reason=f"{type(error).__name__}: {error}"),)
    finally:
        sys.stderr.write(f"{time.perf_counter() - began:.0f} s\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measure speed, as ratios.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    rest = f"wait before each until the load average is below {_REST_LOAD}, {_MAX_REST_S / 60:.0f} minutes at most"
    parser.add_argument("--rest", action="store_true", help=rest)
    parser.add_argument("--quick", action="store_true", help="one tiny pair each, to see that all of it works")
    parser.add_argument(
        "--json",
        type=Path,
        default=Path(tempfile.gettempdir()) / "bench-results.json",
        metavar="FILE",
        help="where to write the results [default: %(default)s]",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
