"""A summary of a test run by folder: how many tests passed, failed and were skipped, and how long they took."""

from collections import defaultdict
from dataclasses import dataclass

import pytest


@dataclass(slots=True)
class _Folder:
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print a line for each folder below ``tests/``, in order of time."""
    folders: defaultdict[str, _Folder] = defaultdict(_Folder)
    for outcome in ("passed", "failed", "error", "skipped"):
        for report in terminalreporter.stats.get(outcome, []):
            if isinstance(report, pytest.TestReport):
                _count(folders[_folder_of(report.nodeid)], outcome, report)
    terminalreporter.section("by folder")
    for name, folder in sorted(folders.items(), key=lambda item: -item[1].seconds):
        counts = f"{folder.passed:>5} passed {folder.failed:>3} failed {folder.skipped:>3} skipped"
        terminalreporter.line(f"{name:<14} {counts} {folder.seconds:>7.1f} s")


def _folder_of(nodeid: str) -> str:
    parts = nodeid.partition("::")[0].split("/")
    return parts[1] if len(parts) > 2 else "."


def _count(folder: _Folder, outcome: str, report: pytest.TestReport) -> None:
    folder.seconds += report.duration
    if outcome == "skipped":
        folder.skipped += 1
    elif outcome in {"failed", "error"}:
        folder.failed += 1
    elif report.when == "call":
        folder.passed += 1
