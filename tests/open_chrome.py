"""A Chrome that runs already and listens for debuggers, as a person may have one."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.waiting import holds_within

_UP_S: Final = 30.0
FLAGS: Final = (
    "--headless=new",
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-quic",
    "--no-proxy-server",
)
"""For a Chrome that asks nobody but the page's server for anything."""


@contextmanager
def open_chrome(profile: Path, program: str = "chromium") -> Iterator[str]:
    """Run it with this profile while the context lasts, and yield its address."""
    command = [program, *FLAGS, "--remote-debugging-port=0", f"--user-data-dir={profile}", "about:blank"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as chrome:
        try:
            told = profile / "DevToolsActivePort"
            if not holds_within(_UP_S, lambda: told.exists() and "\n" in told.read_text()):
                raise ChildProcessError(f"Chrome does not listen for debuggers (exit code {chrome.poll()})")
            yield f"127.0.0.1:{told.read_text().splitlines()[0]}"
        finally:
            chrome.terminate()
