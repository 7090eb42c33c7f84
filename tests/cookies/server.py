"""A server that sets the cookies that its address asks for, over HTTP and TLS."""

import asyncio
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from email.utils import formatdate
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from tests.parts.tls import make_certificate, make_context


def address_that_sets(path: str, lines: Sequence[str], date: float | None = None) -> str:
    """Return a path and query at which :func:`serving_cookies` sets these lines; *date* becomes ``Date``."""
    asked = {"lines": [line.encode("utf-8", "surrogateescape").decode("latin-1") for line in lines], "date": date}
    return f"{path}?q={urlsafe_b64encode(json.dumps(asked).encode()).decode()}"


@asynccontextmanager
async def serving_cookies(folder: Path) -> AsyncIterator[tuple[int, int]]:
    """Serve on loopback while the context lasts; yield the ports for HTTP and TLS."""
    certificate = make_certificate(folder / "server.pem", "cookies.example.test")
    plain = await asyncio.start_server(_answer, "127.0.0.1", 0, limit=2**20)
    tls = await asyncio.start_server(_answer, "127.0.0.1", 0, limit=2**20, ssl=make_context(certificate))
    async with plain, tls:
        yield plain.sockets[0].getsockname()[1], tls.sockets[0].getsockname()[1]


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer each request with its own ``Cookie`` header as the body."""
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            writer.write(_response(head))
            await writer.drain()
    except (asyncio.IncompleteReadError, asyncio.CancelledError, OSError):
        pass
    finally:
        writer.close()


def _response(head: bytes) -> bytes:
    target, *fields = head.split(b"\r\n")
    sent = next((f.partition(b":")[2].strip() for f in fields if f.lower().startswith(b"cookie:")), b"")
    query = parse_qs(urlsplit(target.split(b" ")[1].decode()).query).get("q")
    asked = json.loads(urlsafe_b64decode(query[0])) if query else {"lines": [], "date": None}
    headers = [b"HTTP/1.1 200 OK", b"Content-Type: text/html", b"Content-Length: %d" % len(sent)]
    headers += [b"Set-Cookie: " + line.encode("latin-1") for line in asked["lines"]]
    if asked["date"] is not None:
        headers.append(f"Date: {formatdate(asked['date'], usegmt=True)}".encode())
    return b"\r\n".join([*headers, b"", sent])
