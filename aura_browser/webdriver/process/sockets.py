"""Copies of the sockets of a program that this process started (pidfd_getfd(2), Linux 5.6 and newer)."""

import ctypes
import errno
import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

_PIDFD_GETFD: Final = 438  # asm-generic/unistd.h: the same on all architectures but Alpha


class ControlRefused(Exception):
    """The system does not let this process take over a socket of a program that it started; the message says why."""


def copy_listeners(pid: int) -> list[socket.socket]:
    """Return copies of the listening sockets of a process; the caller closes them. Errors as :func:`copy_sockets`."""
    listeners = []
    for each in copy_sockets(pid):
        if listens(each):
            listeners.append(each)
        else:
            each.close()
    return listeners


def copy_sockets(pid: int) -> Iterator[socket.socket]:
    """Yield copies of the internet sockets of a process; the caller closes them."""
    folder = f"/proc/{pid}/fd"
    try:
        numbers = os.listdir(folder)  # noqa: PTH208 - names only
    except PermissionError as error:
        raise ControlRefused(f"{folder}: {error.strerror}") from error
    except OSError:
        return  # it has exited
    for number in numbers:
        with suppress(OSError):  # closed meanwhile
            if os.readlink(f"{folder}/{number}").startswith("socket:"):  # noqa: PTH115 - as above
                copy = socket.socket(fileno=copy_descriptor(pid, int(number)))
                if copy.family in {socket.AF_INET, socket.AF_INET6}:
                    yield copy
                else:
                    copy.close()


def copy_descriptor(pid: int, number: int) -> int:
    """Return a copy of a file descriptor of another process (https://man7.org/linux/man-pages/man2/pidfd_getfd.2.html).

    Raises:
        ControlRefused: if the system does not allow it.
        OSError: if there is no such process or descriptor.
    """
    try:
        return _call_pidfd_getfd(pid, number)
    except OSError as error:
        if error.errno in {errno.EPERM, errno.EACCES, errno.ENOSYS}:
            raise ControlRefused(f"pidfd_getfd: {error.strerror}") from error
        raise


def _call_pidfd_getfd(pid: int, number: int) -> int:
    handle = os.pidfd_open(pid)
    try:
        copy: int = ctypes.CDLL(None, use_errno=True).syscall(_PIDFD_GETFD, handle, number, 0)
    finally:
        os.close(handle)
    if copy < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return copy


def listens(each: socket.socket) -> bool:
    """Return whether a socket listens."""
    return bool(each.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))


def close_all(sockets: list[socket.socket]) -> None:
    """Close this process's copies."""
    for each in sockets:
        each.close()
