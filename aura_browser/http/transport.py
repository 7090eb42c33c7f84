"""Sends requests to a site with aiohttp and the site's session, and streams the responses."""

import asyncio
import io
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Final, Self

import aiohttp
from yarl import URL

from aura_browser.errors import InteractionRequired, SiteFailed, raise_alone
from aura_browser.http.body import YIELD_BYTES
from aura_browser.http.chain import counting_from
from aura_browser.http.exchange import CONNECT_TIMEOUT_S, reason_phrase, typed_error, typed_errors
from aura_browser.http.middleware import SessionMiddleware
from aura_browser.http.outgoing import check_request, move_request, resolve_own
from aura_browser.http.redirects import MAX_REDIRECTS, follow_redirect
from aura_browser.http.settling import IsLeft, stays
from aura_browser.http.verdict import raise_for_status
from aura_browser.keeping.manager import SessionManager
from aura_browser.proxy.connection import connection_args
from aura_browser.request import HEADER_LIMITS, Body, Request
from aura_browser.session import Session
from aura_browser.site.derivation import gets_tokens
from aura_browser.site.moves import find_origin
from aura_browser.text import redact_url
from aura_browser.urls import read_url

_MAX_AT_ONCE_BYTES: Final = 2**20
_KEEP_ALIVE_S: Final = 3.0
_PROTOCOL: Final = "sec-websocket-protocol"
_MAX_MESSAGE_BYTES: Final = 64 * 2**20
_SCHEMES: Final = {"http": "ws", "https": "wss"}


class HttpResponse:
    """A response from aiohttp: a :class:`aura_browser.request.Response`.

    aiohttp 3.14.5's ``sock_read`` timeout does not fire after a malformed chunk, so this class has its own. One timer
    serves all chunks: a timeout around each one costs as much as the rest of reading it.
    """

    __slots__ = ("_answer", "_content", "_loop", "_manager", "_timeout_s", "_timer", "_waits_since")

    def __init__(self, answer: aiohttp.ClientResponse, manager: SessionManager, timeout_s: float) -> None:
        self._answer = answer
        self._content = answer.content
        self._manager = manager
        self._timeout_s = timeout_s
        self._loop = asyncio.get_running_loop()
        self._waits_since: float | None = None
        self._timer = self._loop.call_later(timeout_s, self._check_silence)

    @property
    def url(self) -> str:
        """The URL that answered, after redirects within the site."""
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
        """Case-insensitive names to values; ``getall`` returns all values of a name."""
        return self._answer.headers

    def raise_for_status(self) -> None:
        """Raise the error for a status that is not a success.

        Raises:
            RateLimited: 429.
            SiteFailed: any other status from 300 up.
        """
        answer, manager = self._answer, self._manager
        if answer.status == 200:  # noqa: PLR2004 - the number is the clearest name
            return
        raise_for_status(manager.site, answer.url, answer.status, answer.headers, self.reason, now=manager.clock())

    def __aiter__(self) -> Self:
        """Yield the body in chunks, as they arrive."""
        return self

    async def __anext__(self) -> bytes:
        """Return the bytes that have arrived; wait if there are none.

        Raises:
            AnswerTimeout: if no byte arrives within the read timeout.
            ConnectionFailed: if the connection closes early.
        """
        self._waits_since = self._loop.time()
        try:
            data = await self._content.readany()
        except Exception as error:
            data = self._content._read_nowait(-1)  # noqa: SLF001 - aiohttp raises before it gives what has come
            typed = None if data else typed_error(error, self._answer.url, self._timeout_s)
            if typed is not None:
                raise_alone(typed)
            if not data:
                raise
        if len(data) >= YIELD_BYTES:
            await asyncio.sleep(0)
        self._waits_since = None
        if not data:
            raise StopAsyncIteration
        return data

    async def aclose(self) -> None:
        """Close the response, even if it was not read to the end."""
        self._timer.cancel()
        self._answer.release()
        await self._answer.wait_for_close()

    def _fail_if_silent(self, waited_since: float | None) -> None:
        if self._waits_since == waited_since:
            self._content.set_exception(TimeoutError())
        else:
            self._timer = self._loop.call_later(self._timeout_s, self._check_silence)

    def _check_silence(self) -> None:
        now = self._loop.time()
        due = self._timeout_s + (now if self._waits_since is None else self._waits_since)
        if due <= now:
            # Deferred until received data is processed: the event loop itself may have been busy for that long.
            self._loop.call_soon(self._fail_if_silent, self._waits_since)
        else:
            self._timer = self._loop.call_at(due, self._check_silence)


