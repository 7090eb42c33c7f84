"""One piece of work at a time for any number of callers."""

import asyncio
import copy
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from aura_browser.errors import AuraError

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Runs one piece of work at a time; all who join it meanwhile get its result.

    The work belongs to the flight, not to the caller who began it: one that is cancelled takes nothing from the others.

    Args:
        on_failure: gets the error of work that failed, since it may be that no caller hears of it.
    """

    def __init__(self, on_failure: Callable[[BaseException], None]) -> None:
        self._on_failure = on_failure
        self._task: asyncio.Task[T] | None = None
        self._is_closed = False

    @property
    def task(self) -> "asyncio.Task[T] | None":
        """The work under way, or None."""
        return self._task

    async def join(self, work: Callable[[], Awaitable[T]]) -> T:
        """Await the work under way, or begin *work*.

        Raises:
            AuraError: what the work raises.
            RuntimeError: if the flight was closed.
        """
        task = self._task or self.begin(work)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            caller = asyncio.current_task()
            if task.cancelled() and caller is not None and not caller.cancelling():
                raise _closed() from None
            raise
        except AuraError as error:
            # Each caller gets its own: one object raised in many tasks would mix up their tracebacks.
            raise copy.copy(error) from error

    def begin(self, work: Callable[[], Awaitable[T]]) -> "asyncio.Task[T]":
        """Begin *work* without waiting for it; nothing may be under way."""
        if self._is_closed:
            raise _closed()
        self._task = asyncio.ensure_future(_run(work))
        self._task.add_done_callback(self._finish)
        return self._task

    async def aclose(self) -> None:
        """Cancel the work under way and wait until it has ended. None can begin after that."""
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


def _closed() -> RuntimeError:
    return RuntimeError("the session manager was closed while it was in use")
