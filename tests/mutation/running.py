"""Tries a sample of mutants, in processes side by side, and writes down each as it ends."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from pathlib import Path
from queue import SimpleQueue
from typing import Final

from tests.mutation.covering import Covering
from tests.mutation.mutants import Mutant
from tests.mutation.trial import Trial, copied_tree, end_all, now_s, try_mutant

_TESTS_S: Final = 20.0
"""How long the tests of one mutant may take in all; the nearest and quickest come first."""

_MAX_TESTS: Final = 400


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
        expected_s = sum(map(covering.seconds, tests))
        outcome, by = try_mutant(mutant, tests, copy=copy, expected_s=expected_s)
    finally:
        copies.put(copy)
    took_s = now_s() - began
    return Trial(mutant=mutant, outcome=outcome, by=by, tests=len(tests), covering=count, seconds=took_s)
