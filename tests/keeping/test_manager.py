"""The manager: one harvest for all, renewal by value, cool-down, rotation."""

import asyncio
import gc
import logging
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import msgspec
import pytest
from yarl import URL

from aura_browser.errors import (
    AuraError,
    HarvestCoolingDown,
    InteractionRequired,
    LoginNeeded,
    NotReady,
    SessionLocked,
    SessionRefused,
    SiteFailed,
    StoreError,
)
from aura_browser.keeping.manager import SessionManager
from aura_browser.session import Session
from aura_browser.site import page_site
from aura_browser.store import Lease, MemoryStore, SessionKey
from tests.parts.clock import Clock
from tests.parts.sessions import make_cookie, make_session
from tests.parts.waiting import eventually

KEY = SessionKey("http://127.0.0.1:8080")
URL_ = URL("http://127.0.0.1:8080/api/chat")
FAILURE = NotReady("http://127.0.0.1:8080/", 503, 60.0, ("selector:x",))


class Browser:
    """A harvest that waits until it is let go, and counts."""

    def __init__(self, clock: Clock) -> None:
        self.count = 0
        self.under_way = 0
        self.error: AuraError | None = None
        self.go = asyncio.Event()
        self.go.set()
        self._clock = clock

    async def __call__(self) -> Session:
        self.count += 1
        self.under_way += 1
        assert self.under_way == 1, "two harvests at once"
        try:
            await self.go.wait()
            if self.error is not None:
                raise self.error
            cookie = make_cookie(value=f"v{self.count}")
            return make_session(cookies=(cookie,), harvested_at=self._clock.now + self.count / 1000)
        finally:
            self.under_way -= 1


class House:
    """A manager and all that it stands on."""

    def __init__(self, store: MemoryStore | None = None, *, opens_window: bool = False) -> None:
        self.open_proof = False
        self.clock = Clock()
        self.browser = Browser(self.clock)
        self.store = store or MemoryStore()
        self.refused: set[str] = set()
        self.manager = SessionManager(
            page_site(KEY.origin),
            self.store,
            KEY,
            harvest=self.browser,
            prove=self.prove,
            clock=self.clock,
            opens_window=opens_window,
        )

    async def prove(self, session: Session) -> Session:
        """Find a session good unless its value is among the refused ones."""
        if self.value(session) in self.refused:
            raise SessionRefused(session.origin, 401, "status 401", "")
        proof = "open" if self.open_proof else "distinguished"
        return msgspec.structs.replace(session, proof=proof, verified_at=self.clock.now)

    async def proven(self) -> Session:
        """Return a first session that the site has accepted."""
        session = await self.manager.get()
        self.manager.answers.accept(session, [], URL_)
        return session

    def value(self, session: Session) -> str:
        return session.cookies[0].value


@asynccontextmanager
async def open_house(store: MemoryStore | None = None, *, opens_window: bool = False) -> AsyncIterator[House]:
    house = House(store, opens_window=opens_window)
    try:
        yield house
    finally:
        await house.manager.aclose()


async def test_one_harvest_serves_any_number_of_callers() -> None:
    async with open_house() as house:
        house.browser.go.clear()
        callers = [asyncio.create_task(house.manager.get()) for _ in range(100)]
        await asyncio.sleep(0)
        house.browser.go.set()
        assert {house.value(session) for session in await asyncio.gather(*callers)} == {"v1"}
        assert (house.browser.count, house.manager.counters.waits) == (1, 100)


