"""Doubt about a session: one bounded probe for all who have it, and a login that is over opens few browsers."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest
from yarl import URL

from aura_browser.assembly import assemble
from aura_browser.errors import (
    AuraError,
    ConnectionFailed,
    HarvestCoolingDown,
    InteractionRequired,
    SessionRefused,
    SiteFailed,
)
from aura_browser.keeping import doubt
from aura_browser.keeping.doubt import Prove
from aura_browser.keeping.manager import SessionManager
from aura_browser.session import Session
from aura_browser.session.cookie_store import fold_set_cookies
from aura_browser.site import page_site
from aura_browser.store import MemoryStore, SessionKey
from tests.parts.clock import Clock
from tests.parts.sessions import make_cookie, make_session

KEY = SessionKey("http://127.0.0.1:8080")
URL_ = URL("http://127.0.0.1:8080/admin")
LOGIN = make_session(proof="distinguished", is_login=True)
COMMAND = page_site(KEY.origin).login_command()


class Probe:
    """A site's probe that waits until it is let go, and counts."""

    def __init__(self) -> None:
        self.count = 0
        self.under_way = 0
        self.go = asyncio.Event()
        self.go.set()
        self.set_cookies: list[str] = []
        self.is_refused = False
        self.error: AuraError | None = None

    async def __call__(self, session: Session) -> Session:
        self.count += 1
        self.under_way += 1
        assert self.under_way == 1, "two probes at once"
        try:
            await self.go.wait()
        finally:
            self.under_way -= 1
        if self.error is not None:
            raise self.error
        if self.is_refused:
            raise SessionRefused(session.origin, 401, "status 401", "")
        cookies = fold_set_cookies(session.cookies, self.set_cookies, URL_, 0.0)
        return msgspec.structs.replace(session.with_cookies(cookies), proof="distinguished")


@asynccontextmanager
async def managing(
    prove: Prove, *harvests: Session, store: MemoryStore | None = None, clock: Clock | None = None
) -> AsyncIterator[SessionManager]:
    """Manage a person's login; the browser brings *harvests*, one after the other."""
    left = list(harvests)

    async def harvest() -> Session:
        return left.pop(0)

    site, store = page_site(KEY.origin), store or MemoryStore()
    await store.save(KEY, LOGIN)
    manager = SessionManager(site, store, KEY, harvest=harvest, prove=prove, clock=clock or Clock())
    try:
        yield manager
    finally:
        await manager.aclose()


def value(session: Session) -> str:
    return "".join(cookie.value for cookie in session.cookies)


async def test_a_cancelled_caller_ends_no_probe_of_the_others() -> None:
    probe = Probe()
    async with managing(probe) as manager:
        session = await manager.get()
        probe.go.clear()
        asking = [
            asyncio.create_task(manager.answers.belongs_to_caller(session, "status 403", "GET /")) for _ in range(3)
        ]
        await asyncio.sleep(0)
        asking[0].cancel()
        await asyncio.sleep(0)
        probe.go.set()
        assert await asyncio.gather(*asking[1:]) == [True, True]
        assert probe.count == 1


async def test_closing_ends_a_probe_and_those_who_wait() -> None:
    probe = Probe()
    async with managing(probe) as manager:
        session = await manager.get()
        probe.go.clear()
        asking = asyncio.create_task(manager.answers.belongs_to_caller(session, "status 403", "GET /"))
        await asyncio.sleep(0)
        await manager.aclose()
        with pytest.raises(RuntimeError, match="closed while it was in use"):
            await asking
        assert probe.under_way == 0


