"""A pytest plugin: coverage.py notes for each line which test runs it, in this process and in those it starts."""

import os
from collections.abc import Generator
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from coverage import Coverage

TEST: Final = "MUTANTS_TEST"
"""The environment variable that names the test to the processes it starts."""

OUTCOMES: Final = "MUTANTS_OUTCOMES"
"""The environment variable with the file that the outcomes are written to."""

SHARED: Final = "~"
"""Before a test's name: the line runs for all tests of its file, in a process or a fixture that they may share."""

_outcomes: dict[str, "Outcome"] = {}


class Outcome(msgspec.Struct):
    """How a test went: seconds with its fixtures, and whether it passed."""

    seconds: float = 0.0
    is_passed: bool = True


def _switch(name: str) -> None:
    measuring = Coverage.current()
    if measuring is None:
        raise pytest.UsageError("tests.mutation.tracing needs coverage.py started by COVERAGE_PROCESS_START.")
    measuring.switch_context(name)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Name the lines that run from here on after the test."""
    _switch(item.nodeid)
    os.environ[TEST] = f"{SHARED}{item.nodeid}"
    try:
        return (yield)
    finally:
        os.environ.pop(TEST)
        _switch("")


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> Generator[None, object, object]:
    """Name what a fixture of several tests runs after all of them."""
    if fixturedef.scope == "function" or TEST not in os.environ:
        return (yield)
    _switch(os.environ[TEST])
    try:
        return (yield)
    finally:
        _switch(os.environ[TEST].removeprefix(SHARED))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note the outcome; a skipped test passes nothing."""
    outcome = _outcomes.setdefault(report.nodeid, Outcome())
    outcome.seconds += report.duration
    outcome.is_passed &= report.passed


def pytest_sessionfinish() -> None:
    """Write the outcomes."""
    Path(os.environ[OUTCOMES]).write_bytes(msgspec.json.encode(_outcomes))
