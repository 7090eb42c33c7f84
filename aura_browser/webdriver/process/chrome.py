"""Runs Chrome without ChromeDriver, controlled over a pipe that only this process holds: no port is opened."""

import os
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aura_browser.webdriver.deadline import Deadline
from aura_browser.webdriver.process.group import build_environment, end_and_reap
from aura_browser.webdriver.process.lifeline import Process
from aura_browser.webdriver.process.limits import allow_more_files
from aura_browser.webdriver.process.orphans import adopt_orphans
from aura_browser.webdriver.process.output import OUTPUT_NAME
from aura_browser.webdriver.process.pipes import open_pipes
from aura_browser.webdriver.process.reasons import is_forbidden
from aura_browser.webdriver.process.watchdog import Watchdog, end_group
from aura_browser.webdriver.process.workspace import Workspace

if TYPE_CHECKING:
    from aura_browser.webdriver.cdp.connection import Connection, OnEvent

_USUAL_START_S: Final = 1.5
_EXIT_TIMEOUT_S: Final = 0.5
_QUIT_TIMEOUT_S: Final = 10.0


class ChromeProcess:
    """A Chrome that was started here.

    Args:
        process: Chrome, which leads a process group.
        output: the file with what it writes.
        reader: the file descriptor that its messages come from.
        writer: the file descriptor that commands go to.
    """

    def __init__(self, process: Process, output: Path, reader: int, writer: int) -> None:
        self._process = process
        self._output = output
        self._unused = [reader, writer]
        self._connection: Connection | None = None
        self._started_at = time.monotonic()

    def connect(self, on_event: "OnEvent") -> "Connection":
        """Return the connection to it; there is only one."""
        from aura_browser.webdriver.cdp.connection import Connection  # imported while Chrome starts

        reader, writer = self._unused
        self._unused = []
        self._connection = Connection(reader, writer, on_event=on_event)
        return self._connection

    def is_lost(self) -> bool:
        """Return whether it will never answer: it has exited, or a policy forbids its control."""
        if self._process.poll() is not None:
            return True
        is_young = time.monotonic() - self._started_at < 2 * _USUAL_START_S
        return is_young and time.monotonic() - self._started_at > _USUAL_START_S and is_forbidden(self._output)

    def describe_exit(self) -> str:
        """Return how it exited; empty if it runs."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_EXIT_TIMEOUT_S)
        code = self._process.returncode
        return "" if code is None else f"it exited during its start (code {code})"

    def quit(self) -> None:
        """Ask it to save its profile and exit, and wait for that; if it were killed, it would lose the last changes."""
        if self._connection is not None:
            self._connection.send("Browser.close")
            with suppress(subprocess.TimeoutExpired):  # it is killed then
                self._process.wait(_QUIT_TIMEOUT_S)

    def end_group(self) -> None:
        """Kill it and all that it started."""
        end_group(self._process.pid)

    def close(self) -> None:
        """Kill it, reap it and close what leads to it."""
        if self._connection is not None:
            self._connection.close()
        end_and_reap(self._process, self._output.parent)
        if self._connection is not None:
            self._connection.join()
        for each in self._unused:
            os.close(each)


@contextmanager
def run_chrome_process(
    command: Sequence[str], deadline: Deadline, workspace: Workspace, *, variables: Mapping[str, str]
) -> Iterator[ChromeProcess]:
    """Run Chrome while the context lasts; it is killed at its end.

    Args:
        command: its path and its arguments; ``--remote-debugging-pipe`` is among them.
        deadline: when to kill it, even if the caller is blocked.
        workspace: for its output.
        variables: further variables for its environment.

    Raises:
        OSError: if no process can be started.
    """
    with ExitStack() as exits:
        exits.enter_context(adopt_orphans())
        chrome = _start(command, workspace, variables)
        exits.callback(chrome.close)
        exits.enter_context(Watchdog(deadline, chrome.end_group, chrome.is_lost))
        yield chrome


def _start(command: Sequence[str], workspace: Workspace, variables: Mapping[str, str]) -> ChromeProcess:
    output = workspace.folder / OUTPUT_NAME
    with open_pipes() as ((reader, writer), (their_reader, their_writer)):
        environment = {**build_environment(workspace.folder), **variables}
        process = workspace.lifeline.start(command, output, "kill", env=environment, pipe=(their_reader, their_writer))
        allow_more_files(process.pid)
    return ChromeProcess(process, output, reader, writer)
