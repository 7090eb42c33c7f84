"""HTTP over one socket that is never opened again: another program may own the driver's port by then."""

import json
import socket
from collections.abc import Mapping
from typing import Any

from aura_browser.webdriver.process.control import HOST

_MAX_BYTES = 16 * 2**20


class Connection:
    """A connection to ChromeDriver.

    Args:
        connected: the socket; closed by :meth:`close`.
        prefix: what all paths begin with.

    Attributes:
        socket: the socket.
        address: the driver's URL.
    """

    def __init__(self, connected: socket.socket, prefix: str) -> None:
        from http.client import HTTPConnection  # imported while ChromeDriver starts

        self.socket = connected
        self.address = f"http://{HOST}:{connected.getpeername()[1]}{prefix}"
        self._prefix = prefix
        self._http = HTTPConnection(HOST, connected.getpeername()[1])
        self._http.auto_open = 0
        self._http.sock = connected

    def call(self, method: str, path: str, body: Mapping[str, object] | None = None) -> dict[str, Any]:
        """Send a command and return the value that it returns.

        Raises:
            OSError: if the driver closes the connection.
            ValueError: if its answer is not a JSON object with a value that is one.
        """
        from http.client import HTTPException

        headers = {"Content-Type": "application/json; charset=utf-8"} if body is not None else {}
        try:
            self._http.request(method, f"{self._prefix}{path}", None if body is None else json.dumps(body), headers)
            text = self._http.getresponse().read(_MAX_BYTES)
        except HTTPException as error:
            raise OSError("ChromeDriver closed the connection") from error
        return _read_value(text)

    def close(self) -> None:
        """Close the socket."""
        self.socket.close()


def _read_value(text: bytes) -> dict[str, Any]:
    try:
        value = json.loads(text)["value"]
    except (LookupError, TypeError, RecursionError) as error:
        raise ValueError("ChromeDriver's answer has no value") from error
    if not isinstance(value, dict):
        raise ValueError("the value of ChromeDriver's answer is no object")  # noqa: TRY004 - one error for all forms
    return value
