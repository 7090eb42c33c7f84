"""Where processes of a test live: a home and a folder for temporary files of their own, and a mark on all of them."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import psutil

from tests.lifecycle.leftovers import VARIABLE, Trail, name_of


class Place:
    """A fresh home, a fresh folder for temporary files, and all processes that were started there.

    Args:
        folder: an existing one; its path is short, as Chrome needs it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._home = folder / "home"
        self._temporary = folder / "tmp"
        self._mark = uuid4().hex
        self._trail = Trail(self._mark)
        for part in (self._home, self._temporary):
            part.mkdir()

    def environment(self, variables: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return the environment of a process that lives here, with *variables* in it."""
        # Without the XDG variables, what they name is below the home.
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AURA_", "XDG_", "DISPLAY"))}
        own = {"HOME": str(self._home), "TMPDIR": str(self._temporary), VARIABLE: self._mark}
        return kept | own | dict(variables or {})

    def processes(self) -> list[psutil.Process]:
        """Return those that run here now. Who was there once is known again without its parent and its mark."""
        zombies = self._trail.zombies()
        return [process for process in self._trail.look() if process not in zombies]

    def left(self) -> list[str]:
        """Return what is left: processes, temporary files, displays; in the home, what is not the package's state."""
        processes = [name_of(process) for process in self.processes()]
        # Of a process that was killed, the system's first process reaps what is left; here it may be one that does not.
        zombies = [f"zombie {name_of(each)}" for each in self._trail.zombies() if _has_parent(each)]
        temporary = [f"TMPDIR/{path.name}" for path in self._temporary.iterdir()]
        strangers = [f"~/{path.relative_to(self._home)}" for path in self._home.rglob("*") if not self._is_ours(path)]
        return [*processes, *zombies, *temporary, *strangers, *self._trail.dead_displays()]

    def clear(self) -> None:
        """End all processes that are here."""
        for process in self.processes():
            with suppress(psutil.Error):
                process.kill()

    def _is_ours(self, path: Path) -> bool:
        state = self._home / ".local" / "state" / "aura-browser"
        return path == state or path in state.parents or state in path.parents


@contextmanager
def place() -> Iterator[Place]:
    """Have a place for the context, and nobody there afterwards."""
    # A short path, for Chrome's socket.
    with tempfile.TemporaryDirectory(prefix="c", dir="/tmp", ignore_cleanup_errors=True) as folder:
        here = Place(Path(folder))
        try:
            yield here
        finally:
            here.clear()


def _has_parent(process: psutil.Process) -> bool:
    """Return whether a process that ended waits for a parent of its own to reap it; the first one does so at once."""
    with suppress(psutil.NoSuchProcess):  # it has been reaped meanwhile
        return process.ppid() != 1
    return False
