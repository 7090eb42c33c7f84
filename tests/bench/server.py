"""A site that costs next to nothing: raw asyncio, answers made beforehand, in a process of its own.

It takes any POST for a question, and has one model. With a gate, only who shows a cookie value that ``POST /login``
gave is answered; ``POST /revoke`` ends all values.
"""

import asyncio
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from typing import Final

import msgspec

from tests.bench.processes import ROOT, child_command

_HEAD: Final = (
    b"HTTP/1.1 200 OK\r\nDate: Sat, 01 Aug 2026 12:00:00 GMT\r\nConnection: keep-alive\r\n"
    b"Keep-Alive: timeout=5\r\nTransfer-Encoding: chunked\r\n\r\n"
)
_REFUSAL: Final = b"HTTP/1.1 401 Unauthorized\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\nlogin"
_DONE: Final = b"HTTP/1.1 204 No Content\r\n\r\n"
_LIST: Final = b'{"object":"list","data":[{"id":"openchat_3.6","object":"model","created":1,"owned_by":"x"}]}'
_MODELS: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (
    len(_LIST),
    _LIST,
)
_END: Final = b"0\r\n\r\n"
_TIMER_S: Final = 0.001  # an event loop on Linux counts in milliseconds
COOKIE: Final = "sid"


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What every question is answered with.

    Attributes:
        chunk: the text of one HTTP chunk.
        repeat: how often that text stands in one.
        chunks: how many of them.
        per_write: how many are written at once.
        pause_s: seconds after each write; below a millisecond the whole server sleeps, so it serves one client then.
        endless: send the first write and then nothing, for ever.
        gated: ask for a cookie.
        kind: the media type; empty to name none.
        last: what is written after all of it.
    """

    chunk: str = "token "
    repeat: int = 1
    chunks: int = 1
    per_write: int = 100
    pause_s: float = 0.0
    endless: bool = False
    gated: bool = False
    kind: str = ""
    last: str = ""

    @property
    def characters(self) -> int:
        """How long the whole text is."""
        return len(self.chunk) * self.repeat * self.chunks


@contextmanager
def serve(answer: Answer) -> Iterator[str]:
    """Run the site in a process of its own while the context lasts; give its origin."""
    command = [*child_command("server"), msgspec.json.encode(answer).decode()]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.stdin.close()  # its sign to end


def raise_file_limit() -> None:
    """Allow as many open connections as the system lets us have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class _Site:
    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._writes = _writes(answer)
        self._head = _HEAD[:-2] + f"Content-Type: {answer.kind}\r\n\r\n".encode() if answer.kind else _HEAD
        last = answer.last.encode()
        self._end = b"%x\r\n%s\r\n" % (len(last), last) + _END if last else _END
        self._good: set[bytes] = set()
        self._names = count(1)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection's questions, one after another."""
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(_length(head))
                await self._reply(head, writer)
                if self._answer.endless:
                    await reader.read(1)  # until the client leaves
        writer.close()

    async def _reply(self, head: bytes, writer: asyncio.StreamWriter) -> None:
        if head.startswith(b"POST /login "):
            value = b"v%d" % next(self._names)
            self._good.add(value)
            writer.write(_DONE[:-2] + b"Set-Cookie: %s=%s; Path=/\r\n\r\n" % (COOKIE.encode(), value))
        elif head.startswith(b"GET /v1/models "):
            writer.write(_MODELS)
        elif head.startswith(b"POST /revoke "):
            self._good.clear()
            writer.write(_DONE)
        elif self._answer.gated and not self._lets_in(head):
            writer.write(_REFUSAL)
        elif head.startswith(b"POST /api/models "):  # the probe of a session
            writer.write(_MODELS)
        else:
            await self._send(writer)
        await writer.drain()

    def _lets_in(self, head: bytes) -> bool:
        return any(b"%s=%s" % (COOKIE.encode(), value) in head for value in self._good)

    async def _send(self, writer: asyncio.StreamWriter) -> None:
        writer.write(self._head)
        for data in self._writes:
            writer.write(data)
            await writer.drain()
            if self._answer.endless:
                return
            if 0 < self._answer.pause_s < _TIMER_S:
                time.sleep(self._answer.pause_s)  # noqa: ASYNC251 - see Answer.pause_s
            elif self._answer.pause_s:
                await asyncio.sleep(self._answer.pause_s)
        writer.write(self._end)


def _writes(answer: Answer) -> list[bytes]:
    text = (answer.chunk * answer.repeat).encode()
    chunk = b"%x\r\n%s\r\n" % (len(text), text)
    whole, rest = divmod(answer.chunks, answer.per_write)
    return [chunk * answer.per_write] * whole + ([chunk * rest] if rest else [])


def _length(head: bytes) -> int:
    _, found, rest = head.lower().partition(b"content-length:")
    return int(rest.partition(b"\r\n")[0]) if found else 0


async def _main(answer: Answer) -> None:
    raise_file_limit()
    # A thousand clients connect in one moment; what a short queue drops is tried again a second later.
    server = await asyncio.start_server(_Site(answer).serve, "127.0.0.1", 0, backlog=4096)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    # The other end of stdin closes with whoever started this, however that ends. Nothing here is worth an orderly end.
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), os._exit, 0)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main(msgspec.json.decode(sys.argv[1], type=Answer)))
