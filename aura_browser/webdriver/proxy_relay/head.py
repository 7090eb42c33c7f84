"""Heads of HTTP/1.1 messages between Chrome and a proxy."""

import re
from dataclasses import dataclass
from typing import Final

END: Final = b"\r\n\r\n"

_TUNNEL: Final = re.compile(rb"CONNECT [^\s/]+:\d+ HTTP/1\.[01]")
_ABSOLUTE: Final = re.compile(rb"[A-Z]+ http://\S+ HTTP/1\.[01]")
# Headers of one connection. Each request gets a new connection, so that each head gets the password.
_HOP_HEADERS: Final = frozenset({b"connection", b"keep-alive", b"proxy-authorization", b"proxy-connection"})
# In a response to CONNECT a 401 is the proxy's too; tinyproxy 1.11 answers a wrong password with it.
_TUNNEL_REFUSED: Final = re.compile(rb"HTTP/\d\.\d 40[17]\b")
_REQUEST_REFUSED: Final = re.compile(rb"HTTP/\d\.\d (407\b|401\b.*\r\nserver: *tinyproxy)", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True)
class RequestHead:
    """The head of a request to a proxy, without the headers of the connection between Chrome and the relay.

    Attributes:
        line: the request line.
        headers: the header lines that go to the proxy.
        length: the length of the body in octets.
    """

    line: bytes
    headers: tuple[bytes, ...]
    length: int

    @classmethod
    def parse(cls, head: bytes) -> "RequestHead":
        """Parse a whole head.

        A web page can make its browser send a request to the relay's port, but without the ``http://`` that a request
        to a proxy has; such a request is refused.

        Raises:
            ValueError: if it is not a request to a proxy as Chrome sends it.
        """
        line, *lines = head.removesuffix(END).split(b"\r\n")
        if not (_TUNNEL.fullmatch(line) or _ABSOLUTE.fullmatch(line)):
            raise ValueError("not a request to a proxy")
        fields = [(_read_name(each), each) for each in lines]
        if any(name == b"transfer-encoding" for name, _ in fields):
            raise ValueError("a body of unknown length")
        lengths = [each.partition(b":")[2].strip() for name, each in fields if name == b"content-length"] or [b"0"]
        if len(lengths) > 1 or not lengths[0].isdigit():
            raise ValueError("a malformed Content-Length")
        return cls(line, tuple(each for name, each in fields if name not in _HOP_HEADERS), int(lengths[0]))

    @property
    def is_tunnel(self) -> bool:
        """Whether all data after the head is for the site and not for the proxy."""
        return self.line.startswith(b"CONNECT ")

    def build(self, basic: bytes) -> bytes:
        """Return the head for the proxy, with these Basic credentials."""
        added = [b"Proxy-Authorization: Basic " + basic] + ([] if self.is_tunnel else [b"Connection: close"])
        return b"\r\n".join([self.line, *self.headers, *added]) + END

    def is_refused_by(self, response_head: bytes) -> bool:
        """Return whether the proxy answers that user and password are wrong or missing."""
        pattern = _TUNNEL_REFUSED if self.is_tunnel else _REQUEST_REFUSED
        return pattern.match(response_head) is not None


def add_connection_close(head: bytes) -> bytes:
    """Return a response's head that makes Chrome use a new connection for its next request."""
    if not head.endswith(END):
        return head
    line, *lines = head.removesuffix(END).split(b"\r\n")
    headers = [each for each in lines if _read_name(each) not in _HOP_HEADERS]
    return b"\r\n".join([line, *headers, b"Connection: close"]) + END


def _read_name(header: bytes) -> bytes:
    return header.partition(b":")[0].strip().lower()
