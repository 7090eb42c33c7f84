"""Watches the requests under way: opens late streams, keeps silent ones alive, ends what takes too long."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import msgspec

from aura_browser.gateway.sending import EventStream
from aura_browser.gateway.wires.problem import Problem

Task = asyncio.Task[Any]


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """How long to wait, in seconds.

    Attributes:
        hold: for the first byte, before a stream is opened without it.
        beat: in silence, before a stream is kept alive.
        stuck: for a client that does not read.
        header: for a request's header, and for the next request on the same connection.
        body: for a request's body.
        stop: for answers under way when the gateway stops.
        tick: between two looks.
    """

    hold: float = 15.0
    beat: float = 15.0
    stuck: float = 60.0
    header: float = 30.0
    body: float = 30.0
    stop: float = 30.0
    tick: float = 0.5


class Running:
    """One request under way.

    Args:
        began_at: when it came.
        task: what answers it.

    Attributes:
        began_at: as given.
        task: as given.
        stream: the response, if it is sent in pieces.
        has_text: whether the answer has begun to come.
        problem: why it was ended here, or None.
        deadline: what ends its task.
    """

    def __init__(self, began_at: float, task: Task | None) -> None:
        self.began_at = began_at
        self.task = task
        self.stream: EventStream | None = None
        self.has_text = False
        self.problem: Problem | None = None
        self.deadline = asyncio.timeout(None)

    def end(self, problem: Problem) -> None:
        """End it with *problem*: its task gets a TimeoutError."""
        if self.problem is None:
            self.problem = problem
            self.deadline.reschedule(0)


class Watch:
    """Looks at all requests under way, again and again.

    Args:
        patience: how long to wait for what.
        waits_for_session: returns whether a task waits for a session that is being harvested.
        clock: returns seconds that only grow.
    """

    def __init__(
        self, patience: Patience, waits_for_session: Callable[[Task], bool], clock: Callable[[], float]
    ) -> None:
        self._patience = patience
        self._waits_for_session = waits_for_session
        self._clock = clock
        self._running: set[Running] = set()
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def count(self) -> int:
        """How many requests are under way."""
        return len(self._running)

    @asynccontextmanager
    async def follow(self) -> AsyncGenerator[Running, None]:
        """Watch one request while the context lasts.

        Raises:
            Problem: if it was ended here and its task did not catch that.
        """
        running = Running(self._clock(), asyncio.current_task())
        self._running.add(running)
        self._idle.clear()
        try:
            async with running.deadline:
                yield running
        except TimeoutError:
            if running.problem is None:
                raise
            raise running.problem from None
        finally:
            self._running.discard(running)
            if not self._running:
                self._idle.set()

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(self._patience.tick)
            for running in list(self._running):
                if running in self._running:  # it may have ended while another was looked at
                    await self._look(running)

    async def wait_until_idle(self) -> None:
        """Wait until no request is under way."""
        await self._idle.wait()

    def end_all(self, problem: Problem) -> None:
        """End all requests under way."""
        for running in self._running:
            running.end(problem)

    async def _look(self, running: Running) -> None:
        now, stream = self._clock(), running.stream
        if stream is None or not stream.is_open:
            await self._look_at_waiting(running, now)
        elif stream.sending_since is not None:
            if now - stream.sending_since >= self._patience.stuck:
                stream.abort()
        elif stream.beats and now - stream.active_at >= self._patience.beat:
            await self._keep_alive(stream)

    async def _look_at_waiting(self, running: Running, now: float) -> None:
        if running.has_text or now - running.began_at < self._patience.hold:
            return
        if running.task is not None and self._waits_for_session(running.task):
            message = "A new session is being harvested; this takes a while. Try again shortly."
            running.end(Problem(503, "harvest_running", message, retry_after_s=5))
        elif running.stream is not None and running.stream.beats:
            await self._keep_alive(running.stream)

    async def _keep_alive(self, stream: EventStream) -> None:
        # A client that has gone is noticed by its request's own task.
        with suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(self._patience.tick):
                await stream.ping()
