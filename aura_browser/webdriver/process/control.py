"""The one connection to ChromeDriver: made while the driver can accept no other, and none is accepted after it.

ChromeDriver listens on loopback, where every user of the machine and every page can connect, and whoever connects can
start programs as this user. It prints one message before it listens, and one after that but before it accepts. Its
output is a pipe that holds a single message, so the driver stops between listening and accepting until the first
message is read. Meanwhile this process takes over the listening sockets (pidfd_getfd(2)): whoever came earlier is
disconnected, its own connection is made, and no other is admitted. Afterwards the driver listens no more.
"""

import os
import select
import socket
import struct
import subprocess
import sys
import time
from contextlib import ExitStack, closing, suppress
from typing import Final

from aura_browser.webdriver.deadline import Deadline
from aura_browser.webdriver.process.sockets import (
    ControlRefused,
    close_all,
    copy_descriptor,
    copy_listeners,
    copy_sockets,
    listens,
)

HOST: Final = "127.0.0.1"
"""The address that ChromeDriver listens at."""

_SO_BINDTOIFINDEX: Final = 62  # asm-generic/socket.h
_NO_INTERFACE: Final = 0x7FFF_FFFF
_HANDSHAKE_S: Final = 0.001  # a handshake on loopback that has begun takes microseconds
_PACKET_PIPE_BYTES: Final = 4096  # one page, which holds one packet
_LISTEN_TIMEOUT_S: Final = 2.0  # from the driver's first message until it listens
_SECOND_TIMEOUT_S: Final = 0.05  # from its first listening socket to the second
_POLL_INTERVAL_S: Final = 0.0005
_POLL_INTERVAL_MS: Final = 20
_CONNECT_TIMEOUT_S: Final = 5.0
_TCP_ESTABLISHED: Final = b"01"


class Intruded(Exception):
    """Another program connected to the driver at the same moment."""

    def __str__(self) -> str:
        return (
            "another program of this machine connects to every ChromeDriver at once, so each was ended before it "
            "opened anything. Find out which program looks for open ports"
        )


def open_output() -> tuple[int, int]:
    """Return the reading and the writing end of a pipe, which on Linux holds one message at a time."""
    if sys.platform != "linux":
        return os.pipe()
    import fcntl

    reader, writer = os.pipe2(os.O_CLOEXEC | os.O_DIRECT)
    with suppress(OSError):  # with a larger pipe the driver does not stop; shut_all_but() then finds who came
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, _PACKET_PIPE_BYTES)
    return reader, writer


def explain_refusal() -> str | None:
    """Return why this process can't take over sockets of the programs that it starts, or None if it can."""
    if sys.platform != "linux":
        return f"{sys.platform} has no pidfd_getfd"
    with subprocess.Popen(["/bin/sh", "-c", "read -r _"], stdin=subprocess.PIPE) as child:
        try:
            os.close(copy_descriptor(child.pid, 0))
        except ControlRefused as error:
            return str(error)
    return None


def wait_for_listeners(pid: int, output: int, deadline: Deadline) -> "Listeners":
    """Wait until the driver listens and is stopped by its full output.

    Args:
        pid: the driver's process.
        output: the reading end of its output, of which nothing was read yet.
        deadline: when to stop waiting.

    Returns:
        Its listening sockets; none of them if it exits or does not stop.

    Raises:
        ControlRefused: if its sockets can't be taken over.
    """
    if sys.platform != "linux" or not _wait_for_message(output, deadline):
        return Listeners([])
    began = time.monotonic()
    expected = 1 + _has_ipv6_loopback()
    while (waited := time.monotonic() - began) < _LISTEN_TIMEOUT_S and deadline.left_s > 0:
        found = copy_listeners(pid)
        if len(found) >= expected or (found and waited > _SECOND_TIMEOUT_S):
            return Listeners(found)
        close_all(found)
        time.sleep(_POLL_INTERVAL_S)  # nothing signals that another process listens
    return Listeners([])


