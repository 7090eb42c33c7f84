"""Displays: whether a person can see a window here, and one for a window that nobody sees."""

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
from aura_browser.text import clean_text
from aura_browser.webdriver.deadline import Deadline
from aura_browser.webdriver.process.environment import without_secrets
from aura_browser.webdriver.process.lifeline import Lifeline
from aura_browser.webdriver.process.watchdog import Watchdog

_LAST_WORK_S: Final = 2.0
_HELP_S: Final = 5.0
_HINT: Final = "pip install 'aura-browser[virtual-display]', and bring Xvfb (Debian, Ubuntu: apt install xvfb)"


def has_display() -> bool:
    """Tell whether a window can be shown: elsewhere than on macOS and Windows a display has to be named, and answer."""
    if sys.platform in {"darwin", "win32"} or os.environ.get("WAYLAND_DISPLAY"):
        return True
    display = os.environ.get("DISPLAY", "")
    local = re.fullmatch(r"(?:unix)?:(\d+)(?:\.\d+)?", display)
    return _answers(f"/tmp/.X11-unix/X{local[1]}") if local else bool(display)  # noqa: S108 - where X servers listen


def _answers(path: str) -> bool:
    """Tell whether an X server listens there, or on Linux in the abstract place of that name."""
    for address in (path, f"\0{path}"):
        with socket.socket(socket.AF_UNIX) as line, suppress(OSError):
            line.settimeout(_HELP_S)
            line.connect(address)
            return True
    return False


def _help_of(program: str) -> str:
    told = subprocess.run(  # noqa: S603 - PyVirtualDisplay's own command
        [program, "-help"], env=without_secrets(), capture_output=True, text=True, timeout=_HELP_S, check=False
    )
    return told.stdout + told.stderr


@contextmanager
def virtual_display(lifeline: Lifeline, deadline: Deadline) -> Iterator[dict[str, str]]:
    """Run Xvfb while the context lasts, and yield the variables by which a program finds it.

    Args:
        lifeline: ends it if this process is killed.
        deadline: when it is given up, if it does not start.

    Raises:
        InvalidInput: if PyVirtualDisplay is missing.
        LaunchFailed: if Xvfb is missing or does not start.
    """
    try:
        from pyvirtualdisplay import abstractdisplay
        from pyvirtualdisplay.abstractdisplay import XStartError, XStartTimeoutError
        from pyvirtualdisplay.xvfb import XvfbDisplay
    except ImportError:
        raise InvalidInput("virtual_display", f"needs PyVirtualDisplay: {_HINT}") from None

    # Its own has no time-out, and gives Xvfb our whole environment.
    abstractdisplay.get_helptext = _help_of  # type: ignore[attr-defined]

    class HeldXvfb(XvfbDisplay):
        def _popen(self, use_pass_fds: bool) -> None:  # noqa: FBT001 - its signature
            self._subproc = lifeline.start(
                self._command,
                Path(os.devnull),
                "end",
                pass_fds=[self._pipe_wfd] if use_pass_fds and self._pipe_wfd else [],
                env=without_secrets(),
            )

        def kill(self) -> None:
            if self._subproc is not None:
                self._subproc.kill()

        def end(self) -> None:
            # PyVirtualDisplay's own stop kills it outright, and its socket and lock stay in /tmp.
            if self._subproc is None:
                return
            self._subproc.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._subproc.wait(_LAST_WORK_S)
            self._subproc.kill()
            self._subproc.communicate()

    with ExitStack() as exits:
        try:
            display = HeldXvfb(size=(1920, 1080), manage_global_env=False)  # type: ignore[no-untyped-call]
            exits.callback(display.end)
            with Watchdog(deadline, display.kill):  # PyVirtualDisplay itself waits for 10 minutes
                display.start()  # type: ignore[no-untyped-call]
        except (XStartError, XStartTimeoutError, subprocess.TimeoutExpired, OSError) as error:
            raise LaunchFailed("Xvfb", f"{clean_text(str(error))}; {_HINT}") from error
        yield {"DISPLAY": display.new_display_var}
