"""A Chrome that runs already and listens for debuggers, as a person may have one."""

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.parts.waiting import holds_within

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
"""For a Chrome that asks nobody but the page's server for anything.

Not the package's own list: what it is measured beside must not change with it.
"""


@contextmanager
def open_chrome(profile: Path, program: str = "chromium", flags: Sequence[str] = ()) -> Iterator[str]:
    """Run it with this profile and further flags while the context lasts, and yield its address."""
    command = [program, *FLAGS, *flags, "--remote-debugging-port=0", f"--user-data-dir={profile}", "about:blank"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as chrome:
        try:
            yield debugger_address(profile)
        finally:
            chrome.terminate()


def debugger_address(profile: Path) -> str:
    """Wait until the Chrome with this profile listens, and return where.

    Raises:
        ChildProcessError: if it does not.
    """
    told = profile / "DevToolsActivePort"
    if not holds_within(_UP_S, lambda: told.exists() and "\n" in told.read_text("utf-8")):
        raise ChildProcessError(f"Chrome does not listen for debuggers after {_UP_S:.0f} s")
    return f"127.0.0.1:{told.read_text('utf-8').splitlines()[0]}"
