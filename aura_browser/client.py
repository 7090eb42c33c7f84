"""A client for any site: HTTP requests with the session that the site gave the person's browser."""

import json as json_text
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, Unpack
from urllib.parse import urlencode

import msgspec

from aura_browser.assembly import ClientOptions, assemble_transport
from aura_browser.charsets import decode_text, find_charset
from aura_browser.errors import InvalidInput, SiteFailed, raise_alone
from aura_browser.http.body import read_body
from aura_browser.http.outgoing import check_request
from aura_browser.keeping.counters import Counters
from aura_browser.request import Body, Request, Response
from aura_browser.session import Session
from aura_browser.site import Site, site_at
from aura_browser.text import redact_url

if TYPE_CHECKING:
    import asyncio

    from aiohttp import ClientWebSocketResponse

Data = str | Mapping[str, str] | Body
"""A request's body: text (sent as UTF-8), form fields, bytes, or an async iterable of bytes."""

_MAX_BODY_BYTES: Final = 64 * 2**20
_UNSET: Final = object()


class SiteResponse:
    """A site's response. It can be read only inside its context.

    Iterate over it to get the body in chunks, as they arrive; memory use does not depend on the body's length.

    Attributes:
        url: the URL that answered, after redirects within the site.
        status: the HTTP status.
        headers: case-insensitive names to values.
    """

    def __init__(self, response: Response) -> None:
        self.url = response.url
        self.status = response.status
        self.headers = response.headers
        self._response = response

    def __repr__(self) -> str:
        return f"SiteResponse({self.status}, {redact_url(self.url)!r})"

    def raise_for_status(self) -> None:
        """Raise the error for a status that is not a success.

        Raises:
            RateLimited: 429.
            SiteFailed: any other status from 300 up.
        """
        self._response.raise_for_status()

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the body in chunks, decompressed. Raises the same errors as :meth:`SiteClient.request`."""
        return aiter(self._response)

    async def read(self) -> bytes:
        """Return the whole body.

        Raises:
            SiteFailed: if it is longer than 64 MiB; iterate over the response instead.
        """
        advice = "iterate over it instead"
        return await read_body(self._response, _MAX_BODY_BYTES, self.url, self.status, advice=advice)

    async def text(self) -> str:
        """Return the whole body as text, in the charset of its ``Content-Type``, or UTF-8. Raises as :meth:`read`."""
        return decode_text(await self.read(), find_charset(self.headers))

    async def json(self) -> Any:  # noqa: ANN401 - JSON
        """Return the body, parsed as JSON.

        Raises:
            SiteFailed: if it is not JSON, or too long.
        """
        try:
            return json_text.loads(await self.read())
        except (ValueError, RecursionError):
            raise SiteFailed(redact_url(self.url), self.status, "the response is not JSON") from None


class SiteClient:
    """Sends requests to one site with its session. Use it with ``async with``; it serves concurrent calls.

    The first request takes the cached session or opens a browser; nothing happens before. A session that the site
    refuses is renewed, and the request is sent again.

    Args:
        site: the site, a URL of it, or its name in ``sites.toml``.
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
        """Counts of what was done for the session so far."""
        return self._manager.counters

    @property
    def current(self) -> Session | None:
        """The session in use; None if none is loaded yet. Nothing is read or asked."""
        return self._manager.current

    @property
    def is_harvesting(self) -> bool:
        """Whether a session is being renewed that requests wait for."""
        return self._manager.is_renewing

    def is_awaited_by(self, task: "asyncio.Task[Any]") -> bool:
        """Return whether *task* waits here for a session that is being renewed; not if its request is at the site."""
        return self._manager.is_awaited_by(task)

    async def load_session(self) -> Session | None:
        """Return the session in use, else the cached one; None if there is neither. No browser is opened.

        Raises:
            SessionUnreadable: if the cached one can't be read.
        """
        return await self._manager.load()

    async def session(self) -> Session:
        """Return the session in use; harvest one if there is none.

        Raises:
            AuraError: if the harvest fails.
        """
        return await self._manager.get()

    def send(self, request: Request) -> AbstractAsyncContextManager[Response]:
        """Send *request* and yield the response. Raises the same errors as :meth:`request`."""
        return self._transport.send(request)

    @asynccontextmanager
    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        data: Data = None,
        json: object = _UNSET,
        allow_redirects: bool = True,
    ) -> AsyncGenerator[SiteResponse, None]:
        """Send a request and yield the site's response, whatever its status.

        Args:
            method: such as ``PUT``.
            url: a path of the site, or a URL at one of its origins.
            headers: the caller's headers.
            data: the body; see :data:`Data`. An async iterable can't be sent again after a renewal.
            json: a value to send as JSON, instead of *data*.
            allow_redirects: follow redirects within the site. A redirect to another site is returned as it is.

        Raises:
            InvalidInput: if an argument can't be sent, or *url* is not the site's; nothing was sent.
            SessionRefused: if the site refused a renewed session too.
            ConnectionFailed: if there is no connection, or it closes before the response is complete.
            AnswerTimeout: if no byte arrives within the read timeout.
            AuraError: if renewing the session fails.
        """
        content_type, body = _encode(data, json)
        request = Request(method, url, headers or {}, body, follows_redirects=allow_redirects)
        request = check_request(request)
        if content_type and not any(name.lower() == "content-type" for name in request.headers):
            headers = {**request.headers, "Content-Type": content_type}
            request = msgspec.structs.replace(request, headers=headers)
        request = msgspec.structs.replace(request, method=request.method.upper())
        async with self._transport.send(request) as response:
            yield SiteResponse(response)

    def get(
        self, url: str, *, headers: Mapping[str, str] | None = None, allow_redirects: bool = True
    ) -> AbstractAsyncContextManager[SiteResponse]:
        """Send a GET. Arguments and errors are those of :meth:`request`."""
        return self.request("GET", url, headers=headers, allow_redirects=allow_redirects)

    def post(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        data: Data = None,
        json: object = _UNSET,
        allow_redirects: bool = True,
    ) -> AbstractAsyncContextManager[SiteResponse]:
        """Send a POST. Arguments and errors are those of :meth:`request`."""
        return self.request("POST", url, headers=headers, data=data, json=json, allow_redirects=allow_redirects)

    def ws_connect(
        self, url: str, *, headers: Mapping[str, str] | None = None
    ) -> "AbstractAsyncContextManager[ClientWebSocketResponse]":
        """Open a WebSocket with the session and yield it. Arguments and errors are those of :meth:`request`.

        The handshake's ``Origin`` is the site's origin, as from a page of the site.
        """
        return self._transport.connect(Request("GET", url, headers or {}))


def _encode(data: Data, json: object) -> tuple[str, Body]:
    """Return the content type and the body to send; the type is empty if *data* does not imply one."""
    if json is not _UNSET:
        if data is not None:
            raise InvalidInput("json", "can't be sent together with data")
        try:
            return "application/json", json_text.dumps(json).encode()
        except (TypeError, ValueError, RecursionError):
            raise_alone(InvalidInput("json", "can't be written as JSON"))
    if isinstance(data, str):
        return "text/plain; charset=utf-8", _to_utf8(data)
    if isinstance(data, Mapping):
        return "application/x-www-form-urlencoded", _encode_form(data)
    if data is None or isinstance(data, bytes | AsyncIterable):
        return "", data
    raise InvalidInput("data", "must be text, bytes, form fields, or an async iterable of bytes")


def _encode_form(fields: Mapping[str, str]) -> bytes:
    if not all(isinstance(part, str) for field in fields.items() for part in field):
        raise InvalidInput("data", "has a form field whose name or value is not text")
    return urlencode(fields, errors="surrogatepass").encode()


def _to_utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise_alone(InvalidInput("data", "contains a lone surrogate, which UTF-8 can't encode; remove it"))
