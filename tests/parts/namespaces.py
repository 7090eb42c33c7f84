"""Namespaces of Linux, for programs that must meet nobody else of this machine."""

import fcntl
import shutil
import socket
import struct
import subprocess
import sys
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


# A user namespace with all ids, in which no further one may be made: the limit is that of the namespace.
_NO_MORE: Final = """
import ctypes, os, sys
made, mapped = os.pipe(), os.pipe()
child = os.fork()
if child == 0:
    if ctypes.CDLL(None, use_errno=True).unshare(0x10000000):
        os._exit(111)
    os.write(made[1], b"x")
    os.read(mapped[0], 1)
    with open("/proc/sys/user/max_user_namespaces", "w") as limit:
        limit.write("0")
    os.execvp(sys.argv[1], sys.argv[1:])
os.close(made[1])
if os.read(made[0], 1):
    for table in ("uid_map", "gid_map"):
        with open(f"/proc/{child}/{table}", "w") as file:
            file.write("0 0 65536")
    os.write(mapped[1], b"x")
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def without_user_namespaces(command: Sequence[str]) -> list[str]:
    """Return *command* as it runs where no user namespace can be made; skip the test where that can't be had."""
    bare = [sys.executable, "-c", _NO_MORE]
    if subprocess.run([*bare, "true"], check=False, capture_output=True, timeout=20).returncode:
        missing("user namespaces are refused here; run the tests as root, or with --cap-add SYS_ADMIN")
    return [*bare, *command]
