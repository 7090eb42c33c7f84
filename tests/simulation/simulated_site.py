"""A site that gives sessions of a fixed life, and is out when told."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Final, Literal

import msgspec
from yarl import URL

from aura_browser.errors import ConnectionFailed, NotReady, SessionRefused
from aura_browser.session import Session
from aura_browser.site import Site, page_site
from tests.parts.sessions import make_cookie, make_session

LIFE_S: Final = 86_400.0
HARVEST_S: Final = (4.0, 8.0, 18.0)  # shortest, usual, longest: 10 s in the mean
VAIN_HARVEST_S: Final = (20.0, 30.0, 40.0)  # one that waits for a page that never is ready
_PROOF_S: Final = 0.2

Outage = Literal["silent", "closed"]
"""``silent``: the site answers nothing. ``closed``: it answers, but lets nobody in, and refuses the sessions of
:attr:`Plan.refuses`."""


@dataclass(frozen=True)
class Plan:
    """What a site does, in seconds since the simulation's begin.

    Attributes:
        rotates: whether each answer sets another value for the session's cookie.
        outage: in what way it is out.
        out: from when until when it is.
        refuses_all: whether an outage ends all sessions, and not only those whose life is over.
    """

    rotates: bool = False
    outage: Outage | None = None
    out: tuple[float, float] = (0.0, 0.0)
    refuses_all: bool = False


class SimulatedSite:
    """One site with its own clock.

    Args:
        origin: its origin.
        clock: returns epoch seconds.
        start: epoch seconds of the simulation's begin.
        chance: how long harvests take.
        plan: what it does.
    """

    def __init__(self, origin: str, clock: Callable[[], float], start: float, chance: Random, plan: Plan) -> None:
        self.site: Site = page_site(origin)
        self._url = URL(f"{origin}/api")
        self._clock = clock
        self._start = start
        self._chance = chance
        self._plan = plan
        self._host = URL(origin).host or ""
        self._rotations = 0

    def make(self, number: int, harvested_at: float) -> Session:
        """Return a session of the account with that number, as a harvest at that time would have brought it."""
        end = harvested_at + LIFE_S
        facts = {"domain": self._host, "secure": True}
        cookies = (
            make_cookie("sid", f"{number}.{harvested_at:.0f}", http_only=True, expires=end, **facts),
            make_cookie("theme", "dark", **facts),
        )
        return make_session(
            self.site.origin,
            cookies=cookies,
            harvested_at=harvested_at,
            expires_at=end,
            verified_at=harvested_at,
            proof="distinguished",
        )

    async def harvest(self, number: int) -> Session:
        """Open a browser, log in, and return the session."""
        if self._is_out():
            await asyncio.sleep(self._draw(VAIN_HARVEST_S))
            raise NotReady(self.site.origin, None, VAIN_HARVEST_S[1], ("a login",))
        await asyncio.sleep(self._draw(HARVEST_S))
        if self._is_out():  # it went out meanwhile
            raise NotReady(self.site.origin, None, HARVEST_S[1], ("a login",))
        return self.make(number, self._clock())

    async def prove(self, session: Session) -> Session:
        """Ask the probe."""
        await asyncio.sleep(_PROOF_S)
        if self.is_silent():
            raise ConnectionFailed(self.site.origin, "Connection refused.")
        if not self.takes(session):
            raise SessionRefused(self.site.origin, 401, "status 401", "")
        return msgspec.structs.replace(session, proof="distinguished", verified_at=self._clock())

    def is_silent(self) -> bool:
        """Return whether it answers nothing now."""
        return self._plan.outage == "silent" and self._is_out()

    def takes(self, session: Session) -> bool:
        """Return whether it takes *session* now."""
        if self._plan.refuses_all and session.harvested_at < self._start + self._plan.out[0] <= self._clock():
            return False
        return session.harvested_at + LIFE_S > self._clock()

    def answer(self, session: Session) -> list[str]:
        """Return the ``Set-Cookie`` headers of its answer to a request with *session*."""
        if not self._plan.rotates:
            return []
        self._rotations += 1
        left = session.harvested_at + LIFE_S - self._clock()
        return [f"sid=r{self._rotations}; Path=/; Secure; HttpOnly; Max-Age={left:.0f}"]

    @property
    def url(self) -> URL:
        """What is asked."""
        return self._url

    def _is_out(self) -> bool:
        begin, end = self._plan.out
        return self._plan.outage is not None and begin <= self._clock() - self._start < end

    def _draw(self, seconds: tuple[float, float, float]) -> float:
        least, usual, most = seconds
        return self._chance.triangular(least, most, usual)
