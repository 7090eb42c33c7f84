"""Renews a session by a request of its site's own, without a browser."""

from collections.abc import Awaitable, Callable

from aura_browser.errors import AuraError, SessionRefused
from aura_browser.keeping.counters import Counters
from aura_browser.keeping.events import log_event
from aura_browser.keeping.live_session import LiveSession
from aura_browser.session import Session

RefreshBySite = Callable[[Session], Awaitable[Session]]
"""Renews a session by a request, and returns it as proven. It limits its own time."""


class Refresher:
    """Renews a session by a request. A session that the site does not renew is not tried again.

    Args:
        refresh: sends the request.
        live: knows the end of the site's sessions.
        counters: counts renewals.
        clock: returns epoch seconds.
    """

    def __init__(
        self, refresh: RefreshBySite, *, live: LiveSession, counters: Counters, clock: Callable[[], float]
    ) -> None:
        self._refresh = refresh
        self._live = live
        self._counters = counters
        self._clock = clock
        self._refused: Session | None = None

    async def try_refresh(self, session: Session, cause: str) -> Session | None:
        """Return *session* as the site renews it; None if it does not.

        Args:
            session: the session.
            cause: why it is renewed, for counters and events.
        """
        if session == self._refused:
            return None
        began = self._clock()
        try:
            renewed = self._live.correct(await self._refresh(session))
        except SessionRefused as error:
            self._refused = session
            log_event("refresh_refused", origin=session.origin, cause=cause, mark=error.mark)
            return None
        except AuraError as error:
            log_event("refresh_failed", origin=session.origin, cause=cause, error=type(error).__name__)
            return None
        self._counters.refreshes += 1
        self._counters.renewals[cause] = self._counters.renewals.get(cause, 0) + 1
        seconds, fingerprint = self._clock() - began, renewed.fingerprint
        log_event("refreshed", origin=session.origin, cause=cause, seconds=seconds, session=fingerprint)
        return renewed
