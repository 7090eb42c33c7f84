"""Real proxies for tests: tinyproxy (HTTP) and microsocks (SOCKS5), on loopback, ended with the test."""

import socket
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, ClassVar, Self
from urllib.parse import quote

import pytest

from tests.parts.ports import free_port
from tests.parts.server_process import need, started

if TYPE_CHECKING:
    import subprocess


class ProxyServer(ABC):
    """A proxy on a free port of 127.0.0.1, as a context manager.

    Args:
        folder: an existing folder for what it writes.
        user: that it asks for, if any.
        password: that it asks for, if any.
    """

    program: ClassVar[str]
    scheme: ClassVar[str]

    def __init__(self, folder: Path, *, user: str = "", password: str = "") -> None:
        self.user = user
        self.password = password
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """Where it is, with user and password if it asks for them."""
        return self.url_with(self.user, self.password)

    @property
    def pid(self) -> int:
        """Of its process."""
        assert self._process is not None, "it does not run"
        return self._process.pid

    def url_with(self, user: str, password: str) -> str:
        """Where it is, with this user and password."""
        login = f"{quote(user, safe='')}:{quote(password, safe='')}@" if user else ""
        return f"{self.scheme}://{login}127.0.0.1:{self.port}"

    def targets(self) -> list[str]:
        """Return what it was asked for so far and has let through, oldest first, as its log has it."""
        return [
            line.rpartition(self._mark())[2].split()[0] for line in self._log().splitlines() if self._mark() in line
        ]

    def __enter__(self) -> Self:
        need(self.program)
        for _ in range(5):
            self.port = free_port()
            # Another program may have taken the port a moment ago.
            with suppress(ChildProcessError):
                self._start()
                return self
        pytest.fail(f"{self.program} does not start: {self._log()[-2000:]}")

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.kill()

    def kill(self) -> None:
        """End it, if it runs."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    @abstractmethod
    def _command(self) -> Sequence[str]: ...

    @abstractmethod
    def _mark(self) -> str:
        """Return what stands before a target in its log."""

    def _start(self) -> None:
        self._process = started(self._command(), self._folder / f"{self.program}.log", self._answers)

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 2).close()
        except OSError:
            return False
        return True

    def _log(self) -> str:
        return (self._folder / f"{self.program}.log").read_text("utf-8", "replace")


class Tinyproxy(ProxyServer):
    """An HTTP proxy; with a user, it asks for Basic authentication."""

    program = "tinyproxy"
    scheme = "http"

    def _command(self) -> Sequence[str]:
        lines = [f"Port {self.port}", "Listen 127.0.0.1", "Timeout 60", "LogLevel Connect", "MaxClients 200"]
        if self.user:
            lines.append(f"BasicAuth {self.user} {self.password}")
        settings = self._folder / "tinyproxy.conf"
        settings.write_text("\n".join([*lines, ""]))
        return ["tinyproxy", "-d", "-c", str(settings)]

    def _mark(self) -> str:
        return "Established connection to host "


class Microsocks(ProxyServer):
    """A SOCKS5 proxy; with a user, it asks for user and password."""

    program = "microsocks"
    scheme = "socks5"

    def _command(self) -> Sequence[str]:
        login = ["-u", self.user, "-P", self.password] if self.user else []
        return ["microsocks", "-i", "127.0.0.1", "-p", str(self.port), *login]

    def _mark(self) -> str:
        return "connected to "
