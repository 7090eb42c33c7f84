"""Waiting for what another process does, which nothing tells of: looking again and again, for a bounded time."""

import asyncio
import inspect
import time
from collections.abc import Callable
from typing import Any, Final

import pytest

_POLL_INTERVAL_S: Final = 0.02


def holds_within(seconds: float, condition: Callable[[], object]) -> bool:
    """Wait until *condition* holds, for so many *seconds* at most, and return whether it does."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(_POLL_INTERVAL_S)  # the only sleep of its kind: what is waited for can't be awaited
    return True


def until(condition: Callable[[], object], what: str, seconds: float = 20.0) -> None:
    """Wait until *condition* holds; fail the test if it does not in time."""
    if not holds_within(seconds, condition):
        pytest.fail(f"never held in {seconds:.0f} s: {what}")


async def eventually(condition: Callable[[], object], seconds: float = 60.0) -> Any:  # noqa: ANN401 - what it returns
    """Wait in the event loop until *condition* returns, or awaits, something true, and return that."""
    async with asyncio.timeout(seconds):
        while True:
            held = condition()
            if inspect.isawaitable(held):
                held = await held
            if held:
                return held
            await asyncio.sleep(_POLL_INTERVAL_S)
