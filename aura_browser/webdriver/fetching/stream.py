"""One request of a page and its response, as an event loop reads it."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from multidict import CIMultiDict

from aura_browser.webdriver.fetching.events import Failed, Head, Headers, Received, Response, Said, Sent
from aura_browser.webdriver.fetching.script import PIECE_BYTES

_HEADERS_TIMEOUT_S: Final = 1.0
_REASON_TIMEOUT_S: Final = 0.25
_REDIRECT: Final = "opaqueredirect"
# Chrome gives each byte of a header that is not UTF-8 as a character, of one or the other character set.
_BYTE_SETS: Final = ("latin-1", "cp1252")


class FetchFailed(Exception):
    """The browser got no complete response.

    Attributes:
        code: Chrome's code without ``net::``, such as ``ERR_EMPTY_RESPONSE``; empty if it named none.
        blocked: why the browser kept the request back, such as ``csp``; empty if it did not.
    """

    def __init__(self, code: str = "", blocked: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.blocked = blocked


class PageLost(Exception):
    """The page that sent the request is gone; the message says why."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The beginning of a response.

    Attributes:
        status: the HTTP status.
        reason: the reason phrase; empty with HTTP/2.
        headers: its headers, repeated ones too.
        protocol: such as ``http/1.1`` or ``h2``; empty if the browser did not say.
    """

    status: int
    reason: str
    headers: CIMultiDict[str]
    protocol: str


class PageStream:
    """One response. All methods are for the event loop.

    Args:
        free: tells the page that so many bytes of the body were read.
        stop: ends the request in the page.

    Attributes:
        head: the beginning of the response, or FetchFailed or PageLost.
    """

    def __init__(self, free: Callable[[int], None], stop: Callable[[], None]) -> None:
        self.head: asyncio.Future[Answered] = asyncio.get_running_loop().create_future()
        self._free = free
        self._stop = stop
        self._head: Head | None = None
        self._response: Response | None = None
        self._waits_for_headers = False
        self._headers: Mapping[str, str] | None = None
        self._failed: Failed | None = None
        self._chunks: deque[bytes] = deque()
        self._change = asyncio.Event()
        self._is_over = False
        self._error: Exception | None = None
        self._unfreed = 0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes, and the response's beginning is given."""
        return self._is_over and self.head.done()

    async def read(self) -> bytes:
        """Return the bytes of the body that have come; wait if there are none. Empty at its end.

        Raises:
            FetchFailed: if the body ends early.
            PageLost: if the page is gone.
        """
        while not self._chunks:
            if self._error is not None:
                raise self._error
            if self._is_over:
                return b""
            self._change.clear()
            await self._change.wait()
        data = self._chunks.popleft() if len(self._chunks) == 1 else b"".join(self._chunks)
        self._chunks.clear()
        self._unfreed += len(data)
        if self._unfreed >= PIECE_BYTES and not self._is_over:
            self._free(self._unfreed)
            self._unfreed = 0
        return data

    def close(self) -> None:
        """End the request if it is not over; what has come of it is dropped."""
        self._chunks.clear()
        if not self._is_over:
            self._stop()
            self.end(FetchFailed("ERR_ABORTED"))
        self.head.cancel()  # nobody waits for it any more
        self._stop_timer()

    def take_said(self, said: Said) -> None:
        """Take what the page says of it."""
        if self._is_over:
            return
        if isinstance(said.value, Head):
            self._head = said.value
            self._answer_if_known()
        elif isinstance(said.value, bytes):
            self._chunks.append(said.value)
            self._change.set()
        elif said.what == "end":
            self.end(None)
        else:
            self._fail()

    def take_fact(self, fact: Sent | Received | Headers | Failed) -> None:
        """Take what the browser says of it."""
        match fact:
            case Sent(redirect=Response()) if self._response is None:
                self._response, self._waits_for_headers = fact.redirect, fact.has_headers
            case Received() if self._response is None:
                self._response, self._waits_for_headers = fact.response, fact.has_headers
            case Headers():
                self._headers = fact.headers
            case Failed():
                self._failed = fact
        if self._head is not None:
            self._answer_if_known()

    def end(self, error: Exception | None) -> None:
        """Let nothing more come: the body ends, or the response fails with *error*."""
        if self._is_over:
            return
        self._is_over, self._error = True, error
        if isinstance(error, PageLost) or not self._head:
            self._refuse(error or FetchFailed())
        elif error:
            self._answer()
        else:
            self._answer_if_known()  # what the browser says may come after what the page says
        if self.head.done():
            self._stop_timer()
        self._change.set()

    def _refuse(self, error: Exception) -> None:
        if not self.head.done():
            self.head.set_exception(error)
            self.head.exception()  # the caller may have been cancelled

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _answer_if_known(self) -> None:
        """Give the beginning of the response once all of it is known; without its raw headers after a moment."""
        if self.head.done():
            return
        if self._response is not None and (self._headers is not None or not self._waits_for_headers):
            self._answer()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_HEADERS_TIMEOUT_S, self._answer)

    def _answer(self) -> None:
        if self.head.done() or self._head is None:
            return
        response = self._response or Response(self._head.status)
        is_redirect = self._head.type == _REDIRECT
        status, reason = (
            (response.status, response.status_text) if is_redirect else (self._head.status, self._head.reason)
        )
        headers = self._headers if self._headers is not None else response.headers
        self.head.set_result(Answered(status, decode_text(reason), _read_headers(headers), response.protocol))

    def _fail(self) -> None:
        """End it with the browser's reason, which may come a moment later than the page's word."""
        if self._failed is not None:
            self._end_failed()
        else:
            self._stop_timer()
            self._timer = asyncio.get_running_loop().call_later(_REASON_TIMEOUT_S, self._end_failed)

    def _end_failed(self) -> None:
        failed = self._failed
        code, blocked = (failed.error.removeprefix("net::"), failed.blocked) if failed else ("", "")
        self.end(FetchFailed(code, blocked))


def decode_text(text: str) -> str:
    """Return a header's value, or a reason phrase, as UTF-8 if its bytes are that."""
    if text.isascii():
        return text
    for name in _BYTE_SETS:
        try:
            return text.encode(name).decode()
        except UnicodeError:
            continue
    return text


def _read_headers(headers: Mapping[str, str]) -> CIMultiDict[str]:
    found: CIMultiDict[str] = CIMultiDict()
    for name, values in headers.items():
        for value in values.split("\n"):
            found.add(name, decode_text(value))
    return found