async def test_a_probe_that_hangs_is_given_up_and_the_answer_is_the_callers(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(doubt, "_PATIENCE_S", 0.05)
    probe = Probe()
    async with managing(probe) as manager:
        session = await manager.get()
        probe.go.clear()
        with caplog.at_level(logging.WARNING):
            for _ in range(2):
                assert await manager.answers.belongs_to_caller(session, "status 403", "GET /x?token=s3cret")
        assert caplog.text.count("give the site a probe") == 1
        assert "s3cret" not in caplog.text
        assert probe.under_way == 0


async def test_a_probes_own_cookies_are_kept_and_written() -> None:
    """A site that gives another value with each answer takes the last one only."""
    probe, store = Probe(), MemoryStore()
    async with managing(probe, store=store) as manager:
        session = await manager.get()
        probe.set_cookies = ["sid=rotated; Path=/"]
        assert await manager.answers.belongs_to_caller(session, "status 403", "GET /")
        assert value(await manager.get()) == "rotated"
        manager.answers.accept(session, ["other=1; Path=/"], URL_)
    stored = await store.load(KEY)
    assert stored is not None
    assert {cookie.name: cookie.value for cookie in stored.cookies} == {"sid": "rotated", "other": "1"}


async def test_a_suspect_answer_that_sets_the_same_cookies_costs_no_probe() -> None:
    probe = Probe()
    async with managing(probe) as manager:
        session = await manager.get()
        same = [f"{cookie.name}={cookie.value}; Path=/; Max-Age=100" for cookie in session.cookies]
        await manager.answers.accept_doubtful(session, same, URL_)
        assert probe.count == 0
        assert {cookie.expires for cookie in (await manager.get()).cookies} == {manager.clock() + 100}
        await manager.answers.accept_doubtful(session, [], URL_)
        assert (probe.count, manager.counters.rotations) == (0, 1)
        await manager.answers.accept_doubtful(session, ["sid=other; Path=/"], URL_)
        assert (probe.count, manager.counters.rotations) == (1, 2)


async def test_rotations_share_a_probe_that_passes_and_not_one_that_fails() -> None:
    probe = Probe()
    async with managing(probe) as manager:
        first = await manager.get()
        probe.go.clear()
        asking = [asyncio.create_task(manager.answers.belongs_to_caller(first, "status 403", "GET /"))]
        await asyncio.sleep(0)
        manager.answers.accept(first, ["sid=next; Path=/"], URL_)
        second = await manager.get()
        asking += [
            asyncio.create_task(manager.answers.belongs_to_caller(second, "status 403", "GET /")) for _ in range(9)
        ]
        await asyncio.sleep(0)
        probe.go.set()
        assert await asyncio.gather(*asking) == [True] * 10
        assert probe.count == 1
        probe.is_refused = True
        outcomes = await asyncio.gather(
            *(manager.answers.belongs_to_caller(s, "status 403", "GET /") for s in (first, second))
        )
        assert (outcomes, probe.count) == ([False, False], 3)
        assert manager.counters.proofs == {"distinguished": 1, "refused": 2}


@pytest.mark.parametrize("proof", ["open", "unproven"])
async def test_a_login_that_is_over_opens_one_browser_however_often_and_names_the_command(proof: str) -> None:
    async def prove(session: Session) -> Session:
        return msgspec.structs.replace(session, proof=proof)

    guests = [make_session(cookies=(make_cookie(value=f"guest{n}"),), harvested_at=2000.0 + n) for n in range(2)]
    clock = Clock()
    async with managing(prove, *guests, clock=clock) as manager:
        login = await manager.get()
        for _ in range(2):
            storm = await asyncio.gather(*(manager.renew(login) for _ in range(50)), return_exceptions=True)
            assert {type(error) for error in storm} == {InteractionRequired}
            with pytest.raises(InteractionRequired, match="The old session is kept") as again:
                await manager.renew(login)
            assert again.value.command == COMMAND
            clock.now += 31.0
        assert manager.counters.harvests == 1
        assert value(await manager.get()) == value(LOGIN)


async def test_a_cool_down_for_another_reason_is_none_of_a_persons() -> None:
    async def prove(_session: Session) -> Session:
        raise SiteFailed(KEY.origin, 503, "Down")

    async with managing(prove, make_session()) as manager:
        login = await manager.get()
        with pytest.raises(SiteFailed):
            await manager.renew(login)
        with pytest.raises(HarvestCoolingDown):
            await manager.renew(login)


async def test_without_a_browser_the_command_is_named_also_while_others_cool_down() -> None:
    async def harvest() -> Session:
        raise SiteFailed(KEY.origin, 503, "Down")

    store, site = MemoryStore(), page_site(KEY.origin)
    failing = assemble(site, store=store, harvest=harvest)
    with pytest.raises(SiteFailed):
        await failing.get()
    with pytest.raises(HarvestCoolingDown):
        await failing.get()
    for _ in range(2):
        with pytest.raises(InteractionRequired) as caught:
            await assemble(site, store=store, refresh="never").get()
        assert caught.value.command == f"{COMMAND} -o session.json"


async def test_a_login_page_beside_it_takes_no_session_away() -> None:
    """An answer's cookies with other values are taken if the probe passes with them."""
    store = MemoryStore()

    async def prove(session: Session) -> Session:
        if value(session) not in {value(LOGIN), "rotated"}:
            raise SessionRefused(session.origin, 401, "status 401", "")
        return msgspec.structs.replace(session, proof="distinguished")

    async with managing(prove, store=store) as manager:
        session = await manager.get()
        for set_cookie in ("sid=; Path=/; Max-Age=0", "sid=guest; Path=/", "sid=; Path=/"):
            await manager.answers.accept_doubtful(session, [set_cookie], URL_)
            assert value(await manager.get()) == value(LOGIN)
        await manager.answers.accept_doubtful(session, ["sid=rotated; Path=/"], URL_)
        assert value(await manager.get()) == "rotated"
        assert manager.counters.rotations == 1
    stored = await store.load(KEY)
    assert stored is not None
    assert value(stored) == "rotated"


async def test_a_probe_under_way_says_nothing_of_other_cookies() -> None:
    probe = Probe()
    async with managing(probe) as manager:
        session = await manager.get()
        probe.go.clear()
        asking = asyncio.create_task(manager.answers.belongs_to_caller(session, "status 403", "GET /"))
        await asyncio.sleep(0)
        doubtful = asyncio.create_task(manager.answers.accept_doubtful(session, ["sid=guest; Path=/"], URL_))
        await asyncio.sleep(0)
        probe.go.set()
        await asyncio.gather(asking, doubtful)
        assert probe.count == 2


async def test_what_is_remembered_of_redirects_is_bounded() -> None:
    probe = Probe()
    async with managing(probe) as manager:
        session = await manager.get()
        suspects = []
        for number in (*range(257), 256, 1, 0):
            assert await manager.answers.belongs_to_caller(session, "302 to /x", f"GET /{number}")
            suspects.append(manager.counters.suspects)
        assert suspects[-4:] == [257, 257, 257, 258]


async def test_the_cookies_of_an_answer_that_speaks_against_a_login_are_asked_about() -> None:
    probe = Probe()
    async with managing(probe) as manager:
        session = await manager.get()
        assert await manager.answers.passes_with(session, [], URL_) is None
        assert await manager.answers.passes_with(session, [f"sid={value(session)}; Path=/"], URL_) is None
        assert probe.count == 0
        assert await manager.answers.passes_with(session, ["sid=rotated; Path=/"], URL_) is True
        assert value(await manager.get()) == "rotated"
        probe.is_refused = True
        assert await manager.answers.passes_with(session, ["sid=guest; Path=/"], URL_) is False
        assert (value(await manager.get()), probe.count) == ("rotated", 2)


async def test_a_redirect_that_was_harmless_once_is_put_to_the_probe_again_after_a_minute() -> None:
    probe, clock = Probe(), Clock()
    async with managing(probe, clock=clock) as manager:
        session = await manager.get()
        for later_s, count in ((0, 1), (59, 1), (2, 2), (59, 2)):
            clock.now += later_s
            assert await manager.answers.belongs_to_caller(session, "302 to /login", "GET /")
            assert probe.count == count
        probe.is_refused = True
        clock.now += 2
        assert not await manager.answers.belongs_to_caller(session, "302 to /login", "GET /")


async def test_a_redirect_is_put_to_the_probe_again_until_it_has_answered() -> None:
    probe = Probe()
    async with managing(probe) as manager:
        session = await manager.get()
        probe.error = ConnectionFailed("http://a/", "it is away")
        assert await manager.answers.belongs_to_caller(session, "302 to /login", "GET /")
        probe.error = None
        probe.is_refused = True
        assert not await manager.answers.belongs_to_caller(session, "302 to /login", "GET /")


@pytest.mark.parametrize(
    ("proof", "is_refused", "good"),
    [("distinguished", False, True), ("distinguished", True, False), ("open", False, False)],
)
async def test_a_session_is_good_if_its_login_was_proven_and_is_again(
    proof: str,
    is_refused: bool,  # noqa: FBT001 - a column
    good: bool,  # noqa: FBT001 - a column
) -> None:
    probe = Probe()
    async with managing(probe) as manager:
        session = msgspec.structs.replace(await manager.get(), proof=proof)
        probe.is_refused = is_refused
        assert await manager.answers.is_good(session) is good
        assert probe.count == (proof == "distinguished")


@pytest.mark.parametrize(("proof", "is_login", "asks"), [("open", False, 0), ("open", True, 1), ("unproven", False, 1)])
async def test_only_nobodys_session_takes_other_cookies_unasked(proof: str, is_login: bool, asks: int) -> None:  # noqa: FBT001
    probe, store = Probe(), MemoryStore()
    async with managing(probe, store=store) as manager:
        session = await store.save(KEY, make_session(proof=proof, is_login=is_login), replace=True)
        assert await manager.get() == session
        await manager.answers.accept_doubtful(session, ["sid=other; Path=/"], URL_)
        assert (probe.count, value(await manager.get())) == (asks, "other")


@pytest.mark.parametrize(("proof", "is_kept"), [("distinguished", True), ("open", True), ("unproven", False)])
async def test_what_a_probe_proves_is_kept_and_of_other_cookies_only_a_login(
    proof: str,
    is_kept: bool,  # noqa: FBT001 - a column
) -> None:
    at_s = [5.0, 6.0]

    async def prove(session: Session) -> Session:
        return msgspec.structs.replace(session, proof=proof, verified_at=at_s.pop(0))

    store = MemoryStore()
    async with managing(prove, store=store) as manager:
        session = await manager.get()
        assert await manager.answers.belongs_to_caller(session, "status 403", "GET /")
        kept = await manager.get()
        assert (kept.proof, kept.verified_at) == ((proof, 5.0) if is_kept else ("distinguished", None))
        await manager.answers.accept_doubtful(kept, ["sid=guest; Path=/"], URL_)
        last = await manager.get()
        is_login = proof == "distinguished"
        assert (value(last), last.verified_at) == (("guest", 6.0) if is_login else (value(kept), kept.verified_at))
    stored = await store.load(KEY)
    assert stored is not None
    assert (stored.proof, stored.verified_at) == (last.proof, last.verified_at)


async def test_a_proof_is_kept_beside_a_rotation_that_came_meanwhile() -> None:
    go = asyncio.Event()
    found = {
        "proof": "distinguished",
        "evidence": ("200", "401", "asked GET /me"),
        "identity": "ann",
        "is_login": True,
        "probe": "/me",
        "page_requests": ("/x",),
        "dialect": "openai",
        "verified_at": 7.0,
    }

    async def prove(session: Session) -> Session:
        await go.wait()
        cookies = (*session.cookies, make_cookie("seen", "1"))
        return msgspec.structs.replace(session, cookies=cookies, rotated_at=7.0, **found)

    async with managing(prove) as manager:
        session = await manager.get()
        asking = asyncio.create_task(manager.answers.belongs_to_caller(session, "status 403", "GET /"))
        await asyncio.sleep(0)
        manager.answers.accept(session, ["sid=next; Path=/"], URL_)
        go.set()
        await asking
        current = await manager.get()
        assert {name: getattr(current, name) for name in found} == found
        assert {cookie.name: cookie.value for cookie in current.cookies} == {"sid": "next", "seen": "1"}
        assert (current.rotated_at, current.rotation) == (7.0, 2)
