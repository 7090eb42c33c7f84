"""A Python that has imported the package, and forks for each run of the command: that takes a fifth of the time.

``python -m tests.parts.fork_server DESCRIPTOR`` serves the socket that listens there until its standard input ends.
A run ends as one that Python started would: with its exit handlers, and by a signal where one ends it.
"""

import gc
import importlib
import io
import marshal
import os
import runpy
import select
import signal
import socket
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from tests.parts.fork_client import LENGTH_SIZE, NUMBER_SIZE

_IMPORTED: Final = (
    "aiohttp",
    "aura_browser.chat.dialects.openchat_ui",
    "aura_browser.cli.basic",
    "aura_browser.cli.conversation",
    "aura_browser.cli.exec",
    "aura_browser.cli.harvesting",
    "aura_browser.cli.request.commands",
    "aura_browser.cli.sessions.commands",
    "aura_browser.formats.age",
    "aura_browser.formats.netrc",
    "aura_browser.formats.recognition",
    "aura_browser.http.prover",
    "aura_browser.http.settling",
    "aura_browser.http.transport",
    "aura_browser.programs.running",
    "aura_browser.webdriver.browsers.chrome",
    "aura_browser.webdriver.browsers.default",
    "aura_browser.webdriver.harvest",
    "filelock",
    "platformdirs",
    "rich.console",
    "selenium.webdriver.chromium.remote_connection",
)
"""What most runs import, but what makes a default of openchat.team's address: `tests.parts.moved` has to be first."""


@dataclass(frozen=True)
class Asked:
    """A run: a module with its arguments, its folder, its environment, its session, and its standard streams."""

    args: list[str]
    folder: str
    environment: dict[str, str]
    leads_session: bool
    streams: list[int]

    def become(self) -> None:
        """Be that run, in this process."""
        if self.leads_session:
            os.setsid()
        for number, stream in enumerate(self.streams):
            os.dup2(stream, number)
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        os.chdir(self.folder)
        os.environ.clear()
        os.environ.update(self.environment)
        tempfile.tempdir = None
        _open_streams()
        sys.argv[1:] = self.args[1:]
        sys.path[0] = self.folder
        runpy.run_module(self.args[0], run_name="__main__", alter_sys=True)


def _open_streams() -> None:
    """Open the standard streams as Python does; what was written to the server's own is none of it."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        given = getattr(sys, name)
        is_unbuffered = given.write_through and number > 0
        stream = io.TextIOWrapper(
            open(  # noqa: SIM115 - it lasts as long as the process
                number, "wb" if number else "rb", buffering=0 if is_unbuffered else -1, closefd=False
            ),
            encoding=given.encoding,
            errors=given.errors,
            write_through=given.write_through,
        )
        stream.reconfigure(line_buffering=given.line_buffering or stream.isatty())
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def read_asked(connection: socket.socket) -> Asked | None:
    """Return what the other side asks for; None if it has ended before."""
    length, streams, _, _ = socket.recv_fds(connection, LENGTH_SIZE, 3)
    asked = connection.recv(int.from_bytes(length), socket.MSG_WAITALL)
    if not length or len(asked) < int.from_bytes(length):
        return None
    args, folder, environment, leads_session = marshal.loads(asked)  # noqa: S302 - from our own tests
    return Asked(args, folder, environment, leads_session, streams)


class _Server:
    """Forks for each connection, waits for all runs at once, and says on its connection how each ended."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._running: dict[int, tuple[int, socket.socket]] = {}

    def serve(self) -> Asked | None:
        """Return what a run was asked for, in its process; None in the server's own, at the end."""
        while True:
            connections = {connection.fileno(): process for process, connection in self._running.values()}
            waited_for = [0, self._listener.fileno(), *self._running, *connections]
            ready = set(select.select(waited_for, [], [])[0])
            if 0 in ready:
                return None
            for closed in ready & connections.keys():
                os.kill(connections[closed], signal.SIGKILL)
            for ended in ready & self._running.keys():
                self._end(ended)
            if self._listener.fileno() in ready and (asked := self._start()):
                return asked

    def _start(self) -> Asked | None:
        connection, _ = self._listener.accept()
        asked = read_asked(connection)
        if asked is None:
            connection.close()
        elif process := os.fork():
            for stream in asked.streams:
                os.close(stream)
            self._running[os.pidfd_open(process)] = process, connection
            _send_number(connection, process)
            asked = None
        return asked

    def _end(self, ended: int) -> None:
        process, connection = self._running.pop(ended)
        os.close(ended)
        code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        with connection:
            _send_number(connection, code)


def _send_number(connection: socket.socket, number: int) -> None:
    with suppress(BrokenPipeError):  # the other side has ended
        connection.sendall(number.to_bytes(NUMBER_SIZE, signed=True))


def main() -> Asked | None:
    for name in _IMPORTED:
        importlib.import_module(name)
    gc.freeze()
    with socket.socket(fileno=int(sys.argv[1])) as listener:
        return _Server(listener).serve()


if __name__ == "__main__" and (asked := main()) is not None:
    asked.become()
