"""Checks which user a local TCP connection comes from."""

import os
import socket
import sys
from pathlib import Path


def is_own_connection(peer: tuple[str, int], own: tuple[str, int]) -> bool:
    """Return whether a process of this user made a connection; True where the system doesn't say (not Linux).

    Args:
        peer: its address and port.
        own: the address and port that it is connected to.
    """
    if not sys.platform.startswith("linux"):
        return True
    try:
        table = Path("/proc/net/tcp").read_text("ascii")
    except OSError:
        return True
    ends = [_format_address(*peer), _format_address(*own)]
    # A socket that no process has open has inode 0, and is listed as root's.
    owners = [fields[7] for fields in map(str.split, table.splitlines()) if fields[1:3] == ends and fields[9] != "0"]
    return owners == [str(os.geteuid())]


def _format_address(host: str, port: int) -> str:
    number = int.from_bytes(socket.inet_aton(host), sys.byteorder)
    return f"{number:08X}:{port:04X}"
