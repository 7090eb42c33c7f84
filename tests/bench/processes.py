"""Runs programs and tells what they cost."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from tests.bench.reaper import wait_within

ROOT: Final = Path(__file__).parents[2]
_REAPER: Final = Path(__file__).with_name("reaper.py")
COMMAND: Final = str(Path(sys.executable).with_name("aura-browser"))
"""The command as people call it."""
MEMORY_IS_KEPT: Final = {"MALLOC_TRIM_THRESHOLD_": str(2**28), "MALLOC_MMAP_THRESHOLD_": str(2**25)}
"""Variables for glibc. Else each large chunk's memory is given back to the system and taken again, or not, as chance
has what lies behind it; that is twice the CPU, of whoever reads it."""
# People's programs find the bytecode that pip, or an earlier run, has written.
_CHANGES_WHAT_IS_MEASURED: Final = frozenset({"AURA_BROWSER_KEY", "PYTHONWARNINGS", "PYTHONDONTWRITEBYTECODE"})
_LIMIT_S: Final = 120.0


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """What a command cost.

    Attributes:
        code: its exit code; None if its time was over.
        wall_s: seconds until it returned.
        cpu_s: seconds of CPU, user and system, of every process that it started, until the last was gone.
        gone_s: seconds until the last was gone.
        said: its standard output.
    """

    code: int | None
    wall_s: float
    cpu_s: float
    gone_s: float
    said: str = ""


class CommandFailed(Exception):
    """A command that was to be measured did not do its work."""


def run_tree(command: Sequence[str], *, env: Mapping[str, str] | None = None, limit_s: float = _LIMIT_S) -> Cost:
    """Run *command* below a reaper (see ``reaper.py``), and return its cost.

    Raises:
        CommandFailed: with the end of what it said, if its exit code is not 0 or its time was over.
    """
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        result = Path(folder) / "cost.json"
        reaper = [sys.executable, str(_REAPER), str(result), str(limit_s), *command]
        done = subprocess.run(reaper, cwd=ROOT, env=environment(env), capture_output=True, text=True, check=False)
        if not result.exists():
            raise CommandFailed(f"{command[0]}: {_last_line(done.stderr)}")
        cost = msgspec.json.decode(result.read_bytes(), type=Cost)
    if cost.code != 0:
        why = f"no end within {limit_s:.0f} s" if cost.code is None else f"exit code {cost.code}"
        raise CommandFailed(f"{Path(command[0]).name}: {why}: {_last_line(done.stderr)}")
    return msgspec.structs.replace(cost, said=done.stdout)


def wall_ms(command: Sequence[str]) -> float:
    """Run *command* and return the milliseconds until it returned."""
    began = time.perf_counter()
    with subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=subprocess.DEVNULL) as process:
        code = wait_within(process, _LIMIT_S)
    took = (time.perf_counter() - began) * 1000
    if code != 0:
        raise CommandFailed(f"{command} ended with exit code {code}")
    return took


def first_byte_ms(command: Sequence[str], env: Mapping[str, str]) -> float:
    """Run *command* and return the milliseconds until its first byte on standard output."""
    began = time.perf_counter()
    with subprocess.Popen(command, cwd=ROOT, env=environment(env), stdout=subprocess.PIPE, bufsize=0) as process:
        assert process.stdout is not None
        first = process.stdout.read(1)
        took = (time.perf_counter() - began) * 1000
        process.stdout.read()
    if process.returncode or not first:
        raise CommandFailed(f"{command} said nothing (exit code {process.returncode})")
    return took


def in_child(module: str, settings: object, more: Mapping[str, str] | None = None) -> bytes:
    """Run ``tests.bench.MODULE`` in a process with *settings* as JSON, and *more* variables; return what it prints."""
    command = [*child_command(module), msgspec.json.encode(settings).decode()]
    done = subprocess.run(command, cwd=ROOT, env=environment(more), stdout=subprocess.PIPE, check=False, timeout=1200)
    if done.returncode:
        raise CommandFailed(f"{module} ended with exit code {done.returncode}")
    return done.stdout


def child_command(module: str) -> list[str]:
    """Return the command that runs ``tests.bench.MODULE``."""
    return [sys.executable, "-m", f"tests.bench.{module}"]


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment with *more* in it, and without what would change what is measured."""
    kept = {name: value for name, value in os.environ.items() if name not in _CHANGES_WHAT_IS_MEASURED}
    return kept | dict(more or {})


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "it said nothing"
