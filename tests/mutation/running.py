"""Tries a sample of mutants, in processes side by side, and writes down each as it ends."""

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from itertools import accumulate, zip_longest
from pathlib import Path
from queue import SimpleQueue
from typing import Final

from tests.mutation.covering import Covering
from tests.mutation.mutants import Mutant
from tests.mutation.trial import Outcome, Trial, copied_tree, end_all, now_s, try_mutant

_TESTS_S: Final = 20.0
"""How long the tests of one mutant may take in all; the nearest and quickest come first."""

_MAX_TESTS: Final = 400

_MORE_S: Final = 90.0
"""How long those may take that a mutant is tried with if none of the first noticed, and there are more."""


def choose_tests(covering: Covering, mutant: Mutant) -> tuple[list[str], int]:
    """Return the tests that a mutant is tried with, and how many run its line."""
    tests = covering.tests_for(mutant)
    chosen: list[str] = []
    seconds = 0.0
    for test in tests:
        seconds += covering.seconds(test)
        if chosen and (seconds > _TESTS_S or len(chosen) == _MAX_TESTS):
            break
        chosen.append(test)
    return chosen, len(tests)


def choose_more(covering: Covering, mutant: Mutant, tried: Collection[str]) -> list[str]:
    """Return tests for a mutant that none of *tried* noticed: some of each test file, the slow ones too.

    Those that are named for its module are among them: one that sees a command refuse its words runs no line of it.
    """
    files: defaultdict[str, list[str]] = defaultdict(list)
    for test in dict.fromkeys([*covering.tests_for(mutant), *covering.tests_named_for(mutant)]):
        if test not in tried:
            files[test.partition("::")[0]].append(test)
    in_turn = [test for turn in zip_longest(*files.values()) for test in turn if test is not None]
    ends_s = accumulate(map(covering.seconds, in_turn))
    return [test for test, end_s in zip(in_turn, ends_s, strict=True) if end_s <= _MORE_S]


def run_trials(
    mutants: Sequence[Mutant], covering: Covering, *, root: Path, processes: int, note: Callable[[Trial], None]
) -> None:
    """Try each mutant in one of *processes* copies of the tree, and call *note* with each trial."""
    with ExitStack() as stack:
        copies: SimpleQueue[Path] = SimpleQueue()
        for _ in range(processes):
            copies.put(stack.enter_context(copied_tree(root)))
        pool = stack.enter_context(ThreadPoolExecutor(processes))
        futures = [pool.submit(_run_trial, mutant, covering, copies) for mutant in mutants]
        try:
            for future in as_completed(futures):
                note(future.result())
        except BaseException:  # Ctrl-C and SIGTERM too
            pool.shutdown(wait=False, cancel_futures=True)
            end_all()
            raise


def _run_trial(mutant: Mutant, covering: Covering, copies: "SimpleQueue[Path]") -> Trial:
    tests, count = choose_tests(covering, mutant)
    if not tests:
        return Trial(mutant=mutant, outcome="uncovered")
    copy = copies.get()
    began = now_s()
    try:
        outcome, by = _try(mutant, tests, covering, copy)
        if outcome == "survived" and (more := choose_more(covering, mutant, set(tests))):
            outcome, by = _try(mutant, more, covering, copy)
            tests += more
    finally:
        copies.put(copy)
    took_s = now_s() - began
    return Trial(mutant=mutant, outcome=outcome, by=by, tests=len(tests), covering=count, seconds=took_s)


def _try(mutant: Mutant, tests: Sequence[str], covering: Covering, copy: Path) -> tuple[Outcome, str]:
    return try_mutant(mutant, tests, copy=copy, expected_s=sum(map(covering.seconds, tests)))
