"""Many connections that come to a server at once."""

import select
import socket
from contextlib import ExitStack


def count_connected(port: int, count: int) -> int:
    """Connect so often to *port* of 127.0.0.1 before the server can accept one; return how many the system took."""
    with ExitStack() as exits:
        poller = select.poll()
        for _ in range(count):
            client = exits.enter_context(socket.socket())
            client.settimeout(0)
            client.connect_ex(("127.0.0.1", port))
            poller.register(client, select.POLLOUT)
        return len(poller.poll(0))
