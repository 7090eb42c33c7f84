"""What ChromeDriver and Chrome write, kept short: a page can have Chrome log without end."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread
from typing import Final

OUTPUT_NAME: Final = "stderr.txt"
"""The file in a workspace with what ChromeDriver and Chrome wrote."""

_MAX_BYTES: Final = 4 * 2**20
_KEPT_BYTES: Final = 2**20
_INTERVAL_S: Final = 0.05
_BLOCK_BYTES: Final = 512  # of st_blocks, on any file system
_PUNCH_HOLE: Final = 0x02 | 0x01  # and the size stays: https://man7.org/linux/man-pages/man2/fallocate.2.html


@contextmanager
def limit_output(output: Path) -> Iterator[None]:
    """Free the beginning of *output* whenever it takes over 4 MiB, while the context lasts; its last lines stay."""
    over = Event()
    thread = Thread(target=_watch, args=(output, over), name="aura-browser-output-limit", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _watch(output: Path, over: Event) -> None:
    while not over.wait(_INTERVAL_S):
        with suppress(OSError):  # it is not there yet, or no more
            _shorten(output)


def _shorten(output: Path) -> None:
    facts = output.stat()
    if facts.st_blocks * _BLOCK_BYTES <= _MAX_BYTES:
        return
    with output.open("rb+") as file:
        if _free_beginning(file.fileno(), facts.st_size - _KEPT_BYTES):
            return
        file.seek(-_KEPT_BYTES, os.SEEK_END)
        end = file.read(_KEPT_BYTES)
        file.truncate(0)  # those who write append, so they go on at the new end
    with output.open("ab") as file:
        file.write(end)


def _free_beginning(file: int, length: int) -> bool:
    """Have the first *length* bytes of a file take no room, if the system can: nothing moves, so no line is lost."""
    fallocate = getattr(ctypes.CDLL(None), "fallocate", None)
    return fallocate is not None and fallocate(file, _PUNCH_HOLE, ctypes.c_int64(0), ctypes.c_int64(length)) == 0