class Listeners:
    """The listening sockets of a driver that is stopped between listening and accepting.

    Args:
        sockets: copies of them, which :meth:`close` closes; none if the driver did not stop there.
    """

    def __init__(self, sockets: list[socket.socket]) -> None:
        self._sockets = sockets

    def connect(self) -> socket.socket | None:
        """Return a connection to the driver, the only one that it will accept.

        Returns:
            None if its sockets are not known, or block: that is not ChromeDriver, and does not stop where it does.

        Raises:
            OSError: if the connection fails.
            Intruded: if another program connected at the same moment.
            ControlRefused: if the system does not allow it.
        """
        target = next((each for each in self._sockets if each.getsockname()[0] == HOST), None)
        if target is None or os.get_blocking(target.fileno()):
            return None
        connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        with ExitStack() as on_failure:
            on_failure.callback(connection.close)
            self._shut_all_but(target)
            port = target.getsockname()[1]
            _disconnect_queued(target)
            _connect(connection, port)
            _admit_no_more(target)
            time.sleep(_HANDSHAKE_S)  # the kernel ends handshakes that had begun, and tells nobody
            if _count_queued(target) != 1:
                raise Intruded
            on_failure.pop_all()
        return connection

    def shut(self) -> None:
        """Have the driver listen no more. Connections that it has accepted stay."""
        self._shut_all_but(None)

    def _shut_all_but(self, kept: socket.socket | None) -> None:
        for each in self._sockets:
            if each is not kept:
                with suppress(OSError):  # it may have exited
                    each.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close this process's copies."""
        close_all(self._sockets)


def connect_to(port: int) -> socket.socket:
    """Return a plain connection to the driver at *port*.

    Raises:
        OSError: if it fails.
    """
    connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        _connect(connection, port)
    except BaseException:
        connection.close()
        raise
    return connection


def shut_all_but(connection: socket.socket, pid: int) -> int:
    """Shut all TCP sockets of the driver but its end of *connection*; return how many others were connected.

    Args:
        connection: this process's connection to it.
        pid: the driver's process.

    Raises:
        ControlRefused: if its sockets can't be taken over.
    """
    strangers = 0
    for each in copy_sockets(pid):
        with closing(each), suppress(OSError):
            if listens(each):
                each.shutdown(socket.SHUT_RDWR)
            elif each.getpeername() != connection.getsockname():
                strangers += 1
                each.shutdown(socket.SHUT_RDWR)
    return strangers


def count_strangers(connection: socket.socket) -> int:
    """Return how many other connections there are to the port of *connection*, as far as the system says."""
    ours, theirs = (_format_address(each) for each in (connection.getsockname(), connection.getpeername()))
    try:
        with open("/proc/net/tcp", "rb") as table:  # noqa: PTH123 - Path reads all of it, which may be megabytes
            rows = [line.split(maxsplit=4)[1:4] for line in table]
    except OSError:
        return 0
    return sum(local == theirs and peer != ours and state == _TCP_ESTABLISHED for local, peer, state in rows)


def _format_address(address: tuple[str, int]) -> bytes:
    """Return *address* as /proc/net/tcp shows it."""
    number = int.from_bytes(socket.inet_aton(address[0]), sys.byteorder)
    return f"{number:08X}:{address[1]:04X}".encode()


def _connect(connection: socket.socket, port: int) -> None:
    connection.settimeout(_CONNECT_TIMEOUT_S)
    connection.connect((HOST, port))
    connection.settimeout(None)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def read_output(output: int, deadline: Deadline) -> bytes:
    """Return what the driver wrote next; empty if it has exited or the deadline passes."""
    return os.read(output, 65_536) if _wait_for_message(output, deadline) else b""


def _wait_for_message(output: int, deadline: Deadline) -> bool:
    poller = select.poll()
    poller.register(output, select.POLLIN)
    while deadline.left_s > 0:
        if poller.poll(_POLL_INTERVAL_MS):  # a message, or the end of all
            return True
    return False


def _has_ipv6_loopback() -> bool:
    with suppress(OSError), socket.socket(socket.AF_INET6) as probe:
        probe.bind(("::1", 0))
        return True
    return False


def _admit_no_more(listener: socket.socket) -> None:
    """Have *listener* accept no new connections: it serves an interface that does not exist from now on.

    Raises:
        ControlRefused: if the system does not allow it.
    """
    try:
        listener.setsockopt(socket.SOL_SOCKET, _SO_BINDTOIFINDEX, _NO_INTERFACE)
    except OSError as error:
        raise ControlRefused(f"SO_BINDTOIFINDEX: {error.strerror}") from error


def _count_queued(listener: socket.socket) -> int:
    """Return how many connections wait to be accepted (tcpi_unacked of a listening socket, see ss(8))."""
    return int(struct.unpack_from("=I", listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104), 24)[0])


def _disconnect_queued(listener: socket.socket) -> None:
    """Disconnect whoever is connected and not accepted. The socket is ChromeDriver's, which never blocks."""
    with suppress(BlockingIOError):
        while True:
            listener.accept()[0].close()
