"""Checks which user a local TCP connection comes from."""

import os
import socket
import sys
from pathlib import Path
from typing import Final

# Connections that begin or end while the table is read may move others out of sight, or show them twice.
_MAX_LOOKS: Final = 3


def is_own_connection(peer: tuple[str, int], own: tuple[str, int]) -> bool:
    """Return whether a process of this user made a connection; True where the system doesn't say (not Linux).

    Args:
        peer: its address and port.
        own: the address and port that it is connected to.
    """
    if not sys.platform.startswith("linux"):
        return True
    ends = [_format_address(*peer), _format_address(*own)]
    for _ in range(_MAX_LOOKS):
        try:
            table = read_table()
        except OSError:
            return True
        # A socket that no process has open has inode 0, and is listed as root's.
        lines = [line.split() for line in table.splitlines()]
        owners = {fields[7] for fields in lines if fields[1:3] == ends and fields[9] != "0"}
        if owners:
            return owners == {str(os.geteuid())}
    return False


def read_table() -> str:
    """Return the system's table of TCP connections. Raises OSError if it can't be read."""
    return Path("/proc/net/tcp").read_text("ascii")


def _format_address(host: str, port: int) -> str:
    number = int.from_bytes(socket.inet_aton(host), sys.byteorder)
    return f"{number:08X}:{port:04X}"
