"""Tries one mutant: its file is written in a copy of the tree, and tests run there until one of them fails."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Literal

import msgspec
import pytest

from tests.mutation import choosing
from tests.mutation.choosing import CHOSEN
from tests.mutation.mutants import Mutant
from tests.mutation.source import Source
from tests.parts.pages import ROOT

Outcome = Literal["killed", "timeout", "survived", "uncovered", "unclear"]

_SKIPPED: Final = (".git", ".venv", ".*_cache", ".hypothesis", "__pycache__", "build", "dist")
_START_S: Final = 30.0
_SLOWER: Final = 4.0


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a mutant.

    Args:
        mutant: it.
        outcome: "timeout" too is a kill: a program that hangs is noticed. "uncovered": no test runs the line.
            "unclear": the tests take too long without the fault as well, on a machine that is busy, or none of them is
            there any more.
        by: the test that failed.
        tests: how many tests were to run.
        covering: how many run the line.
        seconds: how long it took.
    """

    mutant: Mutant
    outcome: Outcome
    by: str = ""
    tests: int = 0
    covering: int = 0
    seconds: float = 0.0

    @property
    def is_killed(self) -> bool:
        """Whether a test noticed."""
        return self.outcome in {"killed", "timeout"}


@contextmanager
def copied_tree(root: Path) -> Iterator[Path]:
    """Give a copy of the tree, which is gone afterwards; its ``.venv`` is the checkout's."""
    with TemporaryDirectory(prefix="mutants-", ignore_cleanup_errors=True) as folder:
        copy = Path(folder) / "tree"
        shutil.copytree(root, copy, symlinks=True, ignore=shutil.ignore_patterns(*_SKIPPED))
        if (root / ".venv").exists():
            (copy / ".venv").symlink_to(root / ".venv")
        yield copy


def try_mutant(mutant: Mutant, tests: Sequence[str], *, copy: Path, expected_s: float) -> tuple[Outcome, str]:
    """Run *tests* in *copy* with a mutant in it, and return the outcome and the test that failed.

    Args:
        mutant: is written into the copy, and taken out again.
        tests: pytest's names of them, in their order.
        copy: of the tree.
        expected_s: how long they take without it; the time limit is far above that.
    """
    limit_s = _START_S + _SLOWER * expected_s
    path = copy / mutant.file
    text = path.read_text("utf-8")
    path.write_text(Source(mutant.file, text).replaced(mutant.span, mutant.new), "utf-8")
    try:
        code, output = _run_tests(copy, tests, limit_s)
    finally:
        path.write_text(text, "utf-8")
    if code is None:
        clean, _ = _run_tests(copy, tests, limit_s / 2)
        return "unclear" if clean is None else "timeout", ""
    if code == 0:
        return "survived", ""
    if code == pytest.ExitCode.NO_TESTS_COLLECTED:
        return "unclear", ""
    failed = [line.split(" ", 1)[1].split(" - ")[0] for line in output.splitlines() if line.startswith(_FAILED)]
    last = output.strip().rpartition("\n")[2]
    return "killed", failed[0] if failed else f"pytest, which ended with {code}: {last}"


_FAILED: Final = ("FAILED ", "ERROR ")


def _run_tests(copy: Path, tests: Sequence[str], limit_s: float) -> tuple[int | None, str]:
    """Return pytest's exit code, None if it took too long, and its output."""
    listed = copy.with_name("tests.txt")
    listed.write_text("\n".join(tests), "utf-8")
    functions = dict.fromkeys(test.partition("[")[0] for test in tests)
    environment = {
        **os.environ,
        CHOSEN: str(listed),
        "PYTHONPATH": os.pathsep.join(map(str, (copy, ROOT))),  # the second one for the plugin
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    plugins = ["-p", "no:cacheprovider", "-p", choosing.__name__]
    words = ["-q", "-x", "--no-header", "--tb=no", *plugins, "--timeout=60", *functions]
    with subprocess.Popen(
        [sys.executable, "-m", "pytest", *words],
        cwd=copy,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as running:
        _running.add(running)
        try:
            output, _ = running.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGKILL)
            running.communicate()
            return None, ""
        finally:
            _running.discard(running)
    return running.returncode, output


_running: Final[set["subprocess.Popen[str]"]] = set()


def end_all() -> None:
    """Kill the tests that run: who ends the program does not want to wait for them."""
    for each in list(_running):
        if each.poll() is None:
            os.killpg(each.pid, signal.SIGKILL)


def now_s() -> float:
    """Return a time to measure with, in seconds."""
    return time.monotonic()
