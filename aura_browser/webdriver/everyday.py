"""Finds the Chrome that a person uses every day, where it lets programs connect after a question.

Chrome 144 and later has a switch for that at chrome://inspect/#remote-debugging. With it, Chrome listens on loopback
and writes where into the file ``DevToolsActivePort`` of its folder; it asks the person about each connection.
"""

import json
import os
import re
import socket
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aura_browser.errors import BrowserNotFound

SWITCH_PAGE: Final = "chrome://inspect/#remote-debugging"
"""The page of Chrome with the switch."""

_HOST: Final = "127.0.0.1"
_USUAL_PORT: Final = 9222
_CONNECT_TIMEOUT_S: Final = 1.0
_MAX_FILE_BYTES: Final = 64 * 1024 * 1024
_MAX_PORT: Final = 65535
_PATH: Final = re.compile(r"/devtools/browser(?:/[0-9a-fA-F-]{1,64})?")
# Below the folder for settings; https://chromium.googlesource.com/chromium/src/+/main/docs/user_data_dir.md
_FOLDERS: Final = {
    "linux": {
        "stable": ("google-chrome", "chromium"),
        "beta": ("google-chrome-beta",),
        "dev": ("google-chrome-unstable",),
        "canary": ("google-chrome-canary",),
    },
    "darwin": {
        "stable": ("Google/Chrome", "Chromium"),
        "beta": ("Google/Chrome Beta",),
        "dev": ("Google/Chrome Dev",),
        "canary": ("Google/Chrome Canary",),
    },
    "win32": {
        "stable": ("Google/Chrome/User Data", "Chromium/User Data"),
        "beta": ("Google/Chrome Beta/User Data",),
        "dev": ("Google/Chrome Dev/User Data",),
        "canary": ("Google/Chrome SxS/User Data",),
    },
}


@dataclass(frozen=True, slots=True)
class Everyday:
    """A person's Chrome.

    Attributes:
        folder: its user data folder.
        url: the WebSocket's address; None if it can't be connected to.
        problem: why not, and what to do; empty if it can.
    """

    folder: Path
    url: str | None
    problem: str


def find_everyday(channel: str) -> Everyday:
    """Return the person's Chrome of this *channel*: one that can be connected to, else the first that is there.

    Raises:
        BrowserNotFound: if none of its folders is there.
    """
    folders = list_folders(channel)
    found = [inspect_folder(folder) for folder in folders if (folder / "Local State").is_file()]
    if not found:
        places = tuple(map(str, folders)) or (f"no known folder on {sys.platform}",)
        raise BrowserNotFound(f"A Chrome of yours ({channel})", places, "Start Chrome, and try again.")
    return next((each for each in found if each.url is not None), found[0])


def list_folders(channel: str) -> list[Path]:
    """Return the user data folders of a channel's browsers, the first that counts first."""
    names = _FOLDERS.get(sys.platform, {}).get(channel, ())
    try:
        base = _find_base()
    except RuntimeError:  # this user has no home
        return []
    return [base / name for name in names]


def inspect_folder(folder: Path) -> Everyday:
    """Return whether the Chrome of *folder* can be connected to."""
    told = _read_active_port(folder)
    if told is not None and _listens(told[0]):
        return Everyday(folder, f"ws://{_HOST}:{told[0]}{told[1]}", "")
    if not _is_running(folder):
        return Everyday(folder, None, "it is not running; start it, and try again")
    if not _is_switched_on(folder):
        switch = f'open {SWITCH_PAGE} there and switch on "Allow remote debugging for this browser instance"'
        return Everyday(folder, None, f"its switch for programs is off: {switch}")
    if told is None and _listens(_USUAL_PORT):
        # Some versions write no file; then the short address works.
        return Everyday(folder, f"ws://{_HOST}:{_USUAL_PORT}/devtools/browser", "")
    what = "names a port at which it does not listen" if told else "is missing"
    return Everyday(folder, None, f"its file DevToolsActivePort {what}; restart Chrome")


def _find_base() -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    named = os.environ.get("XDG_CONFIG_HOME", "")
    return Path(named) if named.startswith("/") else Path.home() / ".config"


def _read_active_port(folder: Path) -> tuple[int, str] | None:
    """Return the port and the path that Chrome wrote; None if there is no such file, or another one."""
    try:
        lines = (folder / "DevToolsActivePort").read_text("ascii").split("\n")
        port, path = int(lines[0]), lines[1].strip()
    except (OSError, ValueError, IndexError):
        return None
    return (port, path) if 0 < port <= _MAX_PORT and _PATH.fullmatch(path) else None


def _listens(port: int) -> bool:
    """Return whether a program of this user listens at *port*."""
    try:
        with socket.create_connection((_HOST, port), _CONNECT_TIMEOUT_S):
            return not _is_of_another_user(port)
    except OSError:
        return False


def _is_of_another_user(port: int) -> bool:
    """Return whether another user of this machine listens there: a file that is out of date may name such a port."""
    address = f"0100007F:{port:04X}" if sys.byteorder == "little" else f"7F000001:{port:04X}"
    with suppress(OSError), open("/proc/net/tcp", encoding="ascii") as table:  # noqa: PTH123 - may be megabytes
        for line in table:
            fields = line.split()
            if (fields[1], fields[3]) == (address, "0A"):
                return fields[7] != str(os.getuid())
    return False


def _is_running(folder: Path) -> bool:
    """Return whether a Chrome runs with this folder, as far as its lock says."""
    if sys.platform == "win32":
        return (folder / "lockfile").exists()
    try:
        pid = int(os.readlink(folder / "SingletonLock").rpartition("-")[2])  # noqa: PTH115 - it names no file
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (OSError, ValueError):
        return False
    return True


def _is_switched_on(folder: Path) -> bool:
    """Return whether the person's switch is on."""
    with suppress(OSError, ValueError, KeyError, TypeError), (folder / "Local State").open("rb") as file:
        state = json.loads(file.read(_MAX_FILE_BYTES))
        return state["devtools"]["remote_debugging"]["user-enabled"] is True
    return False
