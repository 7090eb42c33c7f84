"""``make mutants``: 200 small faults, one at a time, in a copy of the package; do the tests that run the line notice?

``ARGS="--seed 2 --count 50 --only aura_browser/http"`` chooses others. What has been tried is not tried again.
"""

# ruff: noqa: T201 - it prints

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.mutation.collecting import Collected, collect, read_collected
from tests.mutation.covering import Covering
from tests.mutation.explained import Explained, read_explained
from tests.mutation.places import DATA, SURVIVORS, group_by_folder, list_modules, list_test_files
from tests.mutation.report import report_text, trial_line, word_of
from tests.mutation.results import add_trial, read_trials
from tests.mutation.running import run_trials
from tests.mutation.sampling import sample
from tests.mutation.source import Source
from tests.mutation.trial import Trial
from tests.parts.pages import ROOT


def read_arguments(words: list[str]) -> argparse.Namespace:
    """Return the options of one call."""
    parser = argparse.ArgumentParser(prog="make mutants", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seed", default="1", help="which mutants; the same seed always chooses the same [1]")
    parser.add_argument("--count", type=int, default=200, help="how many [200]")
    parser.add_argument("--only", action="append", default=[], metavar="PATH", help="a module or a folder of them")
    parser.add_argument("--tests", action="append", default=[], metavar="PATH", help="use the tests of this place only")
    parser.add_argument("--collect", action="store_true", help="only note which test runs which line")
    parser.add_argument("--again", action="store_true", help="try those that survived again, after tests were changed")
    parser.add_argument("--processes", type=int, default=2, help="how many mutants at a time [2]")
    parser.add_argument("--data", type=Path, default=DATA, metavar="FOLDER", help=f"kept between calls [{DATA}]")
    return parser.parse_args(words)


def main() -> int:
    """Print a line for each mutant and the tables; return 1 if one survived that nobody has explained."""
    options = read_arguments(sys.argv[1:])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # what is under way ends, copies go
    collected = _collect(options)
    if options.collect:
        return 0
    covering = Covering(ROOT, options.data / "sources", collected)
    chosen = sample(_sources(options.only), options.seed, options.count)
    done = read_trials(options.data / "trials.jsonl")
    explained = read_explained(SURVIVORS)
    open_words = {"unclear", "survived"} if options.again else {"unclear"}
    missing = [mutant for mutant in chosen if _word(done.get(mutant.key), explained) in {"", *open_words}]
    print(f"{len(chosen)} mutants, {len(chosen) - len(missing)} of them tried before", flush=True)

    def note(trial: Trial) -> None:
        add_trial(options.data / "trials.jsonl", trial)
        done[trial.mutant.key] = trial
        print(trial_line(trial), flush=True)

    run_trials(missing, covering, root=ROOT, processes=options.processes, note=note)
    trials = [done[mutant.key] for mutant in chosen]
    print(report_text(trials, explained))
    return int(any(word_of(trial, explained) == "survived" for trial in trials))


def _word(trial: Trial | None, explained: Sequence[Explained]) -> str:
    return word_of(trial, explained) if trial is not None else ""


def _collect(options: argparse.Namespace) -> dict[str, Collected]:
    """Return what each test file runs; the files that are new or changed run for that."""
    files = list_test_files(ROOT, options.tests)
    for group in group_by_folder(file for file in files if read_collected(options.data, ROOT, file) is None):
        print(f"noting which lines {', '.join(group)} run …", flush=True)
        collect(options.data, ROOT, group)
    found = {file: read_collected(options.data, ROOT, file) for file in files}
    return {file: one for file, one in found.items() if one is not None}


def _sources(places: list[str]) -> dict[str, Source]:
    modules = [name for name in list_modules(ROOT) if not places or name.startswith(tuple(places))]
    if not modules:
        raise SystemExit(f"No module lies below {' or '.join(places)}; name it as aura_browser/http, for example.")
    return {name: Source(name, (ROOT / name).read_text("utf-8")) for name in modules}


if __name__ == "__main__":
    sys.exit(main())
