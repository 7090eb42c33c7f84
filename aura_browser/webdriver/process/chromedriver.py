"""Runs ChromeDriver in a process group of its own, and ends it together with its Chrome."""

import logging
import os
import re
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
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
from aura_browser.webdriver.process.control import Intruded, Listeners
from aura_browser.webdriver.process.group import build_environment, end_and_reap
from aura_browser.webdriver.process.limits import allow_more_files
from aura_browser.webdriver.process.orphans import adopt_orphans
from aura_browser.webdriver.process.output import OUTPUT_NAME
from aura_browser.webdriver.process.reasons import build_launch_error, find_mismatch, is_forbidden
from aura_browser.webdriver.process.sockets import ControlRefused
from aura_browser.webdriver.process.watchdog import Watchdog, end_group, has_only_zombies
from aura_browser.webdriver.process.workspace import Workspace

if TYPE_CHECKING:
    from aura_browser.webdriver.running_session import RunningSession

_log = logging.getLogger(__name__)

_MAX_STARTS: Final = 5
_MAX_STDOUT_BYTES: Final = 65_536
_READY: Final = re.compile(rb"was started successfully on port (\d+)")
_PORT_TAKEN: Final = b"port not available"
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
        loading = Thread(target=import_module, args=("aura_browser.webdriver.collect",), daemon=True)
        try:
            chromedriver = _open_driver(exits, lambda: _ChromeDriver(paths.driver, workspace, variables), deadline)
            loading.start()
            session = chromedriver.create_session(capabilities)
        except (OSError, ValueError, KeyError, _SessionRefused) as error:
            message = str(error) if isinstance(error, _SessionRefused) else ""
            output = workspace.folder / OUTPUT_NAME
            mismatch = find_mismatch(paths, message)
            raise mismatch or build_launch_error(paths.chrome, message, output, deadline) from error
        loading.join()
        from aura_browser.webdriver.running_session import RunningSession

        yield RunningSession(chromedriver.connection, session["sessionId"], session["capabilities"])


def _open_driver(exits: ExitStack, start: Callable[[], "_ChromeDriver"], deadline: Deadline) -> "_ChromeDriver":
    """Start a ChromeDriver that only this process controls; *exits* ends it. Raises as ``connect`` does."""
    reason: Intruded | _PortTaken
    for _ in range(_MAX_STARTS):
        with ExitStack() as started:
            chromedriver = started.enter_context(start())
            started.enter_context(Watchdog(deadline, chromedriver.end_group, chromedriver.has_lost_chrome))
            try:
                chromedriver.connect(deadline)
            except (Intruded, _PortTaken) as error:
                reason = error
                continue
            exits.push(started.pop_all())
            return chromedriver
    raise _SessionRefused(str(reason))


class _PortTaken(Exception):
    """The port that ChromeDriver was given for IPv6 is another program's for IPv4.

    It asks the system for a free port of ``::1`` and then wants the same one of ``127.0.0.1``.
    """

    def __str__(self) -> str:
        return f"ChromeDriver tried {_MAX_STARTS} ports, and other programs use each. Close some network connections"


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
        self.output = workspace.folder / OUTPUT_NAME
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
                env={**build_environment(workspace.folder), **variables},
                stdout=writer,
                ignores_sigpipe=True,  # it writes to a Chrome whose last window was closed, and would end by that
            )
            allow_more_files(self._process.pid)
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
        end_and_reap(self._process, self.output.parent)
        self._exits.close()

    def create_session(self, capabilities: Mapping[str, object]) -> dict[str, Any]:
        """Start Chrome (https://www.w3.org/TR/webdriver2/#new-session); return the session's id and capabilities."""
        value = self.connection.call("POST", "/session", {"capabilities": {"alwaysMatch": capabilities}})
        if "sessionId" not in value:
            raise _SessionRefused(str(value.get("message")))
        self._has_session = True
        return value

    def end_group(self) -> None:
        """Kill the driver and its Chrome."""
        end_group(self._process.pid)

    def has_lost_chrome(self) -> bool:
        """Return whether Chrome will never answer: it exited during its start, or a policy forbids its control.

        ChromeDriver does not notice either; once there is a session, it does.
        """
        is_slow = time.monotonic() - self._started_at > _USUAL_START_S
        return is_slow and not self._has_session and (has_only_zombies(self._process.pid) or is_forbidden(self.output))

    def connect(self, deadline: Deadline) -> None:
        """Make the only connection to the driver, before any other program can.

        Raises:
            Intruded: if another program was as fast.
            OSError: if the driver closes the connection.
            _PortTaken: if its port is in use.
            _SessionRefused: if it exits.
        """
        with closing(self._take_listeners(deadline)) as listeners:
            early = self._connect_early(listeners)
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

    def _connect_early(self, listeners: Listeners) -> socket.socket | None:
        try:
            connected = listeners.connect()
        except ControlRefused as error:
            _warn_of_open_port(str(error))
            return None
        return self._exits.enter_context(closing(connected)) if connected else None

    def _read_port(self, deadline: Deadline) -> int:
        """Return the port from the driver's own message: another program may listen at any other."""
        said = b""
        while deadline.left_s > 0 and (more := control.read_output(self._reader, deadline)):
            said += more
            if ready := _READY.search(said):
                return int(ready[1])
        if _PORT_TAKEN in said:
            raise _PortTaken
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
            raise Intruded

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
