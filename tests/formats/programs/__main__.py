"""``make formats``: print which program sends and saves what, and check or write the tables of docs/formats.md."""

# ruff: noqa: T201 - it prints

import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.formats.programs.gate import Gate, serving_gate
from tests.formats.programs.matrix import LOST, run_sender
from tests.formats.programs.receivers import RECEIVERS, run_receiver
from tests.formats.programs.senders import SENDERS
from tests.formats.programs.table import SAVES, SENDS, read_table, render_table, write_table

_Runs = Mapping[str, Callable[[Gate, Path], dict[str, str]]]


def main(arguments: list[str]) -> int:
    """Return 1 if a program can't be run, loses a cookie without a word, or does otherwise than the page says.

    ``--record`` writes the page.
    """
    senders = {sender.name: lambda gate, folder, each=sender: run_sender(each, gate, folder) for sender in SENDERS}
    receivers = {each.name: lambda gate, folder, each=each: run_receiver(each, gate, folder) for each in RECEIVERS}
    failed = [_check(heading, runs, arguments) for heading, runs in ((SENDS, senders), (SAVES, receivers))]
    return int(any(failed))


def _check(heading: str, runs: _Runs, arguments: list[str]) -> bool:
    rows, faults = _run(runs)
    print(f"{heading.removeprefix('### ')}\n\n{render_table(rows)}\n")
    faults += [f"{name} loses a cookie without a word" for name, row in rows.items() if LOST in row.values()]
    if "--record" in arguments and not faults:
        write_table(heading, rows)
    said = read_table(heading)
    faults += [f"docs/formats.md says something else of {name}" for name, row in rows.items() if said.get(name) != row]
    for fault in faults:
        print(f"FAULT {fault}")
    return bool(faults)


def _run(runs: _Runs) -> tuple[dict[str, dict[str, str]], list[str]]:
    rows, faults = {}, []
    with tempfile.TemporaryDirectory() as folder, serving_gate(Path(folder)) as gate:
        for name, run in runs.items():
            print(f"{name} …", file=sys.stderr)
            try:
                rows[name] = run(gate, Path(folder))
            except (AssertionError, pytest.skip.Exception, pytest.fail.Exception) as error:
                faults.append(f"{name}: {error}")
    return rows, faults


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
