"""Namespaces of Linux, for programs that must meet nobody else of this machine."""

import fcntl
import shutil
import socket
import struct
import subprocess
from collections.abc import Sequence
from functools import cache
from typing import Final

from tests.parts.missing import missing

_SIOCSIFFLAGS: Final = 0x8914
_IFF_UP: Final = 0x1


@cache
def _can_unshare(options: tuple[str, ...]) -> bool:
    program = shutil.which("unshare")
    if program is None:
        return False
    return not subprocess.run([program, *options, "true"], check=False, capture_output=True, timeout=20).returncode


def in_namespaces(command: Sequence[str], *options: str) -> list[str]:
    """Return *command* as it runs in new namespaces, such as ``--net``; skip the test where none can be made."""
    if not _can_unshare(options):
        missing(f"unshare {' '.join(options)} is refused here; run the tests as root, or with --cap-add SYS_ADMIN")
    return ["unshare", *options, *command]


def bring_loopback_up() -> None:
    """Bring loopback up in this process's new network namespace."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP))
