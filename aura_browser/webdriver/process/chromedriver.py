"""Runs ChromeDriver in a process group of its own, and ends it together with its Chrome."""

import logging
import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from secrets import token_hex
from threading import Thread
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from aura_browser.webdriver.deadline import Deadline
from aura_browser.webdriver.locate import BrowserPaths
from aura_browser.webdriver.process import control
from aura_browser.webdriver.process.connection import Connection
from aura_browser.webdriver.process.control import ControlRefused, Listeners
from aura_browser.webdriver.process.environment import copy_environment
from aura_browser.webdriver.process.orphans import adopt_orphans, find_children, reap
from aura_browser.webdriver.process.reasons import build_launch_error
from aura_browser.webdriver.process.watchdog import Watchdog, end_group, has_only_zombies
from aura_browser.webdriver.process.workspace import MAX_TMPDIR_LENGTH, Workspace

if TYPE_CHECKING:
    from aura_browser.webdriver.running_session import RunningSession

_log = logging.getLogger(__name__)

_OUTPUT_NAME: Final = "stderr.txt"
_MAX_STDOUT_BYTES: Final = 65_536
_READY: Final = re.compile(rb"was started successfully on port (\d+)")
_USUAL_START_S: Final = 1.5
_EXIT_TIMEOUT_S: Final = 0.5


@contextmanager
def run_driver(
    paths: BrowserPaths,
    capabilities: Mapping[str, object],
    deadline: Deadline,
    workspace: Workspace,
    *,
    variables: Mapping[str, str],
) -> Iterator["RunningSession"]:
    """Run ChromeDriver with one session while the context lasts; both are killed at its end.

    Another thread imports Selenium while Chrome starts.

    Args:
        paths: the ChromeDriver to run, and the Chrome to name in errors.
        capabilities: the session's capabilities.
        deadline: when to kill both, even if the caller is blocked.
        workspace: for the output of ChromeDriver and Chrome.
        variables: further variables for their environment.

    Raises:
        DriverMismatch: if the versions of Chrome and ChromeDriver don't match.
        LaunchFailed: if Chrome does not start, with what it said about that.
    """
    with ExitStack() as exits:
        chromedriver = exits.enter_context(_ChromeDriver(paths.driver, workspace, variables))
        exits.enter_context(Watchdog(deadline, chromedriver.end_group, chromedriver.has_lost_chrome))
        loading = Thread(target=import_module, args=("aura_browser.webdriver.collect",), daemon=True)
        loading.start()
        try:
            session = chromedriver.create_session(capabilities, deadline)
        except (OSError, ValueError, KeyError, _SessionRefused) as error:
            message = str(error) if isinstance(error, _SessionRefused) else ""
            raise build_launch_error(paths, message, chromedriver.output, deadline) from error
        loading.join()
        from aura_browser.webdriver.running_session import RunningSession

        yield RunningSession(chromedriver.connection, session["sessionId"], session["capabilities"])


class _SessionRefused(Exception):
    """ChromeDriver created no session; the message is its own."""