@pytest.mark.parametrize("status", [404, 503])
async def test_a_persons_login_is_kept_where_the_site_fails_as_it_is_asked(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    async def harvest() -> Session:
        return make_session(is_login=is_login)

    async def prove(_: Session) -> Session:
        raise SiteFailed(KEY.origin, status, "no answer")

    is_login, store = True, MemoryStore()
    async with aclosing(SessionManager(page_site(KEY.origin), store, KEY, harvest=harvest, prove=prove)) as manager:
        assert (await manager.get()).proof == "unproven"
        assert "The login is kept, but nothing proves it yet" in caplog.text
        assert await store.load(KEY) is not None
    is_login = False
    other = SessionManager(page_site(KEY.origin), MemoryStore(), KEY, harvest=harvest, prove=prove)
    async with aclosing(other):
        with pytest.raises(SiteFailed):
            await other.get()


async def test_a_cached_session_opens_no_browser() -> None:
    async with open_house() as house:
        cached = make_session()
        await house.store.save(KEY, cached)
        assert await house.manager.get() == cached
        assert house.browser.count == 0


async def test_a_cached_session_that_is_over_is_not_used() -> None:
    async with open_house() as house:
        await house.store.save(KEY, make_session(expires_at=house.clock.now))
        house.refused.add("s3cret+/==")
        assert house.value(await house.manager.get()) == "v1"
        assert house.manager.counters.renewals == {"over": 1}


async def test_a_probable_end_that_the_site_knows_nothing_of_costs_one_probe_and_no_browser() -> None:
    async with open_house() as house:
        cookies = (make_cookie(), make_cookie("helper", expires=house.clock.now))
        await house.store.save(KEY, make_session(cookies=cookies, expires_at=house.clock.now))
        for _ in range(5):
            session = await house.manager.get()
        assert [cookie.name for cookie in session.cookies] == ["sid"]
        assert (house.browser.count, house.manager.counters.proofs) == (0, {"distinguished": 1})


async def test_renewing_compares_values() -> None:
    async with open_house() as house:
        first = await house.proven()
        second = await house.manager.renew(first)
        assert house.value(second) == "v2"
        # Late callers whose requests went out with the first one get the second, not a third.
        assert await house.manager.renew(first) is second
        assert house.browser.count == 2


async def test_concurrent_renewals_are_one() -> None:
    async with open_house() as house:
        first = await house.proven()
        renewed = await asyncio.gather(*(house.manager.renew(first) for _ in range(50)))
        assert {house.value(session) for session in renewed} == {"v2"}
        assert house.browser.count == 2


async def test_a_newer_session_in_the_store_is_taken_without_a_browser() -> None:
    async with open_house() as house:
        first = await house.manager.get()
        neighbour = make_session(
            cookies=(make_cookie(value="neighbour"),), harvested_at=first.harvested_at + 1, proof="distinguished"
        )
        await house.store.save(KEY, neighbour)
        assert house.value(await house.manager.renew(first)) == "neighbour"
        assert house.browser.count == 1


async def test_an_older_session_in_the_store_is_not() -> None:
    async with open_house() as house:
        first = await house.proven()
        old = make_session(harvested_at=first.harvested_at - 1)
        assert await house.store.swap(KEY.slug, await house.store.read(KEY.slug), old.to_json().encode())
        assert house.value(await house.manager.renew(first)) == "v2"


async def test_cancelling_the_first_caller_hurts_no_other() -> None:
    async with open_house() as house:
        house.browser.go.clear()
        first, second = (asyncio.create_task(house.manager.get()) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        house.browser.go.set()
        assert house.value(await second) == "v1"


async def test_a_harvest_goes_on_when_every_caller_was_cancelled() -> None:
    async with open_house() as house:
        house.browser.go.clear()
        caller = asyncio.create_task(house.manager.get())
        await asyncio.sleep(0)
        caller.cancel()
        house.browser.go.set()
        assert house.value(await house.manager.get()) == "v1"
        assert house.browser.count == 1


async def test_a_harvest_that_fails_when_every_caller_was_cancelled_is_no_unretrieved_error() -> None:
    reported: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: reported.append(context))
    async with open_house() as house:
        house.browser.go.clear()
        house.browser.error = FAILURE
        caller = asyncio.create_task(house.manager.get())
        await eventually(lambda: house.browser.under_way)
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
        house.browser.go.set()
        await eventually(lambda: not house.browser.under_way)
        await asyncio.sleep(0)
    gc.collect()
    assert reported == []


async def test_a_failure_reaches_all_and_then_cools_down() -> None:
    async with open_house() as house:
        house.browser.error = FAILURE
        failures = await asyncio.gather(*(house.manager.get() for _ in range(20)), return_exceptions=True)
        assert {type(failure) for failure in failures} == {NotReady}
        assert len({id(failure) for failure in failures}) == 20
        house.clock.now += 29
        with pytest.raises(HarvestCoolingDown, match=r"another 1 s, because the last one failed: .*503"):
            await house.manager.get()
        assert (house.browser.count, house.manager.counters.failures) == (1, 1)
        house.clock.now += 1
        house.browser.error = None
        assert house.value(await house.manager.get()) == "v2"


async def test_a_failed_renewal_keeps_the_session_in_the_store() -> None:
    async with open_house() as house:
        first = await house.proven()
        house.browser.error = FAILURE
        with pytest.raises(NotReady):
            await house.manager.renew(first)
        assert await house.store.load(KEY) == first


async def test_a_session_that_is_given_up_cools_down() -> None:
    async with open_house() as house:
        first = await house.manager.get()
        await house.manager.answers.give_up(first)
        await house.manager.answers.give_up(first)
        with pytest.raises(HarvestCoolingDown, match=r"another 30 s, .*refused the session that it had just given"):
            await house.manager.renew(first)
        assert house.browser.count == 1


async def test_any_kind_of_failure_cools_down() -> None:
    async with open_house() as house:
        house.browser.error = OSError("no such browser")  # type: ignore[assignment]
        with pytest.raises(OSError, match="no such browser"):
            await house.manager.get()
        with pytest.raises(HarvestCoolingDown, match="OSError"):
            await house.manager.get()


async def test_harvests_asked_for_at_once_are_one() -> None:
    async with open_house() as house:
        sessions = await asyncio.gather(*(house.manager.harvest() for _ in range(3)))
        assert {house.value(session) for session in sessions} == {"v1"}
        assert house.value(await house.manager.harvest()) == "v2"


async def test_no_cool_down_where_no_browser_was_started() -> None:
    async with open_house() as house:
        house.browser.error = InteractionRequired("No.", "aura-browser harvest")
        for _ in range(2):
            with pytest.raises(InteractionRequired):
                await house.manager.get()
        assert (house.manager.counters.harvests, house.manager.counters.failures) == (0, 0)


async def test_a_login_page_is_told_again_with_the_command_while_it_cools_down() -> None:
    async with open_house() as house:
        house.browser.error = LoginNeeded(
            f"{KEY.origin}/login", "a password field", "aura-browser harvest --interactive"
        )
        with pytest.raises(LoginNeeded):
            await house.manager.get()
        with pytest.raises(InteractionRequired, match="/login asks for a login") as again:
            await house.manager.get()
        assert again.value.command.startswith("aura-browser harvest")
        assert house.browser.count == 1


async def test_a_rotation_is_folded_in_and_written() -> None:
    async with open_house() as house:
        first = await house.manager.get()
        house.manager.answers.accept(first, ["sid=rotated; Path=/; Max-Age=100"], URL_)
        rotated = await house.manager.get()
        assert (house.value(rotated), rotated.expires_at) == ("rotated", house.clock.now + 100)
        await house.manager.aclose()
        assert await house.store.load(KEY) == rotated
        house.manager.answers.accept(rotated, [], URL_)
        assert (house.browser.count, house.manager.counters.rotations) == (1, 1)


class CountingStore(MemoryStore):
    """Counts what is written."""

    count = 0

    async def swap(self, *args: Any, **options: Any) -> bool:  # noqa: ANN401 - passed on
        self.count += 1
        return await super().swap(*args, **options)


async def test_rotations_that_follow_each_other_are_one_write(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aura_browser.keeping.live_session._DEBOUNCE_S", 3600.0)
    store = CountingStore()
    async with open_house(store) as house:
        session = await house.manager.get()
        before = store.count
        for number in range(3):
            house.manager.answers.accept(session, [f"sid=r{number}; Path=/"], URL_)
            session = await house.manager.get()
            for _ in range(20):  # the writer could begin
                await asyncio.sleep(0)
        await house.manager.aclose()
        assert store.count - before == 1
        assert house.value(await store.load(KEY) or session) == "r2"


async def test_a_write_brings_the_rotations_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aura_browser.keeping.live_session._DEBOUNCE_S", 0.0)
    store = MemoryStore()
    async with open_house(store) as one, open_house(store) as other:
        session = await one.manager.get()
        assert await other.manager.get() == session
        one.manager.answers.accept(session, ["theirs=1; Path=/"], URL_)
        await one.manager.aclose()
        other.manager.answers.accept(session, ["mine=1; Path=/"], URL_)
        live = other.manager._live
        await eventually(
            lambda: live.current is not None and {c.name for c in live.current.cookies} > {"theirs", "mine"}
        )
        assert live.current is not None
        assert live.current.rotation == 2


async def test_a_rotation_of_a_session_that_was_replaced_is_dropped() -> None:
    async with open_house() as house:
        first = await house.proven()
        second = await house.manager.renew(first)
        house.manager.answers.accept(first, ["sid=old; Path=/"], URL_)
        assert await house.manager.get() == second


async def test_a_request_refused_for_an_old_value_gets_the_rotated_one() -> None:
    async with open_house() as house:
        first = await house.manager.get()
        house.manager.answers.accept(first, ["sid=rotated; Path=/"], URL_)
        assert house.value(await house.manager.renew(first)) == "rotated"
        assert house.browser.count == 1


async def test_harvest_opens_a_browser_even_if_a_session_is_cached() -> None:
    async with open_house() as house:
        await house.store.save(KEY, make_session())
        loading = asyncio.create_task(house.manager.get())
        await asyncio.sleep(0)
        assert house.value(await house.manager.harvest()) == "v1"
        assert await loading == make_session()
        assert house.value(await house.manager.get()) == "v1"


class BrokenStore(MemoryStore):
    """A place that can't be used."""

    async def read(self, slug: str) -> bytes | None:
        raise StoreError("/nowhere", "Permission denied.")

    async def swap(self, *_: object, **__: object) -> bool:
        raise StoreError("/nowhere", "Permission denied.")


async def test_a_store_that_cannot_be_used_is_reported_and_does_no_harm(caplog: pytest.LogCaptureFixture) -> None:
    async with open_house(BrokenStore()) as house:
        with caplog.at_level(logging.WARNING):
            assert house.value(await house.manager.get()) == "v1"
        assert "Permission denied. Continuing without the cache." in caplog.text
        assert "Permission denied. The new session is kept in memory for now." in caplog.text
        first = await house.manager.get()
        second = await house.manager.renew(first)
        assert (first.generation, second.generation) == (1, 2)


class LostLease(MemoryStore):
    """A place where another program has the lock by now, and has written its own session."""

    theirs = make_session(cookies=(make_cookie(value="theirs"),), proof="distinguished", generation=9)

    async def swap(self, slug: str, *args: Any, **options: Any) -> bool:  # noqa: ANN401 - passed on
        if slug != KEY.slug:
            return await super().swap(slug, *args, **options)
        self._values[slug] = self.theirs.to_json().encode()
        raise StoreError(slug, "another process has the lock by now.")


async def test_who_lost_the_lock_uses_the_session_of_its_new_holder() -> None:
    async with open_house(LostLease()) as house:
        assert house.value(await house.manager.get()) == "theirs"


class WithoutLock(MemoryStore):
    """A place whose lock can't be had."""

    @asynccontextmanager
    async def lock(self, slug: str, *, wait_s: float) -> AsyncIterator[Lease]:
        if slug == KEY.slug:
            raise StoreError(slug, "no lock.")
        async with super().lock(slug, wait_s=wait_s) as lease:
            yield lease


async def test_who_has_no_lock_uses_the_session_of_a_faster_one() -> None:
    async with open_house(WithoutLock()) as house:
        house.browser.go.clear()
        asking = asyncio.create_task(house.manager.get())
        await eventually(lambda: house.browser.under_way == 1)
        theirs = await house.store.save(KEY, LostLease.theirs)
        house.browser.go.set()
        assert house.value(await asking) == "theirs"
        assert await house.store.load(KEY) == theirs


class LockedStore(MemoryStore):
    """A place whose session no key opens."""

    async def read(self, slug: str) -> bytes | None:
        raise SessionLocked(slug, "no key")


async def test_a_session_that_no_key_opens_is_an_error_and_opens_no_browser() -> None:
    async with open_house(LockedStore()) as house:
        with pytest.raises(SessionLocked):
            await house.manager.get()
        assert house.browser.count == 0


async def test_closing_ends_a_harvest_and_its_callers() -> None:
    house = House()
    house.browser.go.clear()
    caller = asyncio.create_task(house.manager.get())
    await asyncio.sleep(0)
    await house.manager.aclose()
    with pytest.raises(RuntimeError, match="closed while it was in use"):
        await caller
    assert house.browser.under_way == 0


async def test_a_login_that_no_probe_can_tell_costs_one_browser_however_often_it_is_refused() -> None:
    store = MemoryStore()
    async with open_house(store) as house, open_house(store) as other:
        login = await store.save(KEY, make_session(is_login=True, proof="open"))
        for manager, later_s in ((house.manager, 0.0), (house.manager, 3600.0), (other.manager, 3600.0)):
            house.clock.now += later_s
            other.clock.now += later_s
            house.open_proof = other.open_proof = True
            with pytest.raises(InteractionRequired, match="The old session is kept"):
                await manager.renew(await manager.get())
        assert (house.browser.count, other.browser.count) == (1, 0)
        assert await store.load(KEY) == login
        # Another login is another case.
        await store.save(KEY, make_session(is_login=True, cookies=(make_cookie(value="again"),)), replace=True)
        renewed = await house.manager.renew(await house.manager.get())
        assert renewed.cookies[0].value == "again"


async def test_a_window_opens_for_a_login_that_no_browser_without_one_can_replace() -> None:
    store = MemoryStore()
    async with open_house(store) as house, open_house(store, opens_window=True) as window:
        await store.save(KEY, make_session(is_login=True, proof="open"))
        house.open_proof = window.open_proof = True
        for each in (house, window):
            with pytest.raises(InteractionRequired):
                await each.manager.renew(await each.manager.get())
            house.clock.now += 3600.0
            window.clock.now += 3600.0
        assert (house.browser.count, window.browser.count) == (1, 1)


@pytest.mark.slow
async def test_a_window_does_not_wait_for_a_harvest_without_one(caplog: pytest.LogCaptureFixture) -> None:
    store = MemoryStore()
    async with open_house(store) as doomed, open_house(store, opens_window=True) as house:
        doomed.browser.go.clear()
        doomed.browser.error = FAILURE
        waiting = asyncio.create_task(doomed.manager.get())
        await eventually(lambda: doomed.browser.under_way)
        assert house.value(await house.manager.get()) == "v1"
        assert "Another program is renewing the session of http://127.0.0.1:8080. A window opens" in caplog.text
        doomed.browser.go.set()
        with pytest.raises(NotReady):
            await waiting


@pytest.mark.slow
async def test_windows_open_one_after_the_other(caplog: pytest.LogCaptureFixture) -> None:
    store = MemoryStore()
    async with open_house(store, opens_window=True) as first, open_house(store, opens_window=True) as second:
        first.browser.go.clear()
        one = asyncio.create_task(first.manager.get())
        await eventually(lambda: first.browser.under_way)
        other = asyncio.create_task(second.manager.get())
        await eventually(lambda: "Another program has a window open" in caplog.text)
        first.browser.go.set()
        assert await one == await other
        assert (first.browser.count, second.browser.count) == (1, 0)


async def test_a_session_that_is_refused_before_any_is_in_use_is_replaced() -> None:
    async with open_house() as house:
        assert house.value(await house.manager.renew(make_session())) == "v1"
        assert house.manager.counters.renewals == {"refused": 1}


async def test_a_second_session_that_is_given_up_counts_too() -> None:
    async with open_house() as house:
        first = await house.manager.get()
        await house.manager.answers.give_up(first)
        house.clock.now += 30.0
        await house.manager.answers.give_up(await house.manager.renew(first))
        with pytest.raises(HarvestCoolingDown, match="another 60 s"):
            await house.manager.harvest()


async def test_only_a_person_harvests_in_spite_of_a_failure() -> None:
    async with open_house() as house:
        house.browser.error = FAILURE
        with pytest.raises(NotReady):
            await house.manager.get()
        house.browser.error = None
        with pytest.raises(HarvestCoolingDown):
            await house.manager.harvest()
        assert house.value(await house.manager.harvest(despite_cool_down=True)) == "v2"


async def test_a_harvest_that_a_person_asked_for_gives_way_to_no_other() -> None:
    async with open_house() as house:
        await house.store.save(KEY, LostLease.theirs)
        session = await house.manager.harvest(despite_cool_down=True)
        assert house.value(session) == "v1"
        assert await house.store.load(KEY) == session


async def test_a_login_is_replaced_by_what_is_not_proven_only_if_that_is_said() -> None:
    async with open_house() as house:
        login = await house.store.save(KEY, make_session(is_login=True))
        house.open_proof = True
        with pytest.raises(InteractionRequired, match="The old session is kept"):
            await house.manager.harvest()
        assert await house.store.load(KEY) == login
        house.clock.now += 30.0
        for value in ("v2", "v3"):  # in the store, and in use
            assert house.value(await house.manager.harvest(replace=True)) == value


async def test_who_has_no_lock_replaces_the_session_that_was_there_before() -> None:
    async with open_house(WithoutLock()) as house:
        first = await house.proven()
        assert house.value(await house.manager.renew(first)) == "v2"
        assert house.browser.count == 2


async def test_a_rotation_during_a_harvest_is_none_of_its_session() -> None:
    async with open_house() as house:
        first = await house.proven()
        house.browser.go.clear()
        renewing = asyncio.create_task(house.manager.renew(first))
        await eventually(lambda: house.browser.under_way)
        house.manager.answers.accept(first, ["sid=late; Path=/"], URL_)
        house.browser.go.set()
        second = await renewing
        await house.manager.aclose()
        assert house.value(second) == "v2"
        assert await house.store.load(KEY) == second


async def test_a_session_that_was_only_given_or_loaded_is_not_written() -> None:
    store = CountingStore()
    given = SessionManager(
        page_site(KEY.origin), store, KEY, harvest=Browser(Clock()), prove=House().prove, first=make_session()
    )
    await given.aclose()
    assert await store.slugs() == ()
    await store.save(KEY, make_session())
    before = store.count
    async with open_house(store) as house:
        await house.manager.get()
    assert store.count == before


@pytest.mark.parametrize(("cached", "bound"), [(True, "cached"), (False, None)], ids=["there is one", "there is none"])
async def test_loading_opens_no_browser_and_keeps_the_session_in_use(*, cached: bool, bound: str | None) -> None:
    async with open_house() as house:
        if cached:
            await house.store.save(KEY, make_session(cookies=(make_cookie(value="cached"),)))
        loaded = await house.manager.load()
        assert (loaded and house.value(loaded)) == bound
        assert house.manager.current == loaded
        await house.store.save(KEY, make_session(cookies=(make_cookie(value="newer"),)))
        again = await house.manager.load()
        assert again is not None
        assert house.value(again) == ("cached" if cached else "newer")
        assert house.browser.count == 0


async def test_loading_takes_nothing_while_a_harvest_is_under_way() -> None:
    async with open_house() as house:
        house.browser.go.clear()
        asking = asyncio.create_task(house.manager.harvest())
        await eventually(lambda: house.browser.under_way)
        await house.store.save(KEY, make_session())
        assert await house.manager.load() is None
        house.browser.go.set()
        assert house.value(await asking) == "v1"


@pytest.mark.parametrize(
    ("is_open", "is_login", "value"), [(True, True, "v1"), (True, False, "s3cret+/=="), (False, True, "s3cret+/==")]
)
async def test_a_login_that_is_over_is_renewed_where_anybody_gets_the_same_answer(
    *, is_open: bool, is_login: bool, value: str
) -> None:
    async with open_house() as house:
        session = make_session(expires_at=house.clock.now, is_login=is_login)
        await house.store.save(KEY, session)
        house.open_proof = is_open

        async def log_in() -> Session:
            house.open_proof = False
            return await house.browser()

        house.manager._renewal._harvest = log_in
        assert house.value(await house.manager.get()) == value


async def test_a_probe_that_says_nothing_is_asked_once_about_a_session_that_may_be_over() -> None:
    async def prove(session: Session) -> Session:
        return session

    store, clock = MemoryStore(), Clock()
    await store.save(KEY, make_session(expires_at=clock.now))
    manager = SessionManager(page_site(KEY.origin), store, KEY, harvest=Browser(clock), prove=prove, clock=clock)
    sessions = [await manager.get() for _ in range(3)]
    assert sessions[0] == sessions[1] == sessions[2] == manager.find_ready()
    assert manager.counters.proofs == {"unproven": 1}
    await manager.aclose()


async def test_a_proof_asks_the_site_but_for_a_session_that_was_just_harvested() -> None:
    async with open_house() as house:
        assert house.value(await house.manager.prove()) == "v1"
        assert house.manager.counters.proofs == {"distinguished": 1}
        house.clock.now += 5.0
        proven = await house.manager.prove()
        assert (house.value(proven), proven.verified_at) == ("v1", house.clock.now)
        assert house.manager.counters.proofs == {"distinguished": 2}
        house.refused.add("v1")
        assert house.value(await house.manager.prove()) == "v2"
        assert house.manager.counters.proofs == {"distinguished": 3, "refused": 1}


@pytest.mark.parametrize("owns_store", [None, False, True])
async def test_closing_closes_what_belongs_to_it(owns_store: bool | None) -> None:  # noqa: FBT001 - a column
    closed = []

    class ClosingStore(MemoryStore):
        async def aclose(self) -> None:
            closed.append("store")

    async def close() -> None:
        closed.append("pages")

    options: dict[str, Any] = {} if owns_store is None else {"owns_store": owns_store}
    house, store = House(), ClosingStore()
    manager = SessionManager(
        page_site(KEY.origin), store, KEY, harvest=house.browser, prove=house.prove, close=close, **options
    )
    await manager.aclose()
    assert closed == ["pages", *(["store"] if owns_store else [])]


@pytest.mark.parametrize(("left_s", "value"), [(3000.0, "neighbour"), (0.0, "v1")])
async def test_a_neighbours_session_is_taken_unless_it_is_over(left_s: float, value: str) -> None:
    async with open_house() as house:
        end = house.clock.now + left_s
        first = await house.store.save(KEY, make_session(proof="distinguished", expires_at=house.clock.now + 3000.0))
        assert await house.manager.get() == first
        cookies = (make_cookie(value="neighbour"),)
        await house.store.save(KEY, make_session(cookies=cookies, proof="distinguished", expires_at=end))
        assert house.value(await house.manager.renew(first)) == value


async def test_a_guests_session_is_not_taken_in_place_of_a_login() -> None:
    async with open_house() as house:
        login = await house.store.save(KEY, make_session(proof="distinguished"))
        assert await house.manager.get() == login
        guest = make_session(cookies=(make_cookie(value="guest"),), proof="open")
        await house.store.save(KEY, guest, replace=True)
        assert house.value(await house.manager.renew(login)) == "v1"


@pytest.mark.parametrize(("mark", "advice"), [("a password field", "Run: aura-browser harvest"), ("status 401", "")])
async def test_a_new_session_that_meets_a_login_page_names_the_command(mark: str, advice: str) -> None:
    async with open_house() as house:
        house.browser.error = SessionRefused(KEY.origin, 200, mark, "Look.")
        with pytest.raises(SessionRefused) as caught:
            await house.manager.get()
        assert caught.value.advice.startswith("Look.")
        assert ("Run: aura-browser harvest" in str(caught.value)) is bool(advice)


async def test_how_long_a_site_asks_to_be_left_alone_is_heeded() -> None:
    async with open_house() as house:
        house.browser.error = SiteFailed(KEY.origin, 503, "Down", retry_after_s=100.0)
        with pytest.raises(SiteFailed):
            await house.manager.get()
        with pytest.raises(HarvestCoolingDown) as told:
            await house.manager.get()
        assert told.value.retry_after_s == 100.0


@pytest.mark.parametrize(("is_open", "left"), [(False, []), (True, [1])])
async def test_only_a_proven_session_takes_a_failure_off_the_record_of_its_origin(
    *, is_open: bool, left: list[int]
) -> None:
    async def failures() -> list[int]:
        slugs = [slug for slug in await house.store.slugs() if slug.startswith("budget-origin-")]
        records = [msgspec.json.decode(await house.store.read(slug) or b"") for slug in slugs]
        return [len(record["failures"]) for record in records if record["failures"]]

    async with open_house() as house:
        house.browser.error = FAILURE
        with pytest.raises(NotReady):
            await house.manager.get()
        assert await failures() == [1]
        house.clock.now += 30.0
        house.browser.error, house.open_proof = None, is_open
        await house.manager.get()
        assert await failures() == left


class HealingStore(MemoryStore):
    """A place that can't be written to for a while."""

    is_away = False

    async def swap(self, slug: str, *args: Any, **options: Any) -> bool:  # noqa: ANN401 - passed on
        if self.is_away:
            raise StoreError(slug, "it is away.")
        return await super().swap(slug, *args, **options)


@pytest.mark.parametrize("rotates", [False, True])
async def test_what_was_kept_in_memory_is_written_once_the_store_is_back(rotates: bool) -> None:  # noqa: FBT001
    store = HealingStore()
    async with open_house(store) as house, asyncio.timeout(30):
        store.is_away = True
        session = await house.manager.get()
        if rotates:
            house.manager.answers.accept(session, ["sid=rotated; Path=/"], URL_)
            assert not await house.manager._live.write()
        store.is_away = False
        if rotates:
            house.manager.answers.accept(session, ["other=1; Path=/"], URL_)
        await house.manager.aclose()
        stored = await store.load(KEY)
        assert stored is not None
        assert {c.name: c.value for c in stored.cookies} == (
            {"sid": "rotated", "other": "1"} if rotates else {"sid": "v1"}
        )


@pytest.mark.parametrize(
    ("generation", "identity", "kept"), [(0, None, "v1"), (0, "ann", "theirs"), (1, None, "theirs")]
)
async def test_what_was_kept_in_memory_takes_the_place_of_an_older_session_only(
    generation: int, identity: str | None, kept: str
) -> None:
    store = HealingStore()
    async with open_house(store) as house:
        store.is_away = True
        await house.manager.get()
        theirs = msgspec.structs.replace(LostLease.theirs, generation=generation, identity=identity)
        store._values[KEY.slug] = theirs.to_json().encode()
        store.is_away = False
        await house.manager.aclose()
        stored = await store.load(KEY)
        assert stored is not None
        assert house.value(stored) == kept


@pytest.mark.parametrize(("theirs", "last"), [(6000.0, 6000.0), (4000.0, 5000.0), (None, 5000.0)])
async def test_a_write_keeps_the_last_proof_of_both(theirs: float | None, last: float) -> None:
    async with open_house() as house:
        mine = await house.store.save(KEY, make_session(verified_at=5000.0, identity="5000.0"))
        await house.manager.get()
        changed = msgspec.structs.replace(mine, verified_at=theirs, identity=str(theirs), rotated_at=5001.0)
        await house.store.update(KEY, lambda _: changed)
        house.clock.now = 5002.0
        house.manager.answers.accept(mine, ["sid=rotated; Path=/"], URL_)
        await house.manager.aclose()
        stored = await house.store.load(KEY)
        assert stored is not None
        assert (stored.verified_at, stored.identity, house.value(stored)) == (last, str(last), "rotated")
        assert (stored.rotated_at, stored.rotation) == (5002.0, 1)


@pytest.mark.parametrize("opens_window", [False, True])
@pytest.mark.parametrize("spans_machines", [False, True])
async def test_without_the_lock_a_fleet_renews_for_a_person_only(
    *, opens_window: bool, spans_machines: bool, caplog: pytest.LogCaptureFixture
) -> None:
    store = WithoutLock()
    store.spans_machines = spans_machines  # type: ignore[misc] # one class serves both kinds
    async with open_house(store, opens_window=opens_window) as house:
        if spans_machines and not opens_window:
            with pytest.raises(StoreError, match="no lock"):
                await house.manager.get()
            return
        assert house.value(await house.manager.get()) == "v1"
        assert "no lock. Renewing without the lock of other processes." in caplog.text
        assert "Another program" not in caplog.text


async def test_where_no_renewal_may_come_early_one_that_is_needed_still_may() -> None:
    house = House()
    manager = SessionManager(
        page_site(KEY.origin),
        MemoryStore(),
        KEY,
        harvest=house.browser,
        prove=house.prove,
        clock=house.clock,
        renews_early=False,
    )
    first = await manager.get()
    assert house.value(await manager.renew(first)) == "v2"
    await manager.aclose()


async def test_a_harvest_that_is_asked_for_is_none_by_a_request() -> None:
    async def refresh(_session: Session) -> Session:
        raise AssertionError("a browser was asked for")

    house = House()
    manager = SessionManager(
        page_site(KEY.origin),
        MemoryStore(),
        KEY,
        harvest=house.browser,
        prove=house.prove,
        first=make_session(),
        refresh=refresh,
    )
    assert house.value(await manager.harvest()) == "v1"
    await manager.aclose()
