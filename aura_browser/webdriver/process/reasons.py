"""Why Chrome did not start, or ended: chosen by what ChromeDriver and Chrome said, with what helps against that."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from aura_browser.errors import BrowserDied, DriverMismatch, LaunchFailed
from aura_browser.text import clean_text
from aura_browser.webdriver.deadline import Deadline
from aura_browser.webdriver.locate import BrowserPaths
from aura_browser.webdriver.process.limits import find_low_limit

_MAX_OUTPUT_BYTES: Final = 1_000_000
_MAX_LINES: Final = 5
_MAX_LENGTH: Final = 2000
_DRIVER_LINES: Final = re.compile(
    r"Starting ChromeDriver|ChromeDriver was st|Only local conn|Please (see|protect)|.*\]: Accept error: rv="
)
_MISMATCH: Final = re.compile(r"only supports Chrome version (\d+)\D.*?Current browser version is ([\d.]+)", re.DOTALL)
_STACK_TRACE: Final = re.compile(r"\n(?:Stacktrace|Host info|Build info|#0 ).*", re.DOTALL)

_POLICY: Final = re.compile(r"remote debugging is disallowed|RemoteDebuggingAllowed", re.IGNORECASE)
_CAUSES: Final = {
    _POLICY: (
        "A policy of this machine forbids programs to control Chrome (RemoteDebuggingAllowed). Ask who administers it, "
        "or name a Chrome without that policy in AURA_BROWSER_CHROME"
    ),
    re.compile(r"Running as root without --no-sandbox"): (
        "Chrome has no sandbox for root. Leave --sandbox (Selenium(sandbox=True)) out, or run this as another user"
    ),
    re.compile(r"[Nn]o usable sandbox|SUID sandbox|Failed to move to new namespace"): (
        "Chrome may not make its sandbox here. On Debian, install the package chromium-sandbox; elsewhere, to see what "
        "forbids it, run: aura-browser doctor"
    ),
    re.compile(r"Too many open files"): (
        "This process may open too few files. Raise the limit, for example: ulimit -n 4096"
    ),
    re.compile(r"Missing X server or \$DISPLAY|[Cc]an(?:no|')t open display|Authorization required, but no auth"): (
        "The display can't be used. Check DISPLAY and XAUTHORITY, or leave --interactive or --virtual-display out"
    ),
    re.compile(r"error while loading shared libraries|GLIBC\S* not found"): (
        "A library that Chrome needs is missing. Install Chrome as a package, for example with drivers/install.sh"
    ),
    re.compile(r"profile appears to be in use|ProcessSingleton|user data directory is already in use"): (
        "Another Chrome uses this profile. Close it, or name another profile"
    ),
    re.compile(r"No space left on device"): "The disk is full. Free some space where TMPDIR and the profile are",
    re.compile(r"cannot parse internal JSON template|the profile's settings can't be read"): (
        "The profile's settings are damaged. Remove the file Default/Preferences in the profile's folder; logins stay"
    ),
}
"""What Chrome or its driver says, and what to do about that; the first that matches counts."""


def find_mismatch(paths: BrowserPaths, message: str) -> DriverMismatch | None:
    """Return the error for a ChromeDriver whose *message* says that it is not for this Chrome; None if it does not."""
    mismatch = _MISMATCH.search(message)
    return DriverMismatch(str(paths.chrome), mismatch[2], str(paths.driver), mismatch[1]) if mismatch else None


def build_launch_error(chrome: Path, message: str, output: Path, deadline: Deadline) -> LaunchFailed:
    """Return the error that says why Chrome did not start.

    Args:
        chrome: its path.
        message: what is known about that, such as ChromeDriver's message; empty if it exited without one.
        output: the file with what Chrome and its driver wrote.
        deadline: the harvest's.
    """
    message = _STACK_TRACE.sub("", message).strip() or "it exited during its start"
    lines = list(_read_lines(output))
    told, advice = _find_cause([*message.splitlines(), *lines])
    chosen = lines[-_MAX_LINES:] if not advice else [told] if told in lines else []
    reason = clean_text(message, _MAX_LENGTH).rstrip(".")
    if deadline.left_s <= 0 and not deadline.is_cancelled and not advice:
        reason = f"it had not started after {deadline.seconds:g} s"
    return LaunchFailed(str(chrome), reason, tuple(chosen), advice or _describe_low_limit())


@contextmanager
def advising(output: Path) -> Iterator[None]:
    """Give a ``BrowserDied`` of the context its advice: by what Chrome wrote to *output*, or by a limit."""
    try:
        yield
    except BrowserDied as error:
        error.advice = error.advice or _find_cause([*_read_lines(output)])[1] or _describe_low_limit()
        raise


def _describe_low_limit() -> str:
    """Return how to raise the limit that is too low for Chrome; empty if none is. Chrome often names none."""
    limit = find_low_limit()
    return f"{limit.text[0].upper()}{limit.text[1:]}. Raise that limit, for example: {limit.command}" if limit else ""


def is_forbidden(output: Path) -> bool:
    """Return whether Chrome said in *output* that nobody may control it; it runs on, and its driver waits for it."""
    return any(_POLICY.search(line) for line in _read_lines(output))


def _find_cause(lines: list[str]) -> tuple[str, str]:
    """Return the line that says why, and what to do about it; both empty if no known one is there."""
    for pattern, advice in _CAUSES.items():
        for line in lines:
            if pattern.search(line):
                return line, advice
    return "", ""


def _read_lines(output: Path) -> Iterator[str]:
    if not output.exists():
        return
    with output.open("rb") as file:
        file.seek(max(0, output.stat().st_size - _MAX_OUTPUT_BYTES))  # the end says why
        text = file.read(_MAX_OUTPUT_BYTES).decode("utf-8", "replace")
    for line in text.splitlines():
        if line.strip() and not _DRIVER_LINES.match(line):
            yield clean_text(line, _MAX_LENGTH)
