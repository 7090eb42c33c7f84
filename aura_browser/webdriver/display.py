"""Displays: whether a person can see a window here, and one for a window that nobody sees."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Final

from aura_browser.errors import InvalidInput, LaunchFailed, clean_text
from aura_browser.webdriver.environment import without_secrets
from aura_browser.webdriver.lifeline import Lifeline
from aura_browser.webdriver.watchdog import Deadline, Watchdog

_LAST_WORK_S: Final = 2.0
_HINT: Final = "pip install 'aura-browser[virtual-display]', and bring Xvfb (Debian, Ubuntu: apt install xvfb)"


def has_display() -> bool:
    """Tell whether a window can be shown: elsewhere than on macOS and Windows a display has to be named."""
    return sys.platform in {"darwin", "win32"} or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


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
        from pyvirtualdisplay.abstractdisplay import XStartError, XStartTimeoutError
        from pyvirtualdisplay.xvfb import XvfbDisplay
    except ImportError:
        raise InvalidInput("virtual_display", f"needs PyVirtualDisplay: {_HINT}") from None

    class HeldXvfb(XvfbDisplay):
        def _popen(self, use_pass_fds: bool) -> None:  # noqa: FBT001 - its signature
            self._subproc = subprocess.Popen(  # noqa: S603 - PyVirtualDisplay's own command
                self._command,
                pass_fds=[self._pipe_wfd] if use_pass_fds else [],  # type: ignore[list-item]
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=without_secrets(),
                start_new_session=True,
            )
            lifeline.hold_process(self.pid)

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
        except (XStartError, XStartTimeoutError, OSError) as error:
            raise LaunchFailed("Xvfb", f"{clean_text(str(error))}; {_HINT}") from error
        yield {"DISPLAY": display.new_display_var}
