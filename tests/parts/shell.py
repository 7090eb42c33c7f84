"""An interactive shell on a terminal of its own, with job control, typed at as a person does."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from pathlib import Path
from typing import Final, Self

import pytest

from tests.parts.waiting import until

PROMPT: Final = "ready> "


class Shell:
    """bash on a terminal. Use it with ``with``."""

    def __enter__(self) -> Self:
        self.pid, self._terminal = pty.fork()
        if self.pid == 0:  # pragma: no cover - becomes the shell
            environment = os.environ | {"PS1": PROMPT, "TERM": "xterm", "HISTFILE": ""}
            os.execvpe("bash", ["bash", "--norc", "--noprofile", "--noediting", "-i"], environment)  # noqa: S606, S607 - the shell
        self.shown = ""
        self.resize(24, 80)
        self.read_until(PROMPT)
        return self

    def __exit__(self, *_: object) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self._terminal)

    def read_until(self, pattern: str, seconds: float = 20.0) -> str:
        """Read until *pattern* is shown, and return what came before it and the match; that is done with."""
        end = time.monotonic() + seconds
        while not (match := re.search(pattern, self.shown)):
            if not select.select([self._terminal], [], [], max(0.0, end - time.monotonic()))[0]:
                pytest.fail(f"{pattern!r} is never shown: {self.shown!r}")
            self.shown += os.read(self._terminal, 65536).decode("utf-8", "replace")
        seen, self.shown = self.shown[: match.end()], self.shown[match.end() :]
        return seen

    def type(self, text: str) -> None:
        os.write(self._terminal, text.encode())

    def run(self, line: str) -> str:
        """Type a line and return what is shown until the next prompt."""
        self.type(f"{line}\n")
        self.read_until(re.escape(line[-20:]))  # its echo
        return self.read_until(PROMPT).removesuffix(PROMPT).strip()

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def wait_for_input(self, name: str) -> None:
        """Wait until the program *name* on this terminal sleeps: it may miss a signal that comes just before."""
        until(lambda: self._sleeps(name), f"{name} waits for input")

    def _sleeps(self, name: str) -> bool:
        for file in Path("/proc").glob("[0-9]*/stat"):
            try:
                before, _, after = file.read_text("utf-8").rpartition(")")
            except (FileNotFoundError, ProcessLookupError):
                continue
            state, _, _, session = after.split()[:4]
            if before.endswith(f"({name}") and session == str(self.pid):
                return state == "S"
        return False

    def find_state(self, pid: int) -> str:
        """Return the state of a process as ps shows it, such as ``T`` for a stopped one; empty if it is gone."""
        try:
            return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return ""
