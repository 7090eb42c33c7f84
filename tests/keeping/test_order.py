"""The order of sessions is their generation, whatever clocks say."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from yarl import URL

from aura_browser.cli.sessions.catalogue import remove
from aura_browser.errors import StoreError
from aura_browser.keeping.budget import HarvestBudget
from aura_browser.keeping.live_session import is_newer
from aura_browser.keeping.manager import SessionManager
from aura_browser.session import Session
from aura_browser.session.replacement import refuse_replacement
from aura_browser.site import page_site
from aura_browser.store import FileStore, MemoryStore, SessionKey
from tests.parts.clock import Clock
from tests.parts.sessions import make_cookie, make_session, take_as_it_is

KEY = SessionKey("http://127.0.0.1:8080")
AHEAD = [3600.0, 365 * 86400.0]


@pytest.mark.parametrize("ahead_s", AHEAD)
async def test_a_session_of_a_machine_whose_clock_is_ahead_is_renewed(ahead_s: float) -> None:
    clock, store = Clock(), MemoryStore()

    async def harvest() -> Session:
        return make_session(cookies=(make_cookie(value="new"),), harvested_at=clock.now)

    old = await store.save(KEY, make_session(harvested_at=clock.now + ahead_s, verified_at=clock.now + ahead_s))
    manager = SessionManager(page_site(KEY.origin), store, KEY, harvest=harvest, prove=take_as_it_is, clock=clock)
    renewed = await manager.renew(await manager.get())
    assert renewed.cookies[0].value == "new"
    assert is_newer(renewed, old)
    assert renewed.harvested_at < old.harvested_at
    neighbour = SessionManager(page_site(KEY.origin), store, KEY, harvest=harvest, prove=take_as_it_is, first=old)
    assert await neighbour.renew(old) == renewed
    assert neighbour.counters.harvests == 0
    await neighbour.aclose()
    await manager.aclose()
    assert await store.load(KEY) == renewed


@pytest.mark.parametrize("ahead_s", AHEAD)
async def test_a_session_of_a_machine_whose_clock_was_behind_is_taken(ahead_s: float) -> None:
    clock, store = Clock(), MemoryStore()
    old = await store.save(KEY, make_session(harvested_at=clock.now))

    async def harvest() -> Session:
        raise AssertionError("the neighbour's is newer")

    manager = SessionManager(page_site(KEY.origin), store, KEY, harvest=harvest, prove=take_as_it_is, clock=clock)
    first = await manager.get()
    cookies = (make_cookie(value="neighbours"),)
    newer = await store.save(KEY, make_session(cookies=cookies, harvested_at=clock.now - ahead_s))
    assert (await manager.renew(first), newer.generation) == (newer, old.generation + 1)
    await manager.aclose()


async def test_a_rotation_is_not_written_over_another_harvest() -> None:
    """Not even over one of a lower generation: a person may have removed the session and logged in anew."""
    store = MemoryStore()
    first = make_session(generation=7, proof="distinguished")
    await store.save(KEY, first)
    manager = SessionManager(page_site(KEY.origin), store, KEY, harvest=never, prove=take_as_it_is)
    used = await manager.get()
    assert await store.swap(KEY.slug, await store.read(KEY.slug), None)
    anew = await store.save(KEY, make_session(cookies=(make_cookie(value="anew"),), harvested_at=9.0, is_login=True))
    manager.answers.accept(used, ["sid=rotated; Path=/"], URL(f"{KEY.origin}/"))
    await manager.aclose()
    assert await store.load(KEY) == anew
    assert manager.current is not None
    assert manager.current.cookies[0].value == "rotated"


async def test_a_session_that_was_given_is_followed_by_no_older_one_of_the_store() -> None:
    store, clock = MemoryStore(), Clock()
    await store.save(KEY, make_session())

    async def harvest() -> Session:
        return make_session(cookies=(make_cookie(value="new"),), harvested_at=clock.now)

    given = make_session(generation=5, harvested_at=1.0)
    manager = SessionManager(
        page_site(KEY.origin), store, KEY, harvest=harvest, prove=take_as_it_is, clock=clock, first=given
    )
    assert (await manager.renew(given)).cookies[0].value == "new"
    await manager.aclose()


@pytest.mark.parametrize("ahead_s", AHEAD)
async def test_a_wrong_clocks_retry_after_holds_nobody_back(ahead_s: float) -> None:
    clock, store = Clock(), MemoryStore()
    wrong = HarvestBudget(store, KEY, clock=lambda: clock.now + ahead_s)
    await wrong.record_failure("slow down", retry_after_s=60.0)
    budget = HarvestBudget(store, KEY, clock=clock)
    await budget.check()
    await budget.record_failure("slow down", retry_after_s=60.0)
    clock.now += 60.0
    await budget.check(is_personal=True)


@pytest.mark.parametrize(
    ("old", "new", "may"),
    [
        ({"proof": "distinguished"}, {"proof": "open"}, False),
        ({"proof": "distinguished"}, {"proof": "unproven", "is_login": True}, False),
        ({"proof": "distinguished"}, {"proof": "distinguished"}, True),
        ({"proof": "distinguished", "identity": "ann"}, {"proof": "distinguished", "identity": "bob"}, False),
        ({"proof": "distinguished", "identity": "ann"}, {"proof": "distinguished"}, False),
        ({"proof": "distinguished", "identity": "ann"}, {"proof": "unproven", "identity": "ann"}, True),
        ({"is_login": True}, {"proof": "open"}, False),
        ({"is_login": None}, {"proof": "unproven"}, False),
        ({"is_login": True}, {"is_login": True}, True),
        ({"proof": "open"}, {"proof": "unproven"}, True),
    ],
)
def test_which_session_may_replace_which(old: dict[str, Any], new: dict[str, Any], may: bool) -> None:  # noqa: FBT001 - a column
    assert (not refuse_replacement(make_session(**old), make_session(**new))) is may


async def never() -> Session:
    raise AssertionError("no browser is needed")


def test_generations_decide() -> None:
    old = make_session(harvested_at=1e12, generation=1)
    new = make_session(harvested_at=1.0, generation=2)
    assert is_newer(new, old)
    assert not is_newer(old, new)
    assert is_newer(msgspec.structs.replace(old, rotation=1), old)
    assert not is_newer(old, msgspec.structs.replace(old, rotation=1))
    assert not is_newer(old, old)
    assert not is_newer(old, msgspec.structs.replace(old, proof="open"))
    twin = make_session(harvested_at=3.0, generation=1)
    assert is_newer(twin, old)
    assert is_newer(old, twin)


async def test_a_login_that_follows_a_removal_is_adopted_though_its_count_began_anew(tmp_path: Path) -> None:
    async def harvest() -> Session:
        raise AssertionError("the new login is there")

    store, clock = FileStore(tmp_path), Clock()
    for number in range(3):
        login = make_session(
            cookies=(make_cookie(value=f"old{number}"),), proof="distinguished", harvested_at=1000.0 + number
        )
        old = await store.save(KEY, login)
    manager = SessionManager(page_site(KEY.origin), store, KEY, harvest=harvest, prove=take_as_it_is, clock=clock)
    assert await manager.get() == old
    await remove(store, [KEY.slug])
    login = make_session(cookies=(make_cookie(value="new"),), proof="distinguished", is_login=True)
    login = await FileStore(tmp_path).save(KEY, login)
    assert login.generation < old.generation
    assert await manager.renew(old) == login
    assert (manager.counters.harvests, manager.counters.adopted) == (0, 1)
    await manager.aclose()


async def test_what_the_store_held_before_is_not_adopted_for_its_lower_count() -> None:
    class ReadOnly(MemoryStore):
        """A store that holds a session, and takes no other."""

        async def swap(self, slug: str, *_args: object, **_options: object) -> bool:
            raise StoreError(slug, "it is full.")

    store, clock, count = ReadOnly(), Clock(), 0

    async def harvest() -> Session:
        nonlocal count
        count += 1
        return make_session(cookies=(make_cookie(value=f"v{count}"),), harvested_at=2000.0 + count)

    stored = make_session(generation=5)
    store._values[KEY.slug] = stored.to_json().encode()
    manager = SessionManager(page_site(KEY.origin), store, KEY, harvest=harvest, prove=take_as_it_is, clock=clock)
    session = await manager.get()
    for number in (1, 2):
        session = await manager.renew(session)
        assert session.cookies[0].value == f"v{number}"
    await manager.aclose()
