"""Sends requests with aiohttp, and by a page where a site refuses a session that was renewed and proven."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from aura_browser.errors import SessionRefused
from aura_browser.http.choice import Choice
from aura_browser.http.outgoing import check_request
from aura_browser.http.page_transport import PageTransport
from aura_browser.http.transport import HttpTransport
from aura_browser.request import Request, Response

if TYPE_CHECKING:
    from aiohttp import ClientWebSocketResponse


class AutoTransport:
    """Sends requests to one site, first with aiohttp. It is a :class:`aura_browser.request.Transport`.

    Args:
        http: sends with aiohttp; it leaves a refused session alone once the page is chosen.
        page: sends by a page.
        choice: which of the two is used now.
    """

    def __init__(self, http: HttpTransport, page: PageTransport, choice: Choice) -> None:
        self._http = http
        self._page = page
        self._choice = choice

    async def open(self) -> None:
        """Prepare to send requests. The page is opened by the first request that it sends."""
        await self._http.open()

    async def aclose(self) -> None:
        """Close both transports, and the manager that they share."""
        await self._http.aclose()

    @asynccontextmanager
    async def send(self, request: Request) -> AsyncGenerator[Response, None]:
        """Send *request* and yield the response. Raises as the transport that is used."""
        request = check_request(request)
        await self._choice.load()
        if not self._choice.is_page():
            async with AsyncExitStack() as exits:
                try:
                    response = await exits.enter_async_context(self._http.send(request))
                except SessionRefused:
                    if not self._choice.is_page() or not isinstance(request.body, bytes | None):
                        raise
                else:
                    yield response
                    return
        async with self._page.send(request) as by_page:
            yield by_page

    @asynccontextmanager
    async def connect(self, request: Request) -> AsyncGenerator["ClientWebSocketResponse", None]:
        """Open a WebSocket, with aiohttp in any case, and yield it."""
        async with self._http.connect(request) as socket:
            yield socket
