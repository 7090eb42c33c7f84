"""Why Chrome did not start: chosen from what ChromeDriver and Chrome said, with what helps against that."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from aura_browser.errors import DriverMismatch, LaunchFailed
from aura_browser.text import clean_text
from aura_browser.webdriver.deadline import Deadline
from aura_browser.webdriver.locate import BrowserPaths

_MAX_OUTPUT_BYTES: Final = 1_000_000
_MAX_LINES: Final = 5
_MAX_LINE_LENGTH: Final = 2000
_DRIVER_LINES: Final = re.compile(
    r"Starting ChromeDriver|ChromeDriver was st|Only local conn|Please (see|protect)|.*\]: Accept error: rv="
)
_MISMATCH: Final = re.compile(r"only supports Chrome version (\d+)\D.*?Current browser version is ([\d.]+)", re.DOTALL)


def build_launch_error(
    paths: BrowserPaths, message: str, output: Path, deadline: Deadline
) -> DriverMismatch | LaunchFailed:
    """Return the error that says why no session was created.

    Args:
        paths: the Chrome and the ChromeDriver.
        message: ChromeDriver's message; empty if it exited without one.
        output: the file with what both wrote.
        deadline: the harvest's.
    """
    message = message.strip() or "it exited during its start"
    mismatch = _MISMATCH.search(message)
    if mismatch:
        return DriverMismatch(str(paths.chrome), mismatch[2], str(paths.driver), mismatch[1])
    lines = list(_read_lines(output))
    reason = clean_text(message.partition("\n")[0].rstrip("."))
    if deadline.left_s <= 0 and not deadline.is_cancelled:
        reason = f"it had not started after {deadline.seconds:g} s"
    return LaunchFailed(str(paths.chrome), reason, tuple(lines[-_MAX_LINES:]))


def _read_lines(output: Path) -> Iterator[str]:
    if not output.exists():
        return
    with output.open("rb") as file:
        text = file.read(_MAX_OUTPUT_BYTES).decode("utf-8", "replace")
    for line in text.splitlines():
        if line.strip() and not _DRIVER_LINES.match(line):
            yield clean_text(line, _MAX_LINE_LENGTH)
