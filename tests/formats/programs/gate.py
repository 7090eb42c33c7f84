"""A site with many hosts on loopback: a proxy that answers in place of whatever HTTPS host it is asked for."""

import asyncio
import ssl
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.parts.tls import make_certificate, make_context

_START_S: Final = 10.0
_LOGIN: Final = "/login"


@dataclass
class Gate:
    """What came in, and what is answered.

    Attributes:
        proxy: the address of the proxy.
        set_cookies: what ``/login`` sets.
        seen: host, path and ``Cookie`` header of each request, oldest first.
    """

    proxy: str
    set_cookies: Sequence[str] = ()
    seen: list[tuple[str, str, bytes]] = field(default_factory=list)

    def find(self, url: str) -> bytes | None:
        """Return the ``Cookie`` header that the last request to *url* carried; None without a request."""
        host, _, path = url.removeprefix("https://").partition("/")
        found = [cookies for seen_host, seen_path, cookies in self.seen if (seen_host, seen_path) == (host, f"/{path}")]
        return found[-1] if found else None


@contextmanager
def serving_gate(folder: Path) -> Iterator[Gate]:
    """Serve it in a thread while the context lasts."""
    running: Future[tuple[Gate, asyncio.AbstractEventLoop, asyncio.Event]] = Future()
    context = make_context(make_certificate(folder / "server.pem", "app.example.com"))
    thread = threading.Thread(target=lambda: asyncio.run(_serve(context, running)), name="gate", daemon=True)
    thread.start()
    gate, loop, stop = running.result(_START_S)
    try:
        yield gate
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(_START_S)


async def _serve(
    context: ssl.SSLContext, running: "Future[tuple[Gate, asyncio.AbstractEventLoop, asyncio.Event]]"
) -> None:
    gate, stop = Gate(""), asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await _answer(gate, context, reader, writer)
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
            return
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    gate.proxy = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    running.set_result((gate, asyncio.get_running_loop(), stop))
    await stop.wait()
    server.close()


async def _answer(
    gate: Gate, context: ssl.SSLContext, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Be the host that a CONNECT names, until the client leaves."""
    target = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1].decode()
    host = target.removesuffix(":443")
    writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
    await writer.drain()
    await writer.start_tls(context)
    while head := await reader.readuntil(b"\r\n\r\n"):
        line, *fields = head.split(b"\r\n")
        path = line.split(b" ")[1].decode()
        sent = [f.partition(b":")[2].strip() for f in fields if f.lower().startswith(b"cookie:")]
        gate.seen.append((host, path, b"; ".join(sent)))
        writer.write(_build_response(gate, path))
        await writer.drain()


def _build_response(gate: Gate, path: str) -> bytes:
    body = b"<!doctype html><title>Page</title><main>Welcome</main>"
    headers = ["HTTP/1.1 200 OK", "Content-Type: text/html", f"Content-Length: {len(body)}"]
    if path.startswith(_LOGIN):
        headers += [f"Set-Cookie: {line}" for line in gate.set_cookies]
    return "\r\n".join([*headers, "", ""]).encode() + body
