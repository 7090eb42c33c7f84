"""What all programs that a harvest starts have in common: their environment, and how they end."""

from pathlib import Path

from aura_browser.webdriver.process.environment import copy_environment
from aura_browser.webdriver.process.lifeline import Process
from aura_browser.webdriver.process.orphans import find_children, reap
from aura_browser.webdriver.process.watchdog import end_group
from aura_browser.webdriver.process.workspace import MAX_TMPDIR_LENGTH


def end_and_reap(process: Process, folder: Path) -> None:
    """Kill a process and its group, and reap what is left of them.

    Args:
        process: leads the group.
        folder: the workspace's.
    """
    # Chrome's crash handlers lead groups of their own, and end with it.
    handlers = find_children(folder) - {process.pid}
    end_group(process.pid)
    process.wait()
    reap(handlers, process.pid)


def build_environment(folder: Path) -> dict[str, str]:
    """Return the environment of Chrome and its driver: without secrets, and with their files in *folder*."""
    # Otherwise dconf and Chrome's crash reporter write to the person's home, with any profile.
    private = {"BREAKPAD_DUMP_LOCATION": str(folder / "crashes")}
    # So do Mesa (https://docs.mesa3d.org/envvars.html) and NVIDIA's driver, with a window.
    private |= {"MESA_SHADER_CACHE_DISABLE": "true", "__GL_SHADER_DISK_CACHE": "0"}
    # Chrome creates a socket in TMPDIR, whose path may have about 100 characters.
    private |= {"TMPDIR": str(folder)} if len(str(folder)) <= MAX_TMPDIR_LENGTH else {}
    return {"XDG_RUNTIME_DIR": str(folder)} | copy_environment() | private
