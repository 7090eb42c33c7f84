"""The client of any site: requests of any method, with the session that the site gave the person's browser."""

import json as json_text
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, Unpack
from urllib.parse import urlencode

from aura_browser.assembly import ClientOptions, assemble_transport
from aura_browser.errors import InvalidInput, SiteFailed
from aura_browser.keeping.counters import Counters
from aura_browser.request import Body, Request, Response
from aura_browser.session import Session
from aura_browser.site import Site, site_at
from aura_browser.text import redact_url

if TYPE_CHECKING:
    from aiohttp import ClientWebSocketResponse

Data = str | Mapping[str, str] | Body
"""What a request carries: text (sent in UTF-8), a form's fields, bytes, or bytes as they come."""

_LARGEST_BODY: Final = 64 * 2**20
_NOTHING: Final = object()


class SiteResponse:
    """A site's answer, to be read within its context.

    Iterate over it for the body in the pieces that it arrives in, which takes the same memory whatever its length.

    Attributes:
        url: what answered, after redirects within the site.
        status: the HTTP status.
        headers: names in any letter case to values.
    """

    def __init__(self, response: Response) -> None:
        self.url = response.url
        self.status = response.status
        self.headers = response.headers
        self._response = response

    def __repr__(self) -> str:
        return f"SiteResponse({self.status}, {redact_url(self.url)!r})"

    def raise_for_status(self) -> None:
        """Raise what an answer that is not good stands for.

        Raises:
            RateLimited: 429.
            SiteFailed: any other status from 300 up.
        """
        self._response.raise_for_status()

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the body in pieces, decompressed. Errors as :meth:`SiteClient.request`."""
        return aiter(self._response)

    async def read(self) -> bytes:
        """Return the whole body.

        Raises:
            SiteFailed: if it is longer than 64 MiB: iterate over it instead.
        """
        body = bytearray()
        async for piece in self._response:
            body += piece
            if len(body) > _LARGEST_BODY:
                raise SiteFailed(redact_url(self.url), self.status, "an answer over 64 MiB; iterate over it instead")
        return bytes(body)

    async def text(self) -> str:
        """Return the whole body as text, decoded as its type says, or as UTF-8. Errors as :meth:`read`."""
        _, _, charset = self.headers.get("Content-Type", "").lower().partition("charset=")
        body = await self.read()
        try:
            return body.decode(charset.partition(";")[0].strip("\"' ") or "utf-8", "replace")
        except LookupError:
            return body.decode("utf-8", "replace")

    async def json(self) -> Any:  # noqa: ANN401 - JSON
        """Return what the body is the JSON of.

        Raises:
            SiteFailed: if it is not JSON, or too long.
        """
        try:
            return json_text.loads(await self.read())
        except (ValueError, RecursionError):
            raise SiteFailed(redact_url(self.url), self.status, "its answer is not JSON") from None


class SiteClient:
    """Sends requests to one site with its session. Use it with ``async with``; one serves any number of calls at once.

    The first request takes the cached session or opens a browser; nothing happens before. A session that the site
    refuses is renewed, and the request sent once more.

    Args:
        site: the site, or an address of it.
        options: see :class:`aura_browser.assembly.ClientOptions`.

    Raises:
        InvalidInput: naming the argument that can't work.
    """

    def __init__(self, site: Site | str, **options: Unpack[ClientOptions]) -> None:
        self.site: Final = site if isinstance(site, Site) else site_at(site)
        self._transport, self._manager = assemble_transport(self.site, **options)

    async def __aenter__(self) -> Self:
        await self._transport.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._transport.aclose()

    @property
    def counters(self) -> Counters:
        """What was done for the session so far, in numbers."""
        return self._manager.counters

    async def session(self) -> Session:
        """Return the session in use, harvesting one if there is none.

        Raises:
            AuraError: what the harvest raises.
        """
        return await self._manager.get()

    def send(self, request: Request) -> AbstractAsyncContextManager[Response]:
        """Send a request that is made already, and yield the response. Errors as :meth:`request`."""
        return self._transport.send(request)

    @asynccontextmanager
    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        data: Data = None,
        json: object = _NOTHING,
        allow_redirects: bool = True,
    ) -> AsyncGenerator[SiteResponse, None]:
        """Send a request and yield the site's answer, whatever its status.

        Args:
            method: such as ``PUT``.
            url: a path of the site, or an address at one of its origins.
            headers: the caller's own.
            data: the body; see :data:`Data`. Bytes that come from an async iterable can't be sent once more.
            json: a value to send as JSON, in place of *data*.
            allow_redirects: follow those that stay within the site. One that leads elsewhere is the answer.

        Raises:
            InvalidInput: if something can't be sent, or *url* is not the site's; nothing was sent.
            SessionRefused: if the site refused a renewed session too.
            ConnectionFailed: no connection, or it broke before or within the answer.
            AnswerTimeout: nothing came for the read time-out.
            AuraError: what renewing the session raises.
        """
        type_, body = _encode(data, json)
        merged = dict(headers or {})
        if type_ and not any(name.lower() == "content-type" for name in merged):
            merged["Content-Type"] = type_
        request = Request(method.upper(), url, merged, body, follows_redirects=allow_redirects)
        async with self._transport.send(request) as response:
            yield SiteResponse(response)

    def get(
        self, url: str, *, headers: Mapping[str, str] | None = None, allow_redirects: bool = True
    ) -> AbstractAsyncContextManager[SiteResponse]:
        """Send a GET. Arguments and errors as :meth:`request`."""
        return self.request("GET", url, headers=headers, allow_redirects=allow_redirects)

    def post(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        data: Data = None,
        json: object = _NOTHING,
        allow_redirects: bool = True,
    ) -> AbstractAsyncContextManager[SiteResponse]:
        """Send a POST. Arguments and errors as :meth:`request`."""
        return self.request("POST", url, headers=headers, data=data, json=json, allow_redirects=allow_redirects)

    def ws_connect(
        self, url: str, *, headers: Mapping[str, str] | None = None
    ) -> "AbstractAsyncContextManager[ClientWebSocketResponse]":
        """Open a WebSocket with the session, and yield it. Arguments and errors as :meth:`request`.

        The handshake's ``Origin`` is the site's, as a page of it would send.
        """
        return self._transport.connect(Request("GET", url, headers or {}))


def _encode(data: Data, json: object) -> tuple[str, Body]:
    """Return the type and the body of what is to be sent; an empty type where the caller's bytes say none."""
    if json is not _NOTHING:
        if data is not None:
            raise InvalidInput("json", "can't be sent together with data")
        try:
            return "application/json", json_text.dumps(json).encode()
        except (TypeError, ValueError, RecursionError):
            raise InvalidInput("json", "has no JSON") from None
    if isinstance(data, str):
        return "text/plain; charset=utf-8", _to_utf8(data)
    if isinstance(data, Mapping):
        return "application/x-www-form-urlencoded", _to_utf8(urlencode(data, errors="surrogatepass"))
    if data is None or isinstance(data, bytes | AsyncIterable):
        return "", data
    raise InvalidInput("data", "must be text, bytes, a form's fields, or an async iterable of bytes")


def _to_utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise InvalidInput("data", "holds half of a character (a lone surrogate)") from None
