"""Carries requests to a site with aiohttp and its session, and the answers back in the pieces that they arrive in."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Final, Self

import aiohttp
from yarl import URL

from aura_browser.errors import InvalidInput, SiteFailed
from aura_browser.http.exchange import CONNECT_TIMEOUT_S, check_proxy_answer, reason_phrase, typed_error, typed_errors
from aura_browser.http.middleware import SessionMiddleware
from aura_browser.http.redirects import MOST_REDIRECTS, redirected
from aura_browser.http.verdict import Ruling, Verdict, judge, raise_for
from aura_browser.keeping.manager import SessionManager
from aura_browser.proxy.connection import connection_args
from aura_browser.request import Request
from aura_browser.text import redact_url

_KEEP_ALIVE_S: Final = 3.0
_LEAST_REDIRECT: Final = 300
_SCHEMES: Final = {"http": "ws", "https": "wss"}


class HttpResponse:
    """An answer that aiohttp received: a :class:`aura_browser.request.Response`.

    aiohttp's own ``sock_read`` does not fire behind a malformed chunk (3.14.5), so silence is watched here. One timer
    does that for all pieces: a time-out around each costs as much as the rest of reading it.
    """

    __slots__ = ("_answer", "_content", "_loop", "_manager", "_timeout_s", "_timer", "_waits_since")

    def __init__(self, answer: aiohttp.ClientResponse, manager: SessionManager, timeout_s: float) -> None:
        self._answer = answer
        self._content = answer.content
        self._manager = manager
        self._timeout_s = timeout_s
        self._loop = asyncio.get_running_loop()
        self._waits_since: float | None = None
        self._timer = self._loop.call_later(timeout_s, self._look)

    @property
    def url(self) -> str:
        """What answered, after redirects within the site."""
        return str(self._answer.url)

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self._answer.status

    @property
    def reason(self) -> str:
        """The reason phrase, cleaned for a terminal."""
        return reason_phrase(self._answer)

    @property
    def headers(self) -> Mapping[str, str]:
        """Names in any letter case to values; ``getall`` gives all values of a name."""
        return self._answer.headers

    def raise_for_status(self) -> None:
        """Raise what an answer that is not good stands for.

        Raises:
            RateLimited: 429.
            SiteFailed: any other status from 300 up.
        """
        status, url = self._answer.status, self._answer.url
        if status == 200:  # noqa: PLR2004 - the number is the clearest name
            return
        ruling = judge(self._manager.site, url, status, self._answer.headers, now=self._manager.clock())
        if ruling.verdict is Verdict.OK and status >= _LEAST_REDIRECT:
            ruling = Ruling(Verdict.FAILED, ruling.mark)
        raise_for(ruling, url, status, self.reason)

    def __aiter__(self) -> Self:
        """Yield the body in the pieces that it arrives in."""
        return self

    async def __anext__(self) -> bytes:
        """Return what has arrived, waiting for it if that is nothing.

        Raises:
            AnswerTimeout: if nothing comes for the read time-out.
            ConnectionFailed: if the connection breaks.
        """
        self._waits_since = self._loop.time()
        try:
            data = await self._content.readany()
        except Exception as error:
            typed = typed_error(error, self._answer.url, self._timeout_s)
            if typed is None:
                raise
            raise typed from error
        self._waits_since = None
        if not data:
            raise StopAsyncIteration
        return data

    async def aclose(self) -> None:
        """End the answer, whatever of it has been read."""
        self._timer.cancel()
        self._answer.release()
        await self._answer.wait_for_close()

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
    """Sends requests to one site over aiohttp, with the manager's session.

    It is a :class:`aura_browser.request.Transport`; closing it closes the manager too.

    Args:
        manager: keeps the session, and knows its site and proxy.
        read_timeout_s: seconds without a byte after which an answer has ended.
    """

    def __init__(self, manager: SessionManager, read_timeout_s: float) -> None:
        self._manager = manager
        self._site = manager.site
        self._origin = URL(manager.site.origin)
        self._read_timeout_s = read_timeout_s
        self._http: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Make ready to send. Nothing is connected before the first request."""
        self._http = aiohttp.ClientSession(
            # openchat-ui closes idle connections after 5 s: one taken up just then would fail the request.
            **connection_args(self._manager.proxy, limit=0, keepalive_timeout=_KEEP_ALIVE_S),
            # The session keeps the cookies, whole and in the browser's order; a second jar would disagree with it.
            cookie_jar=aiohttp.DummyCookieJar(),
            middlewares=(SessionMiddleware(self._manager),),
            # No total: it would count a harvest and a long answer. The site's worst ending is endless silence.
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT_S, sock_read=self._read_timeout_s),
        )

    async def aclose(self) -> None:
        """Close all connections and the manager."""
        http, self._http = self._http, None
        try:
            if http is not None:
                await http.close()
        finally:
            await self._manager.aclose()

    @asynccontextmanager
    async def send(self, request: Request) -> AsyncGenerator[HttpResponse, None]:
        """Send *request* and yield the response, to be read within the context.

        Raises:
            InvalidInput: if it is for another site.
            ConnectionFailed: no connection, or it broke before or within the answer.
            AnswerTimeout: nothing came for the read time-out.
            SiteFailed: an answer that is no readable HTTP, or redirects without end.
            AuraError: what renewing the session raises.
        """
        response = HttpResponse(await self._ask(request), self._manager, self._read_timeout_s)
        try:
            yield response
        finally:
            await response.aclose()

    @asynccontextmanager
    async def connect(self, request: Request) -> AsyncGenerator[aiohttp.ClientWebSocketResponse, None]:
        """Open a WebSocket with the session, and yield it. Errors as :meth:`send`."""
        url = self._own(request.url)
        url = url.with_scheme(_SCHEMES.get(url.scheme, url.scheme))
        with typed_errors(url, self._read_timeout_s):
            socket = await self._opened().ws_connect(url, headers=request.headers, origin=self._site.origin)
        try:
            yield socket
        finally:
            await socket.close()

    async def _ask(self, request: Request) -> aiohttp.ClientResponse:
        """Return the answer to *request*, or to where redirects within the site lead."""
        url = self._own(request.url)
        for _ in range(MOST_REDIRECTS + 1):
            response = await self._exchange(request, url)
            following = request.follows_redirects and redirected(
                self._site, request, url, response.status, response.headers
            )
            if not following:
                return response
            response.release()
            request, url = following, URL(following.url)
        raise SiteFailed(redact_url(url), response.status, f"more than {MOST_REDIRECTS} redirects")

    async def _exchange(self, request: Request, url: URL) -> aiohttp.ClientResponse:
        with typed_errors(url, self._read_timeout_s):
            response = await self._opened().request(
                request.method, url, data=request.body, headers=request.headers, allow_redirects=False
            )
        try:
            check_proxy_answer(response, self._manager.proxy)
        except BaseException:
            response.release()
            raise
        return response

    def _own(self, url: str) -> URL:
        """Return *url* joined to the site's origin.

        Raises:
            InvalidInput: if it is not an address of the site.
        """
        try:
            address = self._origin.join(URL(url))
            is_own = self._site.owns(address)
        except ValueError:
            raise InvalidInput("url", "not a path or an address") from None
        if not is_own:
            raise InvalidInput("url", f"{redact_url(address)} is not at {self._site.origin}; its session stays there")
        return address

    def _opened(self) -> aiohttp.ClientSession:
        if self._http is None:
            raise RuntimeError("the client is not open; use it with: async with client")
        return self._http
