"""What Chrome needs of the machine: a display, a sandbox, shared memory, a folder for temporary files."""

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Final

from aura_browser.doctor.finding import Finding, stopping
from aura_browser.engine import Selenium, Undetected
from aura_browser.site import OPENCHAT
from aura_browser.webdriver.process.display import has_display

_KERNEL: Final = Path("/proc/sys/kernel")
_SHARED_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - no file is made there
_LEAST_SHARED: Final = 64 * 2**20  # octets; what Docker gives, which is too little for large pages


def look_at_machine(engine: Selenium, *, interactive: bool) -> list[Finding]:
    """Look at all of it, for a Chrome that *engine* starts here."""
    findings = [display(interactive=interactive), temporary_folder(engine)]
    if engine.virtual_display:
        findings.append(virtual_display())
    if sys.platform == "linux":
        findings += [sandbox(), shared_memory()]
    return findings


def display(*, interactive: bool) -> Finding:
    """Tell whether a person can see a window here; *interactive* if one has to."""
    if has_display():
        named = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
        return Finding("display", "ok", named or "the system's own")
    if interactive:
        said = "none (DISPLAY is not set), so no person can log in here. On a machine with a screen, run:"
        return stopping("display", said, OPENCHAT.login_command("-o", "session.json"))
    return Finding("display", "note", "none: harvests work, but for --interactive")


def virtual_display() -> Finding:
    """Tell whether there is a display that nobody sees."""
    path = shutil.which("Xvfb")
    return Finding("Xvfb", "ok", path) if path else stopping("Xvfb", "not found on PATH", "apt-get install xvfb")


def sandbox(kernel: Path = _KERNEL) -> Finding:
    """Tell whether Chrome can use its sandbox.

    Args:
        kernel: where the kernel tells its settings.
    """
    if os.geteuid() == 0:
        return Finding("sandbox", "note", "none: you are root, for whom Chrome has no sandbox; better run as a user")
    # https://chromium.googlesource.com/chromium/src/+/main/docs/security/apparmor-userns-restrictions.md
    for setting, bad, good in (
        ("unprivileged_userns_clone", "0", "1"),
        ("apparmor_restrict_unprivileged_userns", "1", "0"),
    ):
        if _setting(kernel / setting) == bad:
            said = f"user namespaces are restricted (kernel.{setting}={bad}); a Chrome without a profile for it fails"
            return Finding("sandbox", "note", said, f"sudo sysctl -w kernel.{setting}={good}")
    return Finding("sandbox", "ok", "user namespaces are not restricted")


def _setting(path: Path) -> str:
    try:
        return path.read_text("ascii").strip()
    except OSError:
        return ""  # this kernel has no such setting


def shared_memory(folder: Path = _SHARED_MEMORY) -> Finding:
    """Tell whether there is enough shared memory for large pages.

    Args:
        folder: where it is mounted.
    """
    try:
        total = shutil.disk_usage(folder).total
    except OSError:
        total = 0
    size = f"{total / 2**20:.0f} MiB"
    if total > _LEAST_SHARED:
        return Finding("shared memory", "ok", f"{size} at {folder}")
    return Finding("shared memory", "note", f"{size} at {folder}: large pages may crash", "docker run --shm-size=1g")


def temporary_folder(engine: Selenium) -> Finding:
    """Tell whether the browser's own folder can be made, and a patched driver run in it."""
    name, mend = "temporary folder", 'mkdir -p "$HOME/tmp" && export TMPDIR="$HOME/tmp"'
    try:
        folder = tempfile.gettempdir()
        with tempfile.TemporaryDirectory(prefix="aura-browser-", dir=folder):
            pass
    except OSError as error:
        return stopping(name, f"can't be written: {error.strerror}", mend)
    if isinstance(engine, Undetected) and os.name == "posix" and os.statvfs(folder).f_flag & os.ST_NOEXEC:
        return stopping(name, f"no program can run in {folder} (noexec), as the patched driver has to", mend)
    return Finding(name, "ok", folder)
