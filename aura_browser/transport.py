"""Carries a request to the site with aiohttp and its bytes back; makes one typed error of everything that fails."""

from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Final, Self

import aiohttp
from yarl import URL

from aura_browser.errors import AnswerTimeout, ConnectionFailed, RateLimited, SiteFailed, clean_text
from aura_browser.manager import SessionManager
from aura_browser.middleware import SessionMiddleware
from aura_browser.protocol import WireRequest
from aura_browser.site import Site
from aura_browser.verdict import Verdict, judge

_CONNECT_TIMEOUT_S: Final = 30.0


class HttpTransport:
    """Asks one site over aiohttp with the manager's session. Use it with ``async with``; it closes the manager too.

    Args:
        site: where requests go.
        manager: keeps the session.
        proxy: ``http://host:port``, or None.
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
            connector=aiohttp.TCPConnector(limit=0),
            # The session keeps the cookies, whole and in the browser's order; a second jar would disagree with it.
            cookie_jar=aiohttp.DummyCookieJar(),
            middlewares=(SessionMiddleware(self._site, self._manager),),
            proxy=self._proxy,
            # No total: it would count a harvest and a long answer. The site's worst ending is endless silence.
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_TIMEOUT_S, sock_read=self._read_timeout_s),
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

    async def answer(self, request: WireRequest) -> AsyncGenerator[bytes, None]:
        """Send *request* and yield the body of a good answer in the pieces that it arrives in.

        Raises:
            ConnectionFailed: no connection, or it broke before or within the answer.
            AnswerTimeout: nothing came for the read time-out.
            RateLimited: 429.
            SiteFailed: any other answer that is not good.
            AuraError: what renewing the session raises.
        """
        url = self._origin.join(URL(request.path))
        with self._typed_errors(str(url)):
            async with self._open().post(
                url, data=request.body, headers=request.headers, allow_redirects=False
            ) as response:
                self._check(response)
                async for data in response.content.iter_any():
                    yield data

    def _open(self) -> aiohttp.ClientSession:
        if self._http is None:
            raise RuntimeError("the client is not open; use it with: async with AuraClient() as client")
        return self._http

    def _check(self, response: aiohttp.ClientResponse) -> None:
        """Raise what a response stands for that a new session would not mend."""
        if response.status == 200:  # noqa: PLR2004 - the number is the clearest name
            return
        ruling = judge(self._site, response.url, response.status, response.headers, now=self._manager.clock())
        if ruling.verdict is Verdict.LIMITED:
            raise RateLimited(str(response.url), ruling.retry_after_s)
        raise SiteFailed(str(response.url), response.status, _reason_phrase(response))

    @contextmanager
    def _typed_errors(self, url: str) -> Iterator[None]:
        try:
            yield
        except aiohttp.SocketTimeoutError as error:
            raise AnswerTimeout(url, self._read_timeout_s) from error
        except aiohttp.ClientResponseError as error:
            if isinstance(error, aiohttp.ClientHttpProxyError):
                raise ConnectionFailed(url, f"the proxy answered {error.status}") from error
            raise SiteFailed(url, 0, "its answer is not readable HTTP") from error
        except (aiohttp.ClientError, OSError) as error:
            raise ConnectionFailed(url, _failure(error)) from error


def _reason_phrase(response: aiohttp.ClientResponse) -> str:
    """The site puts its message in the reason phrase (measured), in UTF-8 or Latin-1."""
    raw = (response.reason or "").encode("utf-8", "surrogateescape")
    try:
        return clean_text(raw.decode())
    except UnicodeDecodeError:
        return clean_text(raw.decode("latin-1"))


def _failure(error: Exception) -> str:
    """Say what broke, from types alone: the texts of aiohttp's errors may hold a proxy's address and password."""
    for kind, said in _FAILURES:
        if isinstance(error, kind):
            return said
    return clean_text(getattr(error, "strerror", None) or type(error).__name__)


# Most particular first.
_FAILURES: Final[tuple[tuple[type[Exception], str], ...]] = (
    (aiohttp.ConnectionTimeoutError, f"no connection within {_CONNECT_TIMEOUT_S:.0f} s"),
    (aiohttp.ClientProxyConnectionError, "the proxy can't be reached"),
    (aiohttp.ClientConnectorDNSError, "its host name has no address"),
    (aiohttp.ClientConnectorCertificateError, "its TLS certificate is not trusted"),
    (aiohttp.ClientSSLError, "the TLS handshake failed"),
    (aiohttp.ServerDisconnectedError, "the connection was closed before the answer"),
    (aiohttp.ClientPayloadError, "the connection was closed within the answer"),
)
