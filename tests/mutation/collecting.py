"""Collects which test runs which line: once for each test file, kept until the file changes."""

import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import msgspec
from coverage import CoverageData
from coverage.exceptions import DataError

from tests.mutation.places import PACKAGE
from tests.mutation.tracing import OUTCOMES, SHARED, Outcome
from tests.parts.pages import ROOT

_LIMIT_S: Final = 900

_SETTINGS: Final = """\
[run]
parallel = true
data_file = {folder}/lines
include = {root}/{package}/*
context = ${{MUTANTS_TEST-}}
disable_warnings = no-data-collected
"""


class Collected(msgspec.Struct):
    """What one test file runs.

    Args:
        digest: of the test file.
        tests: its tests and how they went.
        lines: for each module and line the names of the tests, some with :data:`~tests.mutation.tracing.SHARED`.
        modules: for each of these modules the digest of its text then, which is kept in ``sources/``.
    """

    digest: str
    tests: dict[str, Outcome]
    lines: dict[str, dict[int, list[str]]]
    modules: dict[str, str]


def digest_of(path: Path) -> str:
    """Return a short digest of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def path_of(data: Path, test_file: str) -> Path:
    """Return where a test file's lines are kept."""
    return data / "lines" / f"{test_file.replace('/', '+')}.json"


def read_collected(data: Path, root: Path, test_file: str) -> Collected | None:
    """Return what was collected of a test file; None if nothing was, or the file has changed since."""
    path = path_of(data, test_file)
    if not path.exists():
        return None
    collected = msgspec.json.decode(path.read_bytes(), type=Collected)
    return collected if collected.digest == digest_of(root / test_file) else None


def collect(data: Path, root: Path, test_files: Sequence[str]) -> None:
    """Run test files once and keep which of their tests runs which line of the package.

    Raises:
        RuntimeError: if pytest could not run them.
    """
    with tempfile.TemporaryDirectory(prefix="mutants-") as name:
        folder = Path(name)
        (folder / "coveragerc").write_text(_SETTINGS.format(folder=folder, root=root, package=PACKAGE), "utf-8")
        tests = _run_traced(root, folder, test_files)
        lines = _read_lines(root, folder.glob("lines.*"))
    modules = _keep_sources(data, root, {module for of_file in lines.values() for module in of_file})
    for file in test_files:
        own = {test: outcome for test, outcome in tests.items() if test.partition("::")[0] == file}
        one = Collected(digest_of(root / file), own, lines.get(file, {}), modules)
        path = path_of(data, file)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(msgspec.json.encode(one))


def _run_traced(root: Path, folder: Path, test_files: Sequence[str]) -> dict[str, Outcome]:
    """Return how each test went."""
    outcomes = folder / "outcomes.json"
    environment = {
        # Else a run that is itself measured (make coverage) would measure this one in its own way.
        **{name: value for name, value in os.environ.items() if name != "COVERAGE_PROCESS_CONFIG"},
        "COVERAGE_PROCESS_START": str(folder / "coveragerc"),
        OUTCOMES: str(outcomes),
        "PYTHONPATH": os.pathsep.join(map(str, (root, ROOT))),  # the second one for the plugin
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    words = ["-q", "-p", "tests.mutation.tracing", "-p", "no:cacheprovider", "-m", "not soak", *test_files]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", *words],
        cwd=root,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_LIMIT_S,
        check=False,
    )
    if ran.returncode not in {0, 1, 5} or not outcomes.exists():
        raise RuntimeError(f"pytest could not run {test_files} (exit {ran.returncode}): {ran.stdout[-2000:]}")
    return msgspec.json.decode(outcomes.read_bytes(), type=dict[str, Outcome])


def _read_lines(root: Path, files: Iterable[Path]) -> dict[str, dict[str, dict[int, list[str]]]]:
    """Return for each test file, module and line the tests that run it."""
    found: dict[str, dict[str, dict[int, set[str]]]] = {}
    for path in files:
        measured = CoverageData(basename=str(path))
        try:
            measured.read()
        except DataError:  # of a process that a test killed as it wrote
            continue
        for name in measured.measured_files():
            module = str(Path(name).relative_to(root))
            for line, tests in measured.contexts_by_lineno(name).items():
                for test in filter(None, tests):
                    of_file = found.setdefault(test.removeprefix(SHARED).partition("::")[0], {})
                    of_file.setdefault(module, {}).setdefault(line, set()).add(test)
    return {
        file: {module: {line: sorted(tests) for line, tests in lines.items()} for module, lines in modules.items()}
        for file, modules in found.items()
    }


def _keep_sources(data: Path, root: Path, modules: Iterable[str]) -> dict[str, str]:
    """Keep the modules' texts, so that lines can be found again after a change."""
    kept = data / "sources"
    kept.mkdir(parents=True, exist_ok=True)
    digests = {module: digest_of(root / module) for module in modules}
    for module, digest in digests.items():
        if not (kept / digest).exists():
            (kept / digest).write_bytes((root / module).read_bytes())
    return digests
