"""Records the requests that reached the playground."""

from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

_MAX_REQUESTS = 10_000


@dataclass(slots=True)
class SeenRequest:
    """One request as it came over the wire.

    Attributes:
        method: such as ``POST``.
        path: the request target, with its query.
        headers: names and values in their original order and letter case, decoded as Latin-1.
        body: the whole body.
        status: of the answer; None until its headers are sent.
    """

    method: str
    path: str
    headers: list[tuple[str, str]]
    body: bytes
    status: int | None = None

    def header(self, name: str) -> str | None:
        """Return the first value of the header *name* in any letter case, or None."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


_SEEN = web.RequestKey("seen", SeenRequest)


@dataclass
class Record:
    """The newest 10,000 requests, and counts since the start."""

    requests: list[SeenRequest] = field(default_factory=list)
    page_loads: int = 0
    chats: int = 0
    answering: int = 0

    def middleware(self) -> Middleware:
        """Return the middleware that records each request with its body."""

        @web.middleware
        async def record(request: web.Request, handler: Handler) -> web.StreamResponse:
            seen = _read_request(request, await request.read())
            del self.requests[: 1 - _MAX_REQUESTS]
            self.requests.append(seen)
            request[_SEEN] = seen
            return await handler(request)

        return record


async def record_status(request: web.Request, response: web.StreamResponse) -> None:
    """Record the status of *response* when its headers are sent; for ``on_response_prepare``."""
    seen = request.get(_SEEN)
    if seen is not None:
        seen.status = response.status


def _read_request(request: web.Request, body: bytes) -> SeenRequest:
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.raw_headers]
    return SeenRequest(request.method, request.raw_path, headers, body)
