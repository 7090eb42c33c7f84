"""A response that a page got: a :class:`aura_browser.request.Response`."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Self

from multidict import CIMultiDict
from yarl import URL

from aura_browser.errors import raise_alone
from aura_browser.http.page_errors import convert_error
from aura_browser.http.page_sending import Sent
from aura_browser.http.verdict import raise_for_status
from aura_browser.keeping.manager import SessionManager
from aura_browser.text import clean_text
from aura_browser.webdriver.fetching.stream import FetchFailed, PageLost


class PageResponse:
    """A response that a page got.

    Args:
        url: the URL that answered.
        sent: its beginning and its body.
        manager: knows its site.
        timeout_s: seconds without a byte after which it fails.
    """

    def __init__(self, url: URL, sent: Sent, manager: SessionManager, timeout_s: float) -> None:
        self._url = url
        self._sent = sent
        self._head = sent.head
        self._stream = sent.stream
        self._manager = manager
        self._timeout_s = timeout_s
        self._start = b""

    @property
    def url(self) -> str:
        """The URL that answered, after redirects within the site."""
        return str(self._url)

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self._head.status

    @property
    def reason(self) -> str:
        """The reason phrase, cleaned for a terminal; empty with HTTP/2."""
        return clean_text(self._head.reason)

    @property
    def headers(self) -> Mapping[str, str]:
        """Case-insensitive names to values; ``getall`` returns all values of a name."""
        return self._head.headers

    @property
    def raw_headers(self) -> CIMultiDict[str]:
        """The same, with all values of a repeated header."""
        return self._head.headers

    def raise_for_status(self) -> None:
        """Raise the error for a status that is not a success.

        Raises:
            RateLimited: 429.
            SiteFailed: any other status from 300 up.
        """
        now = self._manager.clock()
        raise_for_status(self._manager.site, self._url, self.status, self.headers, self.reason, now=now)

    async def peek(self, limit: int, timeout_s: float) -> bytes:
        """Return the first bytes of the body, or what has come after *timeout_s*; it can still be read whole."""
        with suppress(TimeoutError, FetchFailed, PageLost):  # reading it whole raises them again
            async with asyncio.timeout(timeout_s):
                while len(self._start) < limit and (data := await self._stream.read()):
                    self._start += data
        return self._start[:limit]

    def __aiter__(self) -> Self:
        """Yield the body in chunks, as they arrive."""
        return self

    async def __anext__(self) -> bytes:
        """Return the bytes that have arrived; wait if there are none.

        Raises:
            AnswerTimeout: if no byte arrives within the read timeout.
            ConnectionFailed: if the connection closes early.
            StreamInterrupted: if the page is gone.
        """
        if self._start:
            data, self._start = self._start, b""
            return data
        try:
            async with asyncio.timeout(self._timeout_s):
                data = await self._stream.read()
        except (FetchFailed, PageLost, TimeoutError) as error:
            raise_alone(convert_error(error, self._url, self._timeout_s))
        if not data:
            raise StopAsyncIteration
        return data

    async def aclose(self) -> None:
        """Close the response, even if it was not read to the end."""
        await self._sent.aclose()
