"""A person's everyday Chrome on a screen of its own, with its switch for programs on, and the person's clicks."""

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from Xlib import X, display
from Xlib.ext import xtest

from tests.parts.person import screen
from tests.parts.waiting import holds_within, until

ALLOW: Final = (763, 306)
"""Where the question's button is, in a window of 1200 by 850 at the screen's corner."""
CANCEL: Final = (674, 306)

_QUESTION: Final = (560, 180, 240, 150)  # x, y, width, height
_START_S: Final = 30.0
_MOMENT_S: Final = 0.2
_BETWEEN_CLICKS_S: Final = 1.5  # Chrome ignores clicks that follow each other quickly, and those on a new question


class EverydayChrome:
    """A Chrome as a person has it.

    Attributes:
        process: it.
        folder: its user data folder.
        clicked_at: when the last click was made, in monotonic seconds; 0 before the first.
    """

    def __init__(self, process: "subprocess.Popen[bytes]", folder: Path, name: str) -> None:
        self.process = process
        self.folder = folder
        self._display = display.Display(name)
        self.clicked_at = 0.0
        self._plain = b""

    def show(self, url: str, profile: str) -> None:
        """Open *url* in a window of that profile, as a click elsewhere does."""
        command = ["chromium", "--no-sandbox", f"--user-data-dir={self.folder}", f"--profile-directory={profile}", url]
        environment = os.environ | {"DISPLAY": self._display.get_display_name()}
        subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)

    def wait_for_rest(self) -> None:
        """Wait until the window is drawn and stays as it is, and remember that."""
        until(lambda: any(self._look()) and self._stays(), "Chrome's window is drawn")
        self._plain = self._look()

    def wait_for_question(self) -> None:
        """Wait until Chrome asks: what is shown has changed, and then stays as it is."""
        until(lambda: self._look() != self._plain and self._stays(), "Chrome asks")

    def click(self, place: tuple[int, int], is_done: Callable[[], object]) -> None:
        """Click there, again and again, until *is_done* holds: the question may not be shown yet."""

        def holds() -> bool:
            xtest.fake_input(self._display, X.MotionNotify, x=place[0], y=place[1])
            xtest.fake_input(self._display, X.ButtonPress, 1)
            xtest.fake_input(self._display, X.ButtonRelease, 1)
            self._display.sync()
            self.clicked_at = time.monotonic()
            return holds_within(_BETWEEN_CLICKS_S, is_done)

        until(holds, "the click has its effect")

    def close(self) -> None:
        """Close the connection to the screen."""
        self._display.close()

    def _stays(self) -> bool:
        """Return whether what is shown does not change for a moment."""
        before = self._look()
        return not holds_within(_MOMENT_S, lambda: self._look() != before)

    def _look(self) -> bytes:
        root = self._display.screen().root
        return bytes(root.get_image(*_QUESTION, X.ZPixmap, 0xFFFFFFFF).data)


@contextmanager
def everyday_chrome(*flags: str, is_on: bool = True) -> Iterator[tuple[EverydayChrome, Path]]:
    """Run it while the context lasts; yield it and the folder that ``XDG_CONFIG_HOME`` has to name."""
    # A short path, for Chrome's socket.
    with screen() as name, tempfile.TemporaryDirectory(prefix="e", dir="/tmp", ignore_cleanup_errors=True) as base:
        folder = Path(base, "chromium")
        folder.mkdir()
        state = {"devtools": {"remote_debugging": {"user-enabled": is_on}}}
        (folder / "Local State").write_text(json.dumps(state), "utf-8")
        window = ("--window-position=0,0", "--window-size=1200,850", "--password-store=basic")
        command = [
            "chromium",
            "--no-sandbox",
            "--no-first-run",
            "--no-proxy-server",
            f"--user-data-dir={folder}",
            *window,
        ]
        process = subprocess.Popen(
            [*command, *flags, "about:blank"],
            env=os.environ | {"DISPLAY": name},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        chrome = EverydayChrome(process, folder, name)
        try:
            if is_on:
                until((folder / "DevToolsActivePort").exists, "Chrome listens", _START_S)
            else:
                until(lambda: os.path.lexists(folder / "SingletonLock"), "Chrome runs", _START_S)
            chrome.wait_for_rest()
            yield chrome, Path(base)
        finally:
            chrome.close()
            with suppress(ProcessLookupError), process:
                os.killpg(process.pid, 9)
