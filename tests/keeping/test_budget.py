"""How many harvests that do not help a site is worth."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aura_browser.errors import HarvestCoolingDown, StoreError
from aura_browser.keeping.budget import HarvestBudget
from aura_browser.keeping.ledger import Ledger, Record
from aura_browser.keeping.manager import SessionManager
from aura_browser.session import Session
from aura_browser.site import page_site
from aura_browser.store import Lease, MemoryStore, SessionKey, Store
from tests.parts.clock import Clock
from tests.parts.sessions import take_as_it_is

KEY = SessionKey("http://127.0.0.1:8080")
WINDOW_S = 600.0
MOST = 6


class FailingStore(MemoryStore):
    """A store that can be taken out of use."""

    is_away = False

    async def read(self, slug: str) -> bytes | None:
        self._look()
        return await super().read(slug)

    async def swap(
        self,
        slug: str,
        before: bytes | None,
        after: bytes | None,
        *,
        expires_at: float | None = None,
        lease: Lease | None = None,
    ) -> bool:
        self._look()
        return await super().swap(slug, before, after, expires_at=expires_at, lease=lease)

    def _look(self) -> None:
        if self.is_away:
            raise StoreError("nowhere", "Permission denied.")


class FleetStore(FailingStore):
    """One that other machines use."""

    spans_machines: ClassVar[bool] = True


def budget_on(store: Store, clock: Clock) -> HarvestBudget:
    return HarvestBudget(store, KEY, clock=clock, cool_down_s=30.0, max_failures=MOST, window_s=WINDOW_S)


async def wait_s(budget: HarvestBudget) -> float:
    """Return how long the budget asks to wait; 0 if a harvest is allowed."""
    try:
        await budget.check()
    except HarvestCoolingDown as error:
        return error.retry_after_s
    return 0.0


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def test_the_first_harvest_is_allowed(clock: Clock) -> None:
    assert await wait_s(budget_on(MemoryStore(), clock)) == 0.0


async def test_the_wait_doubles_with_each_failure_and_ends_on_time(clock: Clock) -> None:
    budget = budget_on(MemoryStore(), clock)
    for pause in (30.0, 60.0, 120.0, 240.0):
        await budget.record_failure("no")
        assert await wait_s(budget) == pause
        clock.now += pause - 0.25
        assert await wait_s(budget) == 0.25
        clock.now += 0.25
        await budget.begin()  # at that very moment
        await budget.end()


class NotingStore(FailingStore):
    """Notes until when a value has to be kept."""

    kept_until: float | None = None

    async def swap(self, slug: str, *args: Any, **options: Any) -> bool:  # noqa: ANN401 - passed on
        self.kept_until = options["expires_at"]
        return await super().swap(slug, *args, **options)


async def test_failures_are_kept_as_long_as_they_count(clock: Clock) -> None:
    store = NotingStore()
    budget = budget_on(store, clock)
    await budget.record_failure("no")
    assert store.kept_until == clock.now + WINDOW_S
    await budget.record_failure("wait", retry_after_s=2 * WINDOW_S)
    assert store.kept_until == clock.now + 2 * WINDOW_S


async def test_no_wait_is_longer_than_the_window(clock: Clock) -> None:
    budget = budget_on(MemoryStore(), clock)
    for _ in range(50):
        await budget.record_failure("no")
    assert await wait_s(budget) == WINDOW_S


async def test_what_left_the_window_counts_no_more(clock: Clock) -> None:
    budget = budget_on(MemoryStore(), clock)
    await budget.record_failure("no")
    clock.now += WINDOW_S
    await budget.record_failure("no")
    assert await wait_s(budget) == 30.0


async def test_the_reason_is_the_last_failures_and_fit_for_a_terminal(clock: Clock) -> None:
    budget = budget_on(MemoryStore(), clock)
    await budget.record_failure("the first")
    await budget.record_failure("the\x1b[31m\nlast")
    with pytest.raises(HarvestCoolingDown) as caught:
        await budget.check()
    assert caught.value.reason == "the[31m last"


@given(waits=st.lists(st.floats(0.0, 400.0), min_size=10, max_size=60))
@example(waits=[0.0] * 60)
def test_no_sequence_gets_more_than_six_within_the_window(waits: list[float]) -> None:
    """Try whenever the schedule says, always in vain, and whenever the budget's own error says."""
    clock, begun = Clock(), list[float]()

    async def run() -> None:
        budget = budget_on(MemoryStore(), clock)
        for wait in waits:
            clock.now += wait or await wait_s(budget)
            left = await wait_s(budget)
            if left <= 0:
                begun.append(clock.now)
                await budget.record_failure("no")

    asyncio.run(run())
    assert begun
    for first, seventh in zip(begun, begun[MOST:], strict=False):
        # To the rounding of sums of seconds.
        assert seventh - first >= WINDOW_S - 1e-6