class _ChromeDriver:
    """A running ChromeDriver, whose process group the lifeline ends. Use it with ``with``.

    Attributes:
        output: the file with its errors and Chrome's.
        connection: the only connection to it, once it has created a session.
    """

    connection: Connection

    def __init__(self, path: Path, workspace: Workspace, variables: Mapping[str, str]) -> None:
        self.output = workspace.folder / _OUTPUT_NAME
        # For where the port stays open: a page can't know the prefix. Other users can read it in the arguments.
        self._prefix = f"/{token_hex(16)}"
        self._exits = ExitStack()
        self._has_session = False
        self._started_at = time.monotonic()
        self._exits.enter_context(adopt_orphans())
        self._reader, writer = control.open_output()
        self._reader_exit = self._exits.enter_context(ExitStack())
        self._reader_exit.callback(os.close, self._reader)
        try:
            self._process = workspace.lifeline.start(
                [str(path), "--port=0", f"--url-base={self._prefix}", "--enable-chrome-logs"],
                self.output,
                "kill",
                env={**_build_environment(workspace.folder), **variables},
                stdout=writer,
            )
        except BaseException:
            self._exits.close()
            raise
        finally:
            os.close(writer)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # Chrome's crash handlers lead groups of their own, and end with it.
        handlers = find_children(self.output.parent) - {self._process.pid}
        self.end_group()
        self._process.wait()
        reap(handlers, self._process.pid)
        self._exits.close()

    def create_session(self, capabilities: Mapping[str, object], deadline: Deadline) -> dict[str, Any]:
        """Start Chrome (https://www.w3.org/TR/webdriver2/#new-session); return the session's id and capabilities."""
        self._connect(deadline)
        value = self.connection.call("POST", "/session", {"capabilities": {"alwaysMatch": capabilities}})
        if "sessionId" not in value:
            raise _SessionRefused(str(value.get("message")))
        self._has_session = True
        return value

    def end_group(self) -> None:
        """Kill the driver and its Chrome."""
        end_group(self._process.pid)

    def has_lost_chrome(self) -> bool:
        """Return whether Chrome exited during its start, which ChromeDriver does not notice; later it does."""
        is_slow = time.monotonic() - self._started_at > _USUAL_START_S
        return is_slow and not self._has_session and has_only_zombies(self._process.pid)

    def _connect(self, deadline: Deadline) -> None:
        """Make the only connection to the driver, before any other program can."""
        with closing(self._take_listeners(deadline)) as listeners:
            early = self._exits.enter_context(closing(connected)) if (connected := listeners.connect()) else None
            port = self._read_port(deadline)
            connected = early or self._exits.enter_context(closing(control.connect_to(port)))
            self.connection = Connection(connected, self._prefix)
            self.connection.call("GET", "/status")  # it has accepted the connection when it answers
            listeners.shut()
        self._refuse_strangers(connected)
        self._drain_output()

    def _take_listeners(self, deadline: Deadline) -> Listeners:
        """Return its listening sockets: none of them if the system does not allow that, which is no error."""
        try:
            return control.wait_for_listeners(self._process.pid, self._reader, deadline)
        except ControlRefused as error:
            _warn_of_open_port(str(error))
            return Listeners([])

    def _read_port(self, deadline: Deadline) -> int:
        """Return the port from the driver's own message: another program may listen at any other."""
        said = b""
        while deadline.left_s > 0 and (more := control.read_output(self._reader, deadline)):
            said += more
            if ready := _READY.search(said):
                return int(ready[1])
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_EXIT_TIMEOUT_S)
        raise _SessionRefused(f"ChromeDriver exited with code {self._process.returncode}")

    def _refuse_strangers(self, connected: socket.socket) -> None:
        """Check that nobody else is connected to the driver, and have it listen no more."""
        try:
            strangers = control.shut_all_but(connected, self._process.pid)
        except ControlRefused:
            strangers = control.count_strangers(connected)
        if strangers:
            raise _SessionRefused(
                "another program of this machine connected to ChromeDriver first, so the harvest was stopped before it "
                "opened anything. Try again; if it happens again, find out which program looks for open ports"
            )

    def _drain_output(self) -> None:
        self._reader_exit.pop_all()  # the thread closes it
        Thread(target=_copy_output, args=(self._reader, self.output), name="aura-browser-output", daemon=True).start()


def _copy_output(reader: int, output: Path) -> None:
    """Append what Chrome writes to its standard output to *output*, until its last process ends."""
    written = 0
    with os.fdopen(reader, "rb", buffering=0) as source, suppress(OSError):
        while data := source.read(_MAX_STDOUT_BYTES):
            if written < _MAX_STDOUT_BYTES:
                with output.open("ab") as target:
                    target.write(data)
                written += len(data)


@cache
def _warn_of_open_port(reason: str) -> None:
    _log.warning(
        "ChromeDriver's port can't be closed here (%s): while a harvest runs, other users of this machine can control "
        "its browser. To see what helps, run: aura-browser doctor",
        reason,
    )


def _build_environment(folder: Path) -> dict[str, str]:
    """Return the environment of ChromeDriver and Chrome: without secrets, and with their files in *folder*."""
    # Otherwise dconf and Chrome's crash reporter write to the person's home, with any profile.
    private = {"BREAKPAD_DUMP_LOCATION": str(folder / "crashes")}
    # Chrome creates a socket in TMPDIR, whose path may have about 100 characters.
    private |= {"TMPDIR": str(folder)} if len(str(folder)) <= MAX_TMPDIR_LENGTH else {}
    return {"XDG_RUNTIME_DIR": str(folder)} | copy_environment() | private
