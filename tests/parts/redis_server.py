"""A real redis-server for tests: on loopback, in a folder of its own, ended with the test."""

import signal
import socket
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import pytest

from tests.parts.ports import free_port
from tests.parts.server_process import need, started

if TYPE_CHECKING:
    import subprocess


class RedisServer:
    """A redis-server as a context manager; it keeps nothing on disk unless *persistent*.

    Args:
        folder: an existing folder for what it writes.
        password: that it asks for, if any.
        persistent: whether every write is on disk before it is answered.
        over_socket: whether it listens on a Unix socket in *folder* only, else on a free port of 127.0.0.1 only.
    """

    def __init__(
        self, folder: Path, *, password: str | None = None, persistent: bool = False, over_socket: bool = False
    ) -> None:
        self._folder = folder
        self._password = password
        self._socket = folder / "redis.sock" if over_socket else None
        self._keeping = ["--appendonly", "yes", "--appendfsync", "always"] if persistent else ["--appendonly", "no"]
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """Where it is, with the password."""
        login = f":{self._password}@" if self._password else ""
        return f"unix://{login}{self._socket}" if self._socket else f"redis://{login}127.0.0.1:{self.port}/0"

    def __enter__(self) -> Self:
        need("redis-server")
        for _ in range(5):
            self.port = 0 if self._socket else free_port()
            # Another program may have taken the port a moment ago.
            with suppress(ChildProcessError):
                self.start()
                return self
        pytest.fail(f"redis-server does not start: {self._log()[-2000:]}")

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.kill()

    def start(self) -> None:
        """Start it, and wait until it answers; ChildProcessError if it ends before that."""
        self._process = started(["redis-server", *self._options()], self._folder / "redis.log", self._answers)

    def pause(self) -> None:
        """Stop it where it stands (SIGSTOP); what is sent to it waits."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on (SIGCONT)."""
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it (SIGKILL), if it runs."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def restart(self) -> None:
        """Kill it, and start it at the same place."""
        self.kill()
        self.start()

    def command(self, *words: str) -> str:
        """Send one command; return its whole answer as Redis writes it."""
        with self._connected() as connection:
            if self._password:
                _ask(connection, "AUTH", self._password)
            return _ask(connection, *words)

    def _options(self) -> list[str]:
        where = (
            ["--port", "0", "--unixsocket", str(self._socket)]
            if self._socket
            else ["--port", str(self.port), "--bind", "127.0.0.1"]
        )
        password = ["--requirepass", self._password] if self._password else []
        return [*where, *password, *self._keeping, "--save", "", "--dir", str(self._folder), "--daemonize", "no"]

    def _connected(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX if self._socket else socket.AF_INET)
        connection.settimeout(2)
        try:
            connection.connect(str(self._socket) if self._socket else ("127.0.0.1", self.port))
        except OSError:
            connection.close()
            raise
        return connection

    def _answers(self) -> bool:
        try:
            return self.command("PING") == "+PONG\r\n"
        except OSError:
            return False

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None, "it does not run"
        self._process.send_signal(number)

    def _log(self) -> str:
        return (self._folder / "redis.log").read_text("utf-8", "replace")


def _ask(connection: socket.socket, *words: str) -> str:
    lines = (f"*{len(words)}", *(line for word in words for line in (f"${len(word.encode())}", word)), "")
    connection.sendall("\r\n".join(lines).encode())
    return connection.recv(65536).decode()
