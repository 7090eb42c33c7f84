"""Runs ChromeDriver in a process group of its own, and ends it together with its Chrome."""

import json
import logging
import re
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from importlib import import_module
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from aura_browser.errors import DriverMismatch, LaunchFailed
from aura_browser.text import clean_text
from aura_browser.webdriver.deadline import Deadline
from aura_browser.webdriver.locate import BrowserPaths
from aura_browser.webdriver.process.environment import copy_environment
from aura_browser.webdriver.process.watchdog import Watchdog, end_group, has_only_zombies
from aura_browser.webdriver.process.workspace import MAX_TMPDIR_LENGTH, Workspace

if TYPE_CHECKING:
    from aura_browser.webdriver.running_session import RunningSession

_log = logging.getLogger(__name__)

_HOST: Final = "127.0.0.1"
_OUTPUT_NAME: Final = "stderr.txt"
_MAX_STDERR_LINES: Final = 5
_POLL_INTERVAL_S: Final = 0.005
_READY_MARK: Final = b"was started successfully"
_DRIVER_LINES: Final = re.compile("Starting ChromeDriver|ChromeDriver was st|Only local conn|Please (see|protect)")
_USUAL_START_S: Final = 1.5
_MISMATCH: Final = re.compile(r"only supports Chrome version (\d+)\D.*?Current browser version is ([\d.]+)", re.DOTALL)


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
        LaunchFailed: if Chrome does not start, with the last lines of its stderr.
    """
    with ExitStack() as exits:
        chromedriver = exits.enter_context(_ChromeDriver(paths.driver, workspace, variables))
        exits.enter_context(Watchdog(deadline, chromedriver.end_group, chromedriver.has_lost_chrome))
        loading = Thread(target=import_module, args=("aura_browser.webdriver.collect",), daemon=True)
        loading.start()
        try:
            session = chromedriver.create_session(capabilities, deadline)
        except (OSError, ValueError, _SessionRefused) as error:
            raise _build_launch_error(paths, error, workspace, deadline) from error
        loading.join()
        from aura_browser.webdriver.running_session import RunningSession

        driver = RunningSession(chromedriver.address, session["sessionId"], session["capabilities"])
        exits.callback(driver.close_connection)
        yield driver


class _SessionRefused(Exception):
    """ChromeDriver created no session; the message is its own."""


class _ChromeDriver:
    """A running ChromeDriver, whose process group the lifeline ends. Use it with ``with``.

    Attributes:
        address: its URL.
    """

    def __init__(self, path: Path, workspace: Workspace, variables: Mapping[str, str]) -> None:
        with socket.create_server((_HOST, 0)) as listener:
            port = listener.getsockname()[1]
        self.address = f"http://{_HOST}:{port}"
        self._has_session = False
        self._started_at = time.monotonic()
        self._output = workspace.folder / _OUTPUT_NAME
        self._process = workspace.lifeline.start(
            [str(path), f"--port={port}", "--enable-chrome-logs"],
            self._output,
            "kill",
            env={**_build_environment(workspace.folder), **variables},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.end_group()
        self._process.wait()

    def create_session(self, capabilities: Mapping[str, object], deadline: Deadline) -> dict[str, Any]:
        """Start Chrome (https://www.w3.org/TR/webdriver2/#new-session); return the session's id and capabilities."""
        from http.client import HTTPConnection, HTTPException  # imported while ChromeDriver starts

        self._wait_until_ready(deadline)
        connection = HTTPConnection(self.address.removeprefix("http://"))
        try:
            body = json.dumps({"capabilities": {"alwaysMatch": capabilities}})
            connection.request("POST", "/session", body, {"Content-Type": "application/json; charset=utf-8"})
            value: dict[str, Any] = json.loads(connection.getresponse().read())["value"]
        except HTTPException as error:
            raise OSError("ChromeDriver closed the connection") from error
        finally:
            connection.close()
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

    def _wait_until_ready(self, deadline: Deadline) -> None:
        """Wait for the line in its output: a connection to the port may reach another program."""
        while self._process.poll() is None:
            if self._output.exists() and _READY_MARK in self._output.read_bytes():
                return
            deadline.wait(_POLL_INTERVAL_S)
        raise _SessionRefused(f"ChromeDriver exited with code {self._process.returncode}")


def _build_environment(folder: Path) -> dict[str, str]:
    """Return the environment of ChromeDriver and Chrome: without secrets, and with their files in *folder*."""
    # Otherwise dconf and Chrome's crash reporter write to the person's home, with any profile.
    private = {"BREAKPAD_DUMP_LOCATION": str(folder / "crashes")}
    # Chrome creates a socket in TMPDIR, whose path may have about 100 characters.
    private |= {"TMPDIR": str(folder)} if len(str(folder)) <= MAX_TMPDIR_LENGTH else {}
    return {"XDG_RUNTIME_DIR": str(folder)} | copy_environment() | private


def _build_launch_error(
    paths: BrowserPaths, error: Exception, workspace: Workspace, deadline: Deadline
) -> DriverMismatch | LaunchFailed:
    message = str(error).strip() if isinstance(error, _SessionRefused) else "it exited during its start"
    mismatch = _MISMATCH.search(message)
    if mismatch:
        return DriverMismatch(str(paths.chrome), mismatch[2], str(paths.driver), mismatch[1])
    output = workspace.folder / _OUTPUT_NAME
    lines = output.read_text("utf-8", "replace").splitlines() if output.exists() else []
    chrome_lines = [clean_text(line) for line in lines if line.strip() and not _DRIVER_LINES.match(line)]
    reason = clean_text(message.partition("\n")[0].rstrip("."))
    if deadline.left_s <= 0 and not deadline.is_cancelled:
        reason = f"it had not started after {deadline.seconds:g} s"
    return LaunchFailed(str(paths.chrome), reason, tuple(chrome_lines[-_MAX_STDERR_LINES:]))
