"""Runs ChromeDriver in a process group and a folder of its own, and leaves neither behind."""

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
from aura_browser.webdriver.locate import Installed
from aura_browser.webdriver.process.environment import without_secrets
from aura_browser.webdriver.process.watchdog import Watchdog, all_children_ended, end_group
from aura_browser.webdriver.process.workplace import LONGEST_TMPDIR, Workplace

if TYPE_CHECKING:
    from aura_browser.webdriver.running_session import RunningSession

_log = logging.getLogger(__name__)

_HOST: Final = "127.0.0.1"
_OUTPUT: Final = "stderr.txt"
_STDERR_LINES: Final = 5
_GLANCE_S: Final = 0.005
_LISTENS: Final = b"was started successfully"
_OWN_WORDS: Final = re.compile("Starting ChromeDriver|ChromeDriver was st|Only local conn|Please (see|protect)")
_USUAL_START_S: Final = 1.5


@contextmanager
def driver_session(
    installed: Installed,
    capabilities: Mapping[str, object],
    deadline: Deadline,
    place: Workplace,
    *,
    variables: Mapping[str, str],
) -> Iterator["RunningSession"]:
    """Run ChromeDriver and a session on it while the context lasts; they are killed, whatever they are busy with.

    Chrome starts while what comes next is loaded, Selenium above all.

    Args:
        installed: which ChromeDriver, and which Chrome to name in errors.
        capabilities: of the session.
        deadline: when all of it is ended, whatever the caller is blocked in.
        place: for ChromeDriver's and Chrome's own output.
        variables: to add to their environment.

    Raises:
        DriverMismatch: if Chrome and ChromeDriver don't fit.
        LaunchFailed: if Chrome does not start; with the end of its stderr.
    """
    with ExitStack() as exits:
        chromedriver = exits.enter_context(_ChromeDriver(installed.driver, place, variables))
        exits.enter_context(Watchdog(deadline, chromedriver.end_group, chromedriver.lost_chrome))
        loading = Thread(target=import_module, args=("aura_browser.webdriver.attempt",), daemon=True)
        loading.start()
        try:
            session = chromedriver.new_session(capabilities, deadline)
        except (OSError, ValueError, _Refused) as error:
            raise _launch_error(installed, error, place, deadline) from error
        loading.join()
        from aura_browser.webdriver.running_session import RunningSession

        driver = RunningSession(chromedriver.address, session["sessionId"], session["capabilities"])
        exits.callback(driver.close_connection)
        yield driver


class _Refused(Exception):
    """ChromeDriver started no session; its own words."""


class _ChromeDriver:
    """A ChromeDriver whose process group is the lifeline's from its first moment. Use it with ``with``.

    Attributes:
        address: where it listens.
    """

    def __init__(self, path: Path, place: Workplace, variables: Mapping[str, str]) -> None:
        with socket.create_server((_HOST, 0)) as free:
            port = free.getsockname()[1]
        self.address = f"http://{_HOST}:{port}"
        self._is_up = False
        self._began = time.monotonic()
        self._output = place.folder / _OUTPUT
        self._process = place.lifeline.start(
            [str(path), f"--port={port}", "--enable-chrome-logs"],
            self._output,
            "kill",
            env={**_environment(place.folder), **variables},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.end_group()
        self._process.wait()

    def new_session(self, capabilities: Mapping[str, object], deadline: Deadline) -> dict[str, Any]:
        """Start Chrome (https://www.w3.org/TR/webdriver2/#new-session); return the session's id and capabilities."""
        from http.client import HTTPConnection, HTTPException  # loaded while it starts

        self._wait_until_it_listens(deadline)
        connection = HTTPConnection(self.address.removeprefix("http://"))
        try:
            body = json.dumps({"capabilities": {"alwaysMatch": capabilities}})
            connection.request("POST", "/session", body, {"Content-Type": "application/json; charset=utf-8"})
            value: dict[str, Any] = json.loads(connection.getresponse().read())["value"]
        except HTTPException as error:
            raise OSError("its answer broke off") from error
        finally:
            connection.close()
        if "sessionId" not in value:
            raise _Refused(str(value.get("message")))
        self._is_up = True
        return value

    def end_group(self) -> None:
        """Kill the driver and its Chrome."""
        end_group(self._process.pid)

    def lost_chrome(self) -> bool:
        """Tell whether Chrome ended while it started: the driver would go on waiting; later it notices by itself."""
        takes_long = time.monotonic() - self._began > _USUAL_START_S
        return takes_long and not self._is_up and all_children_ended(self._process.pid)

    def _wait_until_it_listens(self, deadline: Deadline) -> None:
        """Return when it says so itself: another program may have taken the port meanwhile."""
        while self._process.poll() is None:
            if self._output.exists() and _LISTENS in self._output.read_bytes():
                return
            deadline.wait(_GLANCE_S)
        raise _Refused(f"ChromeDriver exited with code {self._process.returncode}")


def _environment(folder: Path) -> dict[str, str]:
    """Return the driver's and Chrome's environment: none of our secrets, and what they write where ours is."""
    # Otherwise dconf and Chrome's crash reporter write to the person's home, whatever the profile (measured).
    private = {"BREAKPAD_DUMP_LOCATION": str(folder / "crashes")}
    # Chrome makes a socket there, whose path may have some 100 characters.
    private |= {"TMPDIR": str(folder)} if len(str(folder)) <= LONGEST_TMPDIR else {}
    return {"XDG_RUNTIME_DIR": str(folder)} | without_secrets() | private


def _launch_error(
    installed: Installed, error: Exception, place: Workplace, deadline: Deadline
) -> DriverMismatch | LaunchFailed:
    said = str(error).strip() if isinstance(error, _Refused) else "it ended before it was up"
    fits = re.search(r"only supports Chrome version (\d+)\D.*?Current browser version is ([\d.]+)", said, re.DOTALL)
    if fits:
        return DriverMismatch(str(installed.chrome), fits[2], str(installed.driver), fits[1])
    output = place.folder / _OUTPUT
    lines = output.read_text("utf-8", "replace").splitlines() if output.exists() else []
    chromes = [clean_text(line) for line in lines if line.strip() and not _OWN_WORDS.match(line)]
    reason = clean_text(said.partition("\n")[0].rstrip("."))
    if deadline.left_s <= 0 and not deadline.cancelled:
        reason = f"it was not up after {deadline.seconds:g} s"
    return LaunchFailed(str(installed.chrome), reason, tuple(chromes[-_STDERR_LINES:]))
