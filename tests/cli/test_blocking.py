"""Blocking calls and writes beside the event loop: their errors reach the caller, and their ends nobody else."""

import asyncio
import fcntl
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from aura_browser.cli.blocking import Writer, call_apart, open_writer

_CHUNK = b"x" * 2**17


@pytest.fixture(autouse=True)
def no_failed_thread(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail what leaves a thread that ended with an error, or that does not end."""
    failed: list[object] = []
    monkeypatch.setattr(threading, "excepthook", failed.append)
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        thread.join(20)
        assert not thread.is_alive()
    assert failed == []


@contextmanager
def told(loop: asyncio.AbstractEventLoop) -> Iterator[list[dict[str, Any]]]:
    """Yield what the loop is told of errors that nobody gets."""
    errors: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _loop, context: errors.append(context))
    yield errors


async def fill(writer: Writer) -> None:
    """Write until that fails, and stop as the command does."""
    try:
        while True:
            await writer.write(_CHUNK)
    finally:
        writer.stop()


async def test_what_a_call_raises_is_raised_where_it_is_awaited() -> None:
    def fail() -> None:
        raise PermissionError("not yours")

    with pytest.raises(PermissionError, match="not yours"):
        await call_apart(fail)
    assert await call_apart(lambda: threading.current_thread() is threading.main_thread()) is False


async def test_a_call_that_ends_after_its_caller_has_gone_bothers_nobody() -> None:
    over = threading.Event()

    def fail() -> None:
        over.wait(20)
        raise PermissionError

    with told(asyncio.get_running_loop()) as errors:
        waiting = asyncio.create_task(call_apart(fail))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        over.set()
        assert await call_apart(lambda: True), "the loop goes on"
        await asyncio.sleep(0)
    assert errors == []


@pytest.mark.parametrize("is_writer", [False, True])
def test_the_end_of_the_program_does_not_wait_for_what_blocks(*, is_writer: bool) -> None:
    over = threading.Event()
    ours, theirs = socket.socketpair()

    async def block() -> None:
        blocked: Callable[[], Any] = over.wait
        work = fill(open_writer(theirs.fileno())) if is_writer else call_apart(blocked)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(work, 0.05)

    with ours, theirs:
        asyncio.run(block())
        blocked = [each for each in threading.enumerate() if each.name in {"aura-blocking", "aura-writer"}]
        assert [each.daemon for each in blocked] == [True], "it blocks still"
        over.set()
        theirs.shutdown(socket.SHUT_RDWR)


async def test_a_full_disk_ends_what_is_written_there() -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        with pytest.raises(OSError, match="No space left"):
            await fill(open_writer(full))
        short = open_writer(full)
        await short.write(b"a few bytes")
        with pytest.raises(OSError, match="No space left"):
            await short.finish()
        os.fstat(full)  # is open still
        with pytest.raises(OSError, match="No space left"):
            await short.write(b"more")
    finally:
        short.stop()
        os.close(full)


def open_pipe() -> tuple[int, int]:
    return os.pipe()


def open_socket() -> tuple[int, int]:
    ours, theirs = socket.socketpair()
    return ours.detach(), theirs.detach()


@pytest.mark.parametrize("make", [open_pipe, open_socket])
async def test_all_of_it_arrives_in_order_at_a_slow_reader(make: Callable[[], tuple[int, int]]) -> None:
    reader, target = make()
    got = bytearray()

    def read() -> None:
        while chunk := os.read(reader, 5000):
            got.extend(chunk)

    thread = threading.Thread(target=read)
    thread.start()
    writer = open_writer(target)
    for each in range(40):
        await writer.write(bytes([each]) * 50_000)
    await writer.finish()
    os.close(target)
    await asyncio.to_thread(thread.join)
    os.close(reader)
    assert bytes(got) == b"".join(bytes([each]) * 50_000 for each in range(40))


async def test_a_finish_that_nobody_waits_for_any_more_bothers_nobody() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, told(asyncio.get_running_loop()) as errors:
        writer = open_writer(theirs.fileno())
        [thread] = [each for each in threading.enumerate() if each.name == "aura-writer"]
        for _ in range(4):
            await writer.write(_CHUNK * 8)
        finishing = asyncio.create_task(writer.finish())
        await asyncio.sleep(0)
        finishing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await finishing
        theirs.shutdown(socket.SHUT_RDWR)
        await asyncio.to_thread(thread.join, 20)
        await asyncio.sleep(0)
    assert errors == []


async def test_a_writer_that_is_stopped_twice_closes_nothing_of_others() -> None:
    reader, target = os.pipe()
    writer = open_writer(target)
    await writer.write(b"all")
    await writer.finish()
    others = [os.dup(reader) for _ in range(3)]  # one of them has the number that the writer had
    writer.stop()
    assert os.read(reader, 10) == b"all"
    for each in (*others, reader, target):
        os.close(each)


async def test_a_pipe_is_made_as_wide_as_everybody_may() -> None:
    reader, target = os.pipe()
    writer = open_writer(target)
    assert fcntl.fcntl(reader, fcntl.F_GETPIPE_SZ) == 2**20
    await writer.finish()
    for each in (reader, target):
        os.close(each)


async def test_a_reader_that_is_behind_holds_up_the_fifth_piece() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        writer = open_writer(theirs.fileno())
        for _ in range(4):
            await asyncio.wait_for(writer.write(_CHUNK * 8), 20)
        fifth = asyncio.create_task(writer.write(b"end"))
        await asyncio.wait([fifth], timeout=0.05)
        assert not fifth.done()
        reading = asyncio.create_task(asyncio.to_thread(read_whole, ours))
        await fifth
        await writer.finish()
        theirs.shutdown(socket.SHUT_RDWR)
        assert await reading == _CHUNK * 32 + b"end"


def read_whole(ours: socket.socket) -> bytes:
    return b"".join(iter(lambda: ours.recv(2**16), b""))
