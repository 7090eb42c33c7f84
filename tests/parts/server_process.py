"""Starts the real servers that tests need, so that they end with the tests."""

import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import pytest

from tests.parts.missing import missing
from tests.parts.waiting import holds_within

_READY_S: Final = 10.0


def need(program: str) -> None:
    """Skip the test where *program* is missing; under CI that is a failure."""
    if shutil.which(program) is None:
        missing(f"{program} is missing; bring it with: apt-get install {program}")


def tied(command: Sequence[str]) -> list[str]:
    """Return *command* with its end tied to this process, for when that is killed."""
    return [*(["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []), *command]


def started(
    command: Sequence[str], log: Path, answers: Callable[[], bool], *, ready_s: float = _READY_S
) -> "subprocess.Popen[bytes]":
    """Start a server, and return its process once it answers, within so many seconds.

    Raises:
        ChildProcessError: if it ends before that.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(tied(command), stdout=output, stderr=output)
    is_ready = holds_within(ready_s, lambda: process.poll() is not None or answers())
    if process.poll() is not None:
        raise ChildProcessError(process.returncode)
    if not is_ready:
        process.kill()
        process.wait()
        pytest.fail(f"{command[0]} is not ready after {ready_s:.0f} s: {log.read_text('utf-8', 'replace')[-2000:]}")
    return process
