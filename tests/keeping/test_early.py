"""A session of a fixed length in a browser that keeps it: the early harvest brings the same one back."""

import asyncio
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from yarl import URL

from aura_browser.errors import NotReady, SessionRefused
from aura_browser.keeping.lifetime import Due
from aura_browser.keeping.manager import SessionManager
from aura_browser.session import Session
from aura_browser.site import page_site
from aura_browser.store import MemoryStore, SessionKey
from tests.parts.clock import Clock
from tests.parts.sessions import make_cookie, make_session, take_as_it_is

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


class RotatingSite:
    """A site that ends each session 1,000 seconds after its login, and sets another cookie with each answer."""

    life_s = 1000.0

    def __init__(self, clock: Clock, *, slides: bool = False) -> None:
        self._clock = clock
        self._slides = slides
        self._answers = 0
        self.end = 0.0

    async def harvest(self) -> Session:
        self.end = self._clock.now + self.life_s
        cookie = make_cookie("sid", "first", http_only=True, expires=self.end)
        return make_session(cookies=(cookie,), expires_at=self.end, harvested_at=self._clock.now)

    async def prove(self, session: Session) -> Session:
        return msgspec.structs.replace(session, proof="distinguished", verified_at=self._clock.now)

    def answer(self) -> str:
        self._answers += 1
        if self._slides:
            self.end = self._clock.now + self.life_s
        left_s = round(self.end - self._clock.now)  # what a site says is to the second
        return f"sid={self._answers}; Path=/; HttpOnly; Max-Age={left_s}"


async def use_for_a_life(site: RotatingSite, clock: Clock, *, every_s: float) -> SessionManager:
    """Use a session until after its first end, as a client does, and return its manager."""
    manager = SessionManager(
        page_site(KEY.origin), MemoryStore(), KEY, harvest=site.harvest, prove=site.prove, clock=clock
    )
    end = clock.now + site.life_s
    while clock.now < end:
        session = await manager.get()
        manager.answers.accept(session, [site.answer()], URL(f"{KEY.origin}/api"))
        if manager._flights.task is not None:
            await asyncio.wait([manager._flights.task])
        clock.now += every_s
    await manager.aclose()
    return manager


@pytest.mark.parametrize("every_s", [10.3, 40.7, 120.1])
async def test_a_session_that_is_rotated_with_each_answer_is_renewed_before_its_end(every_s: float) -> None:
    clock = Clock()
    manager = await use_for_a_life(RotatingSite(clock), clock, every_s=every_s)
    assert manager.counters.renewals == {"missing": 1, "early": 1}


async def test_a_rotation_shortens_no_life_for_those_who_ask_again() -> None:
    clock = Clock()
    site = RotatingSite(clock)
    manager = SessionManager(
        page_site(KEY.origin), MemoryStore(), KEY, harvest=site.harvest, prove=site.prove, clock=clock
    )
    manager._flights._jitter = 1.0
    session = await manager.get()
    clock.now = site.end - 200.0
    manager.answers.accept(session, [site.answer()], URL(f"{KEY.origin}/api"))
    rotated = manager.current
    assert rotated is not None
    dues = []
    for left_s in (200.0, 151.0, 150.0, 149.0):
        clock.now = site.end - left_s
        dues.append(manager._flights.find_due(rotated))
    assert dues == [Due.NO, Due.NO, Due.SOON, Due.SOON]
    await manager.aclose()


async def test_a_session_whose_end_each_answer_puts_off_is_not_renewed() -> None:
    clock = Clock()
    manager = await use_for_a_life(RotatingSite(clock, slides=True), clock, every_s=500.3)
    assert manager.counters.renewals == {"missing": 1}


async def test_a_session_whose_end_is_put_off_a_little_each_time_is_not_renewed() -> None:
    """The life that counts is from the last time that the end was put off: here it is short, and so is the window."""
    clock = Clock()
    site = RotatingSite(clock, slides=True)
    manager = await use_for_a_life(site, clock, every_s=0.7)
    assert manager.counters.renewals == {"missing": 1}
    assert manager.current is not None
    clock.now = (manager.current.expires_at or 0.0) - 200.0
    assert manager.find_ready() is not None


async def test_who_had_an_older_session_waits_for_no_early_harvest() -> None:
    clock, goes_on = Clock(), asyncio.Event()
    site = RotatingSite(clock)
    goes_on.set()

    async def harvest() -> Session:
        await goes_on.wait()
        return await site.harvest()

    manager = SessionManager(page_site(KEY.origin), MemoryStore(), KEY, harvest=harvest, prove=site.prove, clock=clock)
    older = await manager.get()
    manager.answers.accept(older, [site.answer()], URL(f"{KEY.origin}/api"))
    goes_on.clear()
    clock.now = site.end - 1.0
    assert not manager._flights.is_optional
    newer = await manager.get()  # begins the early harvest
    assert await manager.get() == newer  # and no other
    assert manager._flights.is_optional
    assert not manager.is_renewing
    async with asyncio.timeout(10):
        assert await manager.renew(older) == newer
    assert manager._flights.is_optional
    assert newer != older
    goes_on.set()
    await manager.aclose()