def _split_protocols(headers: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return *headers* without ``Origin`` and ``Sec-WebSocket-Protocol``, which aiohttp writes, and what it names."""
    named = "".join(value for name, value in headers.items() if name.lower() == _PROTOCOL)
    others = {name: value for name, value in headers.items() if name.lower() not in {_PROTOCOL, "origin"}}
    return others, tuple(each.strip() for each in named.split(",") if each.strip())


class HttpTransport:
    """Sends requests to one site over aiohttp, with the manager's session.

    It is a :class:`aura_browser.request.Transport`; closing it closes the manager too.

    Args:
        manager: manages the session, and knows its site and proxy.
        read_timeout_s: seconds without a byte after which a response fails.
        is_left: returns whether another transport takes over; a refused session is its matter then.
    """

    def __init__(self, manager: SessionManager, read_timeout_s: float, is_left: IsLeft = stays) -> None:
        self._manager = manager
        self._site = manager.site
        self._read_timeout_s = read_timeout_s
        self._middleware = SessionMiddleware(manager, is_left=is_left)
        self._http: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Prepare to send requests. Nothing is connected before the first one."""
        self._http = aiohttp.ClientSession(
            # openchat-ui closes idle connections after 5 s: a request on one that is closing would fail.
            **connection_args(self._manager.proxy, limit=0, keepalive_timeout=_KEEP_ALIVE_S),
            # The session holds the cookies, complete and in the browser's order; a second jar would diverge.
            cookie_jar=aiohttp.DummyCookieJar(),
            middlewares=(self._middleware,),
            # No total timeout: it would include a harvest and a long answer. The read timeout ends a silent response.
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT_S, sock_read=self._read_timeout_s),
            **HEADER_LIMITS,
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
        """Send *request* and yield the response, which can be read only inside the context.

        Raises:
            InvalidInput: if its URL is not the site's.
            ConnectionFailed: if there is no connection, or it closes before the response is complete.
            AnswerTimeout: if no byte arrives within the read timeout.
            SiteFailed: if the response is not valid HTTP, or there are too many redirects.
            AuraError: if renewing the session fails.
        """
        response = HttpResponse(await self._fetch(check_request(request)), self._manager, self._read_timeout_s)
        try:
            yield response
        finally:
            await response.aclose()

    @asynccontextmanager
    async def connect(self, request: Request) -> AsyncGenerator[aiohttp.ClientWebSocketResponse, None]:
        """Open a WebSocket with the session and yield it. Raises the same errors as :meth:`send`."""
        http, request = self._require_open(), check_request(request)
        url = resolve_own(self._site, request.url)
        session, began = await self._get_session(url)
        request, url = move_request(self._site, session, request, url)
        url = url.with_scheme(_SCHEMES.get(url.scheme, url.scheme))
        headers, protocols = _split_protocols(request.headers)
        with typed_errors(url, self._read_timeout_s), counting_from(self._middleware, began, url):
            socket = await http.ws_connect(
                url,
                headers=headers,
                origin=find_origin(self._site.origin, session.origin),
                protocols=protocols,
                max_msg_size=_MAX_MESSAGE_BYTES,
            )
        try:
            await self._send_first_message(socket, url)
            yield socket
        finally:
            await socket.close()

    async def _send_first_message(self, socket: aiohttp.ClientWebSocketResponse, url: URL) -> None:
        """Send what a WebSocket of the site begins with; the session has been asked for by its handshake."""
        message = self._site.first_messages.get(url.path)
        if message is None:
            return
        session = await self._manager.get()
        if not gets_tokens(self._site, session, url):
            return
        text = message.fill(session, in_json=True)
        if text is None:
            raise InteractionRequired(
                f"The session has nothing that the WebSocket {redact_url(url)} begins with.", self._site.login_command()
            )
        await socket.send_str(text)

    async def _fetch(self, request: Request) -> aiohttp.ClientResponse:
        """Return the response to *request*, after redirects within the site."""
        url = resolve_own(self._site, request.url)
        self._require_open()
        session, began = await self._get_session(url)
        for _ in range(MAX_REDIRECTS + 1):
            request, url = move_request(self._site, session, request, url)
            response, began = await self._exchange(request, url, began), None
            next_request = request.follows_redirects and follow_redirect(
                self._site, request, url, response.status, response.headers
            )
            if not next_request:
                return response
            response.release()
            request, url = next_request, read_url(next_request.url)
        raise SiteFailed(redact_url(url), response.status, f"more than {MAX_REDIRECTS} redirects")

    async def _get_session(self, url: URL) -> tuple[Session, float | None]:
        """Return the session, and when it was asked for (monotonic seconds) if it was not there at once.

        One that is harvested now counts as harvested for the request to *url*.
        """
        session = self._manager.find_ready()
        if session is not None:
            return session, None
        began = time.monotonic()
        with typed_errors(url, self._read_timeout_s):
            return await self._manager.get(), began

    async def _exchange(self, request: Request, url: URL, began: float | None) -> aiohttp.ClientResponse:
        with typed_errors(url, self._read_timeout_s), counting_from(self._middleware, began, url):
            return await self._require_open().request(
                request.method, url, data=_wrap_body(request.body), headers=request.headers, allow_redirects=False
            )

    def _require_open(self) -> aiohttp.ClientSession:
        if self._http is None:
            raise RuntimeError("the client is not open; use it with: async with client")
        return self._http


def _wrap_body(body: Body) -> Body | io.BytesIO:
    """Return *body* as aiohttp writes it without holding up the event loop: a large one in pieces, as from a file."""
    if isinstance(body, bytes) and len(body) > _MAX_AT_ONCE_BYTES:
        return io.BytesIO(body)
    return body
