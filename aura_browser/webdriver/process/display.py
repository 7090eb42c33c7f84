"""Displays: whether a window can be shown on this machine, and a virtual display that nobody sees."""

import os
import re
import secrets
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
from aura_browser.webdriver.process.watchdog import Watchdog
from aura_browser.webdriver.process.workspace import Workspace

_STOP_TIMEOUT_S: Final = 2.0
_REPLY_TIMEOUT_S: Final = 5.0
_X_PORT: Final = 6000  # of display 0
_ANY_DISPLAY: Final = b"\xff\xff"  # FamilyWild
_HINT: Final = "install Xvfb (Debian, Ubuntu: apt install xvfb)"


def has_display() -> bool:
    """Return whether a window can be shown: on Linux the environment must name a display that answers."""
    if sys.platform in {"darwin", "win32"}:
        return True
    wayland, display = os.environ.get("WAYLAND_DISPLAY", ""), os.environ.get("DISPLAY", "")
    return (bool(wayland) and _has_wayland(wayland)) or (bool(display) and _has_x_server(display))


def _has_wayland(name: str) -> bool:
    folder = os.environ.get("XDG_RUNTIME_DIR", "")
    return bool(folder or name.startswith("/")) and _answers(str(Path(folder, name)))


def _has_x_server(display: str) -> bool:
    """Return whether an X server listens at *display*, such as ``:0`` or ``host:10.0``."""
    parts = re.fullmatch(r"(?:\w+/)?(.*):(\d+)(?:\.\d+)?", display)
    if parts is None:
        return _answers(display)  # macOS's XQuartz and others name a socket
    host, number = parts[1], int(parts[2])
    if host in {"", "unix"}:
        path = f"/tmp/.X11-unix/X{number}"  # noqa: S108 - X servers' sockets
        return _answers(path) or _answers(f"\0{path}")
    with suppress(OSError), socket.create_connection((host.strip("[]"), _X_PORT + number), _REPLY_TIMEOUT_S):
        return True
    return False


def _answers(path: str) -> bool:
    """Return whether a server listens at the Unix socket *path*."""
    with suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(_REPLY_TIMEOUT_S)
        connection.connect(path)
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
def run_virtual_display(workspace: Workspace, deadline: Deadline) -> Iterator[dict[str, str]]:
    """Run Xvfb while the context lasts, and yield the environment variables that name its display and its key.

    Without a key, every user of this machine could look at the window and type into it.

    Args:
        workspace: its lifeline ends Xvfb if this process is killed; its folder holds the key.
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
            self._subproc = workspace.lifeline.start(
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
            authority = _write_authority(workspace.folder / "Xauthority")
            # Without -noreset it would start anew whenever its last client leaves.
            options = ["-auth", str(authority), "-nolisten", "tcp", "-noreset"]
            display = LifelineXvfb(size=(1920, 1080), manage_global_env=False, extra_args=options)  # type: ignore[no-untyped-call]
            exits.callback(display.end)
            with Watchdog(deadline, display.kill):  # PyVirtualDisplay itself waits for 10 minutes
                display.start()  # type: ignore[no-untyped-call]
        except (XStartError, XStartTimeoutError, subprocess.TimeoutExpired, OSError) as error:
            raise LaunchFailed("Xvfb", f"{clean_text(str(error))}; {_HINT}") from error
        yield {"DISPLAY": display.new_display_var, "XAUTHORITY": str(authority)}


def _write_authority(path: Path) -> Path:
    """Write a new key for any display (https://www.x.org/releases/current/doc/man/man3/Xau.3.xhtml); return *path*."""
    fields = (b"", b"", b"MIT-MAGIC-COOKIE-1", secrets.token_bytes(16))  # address, display, name, key
    record = _ANY_DISPLAY + b"".join(len(each).to_bytes(2, "big") + each for each in fields)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(record)
    return path