def open_manager(session: Session, clock: Clock, **options: Any) -> SessionManager:  # noqa: ANN401 - passed on
    """Return a manager that uses *session*, and has to do without a browser unless one is given."""
    given = {"harvest": never, "prove": take_as_it_is, "store": MemoryStore(), **options}
    return SessionManager(page_site(KEY.origin), key=KEY, clock=clock, first=session, **given)


async def never() -> Session:
    raise AssertionError("no browser is needed")


def lasting(life_s: float, clock: Clock, **facts: Any) -> Session:  # noqa: ANN401 - passed on
    return make_session(harvested_at=clock.now, expires_at=clock.now + life_s, **facts)


async def test_a_fleet_renews_at_many_times_that_are_near_each_other() -> None:
    clock = Clock()
    managers = [open_manager(lasting(1000.0, clock), clock) for _ in range(100)]
    ready = []
    for left_s in (181.0, 160.0, 119.0):
        clock.now = 6000.0 - left_s
        ready.append(sum(manager.find_ready() is not None for manager in managers))
    assert ready[0] == 100
    assert 0 < ready[1] < 100
    assert ready[2] == 0


async def test_each_session_is_due_at_its_own_time() -> None:
    clock = Clock()
    manager = open_manager(lasting(1000.0, clock), clock)
    session = manager.find_ready()
    assert session is not None
    manager.answers.accept(session, ["sid=short; Path=/; Max-Age=4"], URL(f"{KEY.origin}/api"))
    clock.now += 3.0
    assert manager.current is not None
    assert manager.current.expires_at == clock.now + 1.0
    assert manager.find_ready() is None
    await manager.aclose()


async def test_a_slow_harvest_begins_earlier_by_the_slowest_that_was_seen() -> None:
    clock, takes_s = Clock(), [200.0, 10.0]

    async def harvest() -> Session:
        clock.now += takes_s.pop(0)
        return lasting(1000.0, clock, cookies=(make_cookie(value=str(len(takes_s))),))

    manager = open_manager(lasting(1.0, clock), clock, harvest=harvest)
    for ahead_s in (400.0, 320.0):  # two harvests; the second was quick, which says little of the next
        session = await manager.harvest()
        dues = []
        for left_s in (ahead_s + 1.0, ahead_s):
            clock.now = (session.expires_at or 0.0) - left_s
            dues.append(manager._flights.find_due(session))
        assert dues == [Due.NO, Due.SOON]
    await manager.aclose()


@pytest.mark.parametrize(("later_s", "is_taken"), [(0.0, False), (2.0, False), (100.0, True)])
async def test_before_an_end_only_a_neighbours_session_that_ends_later_is_taken(
    later_s: float,
    is_taken: bool,  # noqa: FBT001 - a column
) -> None:
    clock, store, harvests = Clock(), MemoryStore(), list[float]()

    async def harvest() -> Session:
        harvests.append(clock.now)
        raise NotReady(KEY.origin, 503, 60.0, ("selector:x",))

    session = lasting(1000.0, clock)
    theirs = lasting(1000.0 + later_s, clock, cookies=(make_cookie(value="theirs"),), generation=1)
    await store.save(KEY, theirs)
    manager = open_manager(session, clock, store=store, harvest=harvest)
    clock.now += 999.0
    assert await manager.get() == session
    assert manager._flights.task is not None
    await asyncio.wait([manager._flights.task])
    assert manager.current == (theirs if is_taken else session)
    assert len(harvests) == (not is_taken)
    await manager.aclose()


@pytest.mark.parametrize(
    ("value", "end", "proof", "is_taken"),
    [
        ("old", 7000.0, "distinguished", False),
        ("new", 6000.0, "distinguished", False),
        ("new", 6000.1, "distinguished", True),
        ("new", None, "distinguished", True),
        ("new", 7000.0, "open", False),
    ],
)
async def test_what_an_early_harvest_brings_is_taken_if_it_is_better(
    value: str,
    end: float | None,
    proof: str,
    is_taken: bool,  # noqa: FBT001 - a column
) -> None:
    clock = Clock()

    async def harvest() -> Session:
        cookies = (make_cookie(value=value),)
        return make_session(cookies=cookies, harvested_at=clock.now, expires_at=end, proof=proof)

    old = lasting(1000.0, clock, cookies=(make_cookie(value="old"),), proof="distinguished")
    manager = open_manager(old, clock, harvest=harvest)
    clock.now += 999.0
    await manager.get()
    assert manager._flights.task is not None
    await asyncio.wait([manager._flights.task])
    assert (await manager.get() != old) is is_taken
    assert manager.counters.renewals == ({"early": 1} if is_taken else {})
    await manager.aclose()


@pytest.mark.parametrize("refreshes", [False, True])
async def test_where_no_browser_may_open_early_only_a_request_renews_early(refreshes: bool) -> None:  # noqa: FBT001
    clock = Clock()

    async def refresh(_session: Session) -> Session:
        return lasting(1000.0, clock, cookies=(make_cookie(value="refreshed"),))

    old = lasting(1000.0, clock)
    manager = open_manager(old, clock, renews_early=False, refresh=refresh if refreshes else None)
    clock.now += 999.0
    assert await manager.get() == old
    assert (manager._flights.task is not None) is refreshes
    if manager._flights.task is not None:
        await asyncio.wait([manager._flights.task])
    assert manager.counters.refreshes == refreshes
    await manager.aclose()
