"""Runs ``python -m MODULE ARGUMENT...`` in a fork of a Python that has imported the package already.

``python -IS fork_client.py FOLDER MODULE ARGUMENT...`` stands for such a run, and imports next to nothing itself; the
socket is in FOLDER. The other side is `tests.parts.fork_server`.
"""

import marshal
import os
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

LENGTH_SIZE = 4
NUMBER_SIZE = 8

_PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def at_socket(folder: str, use: Callable[[str], None]) -> None:
    """Call *use*, as a socket's ``connect``, with a short path of the socket in *folder*: long ones are refused."""
    handle = os.open(folder, os.O_PATH)
    try:
        use(f"/proc/self/fd/{handle}/socket")
    finally:
        os.close(handle)


def ask(connection: socket.socket, words: list[str]) -> int:
    """Have it run here, with this process's streams and environment; return its exit code, below 0 for a signal.

    It gets the signals that this process gets, and is killed if *connection* is closed before it ends.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, _PASSED_ON)  # it may run before its number is known here
    leads_session = os.getsid(0) == os.getpid()
    asked = marshal.dumps((words, os.getcwd(), dict(os.environ), leads_session))  # noqa: PTH109 - imports less
    socket.send_fds(connection, [len(asked).to_bytes(LENGTH_SIZE)], (0, 1, 2))
    connection.sendall(asked)
    process = _read_number(connection)

    def pass_on(number: int, _frame: FrameType | None) -> None:
        with suppress(ProcessLookupError):  # it has ended
            os.kill(process, number)

    for each in _PASSED_ON:
        signal.signal(each, pass_on)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _PASSED_ON)
    return _read_number(connection)


def _read_number(connection: socket.socket) -> int:
    number = connection.recv(NUMBER_SIZE, socket.MSG_WAITALL)
    if len(number) < NUMBER_SIZE:
        sys.exit("The server of forks has ended.")
    return int.from_bytes(number, signed=True)


def main() -> None:
    """Be that run, and end as it ends."""
    with socket.socket(socket.AF_UNIX) as connection:
        at_socket(sys.argv[1], connection.connect)
        code = ask(connection, sys.argv[2:])
    if code < 0:
        if code != -signal.SIGKILL:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    sys.exit(code)


if __name__ == "__main__":
    main()
