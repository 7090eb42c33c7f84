"""A real redis-server for tests: on loopback, in a folder of its own, ended with the test."""

import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import pytest

_MISSING: Final = "redis-server is missing; bring it with: apt-get install redis-server"
_READY_S: Final = 10.0


def need_redis() -> None:
    """Skip the test where there is no redis-server; under CI that is a failure."""
    if shutil.which("redis-server"):
        return
    if os.environ.get("CI") == "true":
        pytest.fail(_MISSING)
    pytest.skip(_MISSING)


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
        need_redis()
        for _ in range(5):
            self.port = 0 if self._socket else _free_port()
            # Another program may have taken the port a moment ago.
            with suppress(ChildProcessError):
                self.start()
                return self
        pytest.fail(f"redis-server does not start: {self._log()[-2000:]}")

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.kill()

    def start(self) -> None:
        """Start it, and wait until it answers; ChildProcessError if it ends before that."""
        # Its end is tied to this process, for when that is killed.
        tie = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
        with (self._folder / "redis.log").open("ab") as log:
            self._process = subprocess.Popen([*tie, "redis-server", *self._options()], stdout=log, stderr=log)
        end = time.monotonic() + _READY_S
        while not self._answers():
            if self._process.poll() is not None:
                raise ChildProcessError(self._process.returncode)
            if time.monotonic() > end:
                self.kill()
                pytest.fail(f"redis-server is not ready after {_READY_S:.0f} s: {self._log()[-2000:]}")
            time.sleep(0.01)

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


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
