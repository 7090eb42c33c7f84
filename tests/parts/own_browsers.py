"""The browsers that this process has started."""

import psutil

SHARED: set[int] = set()
"""The first processes of those that a file's tests share, which are not listed."""


def list_browsers() -> list[psutil.Process]:
    """Return the first process of each."""
    return _list_chrome([])


def list_renderers() -> list[psutil.Process]:
    """Return the processes in which their pages run."""
    return _list_chrome(["renderer"])


def _list_chrome(kinds: list[str]) -> list[psutil.Process]:
    found = []
    for each in psutil.Process().children(recursive=True):
        try:
            words = each.cmdline()
        except (psutil.ZombieProcess, psutil.NoSuchProcess):
            continue
        types = [word.removeprefix("--type=") for word in words if word.startswith("--type=")]
        if "--remote-debugging-pipe" in words and types == kinds and each.pid not in SHARED:
            found.append(each)
    return found
