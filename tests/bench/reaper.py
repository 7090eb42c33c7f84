"""Runs a command and tells what it cost: its wall time, and the CPU of every process that it ever started.

A program of its own (``reaper.py RESULT LIMIT COMMAND…``) that makes itself a subreaper (Linux, prctl(2)): whatever
the command leaves behind, as Chrome leaves its helpers, becomes its child, is waited for and counted. The kernel adds
the CPU of a process to its parent's ``RUSAGE_CHILDREN`` when it is waited for, so at the end all of the tree is there.
A cgroup would tell the same, but making one takes root or a delegated tree, and polling misses what lives shortly.
"""

import ctypes
import json
import os
import resource
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import psutil

_PR_SET_CHILD_SUBREAPER = 36
_GLANCE_S = 0.002


def main(result: str, limit: str, *command: str) -> int:
    """Run *command* for at most *limit* seconds and write what it cost to *result*; return its exit code."""
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "this system has no subreapers; the benchmark needs Linux")
    began = time.perf_counter()
    end = began + float(limit)
    process = subprocess.Popen(command, start_new_session=True)
    code = wait_within(process, float(limit))
    wall = time.perf_counter() - began
    _reap(end)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cost = {"code": code, "wall_s": wall, "cpu_s": used.ru_utime + used.ru_stime}
    Path(result).write_text(json.dumps(cost | {"gone_s": time.perf_counter() - began}), "utf-8")
    return 1 if code is None else code


def wait_within(process: "subprocess.Popen[bytes]", limit_s: float) -> int | None:
    """Wait for *process* and return its exit code; kill it after *limit_s* seconds, and return None.

    ``Popen.wait`` with a time-out looks again every 50 ms only, so what it measures comes in steps of that.
    """
    is_over = threading.Event()

    def end() -> None:
        is_over.set()
        process.kill()

    timer = threading.Timer(limit_s, end)
    timer.start()
    try:
        code = process.wait()
    finally:
        timer.cancel()
    return None if is_over.is_set() else code


def _reap(end: float) -> None:
    """Wait until every process below this one is gone; from *end* on, kill them."""
    with suppress(ChildProcessError):
        while True:
            if os.waitpid(-1, os.WNOHANG)[0]:
                continue
            if time.perf_counter() > end:
                _kill_all()
            time.sleep(_GLANCE_S)  # waitpid(2) has no time-out


def _kill_all() -> None:
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            child.kill()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
