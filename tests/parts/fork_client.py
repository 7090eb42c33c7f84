"""Runs ``python -m MODULE ARGUMENT...`` in a fork of a Python that has imported the package already.

``python -IS fork_client.py SOCKET MODULE ARGUMENT...`` stands for such a run, and imports next to nothing itself. The
other side is `tests.parts.fork_server`.
"""

import marshal
import os
import socket
import sys

LENGTH_SIZE = 4
CODE_SIZE = 8


def ask(connection: socket.socket, words: list[str]) -> int:
    """Have it run here, with this process's streams and environment; return its exit code, below 0 for a signal.

    It is killed if *connection* is closed before.
    """
    asked = marshal.dumps((words, os.getcwd(), dict(os.environ)))  # noqa: PTH109 - imports less
    socket.send_fds(connection, [len(asked).to_bytes(LENGTH_SIZE)], (0, 1, 2))
    connection.sendall(asked)
    code = connection.recv(CODE_SIZE, socket.MSG_WAITALL)
    if len(code) < CODE_SIZE:
        sys.exit("The server of forks has ended.")
    return int.from_bytes(code, signed=True)


def main() -> None:
    """Be that run, and end as it ends."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(sys.argv[1])
        code = ask(connection, sys.argv[2:])
    if code < 0:
        os.kill(os.getpid(), -code)
    sys.exit(code)


if __name__ == "__main__":
    main()
