"""Doubt about a session: the site's probe is asked once for all who have it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final, Literal

from aura_browser.errors import AuraError, SessionRefused
from aura_browser.keeping.counters import Counters
from aura_browser.session import Session

_log = logging.getLogger(__name__)

Prove = Callable[[Session], Awaitable[Session]]
"""Sends a session to its site and returns it with what was proven; raises the error for the site's response."""

Opinion = Literal["good", "open", "unknown", "refused"]
"""What the probe says of a session: the site takes it, takes anybody, gives no answer, or refuses it."""

Keep = Callable[[Session, Session], None]
"""Is called with a session that was asked about, and with what its proof returned."""

_OPINIONS: Final[dict[str, Opinion]] = {"distinguished": "good", "open": "open", "unproven": "unknown"}
_MAX_REMEMBERED: Final = 256
_HARMLESS_S: Final = 60.0
_PATIENCE_S: Final = 15.0  # a request waits for it


class Doubt:
    """Asks the probe about a session, once at a time.

    Args:
        prove: asks the site.
        keep: is called with each result that says something.
        counters: counts the results.
        clock: returns epoch seconds.
    """

    def __init__(self, prove: Prove, keep: Keep, counters: Counters, clock: Callable[[], float]) -> None:
        self._prove = prove
        self._keep = keep
        self._counters = counters
        self._clock = clock
        self._asking: tuple[Session, asyncio.Task[Opinion]] | None = None
        self._harmless: dict[tuple[tuple[int, float], str], float] = {}  # until when
        self._has_warned = False

    async def prove(self, session: Session) -> Session:
        """Return *session* as proven, and count the result. Errors as those of ``prove``."""
        try:
            proven = await self._prove(session)
        except SessionRefused:
            self._count("refused")
            raise
        self._count(proven.proof)
        return proven

    async def ask(self, session: Session, *, base: Session | None = None) -> Opinion:
        """Return what the probe says of *session*. One probe runs at a time, and all who ask meanwhile share it.

        Args:
            session: the session, or what *base* would be with a doubtful answer's cookies.
            base: the session in use in that case. What a good answer brings is kept; another value's answer says
                nothing about it.
        """
        while True:
            about, task = self._asking or self._begin(session, base)
            opinion = await _share(task)
            if about.lineage == session.lineage:
                is_alive = opinion == "good" and base is None
                if is_alive or about.cookies == session.cookies:
                    return opinion

    async def belongs_to_caller(self, session: Session, mark: str, place: str) -> bool:
        """Return whether a suspect response says nothing about *session*, so that it is the caller's.

        Args:
            session: as it was sent.
            mark: what in the response is suspect.
            place: the request and where it leads, with the queries: a front controller has one path for all pages.
        """
        redirect = (session.lineage, f"{place} {mark}")
        if self._clock() < self._harmless.get(redirect, 0.0):
            return True
        self._counters.suspects += 1
        opinion = await self.ask(session)
        if opinion == "refused":
            return False
        if opinion != "good":
            self._warn(session, mark)
        if " to " in mark and opinion != "unknown":
            # A good session is redirected there too; what ends it leads elsewhere, or there later.
            self._remember(redirect)
        return True

    async def aclose(self) -> None:
        """End the probe under way."""
        if self._asking is not None:
            _, task = self._asking
            task.cancel()
            await asyncio.wait([task])

    def _begin(self, session: Session, base: Session | None) -> "tuple[Session, asyncio.Task[Opinion]]":
        self._asking = session, asyncio.ensure_future(self._ask(session, base))
        self._asking[1].add_done_callback(self._end)
        return self._asking

    def _end(self, _task: "asyncio.Task[Opinion]") -> None:
        self._asking = None

    async def _ask(self, session: Session, base: Session | None) -> Opinion:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                proven = await self.prove(session)
        except SessionRefused:
            return "refused"
        except (AuraError, TimeoutError) as error:
            reason = str(error) or f"no answer within {_PATIENCE_S:.0f} s"
            _log.info("The probe of %s says nothing: %s", session.origin, reason)
            return "unknown"
        if proven.proof == "distinguished" or (proven.proof == "open" and base is None):
            self._keep(base or session, proven)
        return _OPINIONS[proven.proof]

    def _count(self, result: str) -> None:
        self._counters.proofs[result] = self._counters.proofs.get(result, 0) + 1

    def _remember(self, redirect: tuple[tuple[int, float], str]) -> None:
        self._harmless.pop(redirect, None)
        if len(self._harmless) >= _MAX_REMEMBERED:
            self._harmless.pop(next(iter(self._harmless)))
        self._harmless[redirect] = self._clock() + _HARMLESS_S

    def _warn(self, session: Session, mark: str) -> None:
        if not self._has_warned:
            self._has_warned = True
            _log.warning(
                "%s answered with %s, which may mean that the session has ended. Nothing proves it: give the site a "
                "probe, a request that it answers differently without a login. The response is returned as it is.",
                session.origin,
                mark,
            )


async def _share(task: "asyncio.Task[Opinion]") -> Opinion:
    """Return the result of a task that belongs to no caller; a caller that is cancelled does not end it.

    Raises:
        RuntimeError: if the task was ended by a close.
    """
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        caller = asyncio.current_task()
        if task.cancelled() and caller is not None and not caller.cancelling():
            raise RuntimeError("the session manager was closed while it was in use") from None
        raise
