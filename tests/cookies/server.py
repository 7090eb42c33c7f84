"""A server that sets the cookies that its address asks for, over HTTP and TLS."""

import asyncio
import datetime as dt
import json
import ssl
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from email.utils import formatdate
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def address_that_sets(path: str, lines: Sequence[str], date: float | None = None) -> str:
    """Return a path and query at which :func:`serving_cookies` sets these lines; *date* becomes ``Date``."""
    asked = {"lines": [line.encode("utf-8", "surrogateescape").decode("latin-1") for line in lines], "date": date}
    return f"{path}?q={urlsafe_b64encode(json.dumps(asked).encode()).decode()}"


@asynccontextmanager
async def serving_cookies(folder: Path) -> AsyncIterator[tuple[int, int]]:
    """Serve on loopback while the context lasts; yield the ports for HTTP and TLS."""
    plain = await asyncio.start_server(_answer, "127.0.0.1", 0, limit=2**20)
    tls = await asyncio.start_server(_answer, "127.0.0.1", 0, limit=2**20, ssl=_tls_context(folder))
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


def _tls_context(folder: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cookies.example.test")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = folder / "server.pem"
    pem.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context
