"""Many connections that come to a server at once."""

import select
import socket
from contextlib import ExitStack


def count_connected(port: int, count: int) -> int:
    """Open *count* connections to *port* of 127.0.0.1 while the server accepts none; return how many were made."""
    with ExitStack() as exits:
        poller = select.poll()
        for _ in range(count):
            client = exits.enter_context(socket.socket())
            client.settimeout(0)
            client.connect_ex(("127.0.0.1", port))
            poller.register(client, select.POLLOUT)
        return len(poller.poll(0))
