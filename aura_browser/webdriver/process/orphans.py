"""Reaps what a killed browser leaves: processes that have ended, but whose parent is gone.

Normally the system's first process adopts and reaps them. In a container that is often a program that does not, or this
one itself; then each harvest would leave zombies, until no process can be started any more.
"""

import ctypes
import os
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

_PR_SET_CHILD_SUBREAPER: Final = 36
_PR_GET_CHILD_SUBREAPER: Final = 37
_ENDED_HANDLER: Final = b"(chrome_crashpad) Z"  # proc_pid_stat(5): a name of 15 characters, and the state
_TIMEOUT_S: Final = 2.0
_POLL_INTERVAL_S: Final = 0.002

_lock = threading.Lock()
_holders = 0
_was_adopting = False


@contextmanager
def adopt_orphans() -> Iterator[None]:
    """Have orphans among this process's descendants become its own children while the context lasts, on Linux.

    For the time of a harvest only: the program that harvests may have orphans of its own.
    """
    if sys.platform != "linux":
        yield
        return
    _hold(1)
    try:
        yield
    finally:
        _hold(-1)


def find_children(folder: Path) -> set[int]:
    """Return the children of this process that have *folder* in their arguments, orphans that it adopted too.

    A crash handler of Chrome that has ended, as it does with its Chrome, has no arguments any more: each counts.
    """
    found = set()
    for thread in Path("/proc/self/task").glob("*/children"):
        with suppress(OSError):  # it has ended
            for pid in map(int, thread.read_bytes().split()):
                with suppress(OSError):
                    place = Path(f"/proc/{pid}")
                    is_named = os.fsencode(folder) in (place / "cmdline").read_bytes()
                    if is_named or _ENDED_HANDLER in (place / "stat").read_bytes():
                        found.add(pid)
    return found


def reap(pids: Iterable[int], group: int) -> None:
    """Reap children of this process that end now, and wait for them.

    Only these: other children belong to the program that harvests.

    Args:
        pids: the ones by their ids.
        group: the process group of the others.
    """
    end = time.monotonic() + _TIMEOUT_S
    left = {-group, *pids}
    while left and time.monotonic() < end:
        left = {each for each in left if not _is_reaped(each)}
        if left:
            time.sleep(_POLL_INTERVAL_S)  # asyncio and others may use the signal that tells of it


def _is_reaped(target: int) -> bool:
    """Reap what has ended of *target*, as waitpid(2) takes it; return whether nothing of it is left."""
    try:
        while os.waitpid(target, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return True
    return False


def _hold(change: int) -> None:
    global _holders, _was_adopting  # noqa: PLW0603 - the setting is the process's
    with _lock:
        if _holders == 0:
            _was_adopting = _get_adopting()
        _holders += change
        _set_adopting(_holders > 0 or _was_adopting)


def _get_adopting() -> bool:
    value = ctypes.c_int()
    ctypes.CDLL(None).prctl(_PR_GET_CHILD_SUBREAPER, ctypes.byref(value), 0, 0, 0)
    return bool(value.value)


def _set_adopting(value: bool) -> None:  # noqa: FBT001 - the setting's value
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, int(value), 0, 0, 0)
