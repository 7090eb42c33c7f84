"""A program behind a door: its start is seen, and it waits there until it is let in."""

import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import psutil

_GLANCE_S: Final = 0.02
_SCRIPT: Final = """#!/bin/sh
: > '{folder}/started.'$$
[ -e '{folder}/hold' ] && read -r _ < '{folder}/door'
[ -e '{folder}/refuse' ] && exit 1
exec '{program}' "$@"
"""


class Gate:
    """A script that stands for *program* and becomes it, its process the same.

    Args:
        folder: an existing one of its own; its path has no quote.
        program: an executable.
    """

    def __init__(self, folder: Path, program: str) -> None:
        self._folder = folder
        self.script = folder / Path(program).name
        self.script.write_text(_SCRIPT.format(folder=folder, program=program), "utf-8")
        self.script.chmod(0o700)
        os.mkfifo(folder / "door")
        # Open for both, so that neither opening it nor writing to it waits for who is behind it.
        self._door = os.open(folder / "door", os.O_RDWR | os.O_NONBLOCK)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        os.close(self._door)

    def hold(self) -> None:
        """Have it wait, from the next start on."""
        (self._folder / "hold").touch()

    def release(self, *, refuse: bool = False) -> None:
        """Let in who waits and who comes; or have them end with an error instead of starting."""
        if refuse:
            (self._folder / "refuse").touch()
        (self._folder / "hold").unlink(missing_ok=True)
        with suppress(BlockingIOError):
            os.write(self._door, b"\n" * 64)

    def reset(self) -> None:
        """Forget what was started, and hold and refuse nobody."""
        for name in ("hold", "refuse", *(path.name for path in self._folder.glob("started.*"))):
            (self._folder / name).unlink(missing_ok=True)
        with suppress(BlockingIOError):
            os.read(self._door, 4096)

    @property
    def is_held(self) -> bool:
        """Whether who comes has to wait."""
        return (self._folder / "hold").exists()

    @property
    def pid(self) -> int | None:
        """The latest process that came, if one has."""
        latest = max(self._folder.glob("started.*"), key=lambda path: path.stat().st_mtime_ns, default=None)
        return None if latest is None else int(latest.suffix[1:])

    def process(self) -> psutil.Process:
        """Return the latest process that came."""
        pid = self.pid
        assert pid is not None, "nobody came"
        return psutil.Process(pid)
