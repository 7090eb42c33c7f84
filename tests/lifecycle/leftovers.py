"""Finds what a harvest left: processes by a variable in their environment or by their session, and X servers' files."""

import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import psutil

VARIABLE: Final = "AURA_LIFECYCLE_CELL"
"""What a cell's process has in its environment, and so what it starts, whoever is their parent later."""

_X_SOCKETS: Final = Path("/tmp/.X11-unix")  # noqa: S108 - where every X server has its socket


class Trail:
    """What carries *mark*, and what is in a session (setsid(2)) with it.

    Chrome writes its helpers' command lines over their environments, so the mark alone does not find them; but none
    leaves its session.

    Args:
        mark: the value of the variable.
    """

    def __init__(self, mark: str) -> None:
        self._mark = mark
        self._sessions: set[int] = set()
        self._displays: set[str] = set()

    def look(self) -> list[psutil.Process]:
        """Return the processes that are there now, and remember their sessions and displays."""
        for process in psutil.process_iter():
            if (variables := _environment(process)).get(VARIABLE) == self._mark and (session := _session(process)):
                self._sessions.add(session)
                self._displays |= {variables["DISPLAY"]} if "DISPLAY" in variables else set()
        return [process for process in psutil.process_iter() if _session(process) in self._sessions]

    def zombies(self) -> list[psutil.Process]:
        """Return those that have ended and that nobody reaps."""
        return [process for process in self.look() if not _runs(process)]

    def dead_displays(self) -> Iterator[str]:
        """Return the sockets of displays that were used and that nobody serves any more."""
        for display in self._displays:
            path = _X_SOCKETS / f"X{display.removeprefix(':')}"
            with socket.socket(socket.AF_UNIX) as line:
                try:
                    line.connect(str(path))
                except ConnectionRefusedError:
                    yield str(path)
                except OSError:
                    continue


def name_of(process: psutil.Process) -> str:
    """Return what *process* is called, with what tells Chrome's processes apart."""
    with suppress(psutil.Error):
        kinds = [word for word in process.cmdline() if word.startswith("--type=")]
        return " ".join([process.name(), *kinds])
    return "?"


def _environment(process: psutil.Process) -> dict[str, str]:
    with suppress(OSError):
        text = Path(f"/proc/{process.pid}/environ").read_bytes().decode("utf-8", "replace")
        return dict(line.split("=", 1) for line in text.split("\0") if "=" in line)
    return {}


def _session(process: psutil.Process) -> int | None:
    with suppress(OSError):
        return os.getsid(process.pid)
    return None


def _runs(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return process.status() != psutil.STATUS_ZOMBIE
    return False
