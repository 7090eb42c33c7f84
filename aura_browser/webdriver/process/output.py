"""What ChromeDriver and Chrome write, kept short: a page can have Chrome log without end."""

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


@contextmanager
def limit_output(output: Path) -> Iterator[None]:
    """Remove the beginning of *output* whenever it is over 4 MiB, while the context lasts; its last lines stay."""
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
    if output.stat().st_size <= _MAX_BYTES:
        return
    with output.open("rb+") as file:
        file.seek(-_KEPT_BYTES, os.SEEK_END)
        end = file.read(_KEPT_BYTES)
        file.truncate(0)  # those who write append, so they go on at the new end
    with output.open("ab") as file:
        file.write(end)
