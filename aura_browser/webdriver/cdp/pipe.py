"""Messages over two file descriptors, each message followed by a zero byte.

Chrome speaks so with ``--remote-debugging-pipe``: it reads from file descriptor 3 and writes to 4
(https://chromium.googlesource.com/chromium/src/+/main/content/public/browser/devtools_agent_host.h).
"""

import os
from collections.abc import Callable
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Final

MAX_MESSAGE_BYTES: Final = 256 * 1024 * 1024
"""The longest message that is taken, in bytes: a page's whole local storage, each character escaped."""
_MAX_UNSENT_BYTES: Final = 256 * 1024 * 1024
_READ_BYTES: Final = 256 * 1024
_END: Final = b"\0"
_CLOSE_TIMEOUT_S: Final = 5.0


class PipeClosed(Exception):
    """Nothing can be sent any more; the message says why."""


class Pipe:
    """Moves messages in two threads, so that nothing here blocks.

    Args:
        reader: the file descriptor to read from; closed by this object.
        writer: the file descriptor to write to; closed by this object.
        on_message: called with each message, in a thread of the pipe; must be quick.
        on_end: called once with the reason when no more messages come, in a thread of the pipe.
    """

    def __init__(
        self, reader: int, writer: int, *, on_message: Callable[[bytes], None], on_end: Callable[[str], None]
    ) -> None:
        self._on_message = on_message
        self._on_end = on_end
        self._unsent: SimpleQueue[bytes | None] = SimpleQueue()
        self._unsent_bytes = 0
        self._lock = Lock()
        self._closed = ""
        self._threads = (
            Thread(target=self._read, args=(reader,), name="aura-browser-cdp-read", daemon=True),
            Thread(target=self._write, args=(writer,), name="aura-browser-cdp-write", daemon=True),
        )

    def start(self) -> None:
        """Begin to move messages."""
        for thread in self._threads:
            thread.start()

    def send(self, message: bytes) -> None:
        """Send *message* soon.

        Raises:
            PipeClosed: if the other side is gone, or does not read.
        """
        with self._lock:
            if self._unsent_bytes + len(message) > _MAX_UNSENT_BYTES:
                self._closed = self._closed or "it does not read what is sent to it"
            if self._closed:
                raise PipeClosed(self._closed)
            self._unsent_bytes += len(message)
        self._unsent.put(message)

    def close(self) -> None:
        """Send what is unsent, and close the writing end: that tells the other side to end."""
        self._stop("it was closed")

    def join(self) -> None:
        """Wait until both threads have ended, after :meth:`close` and the end of the other side; at most 5 s each."""
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(_CLOSE_TIMEOUT_S)

    def _stop(self, reason: str) -> None:
        with self._lock:
            self._closed = self._closed or reason
        self._unsent.put(None)

    def _write(self, writer: int) -> None:
        with os.fdopen(writer, "wb", buffering=0) as target:
            while (message := self._unsent.get()) is not None:
                rest = memoryview(message + _END)
                try:
                    while rest:
                        rest = rest[target.write(rest) :]
                except OSError as error:
                    self._stop(error.strerror or "it can't be written to")
                    return
                with self._lock:
                    self._unsent_bytes -= len(message)

    def _read(self, reader: int) -> None:
        reason = "it closed the connection"
        try:
            reason = self._read_all(reader) or reason
        except OSError as error:
            reason = error.strerror or reason
        finally:
            os.close(reader)
            self._stop(reason)
            self._on_end(reason)

    def _read_all(self, reader: int) -> str:
        """Pass messages on until the end; return the reason if it is not that the other side closed its end."""
        parts: list[bytes] = []
        while data := os.read(reader, _READ_BYTES):
            *whole, rest = data.split(_END)
            for message in whole:
                self._on_message(b"".join([*parts, message]))
                parts.clear()
            parts.append(rest)
            if sum(map(len, parts)) > MAX_MESSAGE_BYTES:
                return "it sent a message that is too long"
        return ""