@given(gaps=st.lists(st.floats(0.001, 700.0), min_size=1, max_size=12))
def test_the_error_says_exactly_when_the_next_is_allowed(gaps: list[float]) -> None:
    async def run() -> None:
        clock = Clock()
        budget = budget_on(MemoryStore(), clock)
        for gap in gaps:
            clock.now += gap
            await budget.record_failure("no")
        left, failed_at = await wait_s(budget), clock.now
        clock.now = failed_at + left * 0.999
        assert await wait_s(budget) > 0
        clock.now = failed_at + left + 1e-6
        assert await wait_s(budget) == 0.0

    asyncio.run(run())


async def test_two_budgets_on_one_store_share_the_count(clock: Clock) -> None:
    store = MemoryStore()
    one, other = budget_on(store, clock), budget_on(store, clock)
    await one.record_failure("no")
    assert await wait_s(other) == 30.0
    await other.record_failure("no")
    assert await wait_s(one) == 60.0
    await asyncio.gather(*(budget.record_failure("no") for budget in (one, other, one, other)))
    assert await wait_s(one) == await wait_s(other) == WINDOW_S


async def test_each_session_has_its_own_and_an_origin_has_a_ceiling(clock: Clock) -> None:
    store = MemoryStore()
    budgets = [HarvestBudget(store, SessionKey(KEY.origin, name), clock=clock) for name in ("ann", "bob", "cem", "dan")]
    for budget in budgets[:3]:
        assert await wait_s(budgets[3]) == 0.0
        for _ in range(MOST):
            assert await wait_s(budgets[3]) == 0.0
            await budget.record_failure("no")
    assert await wait_s(budgets[3]) == WINDOW_S
    clock.now += WINDOW_S
    assert await wait_s(budgets[3]) == 0.0
    assert await wait_s(HarvestBudget(store, SessionKey("http://127.0.0.1:9090"), clock=clock)) == 0.0


async def test_a_person_is_held_back_by_the_sites_own_limit_only(clock: Clock) -> None:
    store = MemoryStore()
    budget = budget_on(store, clock)
    for _ in range(MOST):
        await budget.record_failure("no")
    await budget.check(is_personal=True)
    await budget.record_failure("slow down", retry_after_s=100.0)
    for each in (budget, HarvestBudget(store, SessionKey(KEY.origin, "bob"), clock=clock)):
        with pytest.raises(HarvestCoolingDown, match="slow down") as held:
            await each.check(is_personal=True)
        assert held.value.retry_after_s == 100.0
    clock.now += 100.0
    await budget.check(is_personal=True)


async def test_a_clock_that_was_set_back_locks_nobody_out(clock: Clock) -> None:
    budget = budget_on(MemoryStore(), clock)
    await budget.record_failure("no")
    clock.now -= 3600
    assert await wait_s(budget) == 0.0
    await budget.record_failure("no")
    assert await wait_s(budget) == 30.0


@pytest.mark.parametrize(
    "data",
    [b"", b"no json", b"[]", b'{"failures": "many"}', b'{"failures": [null]}', b"\xff", b'{"a": ' + b"[" * 99_999],
)
async def test_a_record_that_cannot_be_read_stops_no_harvest_and_is_replaced(data: bytes, clock: Clock) -> None:
    store = MemoryStore()
    budget = budget_on(store, clock)
    await budget.record_failure("no")
    for slug in await store.slugs():
        assert await store.swap(slug, await store.read(slug), data)
    fresh = budget_on(store, clock)
    assert await wait_s(fresh) == 0.0
    await fresh.record_failure("no")
    assert await wait_s(budget_on(store, clock)) == 30.0


