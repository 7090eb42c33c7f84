"""Waiting for what another process does, which nothing tells of: looking again and again, for a bounded time."""

import time
from collections.abc import Callable
from typing import Final

import pytest

_GLANCE_S: Final = 0.02


def holds_within(seconds: float, condition: Callable[[], object]) -> bool:
    """Wait until *condition* holds, for so many *seconds* at most, and return whether it does."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(_GLANCE_S)  # the only sleep of its kind: what is waited for can't be awaited
    return True


def until(condition: Callable[[], object], what: str, seconds: float = 20.0) -> None:
    """Wait until *condition* holds; fail the test if it does not in time."""
    if not holds_within(seconds, condition):
        pytest.fail(f"never held in {seconds:.0f} s: {what}")
