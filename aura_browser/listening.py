"""Ports that this machine itself is served at: at both of its own addresses, or at none; and their end."""

import asyncio
import errno
import socket
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from aiohttp.web import BaseRunner

LOOPBACK: Final = ("127.0.0.1", "::1")
BACKLOG: Final = 2048
"""How many connections wait to be accepted at most: a program may ask a thousand questions at once."""
_TRIES: Final = 10
_ACCEPT_STEPS: Final = 2


def open_sockets(port: int) -> list[socket.socket]:
    """Return listening sockets at *port* of both addresses of this machine itself; 0 picks a port that both have free.

    Raises:
        OSError: if another program has the port at one of them: programs look at ``::1`` first, and would show that
            program what is meant for this one.
    """
    for _ in range(_TRIES):
        first = socket.create_server((LOOPBACK[0], port))
        try:
            second = _open_second(first.getsockname()[1])
        except OSError:
            first.close()
            if port:
                raise
        else:
            return [first, *second]
    raise OSError(errno.EADDRINUSE, "no port is free at both addresses")


def _open_second(port: int) -> list[socket.socket]:
    """Return the socket at ``::1``; nothing where the machine has no IPv6."""
    try:
        return [socket.create_server((LOOPBACK[1], port), family=socket.AF_INET6)]
    except OSError as error:
        if error.errno in {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}:
            return []
        raise


def find_free_port(port: int) -> int:
    """Return a port that is free now, the next one after *port* if possible.

    Raises:
        OSError: if no port is free.
    """
    for candidate in (*range(port + 1, min(port + 1 + _TRIES, 2**16)), 0):
        with suppress(OSError):
            return _close_all(open_sockets(candidate))
    raise OSError(errno.EADDRINUSE, "no port is free")


def _close_all(sockets: list[socket.socket]) -> int:
    """Close *sockets*, and return their port."""
    port: int = sockets[0].getsockname()[1]
    for each in sockets:
        each.close()
    return port


async def stop_accepting(listeners: Iterable[socket.socket]) -> None:
    """Have the loop accept nothing more from *listeners*, and begin to serve what it has accepted: now they can close.

    asyncio loses a connection whose listener is closed between its ``accept`` and the first step of the task that makes
    its transport, and aiohttp does not close one that it learns of too late. Chrome opens some ahead of what it asks,
    so this happens. (``_accept_connection`` in CPython's asyncio/selector_events.py)
    """
    loop = asyncio.get_running_loop()
    for listener in listeners:
        loop.remove_reader(listener.fileno())
    for _step in range(_ACCEPT_STEPS):
        await asyncio.sleep(0)


async def stop_listening(runner: "BaseRunner") -> None:
    """Take no more connections; those that were accepted a moment ago belong to *runner*, which closes them."""
    for site in runner.sites:
        await stop_accepting(getattr(site._server, "sockets", ()))  # noqa: SLF001 - aiohttp shows them nowhere
        await site.stop()


async def close_runner(runner: "BaseRunner") -> None:
    """Take no more connections, and close all that there are."""
    try:
        await stop_listening(runner)
    finally:
        await runner.cleanup()
