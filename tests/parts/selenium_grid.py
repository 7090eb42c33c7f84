"""A real Selenium Grid for tests: a hub and nodes on loopback, started as people start it, ended with the tests."""

import base64
import json
import os
import queue
import shutil
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import psutil
import pytest

from tests.parts.missing import missing
from tests.parts.server_process import tied

START: Final = Path(__file__).parents[2] / "drivers" / "grid" / "start.sh"
_JARS: Final = START.parent.parent / "bin"
_MISSING: Final = "Java or the Selenium server is missing; bring both with: drivers/install.sh grid"
_READY_S: Final = 90.0
_END_S: Final = 20.0


def need_grid() -> None:
    """Skip the test where no Grid can be started; under CI that is a failure."""
    has_jar = bool(os.environ.get("SELENIUM_JAR")) or any(_JARS.glob("selenium-server-*.jar"))
    if shutil.which("java") and has_jar:
        return
    missing(_MISSING)


class SeleniumGrid:
    """A Grid as a context manager, on free ports of 127.0.0.1.

    Args:
        folder: an existing folder for its log.
        nodes: how many.
        slots: browsers that a node runs at a time.
        session_timeout_s: seconds without a command that end a session; the sweep comes each 30 s.
        queue_timeout_s: seconds that a request waits while all slots are busy.
        password: that it asks for, from the user ``grid``, if any.
    """

    def __init__(
        self,
        folder: Path,
        *,
        nodes: int = 2,
        slots: int = 1,
        session_timeout_s: int = 300,
        queue_timeout_s: int = 300,
        password: str | None = None,
    ) -> None:
        self._log = folder / "grid.log"
        self._nodes = nodes
        self._options = {
            "--port": 0,
            "--nodes": nodes,
            "--slots": slots,
            "--session-timeout": session_timeout_s,
            "--queue-timeout": queue_timeout_s,
        }
        self._password = password
        self._process: subprocess.Popen[str] | None = None
        self.url = ""

    def __enter__(self) -> Self:
        need_grid()
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End all of it, as Ctrl-C does."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            pytest.fail(f"the Grid did not end within {_END_S:.0f} s: {self.log()[-2000:]}")
        finally:
            if self._process.stdout is not None:
                self._process.stdout.close()
            self._process = None

    def log(self) -> str:
        """Return what the script and all parts of the Grid have said on stderr."""
        return self._log.read_text("utf-8", "replace")

    def status(self) -> dict[str, Any]:
        """Return the value of ``GET /status``."""
        request = urllib.request.Request(f"{self.url}/status")  # noqa: S310 - the address is this Grid's own
        if self._password is not None:
            login = base64.b64encode(f"grid:{self._password}".encode()).decode()
            request.add_header("Authorization", f"Basic {login}")
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 - as above
            value: dict[str, Any] = json.load(answer)["value"]
        return value

    def sessions(self) -> list[str]:
        """Return the ids of all sessions; one that is only being created is ``reserved``."""
        return [session["sessionId"] for session in self._list_sessions()]

    def names(self) -> list[str]:
        """Return the names that clients gave their sessions; empty for one without."""
        return [session["capabilities"].get("se:name", "") for session in self._list_sessions()]

    def _list_sessions(self) -> list[dict[str, Any]]:
        slots = (slot for node in self.status()["nodes"] for slot in node["slots"])
        return [slot["session"] for slot in slots if slot["session"]]

    def node(self, index: int) -> psutil.Process:
        """Return the process of a node, in the order of their start; those that have ended keep their place."""
        return self._parts[index + 1]

    def node_of(self, session_id: str) -> int:
        """Return the index of the node that has the session, for `kill_node`."""
        for node in self.status()["nodes"]:
            if any(slot["session"] and slot["session"]["sessionId"] == session_id for slot in node["slots"]):
                port = node["uri"].rpartition(":")[2]
                return next(i for i in range(self._nodes) if port in self._command_lines[i + 1])
        raise LookupError(session_id)

    def kill_node(self, index: int) -> None:
        """End a node without a word (SIGKILL), and see its ChromeDriver and Chrome end too."""
        node = self.node(index)
        browsers = node.children(recursive=True)
        node.kill()
        psutil.wait_procs([node, *browsers], _END_S)
        left = [process for process in browsers if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]
        assert not left, f"still there after the node: {left}"

    def processes(self) -> Iterator[psutil.Process]:
        """Yield all that runs for this Grid, ChromeDriver and Chrome included."""
        assert self._process is not None, "it does not run"
        script = psutil.Process(self._process.pid)
        yield script
        yield from script.children(recursive=True)

    def _start(self) -> None:
        options = [str(word) for option in self._options.items() for word in option]
        environment = dict(os.environ)
        if self._password is not None:
            environment["GRID_PASSWORD"] = self._password
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                tied([str(START), *options]), stdout=subprocess.PIPE, stderr=log, text=True, env=environment
            )
        line = self._first_line()
        if not line.startswith("Grid is ready at "):
            pytest.fail(f"the Grid does not start: {self.log()[-2000:]}")
        self.url = line.split()[4]
        found = [part for part in self.processes() if part.name() == "java"]
        self._parts = sorted(found, key=lambda part: part.pid)
        self._command_lines = [part.cmdline() for part in self._parts]

    def _first_line(self) -> str:
        assert self._process is not None
        assert self._process.stdout is not None
        lines: queue.Queue[str] = queue.Queue()
        reading = threading.Thread(
            target=lambda out: lines.put(out.readline()), args=(self._process.stdout,), daemon=True
        )
        reading.start()
        try:
            return lines.get(timeout=_READY_S)
        except queue.Empty:
            pytest.fail(f"the Grid is not ready after {_READY_S:.0f} s: {self.log()[-2000:]}")


@pytest.fixture(scope="session")
def selenium_grid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeleniumGrid]:
    """One Grid of one node and one slot that tests share; it must be left as it was found."""
    with SeleniumGrid(tmp_path_factory.mktemp("grid"), nodes=1) as grid:
        yield grid
