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

_MAX_REMEMBERED: Final = 256


class Doubt:
    """Asks the probe about a session, once at a time.

    Args:
        prove: asks the site.
        counters: counts the results.

    Attributes:
        proven: the session as the last proof returned it, or None.
    """

    def __init__(self, prove: Prove, counters: Counters) -> None:
        self.proven: Session | None = None
        self._prove = prove
        self._counters = counters
        self._asking: dict[tuple[object, ...], asyncio.Task[Opinion]] = {}
        self._harmless: dict[tuple[tuple[int, float], str], None] = {}
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

    async def ask(self, session: Session) -> Opinion:
        """Return what the probe says of *session*; all who ask at once share one probe."""
        value = (*session.lineage, session.rotation)
        task = self._asking.get(value)
        if task is None:
            task = asyncio.ensure_future(self._ask(session))
            self._asking[value] = task
            task.add_done_callback(lambda _task: self._asking.pop(value, None))
        return await asyncio.shield(task)

    async def belongs_to_caller(self, session: Session, mark: str, place: str) -> bool:
        """Return whether a suspect response says nothing about *session*, so that it is the caller's.

        Args:
            session: as it was sent.
            mark: what in the response is suspect.
            place: the method and address that were asked.
        """
        redirect = (session.lineage, f"{place} {mark}")
        if redirect in self._harmless:
            return True
        self._counters.suspects += 1
        opinion = await self.ask(session)
        if opinion == "refused":
            return False
        if opinion != "good":
            self._warn(session, mark)
        if " to " in mark:
            # A good session is redirected there too; whatever ends it leads elsewhere.
            self._remember(redirect)
        return True

    async def aclose(self) -> None:
        """End the probes under way."""
        tasks = list(self._asking.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _ask(self, session: Session) -> Opinion:
        try:
            proven = await self.prove(session)
        except SessionRefused:
            return "refused"
        except AuraError as error:
            _log.info("The probe of %s says nothing: %s", session.origin, error)
            return "unknown"
        self.proven = proven
        return "good" if proven.proof == "distinguished" else "open"

    def _count(self, result: str) -> None:
        self._counters.proofs[result] = self._counters.proofs.get(result, 0) + 1

    def _remember(self, redirect: tuple[tuple[int, float], str]) -> None:
        if len(self._harmless) >= _MAX_REMEMBERED:
            self._harmless.pop(next(iter(self._harmless)))
        self._harmless[redirect] = None

    def _warn(self, session: Session, mark: str) -> None:
        if not self._has_warned:
            self._has_warned = True
            _log.warning(
                "%s answered with %s, which may mean that the session has ended. Nothing proves it: give the site a "
                "probe, a request that it answers differently without a login. The response is returned as it is.",
                session.origin,
                mark,
            )
