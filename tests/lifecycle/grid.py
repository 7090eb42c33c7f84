"""A Selenium Grid for all cells that need one, with one Chrome at a time, which can be held before it starts."""

import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import psutil
import pytest

from tests.lifecycle.gate import Gate
from tests.lifecycle.leftovers import name_of
from tests.parts.selenium_grid import SeleniumGrid
from tests.parts.waiting import holds_within

_QUEUE_S: Final = 20
_SLOTS: Final = 5  # each ChromeDriver that is killed takes one along
_SETTLED_S: Final = 30.0


class HeldGrid:
    """A Grid that runs.

    Attributes:
        url: its address.
        gate: before its Chrome.
        turn: to be held by who uses it; it serves one at a time.
    """

    def __init__(self, grid: SeleniumGrid, gate: Gate, folder: Path) -> None:
        self.url = grid.url
        self.gate = gate
        self.turn = threading.Lock()
        self._grid = grid
        self._folder = folder
        self._lost: set[str] = set()
        # Each part of the Grid leads a process group, which those below it never leave, orphans neither.
        self._groups = {os.getpgid(part.pid) for part in grid.processes() if part.name() == "java"}

    def sessions(self) -> list[str]:
        """Return the sessions that somebody could end; one that is being created is ``reserved``."""
        return [f"session {key}" for key in self._grid.sessions() if key not in self._lost]

    def processes(self) -> list[str]:
        """Return the names of what runs of ChromeDriver and Chrome."""
        return [name_of(process) for process in self._browsers()]

    def profiles(self) -> list[str]:
        """Return the profiles that are there."""
        return [path.name for path in self._profiles()]

    def settle(self) -> None:
        """Wait until no session is being created."""
        holds_within(_SETTLED_S, lambda: "reserved" not in self._grid.sessions())

    def clear(self) -> None:
        """End what is there, so that nobody else meets it."""
        self.gate.release()
        for process in self._browsers():
            with suppress(psutil.Error):
                process.kill()
        self.settle()
        for profile in self._profiles():
            shutil.rmtree(profile, ignore_errors=True)
        self._lost |= set(self._grid.sessions())
        self.gate.reset()

    def _profiles(self) -> Iterator[Path]:
        return self._folder.glob("grid.*/node*.tmp/*scoped_dir*")

    def _browsers(self) -> Iterator[psutil.Process]:
        for process in psutil.process_iter():
            with suppress(OSError, psutil.Error):
                if os.getpgid(process.pid) not in self._groups or process.status() == psutil.STATUS_ZOMBIE:
                    continue
                if process.name().startswith("chrom") or str(self.gate.script) in process.cmdline():
                    yield process


@contextmanager
def held_grid() -> Iterator[HeldGrid]:
    """Run the Grid while the context lasts. It ends with the thread that starts it, too."""
    # A short path, for Chrome's socket.
    with tempfile.TemporaryDirectory(prefix="g", dir="/tmp", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / "gate").mkdir()
        with Gate(folder / "gate", shutil.which("chromium") or "") as gate, pytest.MonkeyPatch.context() as patch:
            patch.setenv("AURA_BROWSER_CHROME", str(gate.script))
            patch.setenv("TMPDIR", name)
            with SeleniumGrid(folder, nodes=1, slots=_SLOTS, queue_timeout_s=_QUEUE_S) as grid:
                patch.undo()
                yield HeldGrid(grid, gate, folder)
