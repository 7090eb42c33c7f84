"""Commands to Chrome and their answers, and its events, for a thread or an event loop."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import count
from threading import Lock
from typing import Any

from aura_browser.webdriver.cdp.messages import Malformed, Message, format_command, parse_message, parse_values
from aura_browser.webdriver.cdp.pipe import Pipe, PipeClosed


class CdpError(Exception):
    """A command has no answer that can be used."""


class CommandRefused(CdpError):
    """Chrome refused the command.

    Attributes:
        code: JSON-RPC's.
        reason: Chrome's own words.
    """

    def __init__(self, method: str, code: int, reason: str) -> None:
        super().__init__(f"{method}: {reason} ({code})")
        self.code = code
        self.reason = reason


class CommandTimedOut(CdpError):
    """Chrome did not answer in time."""

    def __init__(self, method: str, timeout_s: float) -> None:
        super().__init__(f"{method}: no answer within {round(timeout_s, 2):g} s")


class ConnectionLost(CdpError):
    """There is no connection to Chrome any more; the message says why."""


@dataclass(slots=True)
class _Waiting:
    """A command that was sent and not answered."""

    method: str
    session: str
    answer: Future[dict[str, Any]]


OnEvent = Callable[[Message], None]
"""Called with an event in a thread of the connection; must be quick, and may send commands."""


class Connection:
    """A connection to one Chrome. All methods may be used from any thread; only :meth:`join` blocks.

    It must be started, so that whoever gets its events has it by then.

    Args:
        reader: the file descriptor that Chrome's messages come from; closed by this object.
        writer: the file descriptor that commands go to; closed by this object.
        on_event: called with each event, in the order in which they come.
        on_end: called once when the connection has ended, in a thread of the connection.
    """

    def __init__(
        self, reader: int, writer: int, *, on_event: OnEvent, on_end: Callable[[], None] = lambda: None
    ) -> None:
        self._on_event = on_event
        self._on_end = [on_end]
        self._numbers = count(1)
        self._waiting: dict[int, _Waiting] = {}
        self._lock = Lock()
        self._lost = ""
        self._pipe = Pipe(reader, writer, on_message=self._take, on_end=self._end)

    def start(self) -> None:
        """Begin to send and to receive."""
        self._pipe.start()

    def send(
        self, method: str, params: Mapping[str, object] | None = None, *, session: str = ""
    ) -> Future[dict[str, Any]]:
        """Send a command; the future gets its result, or a :class:`CdpError`.

        Args:
            method: such as ``Target.getTargets``.
            params: its values; None for none.
            session: the flat session that it is for; empty for the browser itself.
        """
        waiting = _Waiting(method, session, Future())
        number = next(self._numbers)
        with self._lock:
            lost = self._lost
            if not lost:
                self._waiting[number] = waiting
        if lost:
            waiting.answer.set_exception(ConnectionLost(lost))
            return waiting.answer
        try:
            self._pipe.send(format_command(number, method, params or {}, session))
        except PipeClosed as error:
            self._fail(number, ConnectionLost(str(error)))
        return waiting.answer

    async def ask(
        self, method: str, params: Mapping[str, object] | None = None, *, session: str = "", timeout_s: float
    ) -> dict[str, Any]:
        """Send a command and wait for its result, in an event loop. Arguments as for :meth:`send`.

        Args:
            method: as there.
            params: as there.
            session: as there.
            timeout_s: how long to wait, in seconds.

        Raises:
            CdpError: if there is none.
        """
        answer = asyncio.wrap_future(self.send(method, params, session=session))
        try:
            async with asyncio.timeout(timeout_s):
                return await answer
        except TimeoutError:
            raise CommandTimedOut(method, timeout_s) from None

    def fail_session(self, session: str, error: Exception) -> None:
        """Have the commands that wait for an answer of *session* fail with *error*."""
        with self._lock:
            numbers = [number for number, waiting in self._waiting.items() if waiting.session == session]
        for number in numbers:
            self._fail(number, error)

    def when_lost(self, tell: Callable[[], None]) -> None:
        """Call *tell* once when the connection has ended, in a thread of the connection; at once if it has already."""
        with self._lock:
            is_lost = bool(self._lost)
            if not is_lost:
                self._on_end.append(tell)
        if is_lost:
            tell()

    def close(self) -> None:
        """End the connection. A Chrome that was started with it ends, too."""
        self._pipe.close()

    def join(self) -> None:
        """Wait for a moment until the connection has ended, after Chrome has."""
        self._pipe.join()

    def _take(self, data: bytes) -> None:
        if self._lost:
            return
        try:
            message = parse_message(data)
            if message.id is None:
                self._on_event(message)
            else:
                self._answer(message.id, message)
        except Malformed as error:
            self._end(str(error))
            self._pipe.close()

    def _answer(self, number: int, message: Message) -> None:
        result = parse_values(message.result)
        waiting = self._take_waiting(number)
        if waiting is None:
            return
        if message.error is None:
            waiting.answer.set_result(result)
        else:
            waiting.answer.set_exception(CommandRefused(waiting.method, message.error.code, message.error.message))

    def _fail(self, number: int, error: Exception) -> None:
        waiting = self._take_waiting(number)
        if waiting is not None:
            waiting.answer.set_exception(error)

    def _take_waiting(self, number: int) -> _Waiting | None:
        """Return the command with this number, whose future is to be set now; None if nobody waits for it."""
        with self._lock:
            waiting = self._waiting.pop(number, None)
        if waiting is None or not waiting.answer.set_running_or_notify_cancel():
            return None
        return waiting

    def _end(self, reason: str) -> None:
        with self._lock:
            self._lost = self._lost or reason
            numbers = list(self._waiting)
            told, self._on_end = self._on_end, []
        for number in numbers:
            self._fail(number, ConnectionLost(reason))
        for each in told:
            each()
