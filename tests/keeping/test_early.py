"""A session of a fixed length in a browser that keeps it: the early harvest brings the same one back."""

import asyncio
from itertools import pairwise

import msgspec
import pytest

from aura_browser.errors import NotReady, SessionRefused
from aura_browser.keeping.manager import SessionManager
from aura_browser.session import Session
from aura_browser.site import page_site
from aura_browser.store import MemoryStore, SessionKey
from tests.parts.clock import Clock
from tests.parts.sessions import make_cookie, make_session

KEY = SessionKey("http://127.0.0.1:8080")
LIFE_S = 60.0
HARVEST_S = 3.0


class KeptProfile:
    """A browser that stays logged in at a site that ends each session after a minute, and only then begins another."""

    def __init__(self, clock: Clock) -> None:
        self.began: list[float] = []
        self._clock = clock
        self._issued_at = clock.now

    async def __call__(self) -> Session:
        self.began.append(self._clock.now)
        if self.end <= self._clock.now:
            self._issued_at = self._clock.now
        value, ends = f"v{self._issued_at}", self.end
        self._clock.now += HARVEST_S
        cookie = make_cookie(value=value, http_only=True, expires=ends)
        return make_session(cookies=(cookie,), expires_at=ends, harvested_at=self._clock.now)

    @property
    def end(self) -> float:
        return self._issued_at + LIFE_S

    async def prove(self, session: Session) -> Session:
        if not self.takes(session):
            raise SessionRefused(session.origin, 401, "status 401", "")
        return msgspec.structs.replace(session, proof="distinguished", verified_at=self._clock.now)

    def takes(self, session: Session) -> bool:
        return (session.expires_at or 0.0) > self._clock.now and session.cookies[0].value == f"v{self._issued_at}"


@pytest.mark.parametrize("step_s", [0.5, 1.0, 2.5])
async def test_an_early_harvest_that_brings_the_same_session_costs_nothing(step_s: float) -> None:
    clock = Clock()
    profile = KeptProfile(clock)
    manager = SessionManager(
        page_site(KEY.origin), MemoryStore(), KEY, harvest=profile, prove=profile.prove, clock=clock
    )
    end = clock.now + 10 * LIFE_S
    requests = 0
    while clock.now < end:
        session = await manager.get()
        if not profile.takes(session):  # as a request that is answered 401
            session = await manager.renew(session)
        assert profile.takes(session)
        requests += 1
        if manager._flights.task is not None:  # an early harvest, beside the requests
            await asyncio.wait([manager._flights.task])
        clock.now += step_s
    await manager.aclose()
    assert requests > 100
    # One needed harvest for each session, and at most one early one: it is not asked again before the end.
    lives = 10 * LIFE_S / LIFE_S + 1
    assert len(profile.began) <= 2 * lives
    assert "early" not in manager.counters.renewals
    assert [slug for slug in await manager._store.slugs() if slug.startswith("budget-")] == []


async def test_an_early_harvest_under_way_at_the_end_forbids_no_needed_one() -> None:
    """It began before the end, brings the old session after it, and its proof is refused."""
    clock = Clock()
    profile = KeptProfile(clock)
    manager = SessionManager(
        page_site(KEY.origin), MemoryStore(), KEY, harvest=profile, prove=profile.prove, clock=clock
    )
    first = await manager.get()
    clock.now = profile.end - 1.0
    assert await manager.get() == first  # begins the early harvest
    renewed = await manager.renew(first)
    assert profile.takes(renewed)
    assert manager.counters.renewals == {"missing": 1, "refused": 1}
    counts = [slug for slug in await manager._store.slugs() if slug.startswith("budget-")]
    assert all(slug.startswith("budget-origin-optional-") for slug in counts), counts  # holds back optional ones only
    await manager.aclose()


async def test_after_an_early_harvest_that_failed_the_next_one_waits() -> None:
    clock = Clock()
    profile = KeptProfile(clock)
    tries: list[float] = []

    async def harvest() -> Session:
        if not profile.began:
            return await profile()
        tries.append(clock.now)
        raise NotReady(KEY.origin, 503, 60.0, ("selector:x",))

    manager = SessionManager(
        page_site(KEY.origin), MemoryStore(), KEY, harvest=harvest, prove=profile.prove, clock=clock, cool_down_s=2.0
    )
    first = await manager.get()
    clock.now = profile.end - 15.0
    while clock.now < profile.end:
        assert await manager.get() == first  # the session at hand is good
        if manager._flights.task is not None:
            await asyncio.wait([manager._flights.task])
        clock.now += 0.25
    await manager.aclose()
    assert len(tries) > 2
    for one, other in pairwise(tries):
        wait_s = max(2.0, (profile.end - one) / 2)  # the cool-down, or half of what is left
        assert wait_s <= other - one < wait_s + 0.25
