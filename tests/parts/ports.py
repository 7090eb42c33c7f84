"""Ports below those that the system gives to connections: none takes one away between two looks at it."""

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import count
from typing import Final

_FIRST: Final = 10_000
_LAST: Final = 32_000  # Linux gives those from 32768 to connections, macOS and Windows those from 49152
_EACH: Final = 100

# Tests run in several processes; each begins at a place of its own.
_next = count(os.getpid() * _EACH)


def free_port() -> int:
    """Return a port of this machine that nobody has at this moment."""
    first, second = _take_both()
    with first, second:
        port: int = first.getsockname()[1]
    return port


@contextmanager
def port_taken_at_ipv6() -> Iterator[int]:
    """Take a port at ``::1``, and at no other address, while the context lasts."""
    first, second = _take_both()
    first.close()
    with second:
        yield second.getsockname()[1]


def _take_both() -> tuple[socket.socket, socket.socket]:
    while True:
        port = _FIRST + next(_next) % (_LAST - _FIRST)
        with ExitStack() as exits, suppress(OSError):  # a port that somebody has
            first = exits.enter_context(socket.create_server(("127.0.0.1", port)))
            second = socket.create_server(("::1", port), family=socket.AF_INET6)
            exits.pop_all()
            return first, second
