"""Runs ChromeDriver in a process group and a folder of its own, and leaves neither behind."""

import logging
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from selenium.common.exceptions import WebDriverException
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.chrome.webdriver import WebDriver
from urllib3.exceptions import HTTPError

from aura_browser.errors import DriverMismatch, LaunchFailed, clean_text
from aura_browser.webdriver.environment import without_secrets
from aura_browser.webdriver.lifeline import Lifeline
from aura_browser.webdriver.locate import Installed
from aura_browser.webdriver.watchdog import Deadline, Watchdog, all_children_ended, end_group

_log = logging.getLogger(__name__)

_STDERR_LINES: Final = 5
_REMOVAL_S: Final = 3.0
_LONGEST_TMPDIR: Final = 60
_SHORT: Final = "/tmp" if os.name == "posix" else None  # noqa: S108 - mkdtemp makes a folder there for us alone

DRIVER_ERRORS: Final = (WebDriverException, HTTPError, OSError)
"""What Selenium raises when the driver complains, and what it lets through when the driver is gone."""


@dataclass(frozen=True, slots=True)
class Workplace:
    """Where a harvest may leave things: they are gone when it is over.

    Attributes:
        lifeline: ends processes if ours is killed.
        folder: readable for us alone.
    """

    lifeline: Lifeline
    folder: Path


@contextmanager
def workplace() -> Iterator[Workplace]:
    """Make a workplace that lasts as long as the context, or as this process if that is killed.

    Raises:
        LaunchFailed: if no temporary folder can be made.
    """
    with Lifeline() as lifeline, _private_folder() as folder:
        lifeline.hold_folder(folder)
        yield Workplace(lifeline, folder)


@contextmanager
def driver_session(
    installed: Installed, options: Options, deadline: Deadline, place: Workplace, *, variables: dict[str, str]
) -> Iterator[WebDriver]:
    """Run ChromeDriver and a session on it while the context lasts; they are killed, whatever they are busy with.

    Args:
        installed: which ChromeDriver, and which Chrome to name in errors.
        options: of the session.
        deadline: when all of it is ended, whatever the caller is blocked in.
        place: for ChromeDriver's and Chrome's own output.
        variables: to add to their environment.

    Raises:
        DriverMismatch: if Chrome and ChromeDriver don't fit.
        LaunchFailed: if Chrome does not start; with the end of its stderr.
    """
    # The environment's proxies are not meant for the driver beside us. The method for it is deprecated in favour of a
    # ClientConfig, which Chrome's constructor does not take (Selenium 4.51); drop this when it does.
    options._ignore_local_proxy = True  # noqa: SLF001
    with ExitStack() as exits:
        stderr = place.folder / "stderr.txt"
        output = exits.enter_context(stderr.open("wb"))
        service = _HeldService(
            place.lifeline,
            log_output=output,
            env=_environment(place.folder) | variables,
            # A group of its own, so that Ctrl-C on a terminal reaches us alone and we end it in order.
            popen_kw={"start_new_session": True},
        )
        service.path = str(installed.driver)
        exits.callback(service.end)
        exits.enter_context(Watchdog(deadline, service.end_group, service.lost_chrome))
        try:
            driver = WebDriver(options, service)
        except DRIVER_ERRORS as error:
            raise _launch_error(installed, error, stderr, deadline) from error
        service.is_up = True
        yield driver


class _HeldService(Service):
    """A ChromeDriver whose process group is the lifeline's from its first moment.

    Attributes:
        is_up: whether Chrome was started; from then on ChromeDriver itself notices its end at once.
    """

    def __init__(self, lifeline: Lifeline, **options: Any) -> None:  # noqa: ANN401 - as Selenium has them
        super().__init__(**options)
        self.DRIVER_PATH_ENV_KEY = None  # Selenium would put the variable SE_CHROMEDRIVER over the path
        self.is_up = False
        self._lifeline = lifeline

    def end_group(self) -> None:
        """Kill the driver and its Chrome, if they were started."""
        if self._pid is not None:
            end_group(self._pid)

    def end(self) -> None:
        """Kill what is left of the driver's process group, and reap the driver."""
        self.end_group()
        if self._pid is not None:
            # Its way out of the "with" closes the pipes and waits.
            with self.process:
                pass

    def lost_chrome(self) -> bool:
        """Tell whether Chrome ended while it started; the driver would go on waiting for it."""
        return not self.is_up and self._pid is not None and all_children_ended(self._pid)

    @property
    def _pid(self) -> int | None:
        process = getattr(self, "process", None)
        return None if process is None else process.pid

    def _start_process(self, path: str) -> None:
        super()._start_process(path)
        self._lifeline.hold_group(self.process.pid)


def _environment(folder: Path) -> dict[str, str]:
    """Return the driver's and Chrome's environment: none of our secrets, and what they write where ours is."""
    # Otherwise dconf and Chrome's crash reporter write to the person's home, whatever the profile (measured).
    private = {"BREAKPAD_DUMP_LOCATION": str(folder / "crashes")}
    # Chrome makes a socket there, whose path may have some 100 characters.
    private |= {"TMPDIR": str(folder)} if len(str(folder)) <= _LONGEST_TMPDIR else {}
    return {"XDG_RUNTIME_DIR": str(folder)} | without_secrets() | private


@contextmanager
def _private_folder() -> Iterator[Path]:
    # Chrome does not start where the path of its socket gets too long.
    is_long = len(tempfile.gettempdir()) > _LONGEST_TMPDIR - len("/aura-browser-12345678")
    try:
        folder = Path(tempfile.mkdtemp(prefix="aura-browser-", dir=_SHORT if is_long else None))
    except OSError as error:
        raise LaunchFailed(
            "no profile", f"no folder for temporary files can be written; set TMPDIR ({error})"
        ) from error
    try:
        yield folder
    finally:
        _remove(folder)


def _remove(folder: Path) -> None:
    """Remove *folder*; Chrome's last processes may still be writing there for a moment."""
    end = time.monotonic() + _REMOVAL_S
    while True:
        try:
            shutil.rmtree(folder)
        except FileNotFoundError:
            return
        except OSError as error:
            if time.monotonic() > end:
                _log.warning("The browser's folder %s could not be removed: %s", folder, error.strerror)
                return
            time.sleep(0.005)  # nothing tells when another process is done with a folder
        else:
            return


def _launch_error(
    installed: Installed, error: Exception, stderr: Path, deadline: Deadline
) -> DriverMismatch | LaunchFailed:
    said = str(getattr(error, "msg", None) or type(error).__name__).strip()
    fits = re.search(r"only supports Chrome version (\d+)\D.*?Current browser version is ([\d.]+)", said, re.DOTALL)
    if fits:
        return DriverMismatch(str(installed.chrome), fits[2], str(installed.driver), fits[1])
    lines = [clean_text(line) for line in stderr.read_text("utf-8", "replace").splitlines()]
    chromes = [
        line for line in lines if line and not re.search(r"chromedriver|Only local connections", line, re.IGNORECASE)
    ]
    reason = clean_text(said.partition("\n")[0].rstrip("."))
    if deadline.left_s <= 0 and not deadline.cancelled:
        reason = f"it was not up after {deadline.seconds:g} s"
    return LaunchFailed(str(installed.chrome), reason, tuple(chromes[-_STDERR_LINES:]))
