"""Tracks the requests in flight, so that stopping the site does not wait for endless answers."""

import asyncio

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

_STOP_TIMEOUT_S = 1.0


class InFlight:
    """The requests whose answers have not ended."""

    def __init__(self) -> None:
        self._requests: dict[asyncio.Task[None], web.Request] = {}

    def middleware(self) -> Middleware:
        """Return the middleware that tracks the requests."""

        @web.middleware
        async def track(request: web.Request, handler: Handler) -> web.StreamResponse:
            # A connection has one task, and answers one request at a time.
            task = request.task
            self._requests[task] = request
            try:
                return await handler(request)
            finally:
                del self._requests[task]

        return track

    async def end(self, _app: web.Application) -> None:
        """Abort all answers and wait at most a second for their end; for ``on_shutdown``."""
        tasks = list(self._requests)
        for request in self._requests.values():
            # Closing would wait for a client that does not read. The lost connection cancels the handler.
            if request.transport is not None:
                request.transport.abort()
        if tasks:
            await asyncio.wait(tasks, timeout=_STOP_TIMEOUT_S)
