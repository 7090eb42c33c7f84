"""Measures other tools beside ours: ``python -m tests.bench.peers [TOOL...] [--rounds N] [--json FILE]``."""

import argparse
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from aura_browser.playground import serve_in_thread
from aura_browser.webdriver.locate import locate
from tests.bench.harvest import CPU_GOAL, FLOOR, WALL_GOAL, dump_dom, harvest_script
from tests.bench.machine import this_machine
from tests.bench.peers import gateways
from tests.bench.processes import CommandFailed, Cost, run_tree
from tests.bench.results import Goal, Report, Result, Undone, add_load, make_row, to_json
from tests.bench.table import report_text

NAME: Final = "peers"
PACKAGES: Final = {
    "selenium": ("selenium",),
    "nodriver": ("nodriver",),
    "zendriver": ("zendriver",),
    "playwright": ("playwright",),
    # It imports distutils, which setuptools provides on newer Pythons.
    "undetected-chromedriver": ("undetected-chromedriver", "setuptools<81"),
    "g4f": ("g4f", "platformdirs"),
}
_SCRIPTS: Final = Path(__file__).with_name("scripts.py")
_INSTALL_S: Final = 300.0
_LIMIT_S: Final = 60.0
_AHEAD: Final = Goal("ratio", 1.0)
_TRIES: Final = 2  # a tool that fails once in a while is still worth a figure

Run = Callable[[], Cost]


def main(argv: Sequence[str] | None = None) -> int:
    """Install, measure, print and write; a tool that fails is a row that says why."""
    options = _parser().parse_args(argv)
    machine = this_machine()
    with tempfile.TemporaryDirectory(prefix="bench-peers-", ignore_cleanup_errors=True) as folder:
        names = options.names or [*PACKAGES, *gateways.PACKAGES]
        results: list[Result] = []
        if harvesting := [name for name in names if name in PACKAGES]:
            results += _measured(harvesting, options.rounds, Path(folder))
        if serving := [name for name in names if name in gateways.PACKAGES]:
            results += gateways.measure_gateways(serving, options.rounds, Path(folder))
    report = Report(machine=machine, quick=False, results=add_load(results, machine.load))
    options.json.write_bytes(to_json(report))
    sys.stdout.write(f"{report_text(report)}\nwritten to {options.json}\n")
    return 0


def _measured(names: Sequence[str], rounds: int, folder: Path) -> list[Result]:
    failed: list[Result] = []
    with serve_in_thread() as site:
        runs: dict[str, Run] = {
            "ours": partial(harvest_script, site.origin),
            FLOOR: partial(dump_dom, site.origin),
        }
        for name in names:
            sys.stderr.write(f"{name} … \n")
            try:
                run = _prepared(name, site.origin, folder / name)
                run()
            except (CommandFailed, OSError, subprocess.SubprocessError) as error:
                failed.append(Undone(benchmark=NAME, name=name, reason=_why(error)))
            else:
                runs[name] = run
        costs = _in_turns(runs, rounds)
    rows: list[Result] = []
    for name, theirs in costs.items():
        if name == "ours":
            continue
        if isinstance(theirs, str):
            failed.append(Undone(benchmark=NAME, name=name, reason=theirs))
        else:
            rows += _rows(name, costs["ours"], theirs)
    return [*rows, *failed]


def _prepared(name: str, url: str, folder: Path) -> Run:
    """Install *name* in an environment of its own; return what harvests *url* with it once."""
    venv.create(folder, with_pip=True)
    python = str(folder / "bin" / "python")
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PACKAGES[name]]
    subprocess.run(install, check=True, timeout=_INSTALL_S, capture_output=True, text=True)
    installed = locate()
    command = [python, str(_SCRIPTS), name, url, str(installed.chrome), str(installed.driver)]

    def run() -> Cost:
        # They keep profiles and patched drivers below the home folder: a new one each time, or it would not be cold.
        # Its path is short: Chrome makes a socket there, and does not start if that of the socket gets too long.
        with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as scratch:
            places = dict.fromkeys(("HOME", "TMPDIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"), scratch)
            cost = run_tree([*command, scratch], env=places, limit_s=_LIMIT_S)
        if "Chrome/" not in cost.said:
            raise CommandFailed("it told no user agent")
        return cost

    return run


def _in_turns(runs: dict[str, Run], rounds: int) -> dict[str, list[Cost] | str]:
    """Run all in rounds, every second one backwards; a tool that fails twice in one is out, with its reason."""
    costs: dict[str, list[Cost] | str] = {name: [] for name in runs}
    for number in range(rounds):
        for name in list(runs)[:: 1 if number % 2 == 0 else -1]:
            so_far = costs[name]
            if isinstance(so_far, str):
                continue
            try:
                so_far.append(_tried(runs[name]))
            except CommandFailed as error:
                if name == "ours":
                    raise
                costs[name] = _why(error)
    return costs


def _tried(run: Run) -> Cost:
    for _ in range(_TRIES - 1):
        try:
            return run()
        except CommandFailed as error:
            sys.stderr.write(f"{error}\n")
    return run()


def _rows(name: str, ours: list[Cost] | str, theirs: list[Cost]) -> list[Result]:
    assert not isinstance(ours, str)
    cpu = [(one.cpu_s, other.cpu_s) for one, other in zip(ours, theirs, strict=True)]
    wall = [(one.wall_s, other.wall_s) for one, other in zip(ours, theirs, strict=True)]
    # All tools are to be behind; beside the floor itself, the goals of its own benchmark hold.
    cpu_goal, wall_goal = (CPU_GOAL, WALL_GOAL) if name == FLOOR else (_AHEAD, _AHEAD)
    return [
        make_row(NAME, "await harvest(): CPU", name, "s", cpu, goal=cpu_goal),
        make_row(NAME, "await harvest(): wall", name, "s", wall, goal=wall_goal),
    ]


def _why(error: Exception) -> str:
    said = error.stderr if isinstance(error, subprocess.CalledProcessError) else str(error)
    lines = str(said).strip().splitlines()
    return lines[-1][:200] if lines else type(error).__name__


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.peers", description="Measure other tools.")
    parser.add_argument("names", nargs="*", metavar="TOOL", help=", ".join([*PACKAGES, *gateways.PACKAGES]))
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="[default: %(default)s]")
    parser.add_argument(
        "--json",
        type=Path,
        default=Path(tempfile.gettempdir()) / "bench-peers-results.json",
        metavar="FILE",
        help="where to write the results [default: %(default)s]",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
