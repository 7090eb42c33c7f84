"""Carries a request to the site with aiohttp and its bytes back; makes one typed error of everything that fails."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Final, Self

import aiohttp
from yarl import URL

from aura_browser.connector import connection_args
from aura_browser.errors import RateLimited, SiteFailed
from aura_browser.exchange import CONNECT_TIMEOUT_S, check_proxy_answer, reason_phrase, typed_errors
from aura_browser.manager import SessionManager
from aura_browser.middleware import SessionMiddleware
from aura_browser.protocol import WireRequest
from aura_browser.site import Site
from aura_browser.verdict import Verdict, judge

_KEEP_ALIVE_S: Final = 3.0


class Answer:
    """The body of a good answer, in the pieces that it arrives in.

    aiohttp's own ``sock_read`` does not fire behind a malformed chunk (measured, 3.14.5), so silence is watched here.
    One timer does that for all pieces: a time-out around each costs as much as the rest of reading it (measured).
    """

    __slots__ = ("_content", "_loop", "_timeout_s", "_timer", "_waits_since")

    def __init__(self, content: aiohttp.StreamReader, timeout_s: float) -> None:
        self._content = content
        self._timeout_s = timeout_s
        self._loop = asyncio.get_running_loop()
        self._waits_since: float | None = None
        self._timer = self._loop.call_later(timeout_s, self._look)

    async def read(self) -> bytes:
        """Return what has arrived, waiting for it if that is nothing; empty at the end.

        Raises:
            TimeoutError: if nothing comes for the time-out.
            aiohttp.ClientError: if the connection breaks.
        """
        self._waits_since = self._loop.time()
        data = await self._content.readany()
        self._waits_since = None
        return data

    def close(self) -> None:
        """End the watch."""
        self._timer.cancel()

    def _give_up(self, waited_since: float | None) -> None:
        if self._waits_since == waited_since:
            self._content.set_exception(TimeoutError())
        else:
            self._timer = self._loop.call_later(self._timeout_s, self._look)

    def _look(self) -> None:
        now = self._loop.time()
        due = self._timeout_s + (now if self._waits_since is None else self._waits_since)
        if due <= now:
            # After what has arrived in the meantime was taken in: the loop itself may have been busy for so long.
            self._loop.call_soon(self._give_up, self._waits_since)
        else:
            self._timer = self._loop.call_at(due, self._look)


class HttpTransport:
    """Asks one site over aiohttp with the manager's session. Use it with ``async with``; it closes the manager too.

    Args:
        site: where requests go.
        manager: keeps the session.
        proxy: ``http://…`` or ``socks5://…``, or None.
        read_timeout_s: seconds without a byte after which an answer has ended.
    """

    def __init__(self, site: Site, manager: SessionManager, proxy: str | None, read_timeout_s: float) -> None:
        self._origin = URL(site.origin)
        self._site = site
        self._manager = manager
        self._proxy = proxy
        self._read_timeout_s = read_timeout_s
        self._http: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._http = aiohttp.ClientSession(
            # The real app closes idle connections after 5 s (measured): one taken up just then would fail the request.
            **connection_args(self._proxy, limit=0, keepalive_timeout=_KEEP_ALIVE_S),
            # The session keeps the cookies, whole and in the browser's order; a second jar would disagree with it.
            cookie_jar=aiohttp.DummyCookieJar(),
            middlewares=(SessionMiddleware(self._site, self._manager),),
            # No total: it would count a harvest and a long answer. The site's worst ending is endless silence.
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT_S, sock_read=self._read_timeout_s),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        http, self._http = self._http, None
        try:
            if http is not None:
                await http.close()
        finally:
            await self._manager.aclose()

    @asynccontextmanager
    async def answer(self, request: WireRequest) -> AsyncGenerator[Answer, None]:
        """Send *request* and yield a good answer, to be read within the context.

        Raises:
            ConnectionFailed: no connection, or it broke before or within the answer.
            AnswerTimeout: nothing came for the read time-out.
            RateLimited: 429.
            SiteFailed: any other answer that is not good.
            AuraError: what renewing the session raises.
        """
        url = self._origin.join(URL(request.path))
        with typed_errors(str(url), self._read_timeout_s):
            async with self._open().post(
                url, data=request.body, headers=request.headers, allow_redirects=False
            ) as response:
                self._check(response)
                answer = Answer(response.content, self._read_timeout_s)
                try:
                    yield answer
                finally:
                    answer.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._http is None:
            raise RuntimeError("the client is not open; use it with: async with AuraClient() as client")
        return self._http

    def _check(self, response: aiohttp.ClientResponse) -> None:
        """Raise what a response stands for that a new session would not mend."""
        if response.status == 200:  # noqa: PLR2004 - the number is the clearest name
            return
        check_proxy_answer(response, self._proxy)
        ruling = judge(self._site, response.url, response.status, response.headers, now=self._manager.clock())
        if ruling.verdict is Verdict.LIMITED:
            raise RateLimited(str(response.url), ruling.retry_after_s)
        raise SiteFailed(str(response.url), response.status, reason_phrase(response))
