"""The quickest way to run the command in a process of its own."""

import atexit
import os
import re
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

from tests.parts import fork_client

_READ_AT_START: Final = re.compile("PYTHON|LC_|LANG|TZ$|LD_|SSL_|COVERAGE")
"""Names of environment variables that are read as Python starts and as aiohttp is imported."""


def choose_python(environment: Mapping[str, str] = os.environ) -> list[str]:
    """Return the words of a command that a module's name and its arguments may follow, as after ``python -m``.

    It is a fork of a Python that has imported the package, unless one that starts in *environment* would be another.
    """
    folder, started_with = _start_server()
    if _read_at_start(environment) != started_with:
        return [sys.executable, "-m"]
    return [sys.executable, "-IS", fork_client.__file__, folder]


def _read_at_start(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if _READ_AT_START.match(name)}


@cache
def _start_server() -> tuple[str, dict[str, str]]:
    """Start it, once for this process, with which it ends; return the folder of its socket, and what it read."""
    folder = tempfile.mkdtemp()
    with socket.socket(socket.AF_UNIX) as listener:
        fork_client.at_socket(folder, listener.bind)
        listener.listen()
        server = subprocess.Popen(
            [sys.executable, "-m", "tests.parts.fork_server", str(listener.fileno())],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            pass_fds=[listener.fileno()],
        )
    atexit.register(server.communicate, timeout=10)
    return folder, _read_at_start(os.environ)
