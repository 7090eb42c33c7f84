"""What the answers of a site say of the session that they were asked with."""

from collections.abc import Sequence

from yarl import URL

from aura_browser.keeping.budget import HarvestBudget
from aura_browser.keeping.counters import Counters
from aura_browser.keeping.doubt import Doubt
from aura_browser.keeping.live_session import LiveSession
from aura_browser.session import Session


class Answers:
    """Takes what the site's answers say of the session: new cookies, doubts, and refusals.

    Args:
        live: the session in use.
        doubt: asks the probe.
        budget: counts a session that was refused right after its harvest.
        counters: counts of what was done.
    """

    def __init__(self, live: LiveSession, doubt: Doubt, budget: HarvestBudget, counters: Counters) -> None:
        self._live = live
        self._doubt = doubt
        self._budget = budget
        self._counters = counters
        self._given_up: Session | None = None

    async def belongs_to_caller(self, session: Session, mark: str, place: str) -> bool:
        """Return whether a suspect response is the caller's, as the probe says; see :class:`Doubt`."""
        return await self._doubt.belongs_to_caller(session, mark, place)

    async def is_good(self, session: Session) -> bool:
        """Return whether the probe, where one tells logins apart, takes *session*."""
        return session.proof == "distinguished" and await self._doubt.ask(session) == "good"

    async def give_up(self, refused: Session) -> None:
        """Record that a session was refused right after its harvest: a failed harvest."""
        if self._given_up is None or refused.lineage != self._given_up.lineage:
            self._given_up = refused
            await self._budget.record_failure("the site refused the session that it had just given")

    def accept(self, session: Session, set_cookies: Sequence[str], url: URL, date: str = "") -> None:
        """Record that *url* accepted *session* and answered with these ``Set-Cookie`` headers.

        *date* is the response's ``Date`` header. They are applied to the session in use and saved shortly after, and
        ignored if the session has been replaced since.
        """
        if self._live.accept(session, set_cookies, url, date):
            self._counters.rotations += 1

    async def passes_with(self, session: Session, set_cookies: Sequence[str], url: URL, date: str = "") -> bool | None:
        """Return whether the probe passes with the cookies of a response that speaks against *session*; take them then.

        A site that changes a cookie with each answer takes its old value no more, also after a 403 or a redirect. None
        is returned, and nothing asked, where no cookie has another value or no login is proven.
        """
        rotated, current = self._live.preview(session, set_cookies, url, date), self._live.current
        if rotated is None or current is None:
            return None
        if current.proof != "distinguished" or _has_same_values(rotated, current):
            return None
        return await self._take_if_good(rotated, current)

    async def accept_doubtful(self, session: Session, set_cookies: Sequence[str], url: URL, date: str = "") -> None:
        """Apply the ``Set-Cookie`` headers of a suspect response of *url* that is the caller's; see :meth:`accept`.

        A login page sets an empty session, so cookies with other values are taken only if the probe passes with them.
        """
        rotated, current = self._live.preview(session, set_cookies, url, date), self._live.current
        if rotated is None or current is None:
            return
        is_nobodys = current.proof == "open" and not current.is_protected
        if is_nobodys or _has_same_values(rotated, current):
            self.accept(session, set_cookies, url, date)
        else:
            await self._take_if_good(rotated, current)

    async def _take_if_good(self, rotated: Session, current: Session) -> bool:
        is_good = await self._doubt.ask(rotated, base=current) == "good"
        self._counters.rotations += is_good
        return is_good


def _has_same_values(session: Session, other: Session) -> bool:
    return {(c.identity, c.value) for c in session.cookies} == {(c.identity, c.value) for c in other.cookies}
