"""A Chrome as a person has one: it listens for debuggers and has tabs open."""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final
from urllib.request import ProxyHandler, Request, build_opener

from tests.parts.open_chrome import debugger_address

_FLAGS: Final = (
    *("--headless=new", "--no-sandbox", "--no-first-run", "--disable-background-networking", "--no-proxy-server"),
    *("--remote-debugging-port=0", "data:text/html,<title>of the person</title>"),
)


class PersonsChrome:
    """A Chrome that runs.

    Attributes:
        address: where it listens, ``host:port``.
        process: it.
        folder: its user data folder, with the name that a person's has.
    """

    def __init__(self, address: str, process: "subprocess.Popen[bytes]", folder: Path) -> None:
        self.address = address
        self.process = process
        self.folder = folder

    def tabs(self) -> list[tuple[str, str]]:
        """Return its tabs, each with its address."""
        return sorted((tab["id"], tab["url"]) for tab in self._ask("GET", "/json/list") if tab["type"] == "page")

    def open_tab(self) -> None:
        """Open one more."""
        self._ask("PUT", "/json/new?about:blank")

    def _ask(self, method: str, path: str) -> Any:  # noqa: ANN401 - JSON
        request = Request(f"http://{self.address}{path}", method=method)
        with build_opener(ProxyHandler({})).open(request, timeout=10) as answer:
            return json.load(answer)


@contextmanager
def persons_chrome() -> Iterator[PersonsChrome]:
    """Run a Chrome with two tabs while the context lasts."""
    # A short path, for Chrome's socket.
    with tempfile.TemporaryDirectory(prefix="a", dir="/tmp", ignore_cleanup_errors=True) as base:
        profile = Path(base, "chromium")
        profile.mkdir()
        (profile / "Local State").write_text("{}", "utf-8")
        command = [shutil.which("chromium") or "", *_FLAGS, f"--user-data-dir={profile}"]
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        try:
            chrome = PersonsChrome(debugger_address(profile), process, profile)
            chrome.open_tab()
            yield chrome
        finally:
            with suppress(ProcessLookupError), process:
                process.kill()
