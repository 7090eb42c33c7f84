"""A Chrome that runs already and listens for debuggers, as a person may have one."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.waiting import holds_within

_UP_S: Final = 30.0
_FLAGS: Final = (
    "--headless=new",
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
    "--no-proxy-server",
    "--remote-debugging-port=0",
)


@contextmanager
def open_chrome(profile: Path, program: str = "chromium") -> Iterator[str]:
    """Run it with this profile while the context lasts, and yield its address."""
    command = [program, *_FLAGS, f"--user-data-dir={profile}", "about:blank"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as chrome:
        try:
            told = profile / "DevToolsActivePort"
            if not holds_within(_UP_S, lambda: told.exists() and "\n" in told.read_text()):
                raise ChildProcessError(f"Chrome does not listen for debuggers (exit code {chrome.poll()})")
            yield f"127.0.0.1:{told.read_text().splitlines()[0]}"
        finally:
            chrome.terminate()
