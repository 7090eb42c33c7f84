"""Starts and stops the site in the running event loop."""

import math
from types import TracebackType
from typing import Self

from aiohttp import web

from aura_browser.errors import InvalidInput
from aura_browser.listening import BACKLOG, close_runner
from aura_browser.playground.answers import make_answerer
from aura_browser.playground.app import make_app
from aura_browser.playground.gates import make_gate
from aura_browser.playground.record import Record, SeenRequest
from aura_browser.playground.upstream import make_upstream_answerer

_HOST = "127.0.0.1"
_KEEP_ALIVE_TIMEOUT_S = 5.0  # as the real app's server
_SHUTDOWN_TIMEOUT_S = 0.5
_MAX_PORT = 65_535


class Playground:
    """The openchat site on 127.0.0.1, for as long as the ``async with`` block runs.

    Its properties and ``revoke_all`` are safe to use from any thread.

    Args:
        gate: what protects the site: ``none``, ``check-503``, ``check-403``, ``login-401``, ``login-redirect``,
            ``connection``, ``script``. The login is user demo, password demo.
        life: lifetime of a session in seconds, also the cookie's ``Max-Age``; None for an hour, with a cookie
            that ends with the browser.
        sliding: whether every 200 behind the gate sets a new session.
        port: where to listen; 0 for a free port.
        answer: the mode that answers a chat, such as ``echo``, or a whole command that answers every chat,
            such as ``error Slow down``. A message that begins with a mode's ``/name`` selects that mode instead.
        upstream: base URL of an OpenAI-compatible server (``http://127.0.0.1:8080/v1``) that answers instead.
        upstream_key: the key for it.
        check_delay: seconds until the check pages' script sets its cookie.

    Raises:
        InvalidInput: an argument can't work.
    """

    def __init__(
        self,
        gate: str = "none",
        *,
        life: float | None = None,
        sliding: bool = False,
        port: int = 0,
        answer: str = "echo",
        upstream: str | None = None,
        upstream_key: str | None = None,
        check_delay: float = 1.0,
    ) -> None:
        _check_numbers(life, port, check_delay)
        self._gate = make_gate(gate, life, check_delay)
        self._answer = make_upstream_answerer(upstream, upstream_key) if upstream else make_answerer(answer)
        self._sliding = sliding
        self._port = port
        self._record = Record()
        self._runner: web.AppRunner | None = None

    @property
    def origin(self) -> str:
        """Scheme, host and port, such as ``http://127.0.0.1:8000``; a free port is known after :meth:`start`."""
        return f"http://{_HOST}:{self._port}"

    @property
    def requests(self) -> list[SeenRequest]:
        """The newest 10,000 requests, oldest first."""
        return self._record.requests

    @property
    def page_loads(self) -> int:
        """How often ``GET /`` was answered with the chat page."""
        return self._record.page_loads

    @property
    def chats(self) -> int:
        """The number of well-formed chat requests that passed the gate."""
        return self._record.chats

    @property
    def answering(self) -> int:
        """The number of answers that have not ended."""
        return self._record.answering

    @property
    def cookie_name(self) -> str | None:
        """The name of the gate's session cookie, or None without a gate."""
        return self._gate.cookie.name if self._gate else None

    def revoke_all(self) -> None:
        """End all sessions now. Answers that have begun continue."""
        if self._gate:
            self._gate.revoke_all()

    async def start(self) -> None:
        """Listen.

        Raises:
            OSError: the port is taken.
            RuntimeError: the site is running already.
        """
        if self._runner is not None:
            raise RuntimeError("The playground is running already")
        app = make_app(self._gate, self._answer, self._record, sliding=self._sliding)
        runner = web.AppRunner(
            app,
            access_log=None,
            handler_cancellation=True,
            keepalive_timeout=_KEEP_ALIVE_TIMEOUT_S,
            shutdown_timeout=_SHUTDOWN_TIMEOUT_S,
        )
        self._port = await _listen(runner, self._port)
        self._runner = runner

    async def stop(self) -> None:
        """Stop listening and abort the answers in flight, within about a second. A second call does nothing."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await close_runner(runner)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()


async def _listen(runner: web.AppRunner, port: int) -> int:
    try:
        await runner.setup()
        listener = web.TCPSite(runner, _HOST, port, backlog=BACKLOG)
        await listener.start()
    except BaseException:
        await runner.cleanup()
        raise
    return listener.port


def _check_numbers(life: float | None, port: int, check_delay: float) -> None:
    if life is not None and not 0 < life < math.inf:
        raise InvalidInput(name="life", problem=f"{life!r} is not a number of seconds above 0")
    if not 0 <= port <= _MAX_PORT:
        raise InvalidInput(name="port", problem=f"{port!r} is not between 0 and {_MAX_PORT}")
    if not 0 <= check_delay < math.inf:
        raise InvalidInput(name="check_delay", problem=f"{check_delay!r} is not a number of seconds")
