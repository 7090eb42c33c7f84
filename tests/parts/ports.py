"""Ports below those that the system gives to connections: none takes one away between two looks at it."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from typing import Final

from aura_browser.listening import open_sockets

_FIRST: Final = 10_000
_LAST: Final = 32_000  # Linux gives those from 32768 to connections, macOS and Windows those from 49152
_EACH: Final = 100

# Tests run in several processes; each begins at a place of its own.
_next = count(os.getpid() * _EACH)


def free_port() -> int:
    """Return a port of this machine that nobody has at this moment."""
    while True:
        port = _FIRST + next(_next) % (_LAST - _FIRST)
        with suppress(OSError):  # somebody has it
            for each in open_sockets(port):
                each.close()
            return port


@contextmanager
def port_taken_at_ipv6() -> Iterator[int]:
    """Take a port at ``::1``, and at no other address, while the context lasts."""
    port = free_port()
    with socket.create_server(("::1", port), family=socket.AF_INET6):
        yield port
