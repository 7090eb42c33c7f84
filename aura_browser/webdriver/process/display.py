"""Displays: whether a window can be shown on this machine, and a virtual display that nobody sees."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

from aura_browser.errors import InvalidInput, LaunchFailed
from aura_browser.extras import install_command
from aura_browser.text import clean_text
from aura_browser.webdriver.deadline import Deadline
from aura_browser.webdriver.process.environment import copy_environment
from aura_browser.webdriver.process.lifeline import Lifeline
from aura_browser.webdriver.process.watchdog import Watchdog

_STOP_TIMEOUT_S: Final = 2.0
_REPLY_TIMEOUT_S: Final = 5.0
_HINT: Final = "install Xvfb (Debian, Ubuntu: apt install xvfb)"


def has_display() -> bool:
    """Return whether a window can be shown: on Linux the environment must name a display that answers."""
    if sys.platform in {"darwin", "win32"} or os.environ.get("WAYLAND_DISPLAY"):
        return True
    display = os.environ.get("DISPLAY", "")
    local = re.fullmatch(r"(?:unix)?:(\d+)(?:\.\d+)?", display)
    return _is_listening(f"/tmp/.X11-unix/X{local[1]}") if local else bool(display)  # noqa: S108 - X servers' sockets


def _is_listening(path: str) -> bool:
    """Return whether an X server listens at *path*, or on Linux at the abstract socket of that name."""
    for address in (path, f"\0{path}"):
        with socket.socket(socket.AF_UNIX) as connection, suppress(OSError):
            connection.settimeout(_REPLY_TIMEOUT_S)
            connection.connect(address)
            return True
    return False


def _read_help(program: str) -> str:
    result = subprocess.run(  # noqa: S603 - PyVirtualDisplay's own command
        [program, "-help"],
        env=copy_environment(),
        capture_output=True,
        text=True,
        timeout=_REPLY_TIMEOUT_S,
        check=False,
    )
    return result.stdout + result.stderr


@contextmanager
def run_virtual_display(lifeline: Lifeline, deadline: Deadline) -> Iterator[dict[str, str]]:
    """Run Xvfb while the context lasts, and yield the environment variables that name its display.

    Args:
        lifeline: ends Xvfb if this process is killed.
        deadline: when to stop waiting for its start.

    Raises:
        InvalidInput: if PyVirtualDisplay is missing.
        LaunchFailed: if Xvfb is missing or does not start.
    """
    try:
        from pyvirtualdisplay import abstractdisplay
        from pyvirtualdisplay.abstractdisplay import XStartError, XStartTimeoutError
        from pyvirtualdisplay.xvfb import XvfbDisplay
    except ImportError:
        command = install_command("virtual-display")
        raise InvalidInput("virtual_display", f"needs PyVirtualDisplay: {command}, and {_HINT}") from None

    # PyVirtualDisplay's own function has no time-out, and passes the whole environment to Xvfb.
    abstractdisplay.get_helptext = _read_help  # type: ignore[attr-defined]

    class LifelineXvfb(XvfbDisplay):
        def _popen(self, use_pass_fds: bool) -> None:  # noqa: FBT001 - its signature
            self._subproc = lifeline.start(
                self._command,
                Path(os.devnull),
                "end",
                pass_fds=[self._pipe_wfd] if use_pass_fds and self._pipe_wfd else [],
                env=copy_environment(),
            )

        def kill(self) -> None:
            if self._subproc is not None:
                self._subproc.kill()

        def end(self) -> None:
            # PyVirtualDisplay's stop() kills Xvfb, which leaves its socket and lock in /tmp.
            if self._subproc is None:
                return
            self._subproc.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._subproc.wait(_STOP_TIMEOUT_S)
            self._subproc.kill()
            self._subproc.communicate()

    with ExitStack() as exits:
        try:
            display = LifelineXvfb(size=(1920, 1080), manage_global_env=False)  # type: ignore[no-untyped-call]
            exits.callback(display.end)
            with Watchdog(deadline, display.kill):  # PyVirtualDisplay itself waits for 10 minutes
                display.start()  # type: ignore[no-untyped-call]
        except (XStartError, XStartTimeoutError, subprocess.TimeoutExpired, OSError) as error:
            raise LaunchFailed("Xvfb", f"{clean_text(str(error))}; {_HINT}") from error
        yield {"DISPLAY": display.new_display_var}
