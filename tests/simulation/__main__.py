"""Simulates fleets: ``python -m tests.simulation [NAME…] [--sessions N] [--seed N] [--json FILE]``."""

import argparse
import logging
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from tests.simulation.caller import GAP_S
from tests.simulation.outcome import Figures, run_scenario
from tests.simulation.promises import Promise, check_promises
from tests.simulation.scenarios import SCENARIOS, Scenario, find_scenario
from tests.simulation.simulated_site import HARVEST_S, LIFE_S, VAIN_HARVEST_S
from tests.simulation.table import describe

_SESSIONS: Final = 1_000_000
_FEWEST: Final = 300


class Result(msgspec.Struct, frozen=True):
    """What is written for one simulation."""

    figures: Figures
    promises: list[Promise]


def main(argv: Sequence[str] | None = None) -> int:
    """Simulate what is named, all if nothing is; return 1 if a promise is broken."""
    parser = _build_parser()
    options = parser.parse_args(argv)
    names = [scenario.name for scenario in SCENARIOS]
    if unknown := set(options.names) - set(names):
        parser.error(f"no such simulation: {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    if options.sessions < _FEWEST:
        parser.error(f"--sessions must be at least {_FEWEST}: fewer show nothing but chance")
    logging.disable()  # a warning for each of a million sessions says nothing
    sys.stdout.write(f"{_describe_setting(options.sessions, options.seed)}\n")
    scenarios = [find_scenario(name) for name in options.names or names]
    results = [_run(scenario, options.sessions, options.seed) for scenario in scenarios]
    if options.json is not None:
        content = {"seed": options.seed, "sessions": options.sessions, "results": results}
        options.json.write_bytes(msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n")
    broken = [result.figures.name for result in results if not all(promise.holds for promise in result.promises)]
    sys.stdout.write(f"\nBROKEN: {', '.join(broken)}\n" if broken else "\nAll promises hold.\n")
    return int(bool(broken))


def _run(scenario: Scenario, sessions: int, seed: int) -> Result:
    began = time.perf_counter()

    def report(done: int, every: int) -> None:
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{scenario.name}: {done:,} of {every:,} sessions, {time.perf_counter() - began:.0f} s ")
            sys.stderr.flush()

    outcome = run_scenario(scenario, sessions, seed, report)
    if sys.stderr.isatty():
        sys.stderr.write("\r\033[K")
    result = Result(outcome.build_figures(), check_promises(outcome))
    sys.stdout.write(f"\n{describe(result.figures, result.promises)}\n")
    sys.stdout.flush()
    return result


def _describe_setting(sessions: int, seed: int) -> str:
    return (
        f"{sessions:,} sessions that live {LIFE_S / 3600:g} h ({sessions / LIFE_S:.3f} end each second), "
        f"each used every {GAP_S / 60:g} min in the mean, at random times.\n"
        f"A harvest takes {HARVEST_S[0]:g} to {HARVEST_S[2]:g} s (mostly {HARVEST_S[1]:g}), one in vain "
        f"{VAIN_HARVEST_S[0]:g} to {VAIN_HARVEST_S[2]:g} s. Seed {seed}."
    )


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.simulation",
        description="Run the session manager's own code for a fleet, on a clock that nobody waits for.",
        epilog="A million sessions take about 20 minutes of one core; --sessions 20000 takes one.",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(each.name for each in SCENARIOS))
    parser.add_argument("--sessions", type=int, default=_SESSIONS, metavar="N", help="of the fleet [%(default)s]")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of all that is random [%(default)s]")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    return parser


if __name__ == "__main__":
    sys.exit(main())
