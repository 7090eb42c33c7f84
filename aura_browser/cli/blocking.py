"""Blocking calls and writes beside the event loop, in threads that don't hold up the end of the program.

A pipe whose other end sleeps blocks for ever. The event loop's own threads are waited for at its end; these are not.
"""

import asyncio
import io
import os
import stat
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import Final, Protocol, TypeVar

T = TypeVar("T")

_PIPE_BYTES: Final = 2**20  # what Linux allows everybody
_MAX_WAITING: Final = 4  # chunks, each of at most what aiohttp buffers: 128 KiB


async def call_apart(function: Callable[[], T]) -> T:
    """Return what *function* returns, called in a thread of its own. What it raises is raised here."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def run() -> None:
        try:
            result = function()
        except BaseException as error:  # noqa: BLE001 - it is raised where it is awaited
            _settle(loop, future, error)
        else:
            _settle(loop, future, result)

    threading.Thread(target=run, name="aura-blocking", daemon=True).start()
    return await future


def _settle(loop: asyncio.AbstractEventLoop, future: "asyncio.Future[T]", outcome: T | BaseException) -> None:
    def settle() -> None:
        if future.cancelled():
            return
        if isinstance(outcome, BaseException):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)

    if not loop.is_closed():
        loop.call_soon_threadsafe(settle)


class Writer(Protocol):
    """Writes bytes in order, and makes its caller wait while the reader is behind."""

    async def write(self, data: bytes) -> None:
        """Write *data*. Raises OSError if it, or earlier data, can't be written."""

    async def finish(self) -> None:
        """Wait until everything is written. Raises as :meth:`write`."""

    def stop(self) -> None:
        """Write nothing more; don't wait."""


def open_writer(handle: int) -> Writer:
    """Return a writer to the open file *handle*, which stays open.

    A pipe is opened once more, without waiting: threads would cost half of the speed. The flag must not be set on
    *handle* itself, which other programs share.
    """
    if stat.S_ISFIFO(os.fstat(handle).st_mode):
        with suppress(OSError):  # no /dev/fd here, or a pipe of another user
            pipe = os.open(f"/dev/fd/{handle}", os.O_WRONLY | os.O_NONBLOCK)
            _widen(pipe)
            return PipeWriter(pipe)
    return ThreadWriter(handle)


def _widen(pipe: int) -> None:
    """Let more wait in a pipe, where the system can: then its two ends wait for each other less often."""
    with suppress(ImportError, AttributeError, OSError):
        import fcntl

        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)


class PipeWriter:
    """Writes to a pipe in the event loop, and waits for room there.

    Args:
        handle: a descriptor that does not block; it is closed at the end.
    """

    def __init__(self, handle: int) -> None:
        self._file = io.FileIO(handle, "w")
        self._loop = asyncio.get_running_loop()

    async def write(self, data: bytes) -> None:
        """Write *data*; see :class:`Writer`."""
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[os.write(self._file.fileno(), rest) :]
            except BlockingIOError:
                await self._wait_for_room()

    async def finish(self) -> None:
        """Close the descriptor: nothing is waiting."""
        self.stop()

    def stop(self) -> None:
        """Close the descriptor."""
        self._file.close()

    async def _wait_for_room(self) -> None:
        room = asyncio.Event()
        self._loop.add_writer(self._file, room.set)
        try:
            await room.wait()
        finally:
            self._loop.remove_writer(self._file)


class ThreadWriter:
    """Writes to an open file in a thread, in order, and makes its caller wait while the reader is behind.

    Args:
        handle: a file descriptor; it stays open.
    """

    def __init__(self, handle: int) -> None:
        self._handle = handle
        self._loop = asyncio.get_running_loop()
        self._waiting: SimpleQueue[bytes | None] = SimpleQueue()
        self._room = asyncio.Semaphore(_MAX_WAITING)
        self._error: BaseException | None = None
        self._ended: asyncio.Future[None] = self._loop.create_future()
        threading.Thread(target=self._run, name="aura-writer", daemon=True).start()

    async def write(self, data: bytes) -> None:
        """Hand over *data*; wait for room first.

        Raises:
            OSError: if earlier data could not be written.
        """
        await self._room.acquire()
        if self._error is not None:
            raise self._error
        self._waiting.put(data)

    async def finish(self) -> None:
        """Wait until everything is written. Raises as :meth:`write`."""
        self._waiting.put(None)
        await self._ended
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        """Write nothing more than is handed over already; don't wait for it."""
        self._waiting.put(None)

    def _run(self) -> None:
        while (data := self._waiting.get()) is not None:
            if self._error is None:
                self._write_all(data)
            self._call(self._room.release)
        self._call(self._end)

    def _end(self) -> None:
        if not self._ended.done():
            self._ended.set_result(None)

    def _write_all(self, data: bytes) -> None:
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._handle, rest) :]
        except OSError as error:
            self._error = error

    def _call(self, function: Callable[[], object]) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(function)
