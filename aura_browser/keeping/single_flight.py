"""Run one task at a time and share its result."""

import asyncio
import copy
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from aura_browser.errors import AuraError

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Runs one task at a time; all callers that join it get its result.

    The task belongs to the flight, not to the caller that started it, so a cancelled caller does not affect the others.

    Args:
        on_failure: is called with the error of a failed task, because there may be no caller left to get it.
    """

    def __init__(self, on_failure: Callable[[BaseException], None]) -> None:
        self._on_failure = on_failure
        self._task: asyncio.Task[T] | None = None
        self._is_closed = False

    @property
    def task(self) -> "asyncio.Task[T] | None":
        """The running task, or None."""
        return self._task

    async def join(self, work: Callable[[], Awaitable[T]]) -> T:
        """Await the running task, or start *work*.

        Raises:
            AuraError: if the task raises it.
            RuntimeError: if the flight is closed.
        """
        task = self._task or self.begin(work)
        try:
            # Not asyncio.shield: from Python 3.14 on it reports the error of a task that a cancelled caller has left.
            await asyncio.wait([task])
            return task.result()
        except asyncio.CancelledError:
            caller = asyncio.current_task()
            if task.cancelled() and caller is not None and not caller.cancelling():
                raise _closed_error() from None
            raise
        except AuraError as error:
            # Each caller gets its own copy: one object raised in many tasks would mix up their tracebacks.
            raise copy.copy(error) from error

    def begin(self, work: Callable[[], Awaitable[T]]) -> "asyncio.Task[T]":
        """Start *work* without waiting for it; no task may be running."""
        if self._is_closed:
            raise _closed_error()
        self._task = asyncio.ensure_future(_run(work))
        self._task.add_done_callback(self._finish)
        return self._task

    async def aclose(self) -> None:
        """Cancel the running task and wait until it has ended. No task can start after that."""
        self._is_closed = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def _finish(self, task: "asyncio.Task[T]") -> None:
        self._task = None
        if not task.cancelled() and (error := task.exception()) is not None:
            self._on_failure(error)


async def _run(work: Callable[[], Awaitable[T]]) -> T:
    return await work()


def _closed_error() -> RuntimeError:
    return RuntimeError("the session manager was closed while it was in use")
