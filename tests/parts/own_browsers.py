"""The browsers that this process has started, without those that its tests share."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Final
from unittest.mock import patch

import psutil

from aura_browser.webdriver.process import chrome, chromedriver

_SHARED: Final[set[int]] = set()


@contextmanager
def sharing(place: str) -> Iterator[None]:
    """Leave those that are started meanwhile, with their files in *place*, out of each list: tests share them.

    This process adopts no orphans for them: it would for as long as it runs, and other tests leave some.
    """
    others = list_browsers()
    with (
        patch.object(tempfile, "tempdir", place),
        patch.object(chrome, "adopt_orphans", nullcontext),
        patch.object(chromedriver, "adopt_orphans", nullcontext),
    ):
        yield
    _SHARED.update(each.pid for each in list_browsers() if each not in others)


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
            words, line = each.cmdline(), [each, *each.parents()]
            is_fork = words == line[1].cmdline()  # one that has not become another program yet
        except (psutil.ZombieProcess, psutil.NoSuchProcess):
            continue
        types = [word.removeprefix("--type=") for word in words if word.startswith("--type=")]
        is_shared = any(process.pid in _SHARED for process in line)
        if "--remote-debugging-pipe" in words and types == kinds and not (is_shared or is_fork):
            found.append(each)
    return found
