"""What Chrome needs of the machine: a display, a sandbox, shared memory, a folder for temporary files."""

import errno
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from aura_browser.doctor.finding import Finding, as_root, build_blocker
from aura_browser.engine import LocalEngine, Undetected
from aura_browser.site import OPENCHAT
from aura_browser.webdriver.process.display import has_display

_KERNEL: Final = Path("/proc/sys/kernel")
_SANDBOX_HELPER: Final = Path("/usr/lib/chromium/chrome-sandbox")
_DOCKER_MARK: Final = Path("/.dockerenv")
_SHARED_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - no file is made there
_TRY_S: Final = 5.0
_MIN_SHARED_BYTES: Final = 64 * 2**20  # Docker's default, which is too little for large pages


def inspect_machine(engine: LocalEngine, *, interactive: bool) -> list[Finding]:
    """Check the machine for a Chrome that *engine* starts here."""
    findings = [check_display(interactive=interactive), check_temporary_folder(engine)]
    if engine.virtual_display:
        findings.append(check_virtual_display())
    if sys.platform == "linux":
        findings += [check_sandbox(), check_shared_memory()]
    return findings


def check_display(*, interactive: bool) -> Finding:
    """Check that a person can see a window here; a blocker if *interactive* and not."""
    if has_display():
        named = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
        return Finding("display", "ok", named or "the system's display")
    if interactive:
        details = "none (DISPLAY is not set), so no person can log in here. On a machine with a screen, run:"
        return build_blocker("display", details, OPENCHAT.login_command("-o", "session.json"))
    return Finding("display", "note", "none: harvests work, but for --interactive")


def check_virtual_display() -> Finding:
    """Check that Xvfb, the invisible display, is installed."""
    path = shutil.which("Xvfb")
    return (
        Finding("Xvfb", "ok", path)
        if path
        else build_blocker("Xvfb", "not found on PATH", as_root("apt-get install xvfb"))
    )


def check_sandbox(kernel: Path = _KERNEL, helper: Path = _SANDBOX_HELPER) -> Finding:
    """Check that Chrome can use its sandbox: it needs user namespaces, or a helper program.

    Args:
        kernel: the folder of the kernel's settings.
        helper: the helper that Debian's package chromium-sandbox installs.
    """
    if os.geteuid() == 0:
        return Finding("sandbox", "note", "none: Chrome has no sandbox for root; prefer to run as another user")
    # https://chromium.googlesource.com/chromium/src/+/main/docs/security/apparmor-userns-restrictions.md
    for setting, bad, good in (
        ("unprivileged_userns_clone", "0", "1"),
        ("apparmor_restrict_unprivileged_userns", "1", "0"),
    ):
        if _read_setting(kernel / setting) == bad:
            details = f"user namespaces restricted (kernel.{setting}={bad}); Chrome needs a profile that allows them"
            return Finding("sandbox", "note", details, f"sudo sysctl -w kernel.{setting}={good}")
    if _is_set_user_id(helper):
        return Finding("sandbox", "ok", f"{helper}")
    if refusal := _try_user_namespace():
        details = f"no user namespace can be made ({refusal}): without one, or a chrome-sandbox that is setuid, Chrome"
        return Finding("sandbox", "problem", f"{details} has no sandbox and does not start", _suggest_fix(refusal))
    return Finding("sandbox", "ok", "user namespaces can be made")


def suggest_sandbox_fix() -> str:
    """Return the command that lets Chrome use its sandbox."""
    return check_sandbox().command or "aura-browser doctor --no-sandbox"


def _try_user_namespace() -> str:
    """Return why no user namespace can be made; empty if one can, or this is not known."""
    code = "import ctypes, sys; sys.exit(ctypes.CDLL(None, use_errno=True).unshare(0x10000000) and ctypes.get_errno())"
    try:
        done = subprocess.run([sys.executable, "-ISc", code], check=False, timeout=_TRY_S, stderr=subprocess.DEVNULL)  # noqa: S603 - our own code
    except (OSError, subprocess.SubprocessError):
        return ""
    return os.strerror(done.returncode) if done.returncode > 0 else ""


def _suggest_fix(refusal: str) -> str:
    if refusal == os.strerror(errno.ENOSPC):  # what the kernel says when the limit is reached
        return "sudo sysctl -w user.max_user_namespaces=10000"
    if _DOCKER_MARK.exists():
        # Docker's default profile forbids them, and what the helper needs as well.
        return "docker run --security-opt seccomp=unconfined"
    if shutil.which("apt-get"):
        return as_root("apt-get install chromium-sandbox")
    return "aura-browser doctor --no-sandbox"


def _is_set_user_id(program: Path) -> bool:
    try:
        return bool(program.stat().st_mode & stat.S_ISUID)
    except OSError:
        return False


def _read_setting(path: Path) -> str:
    try:
        return path.read_text("ascii").strip()
    except OSError:
        return ""  # this kernel has no such setting


def check_shared_memory(folder: Path = _SHARED_MEMORY) -> Finding:
    """Check that there is enough shared memory for large pages.

    Args:
        folder: its mount point.
    """
    try:
        total = shutil.disk_usage(folder).total
    except OSError:
        total = 0
    size = f"{total / 2**20:.0f} MiB"
    if total > _MIN_SHARED_BYTES:
        return Finding("shared memory", "ok", f"{size} at {folder}")
    return Finding("shared memory", "note", f"{size} at {folder}: large pages may crash", "docker run --shm-size=1g")


def check_temporary_folder(engine: LocalEngine) -> Finding:
    """Check that the browser's folder can be created, and that a patched driver can run in it."""
    name, fix = "temporary folder", 'mkdir -p "$HOME/tmp" && export TMPDIR="$HOME/tmp"'
    try:
        folder = tempfile.gettempdir()
        tempfile.TemporaryDirectory().cleanup()
    except OSError as error:
        return build_blocker(name, f"can't be written: {error.strerror}", fix)
    if isinstance(engine, Undetected) and os.name == "posix" and os.statvfs(folder).f_flag & os.ST_NOEXEC:
        return build_blocker(name, f"programs can't run in {folder} (noexec), but the patched driver must", fix)
    return Finding(name, "ok", folder)
