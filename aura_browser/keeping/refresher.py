"""Renews a session by a request of its site's own, without a browser."""

from collections.abc import Awaitable, Callable
from typing import Final

from aura_browser.errors import AnswerTimeout, AuraError, ConnectionFailed, RateLimited, SessionRefused, SiteFailed
from aura_browser.keeping.budget import HarvestBudget
from aura_browser.keeping.counters import Counters
from aura_browser.keeping.events import log_event
from aura_browser.keeping.ledger import limit_hold
from aura_browser.keeping.live_session import LiveSession
from aura_browser.session import Session

_PAUSE_S: Final = 30.0  # where a site does not say for how long it is to be left alone

RefreshBySite = Callable[[Session], Awaitable[Session]]
"""Renews a session by a request, and returns it as proven. It limits its own time."""


class Refresher:
    """Renews a session by a request. A session that the site does not renew is not tried again.

    Args:
        refresh: sends the request.
        live: knows the end of the site's sessions.
        counters: counts renewals.
        clock: returns epoch seconds.
        budget: knows, with all users of the store, when the site is to be left alone; None where no browser may be
            opened.
    """

    def __init__(
        self,
        refresh: RefreshBySite,
        *,
        live: LiveSession,
        counters: Counters,
        clock: Callable[[], float],
        budget: HarvestBudget | None,
    ) -> None:
        self._budget = budget
        self._refresh = refresh
        self._live = live
        self._counters = counters
        self._clock = clock
        self._refused: Session | None = None
        self._limited_url = ""
        self._held_until = 0.0

    async def try_refresh(self, session: Session, cause: str) -> Session | None:
        """Return *session* as the site renews it; None if it does not.

        Args:
            session: the session.
            cause: why it is renewed, for counters and events.

        Raises:
            RateLimited: 429.
            ConnectionFailed, AnswerTimeout, SiteFailed: if the site is away: with 502, 503 or 504.
            HarvestCoolingDown: if the site said so before, and is not to be asked again yet.
        """
        if session == self._refused:
            return None
        await self._check_hold()
        began = self._clock()
        try:
            renewed = self._live.correct(await self._refresh(session))
        except SessionRefused as error:
            self._refused = session
            log_event("refresh_refused", origin=session.origin, cause=cause, mark=error.mark)
            return None
        except RateLimited as error:  # a browser would be limited too
            await self._hold(error)
            log_event("refresh_failed", origin=session.origin, cause=cause, error=type(error).__name__)
            raise
        except AuraError as error:
            log_event("refresh_failed", origin=session.origin, cause=cause, error=type(error).__name__)
            if _is_away(error):  # a browser would find the site no better, and the login is not over
                raise
            return None
        self._counters.refreshes += 1
        self._counters.renewals[cause] = self._counters.renewals.get(cause, 0) + 1
        seconds, fingerprint = self._clock() - began, renewed.fingerprint
        log_event("refreshed", origin=session.origin, cause=cause, seconds=seconds, session=fingerprint)
        return renewed

    async def _check_hold(self) -> None:
        if self._budget is not None:
            await self._budget.check_hold()
        elif (left_s := self._held_until - self._clock()) > 0:
            raise RateLimited(self._limited_url, left_s)

    async def _hold(self, error: RateLimited) -> None:
        held_s = error.retry_after_s or _PAUSE_S
        if self._budget is not None:
            await self._budget.hold(str(error), held_s)
        self._limited_url, self._held_until = error.url, self._clock() + limit_hold(held_s)


def _is_away(error: AuraError) -> bool:
    return isinstance(error, ConnectionFailed | AnswerTimeout) or (isinstance(error, SiteFailed) and error.is_away)