async def test_without_the_store_the_count_goes_on_in_the_process(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    store = FailingStore()
    budget = budget_on(store, clock)
    store.is_away = True
    assert await wait_s(budget) == 0.0
    with caplog.at_level(logging.WARNING):
        await budget.record_failure("no")
    assert "Permission denied. The failed harvest is counted in this process only." in caplog.text
    assert await wait_s(budget) == 30.0
    with pytest.raises(HarvestCoolingDown, match="failed: no"):
        await budget.check()
    await budget.record_failure("no")
    assert await wait_s(budget) == 60.0


async def test_what_was_counted_in_the_process_still_counts_when_the_store_is_back(clock: Clock) -> None:
    store = FailingStore()
    budget = budget_on(store, clock)
    store.is_away = True
    await budget.record_failure("no")
    store.is_away = False
    assert await wait_s(budget) == 30.0


async def test_what_the_store_said_last_counts_while_it_is_away(clock: Clock) -> None:
    store = FailingStore()
    await budget_on(store, clock).record_failure("no")
    budget = budget_on(store, clock)
    assert await wait_s(budget) == 30.0
    store.is_away = True
    assert await wait_s(budget) == 30.0


async def test_a_fleet_starts_no_browser_while_its_store_is_away(clock: Clock) -> None:
    store = FleetStore()
    budget = budget_on(store, clock)
    store.is_away = True
    with pytest.raises(StoreError, match="Permission denied"):
        await budget.check()
    await budget.record_failure("a store that is away is no reason to lose the harvest's own error")
    store.is_away = False
    await budget.record_failure("no")
    assert await wait_s(budget) > 0


async def begin_all(
    budgets: list[HarvestBudget], *, is_optional: bool = False
) -> tuple[list[HarvestBudget], list[float]]:
    """Let all begin at once; return those that were allowed, and what the others were told to wait."""
    results = await asyncio.gather(
        *(budget.begin(is_optional=is_optional) for budget in budgets), return_exceptions=True
    )
    told = [result.retry_after_s for result in results if isinstance(result, HarvestCoolingDown)]
    begun = [budget for budget, result in zip(budgets, results, strict=True) if result is None]
    assert len(begun) + len(told) == len(budgets), results
    return begun, told


def budgets_of_many(store: Store, clock: Clock, count: int, *, spread: float = 0.0) -> list[HarvestBudget]:
    keys = [SessionKey(KEY.origin, str(number)) for number in range(count)]
    return [HarvestBudget(store, key, clock=clock, spread=spread) for key in keys]


async def test_at_an_origin_without_failures_any_number_may_begin_at_once(clock: Clock) -> None:
    begun, _ = await begin_all(budgets_of_many(MemoryStore(), clock, 100))
    assert len(begun) == 100


async def test_where_others_failed_no_more_begin_at_once_than_the_origin_may_still_cost(clock: Clock) -> None:
    store = MemoryStore()
    failing, *others = budgets_of_many(store, clock, 40)
    for _ in range(3 * MOST - 3):
        await failing.record_failure("no")
    begun, told = await begin_all(others)
    assert len(begun) == 3
    assert set(told) == {30.0}  # those under way have ended soon


class CountingStore(MemoryStore):
    """A store that counts how often it is read."""

    reads = 0

    async def read(self, slug: str) -> bytes | None:
        self.reads += 1
        return await super().read(slug)


async def test_without_room_the_store_is_asked_once(clock: Clock) -> None:
    store = CountingStore()
    failing, under_way, late = budgets_of_many(store, clock, 3)
    for _ in range(3 * MOST - 1):
        await failing.record_failure("no")
    await under_way.begin()
    store.reads = 0
    with pytest.raises(HarvestCoolingDown):
        await late.begin()
    assert store.reads == 2  # what failed at the origin, and of the session


@pytest.mark.parametrize(("is_optional", "limit"), [(False, 3 * MOST), (True, MOST)])
async def test_a_harvest_under_way_counts_once_when_it_has_failed(
    clock: Clock,
    is_optional: bool,  # noqa: FBT001 - a column
    limit: int,
) -> None:
    store = MemoryStore()
    failing, *others = budgets_of_many(store, clock, 40)
    for _ in range(limit - 3):
        await failing.record_failure("no", is_optional=is_optional)
    begun, _ = await begin_all(others[:2], is_optional=is_optional)
    clock.now += 30.0
    for budget in begun:
        await budget.record_failure("no", is_optional=is_optional)
        await budget.end(is_optional=is_optional)
    assert len((await begin_all(others[2:], is_optional=is_optional))[0]) == 1


async def test_one_that_failed_takes_no_other_off_that_is_under_way(clock: Clock) -> None:
    store = MemoryStore()
    failing, *others = budgets_of_many(store, clock, 40)
    for _ in range(3 * MOST - 4):
        await failing.record_failure("no")
    begun, _ = await begin_all(others[:3])
    await begun[0].record_failure("no")
    assert len((await begin_all(others[3:]))[0]) == 1


async def test_the_last_failure_is_taken_off_too(clock: Clock) -> None:
    store = MemoryStore()
    working, failing, *others = budgets_of_many(store, clock, 40)
    await working.begin()
    await failing.record_failure("no")
    await working.end(is_proven=True)
    assert len((await begin_all(others))[0]) == len(others)


async def test_what_was_counted_in_advance_is_taken_off_though_nothing_else_is_on_record(clock: Clock) -> None:
    store = MemoryStore()
    working, failing, slow, *others = budgets_of_many(store, clock, 40)
    await working.begin()
    await failing.record_failure("no")
    await slow.begin()
    await working.end(is_proven=True)
    await slow.end()
    for _ in range(3 * MOST - 1):
        await failing.record_failure("no")
    assert len((await begin_all(others))[0]) == 1


async def test_the_reason_that_is_told_is_the_sessions_own_or_that_of_its_origin(clock: Clock) -> None:
    store = MemoryStore()
    own, failing, other = budgets_of_many(store, clock, 3)
    for _ in range(MOST):
        await failing.record_failure("in advance", is_optional=True)
    with pytest.raises(HarvestCoolingDown, match="failed: in advance"):
        await other.check(is_optional=True)
    await own.record_failure("its own")
    for _ in range(3 * MOST):
        await failing.record_failure("another's")
    for budget, reason in ((own, "its own"), (other, "another's")):
        for is_optional in (False, True):
            with pytest.raises(HarvestCoolingDown, match=f"failed: {reason}"):
                await budget.check(is_optional=is_optional)


async def test_a_sessions_wait_is_exact_from_when_its_origin_has_room(clock: Clock) -> None:
    store = MemoryStore()
    failing, own = budgets_of_many(store, clock, 2, spread=0.5)
    await failing.record_failure("no")
    clock.now += WINDOW_S - 10.0
    for _ in range(3 * MOST - 2):
        await failing.record_failure("no")
    await own.record_failure("no")
    assert await wait_s(own) == 310.0
    clock.now += 10.0  # the oldest leaves the window
    assert await wait_s(own) == 20.0


async def test_a_failure_ends_no_hold(clock: Clock) -> None:
    budget = budget_on(MemoryStore(), clock)
    await budget.record_failure("slow down", retry_after_s=100.0)
    await budget.record_failure("no")
    assert await wait_s(budget) == 100.0
    with pytest.raises(HarvestCoolingDown):
        await budget.check(is_personal=True)


async def test_a_hold_is_known_in_the_process_where_the_store_is_away(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    store = FailingStore()
    budget = budget_on(store, clock)
    await budget.record_failure("no")
    store.is_away = True
    assert await wait_s(budget) == 30.0, "it was written a moment ago"
    await budget.hold("slow down", 100.0)
    assert "is known to this process only" in caplog.text
    for is_away in (True, False):
        store.is_away = is_away
        assert await wait_s(budget) == 100.0


async def test_a_hold_says_why(clock: Clock) -> None:
    budget = budget_on(MemoryStore(), clock)
    await budget.hold("slow\ndown", 100.0)
    with pytest.raises(HarvestCoolingDown, match="failed: slow down"):
        await budget.check(is_personal=True)


async def test_no_more_than_fifty_failures_are_kept(clock: Clock) -> None:
    store = MemoryStore()
    budget = budget_on(store, clock)
    for _ in range(60):
        await budget.record_failure("no")
    records = [msgspec.json.decode(await store.read(slug) or b"") for slug in await store.slugs()]
    assert [len(record["failures"]) for record in records] == [50, 50]


async def test_what_left_the_window_takes_no_room_of_those_that_begin(clock: Clock) -> None:
    store = MemoryStore()
    failing, crashed, *others = budgets_of_many(store, clock, 40)
    for _ in range(3 * MOST - 1):
        await failing.record_failure("no")
    await crashed.begin()  # and its process is killed
    clock.now += WINDOW_S
    await failing.record_failure("no")
    assert len((await begin_all(others))[0]) == 3 * MOST - 1


async def test_a_harvest_that_says_nothing_of_the_site_counts_no_more_when_it_has_ended(clock: Clock) -> None:
    store = MemoryStore()
    failing, *others = budgets_of_many(store, clock, 40)
    for _ in range(3 * MOST - 1):
        await failing.record_failure("no")
    for _ in range(3):
        begun, _ = await begin_all(others)
        assert len(begun) == 1
        await begun[0].end()


async def test_each_proven_harvest_takes_a_failure_off_until_all_may_begin(clock: Clock) -> None:
    store = MemoryStore()
    failing, *others = budgets_of_many(store, clock, 60)
    for _ in range(3 * MOST - 1):
        await failing.record_failure("no")
    sizes = []
    while others:
        begun, _ = await begin_all(others)
        sizes.append(len(begun))
        for budget in begun:
            await budget.end(is_proven=True)
            others.remove(budget)
    assert sizes == [1, 2, 4, 8, 16, 28]


async def test_a_harvest_that_began_before_the_failures_takes_one_off_too(clock: Clock) -> None:
    store = MemoryStore()
    failing, working, other = budgets_of_many(store, clock, 3)
    await working.begin()
    for _ in range(3 * MOST):
        await failing.record_failure("no")
    assert await wait_s(other) == WINDOW_S
    await working.end(is_proven=True)
    assert await wait_s(other) == 0.0


async def test_optional_failures_hold_back_optional_harvests_only(clock: Clock) -> None:
    store = MemoryStore()
    budgets = budgets_of_many(store, clock, 30)
    for budget in budgets[: MOST - 1]:
        await budget.record_failure("no", is_optional=True)
    begun, told = await begin_all(budgets[MOST:], is_optional=True)
    assert len(begun) == 1
    assert set(told) == {30.0}
    assert len((await begin_all(budgets))[0]) == 30


async def test_what_a_site_asks_for_holds_back_all_even_if_the_harvest_was_optional(clock: Clock) -> None:
    store = MemoryStore()
    one, other = budgets_of_many(store, clock, 2)
    await one.record_failure("slow down", retry_after_s=100.0, is_optional=True)
    assert await wait_s(other) == 100.0


async def test_needed_failures_hold_back_optional_harvests_too(clock: Clock) -> None:
    store = MemoryStore()
    failing, other = budgets_of_many(store, clock, 2)
    for _ in range(3 * MOST):
        await failing.record_failure("no")
    assert (await begin_all([other], is_optional=True))[1] == [WINDOW_S]


async def test_who_waits_for_an_origin_is_told_to_come_later_by_a_share_of_the_window(clock: Clock) -> None:
    store = MemoryStore()
    failing = budgets_of_many(store, clock, 1)[0]
    for _ in range(3 * MOST):
        await failing.record_failure("no")
    for spread in (0.0, 0.25, 0.75):
        other = HarvestBudget(store, SessionKey(KEY.origin, "other"), clock=clock, spread=spread)
        assert await wait_s(other) == WINDOW_S * (1 + spread)
        clock.now += WINDOW_S  # it may, whatever it was told
        assert await wait_s(other) == 0.0
        clock.now -= WINDOW_S


async def test_the_wait_for_a_sites_own_limit_is_spread_by_half_of_it_but_not_for_a_person(clock: Clock) -> None:
    store = MemoryStore()
    budget = HarvestBudget(store, KEY, clock=clock, spread=0.5)
    await budget.record_failure("slow down", retry_after_s=100.0)
    assert await wait_s(budget) == 125.0
    with pytest.raises(HarvestCoolingDown) as held:
        await budget.check(is_personal=True)
    assert held.value.retry_after_s == 100.0
    await budget.record_failure("slow down", retry_after_s=3600.0)
    assert await wait_s(budget) == 3600.0 + 0.5 * WINDOW_S


async def test_a_sessions_own_wait_is_exact_however_others_are_spread(clock: Clock) -> None:
    budget = HarvestBudget(MemoryStore(), KEY, clock=clock, spread=1.0)
    await budget.record_failure("no")
    assert await wait_s(budget) == 30.0


Meanwhile = Callable[[], Awaitable[None]]


class SlowStore(MemoryStore):
    """A store in which another process counts a failure while a harvest is counted in advance."""

    def __init__(self) -> None:
        super().__init__()
        self.meanwhile: Meanwhile | None = None

    async def swap(
        self,
        slug: str,
        before: bytes | None,
        after: bytes | None,
        *,
        expires_at: float | None = None,
        lease: Lease | None = None,
    ) -> bool:
        meanwhile, self.meanwhile = self.meanwhile, None
        done = await super().swap(slug, before, after, expires_at=expires_at, lease=lease)
        if meanwhile is not None:
            await meanwhile()
        return done


@pytest.mark.parametrize("is_optional", [False, True])
async def test_a_failure_of_the_session_in_another_process_meanwhile_is_heeded(
    clock: Clock,
    is_optional: bool,  # noqa: FBT001 - a column
) -> None:
    store = SlowStore()
    failing, other = budgets_of_many(store, clock, 2)
    same = HarvestBudget(store, SessionKey(KEY.origin, "1"), clock=clock)
    await failing.record_failure("no", is_optional=is_optional)
    store.meanwhile = lambda: same.record_failure("its own")
    with pytest.raises(HarvestCoolingDown, match="its own") as held:
        await other.begin(is_optional=is_optional)
    assert held.value.retry_after_s == 30.0
    counts = [slug for slug in await store.slugs() if slug.startswith("budget-origin-")]
    records = [msgspec.json.decode(await store.read(slug) or b"") for slug in counts]
    assert sum(len(record["failures"]) for record in records) == 2
    assert [record["under_way"] for record in records] == [[]] * (1 + is_optional)


async def test_without_the_store_a_harvest_begins_uncounted_but_not_in_a_fleet(clock: Clock) -> None:
    for store in (FailingStore(), FleetStore()):
        failing, other = budgets_of_many(store, clock, 2)
        await failing.record_failure("no")
        await other.check()
        store.is_away = True
        if store.spans_machines:
            with pytest.raises(StoreError, match="Permission denied"):
                await other.begin()
        else:
            await other.begin()
        await other.end(is_proven=True)  # nothing is raised into a harvest that worked


async def test_a_harvest_that_the_end_of_its_program_cancelled_counts_no_more(clock: Clock) -> None:
    store, has_begun = MemoryStore(), asyncio.Event()
    failing, other = budgets_of_many(store, clock, 2)

    async def harvest() -> Session:
        has_begun.set()
        await asyncio.Event().wait()
        raise AssertionError

    for _ in range(3 * MOST - 1):
        await failing.record_failure("no")
    key = SessionKey(KEY.origin, "cancelled")
    manager = SessionManager(
        page_site(KEY.origin), store, key, harvest=harvest, prove=take_as_it_is, clock=clock, renews_early=False
    )
    asking = asyncio.create_task(manager.get())
    await has_begun.wait()
    assert (await begin_all([other]))[1] == [30.0]
    await manager.aclose()
    with pytest.raises(RuntimeError, match="closed"):
        await asking
    assert (await begin_all([other]))[1] == []


@pytest.mark.parametrize(("store", "most"), [(MemoryStore(), 1), (FleetStore(), 30)], ids=["one machine", "fleet"])
async def test_the_sessions_of_a_fleet_are_told_different_times(clock: Clock, store: Store, most: int) -> None:
    """And those of one machine the exact one, which a site's own limit says."""

    async def harvest() -> Session:
        raise AssertionError

    await budget_on(store, clock).record_failure("slow down", retry_after_s=100.0)
    told = set[float]()
    for number in range(30):
        key = SessionKey(KEY.origin, str(number))
        manager = SessionManager(
            page_site(KEY.origin), store, key, harvest=harvest, prove=take_as_it_is, clock=clock, renews_early=False
        )
        with pytest.raises(HarvestCoolingDown) as held:
            await manager.get()
        told.add(held.value.retry_after_s)
        await manager.aclose()
    assert 100.0 <= min(told) <= max(told) <= 150.0
    assert len(told) == most


@pytest.mark.parametrize("failed", [0, 1, 2, 3])
async def test_no_more_are_counted_in_advance_than_there_is_room_for(failed: int, clock: Clock) -> None:
    """Others may have counted theirs since the count was looked at."""
    ledger = Ledger(MemoryStore(), "budget", KEY.slug, clock, WINDOW_S)
    if failed:
        await ledger.add(Record((clock.now,) * failed, "it failed"))
    claims = [await ledger.claim(2) for _ in range(4)]
    assert [claim is not None for claim in claims] == [number < 2 - failed for number in range(4)]
