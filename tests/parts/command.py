"""The command, run as people run it: in a process of its own, or on a terminal."""

import logging
import os
import pty
import re
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import IO, Self, TextIO
from unittest.mock import patch

import pytest

from aura_browser.cli import main
from tests.parts.forks import choose_python
from tests.parts.waiting import until

PROGRAM = [sys.executable, "-m", "aura_browser"]
"""The command as people start it: for what is about its start, or looks at its process."""


def choose_program(environment: Mapping[str, str] = os.environ) -> list[str]:
    """Return the quickest start of the command in *environment*; signals reach it, but its process is another."""
    return [*choose_python(environment), "aura_browser"]


def run(*args: str, text: str | None = None, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run the command until it ends."""
    return subprocess.run(
        [*choose_program(os.environ | environment), *args],
        input=text,
        stdin=subprocess.DEVNULL if text is None else None,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        env=os.environ | environment,
    )


def run_here(*args: str, text: str | None = None, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run the command in this process, which takes milliseconds; it must not need a terminal or signals."""
    with patch.dict(os.environ, environment):
        return _run_here(*args, text=text)


def _run_here(*args: str, text: str | None) -> "subprocess.CompletedProcess[str]":
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    root, own = logging.getLogger(), logging.getLogger("aura_browser")
    logs = [*root.handlers], root.level, own.level
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        given.write((text or "").encode())
        given.seek(0)
        kept = [os.dup(number) for number in range(3)]
        streams = sys.stdin, sys.stdout, sys.stderr
        try:
            for number, file in enumerate((given, out, err)):
                os.dup2(file.fileno(), number)
            with (
                open(0, encoding="utf-8", closefd=False) as sys.stdin,
                _open_text(1) as sys.stdout,
                _open_text(2) as sys.stderr,
            ):
                code = main(args)
        finally:
            sys.stdin, sys.stdout, sys.stderr = streams
            root.handlers[:] = logs[0]
            root.setLevel(logs[1])
            own.setLevel(logs[2])
            for number, copy in enumerate(kept):
                os.dup2(copy, number)
                os.close(copy)
            for number, handler in handlers.items():
                signal.signal(number, handler)
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess([*args], code, out.read().decode(), err.read().decode())


def _open_text(number: int) -> TextIO:
    return open(number, "w", encoding="utf-8", closefd=False)


def make_terminal(monkeypatch: pytest.MonkeyPatch, *names: str) -> StringIO:
    """Make one terminal of 100 columns of this process's streams, such as ``stderr``; return what it shows."""
    shown = StringIO()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(shown, "isatty", lambda: True)
    for name in names:
        monkeypatch.setattr(sys, name, shown)
    return shown


class Terminal:
    """The command on a terminal, typed at and read from as a person does; its output may go to a file.

    *program* is how it is started.
    """

    def __init__(self, *args: str, output: IO[bytes] | None = None, program: list[str] | None = None) -> None:
        self._reader, writer = pty.openpty()
        self.process = subprocess.Popen(
            [*(program or choose_program()), *args],
            stdin=writer,
            stdout=output or writer,
            stderr=writer,
            start_new_session=True,
        )
        os.close(writer)
        self.shown = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._reader)

    def read_until(self, pattern: str, seconds: float = 30.0) -> str:
        """Read until *pattern* is shown; what came before is done with."""
        end = time.monotonic() + seconds
        while not (match := re.search(pattern, self.shown)):
            assert select.select([self._reader], [], [], max(0.0, end - time.monotonic()))[0], self.shown
            try:
                self.shown += os.read(self._reader, 65536).decode("utf-8", "replace")
            except OSError:  # on Linux, what a terminal says once its program has ended
                pytest.fail(f"it ended without {pattern!r}: {self.shown}")
        seen, self.shown = self.shown[: match.end()], self.shown[match.end() :]
        return seen

    def wait_for_input(self) -> None:
        """Wait until `PROGRAM` sleeps: a signal just before it does is noticed at the next key only."""
        until(self._sleeps, "the program waits for input")

    def _sleeps(self) -> bool:
        return Path(f"/proc/{self.process.pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0] == "S"

    def type(self, text: str) -> None:
        os.write(self._reader, text.encode())
