"""Structured log events, and that no log line holds a secret."""

import asyncio
import logging
from contextlib import suppress
from typing import Any

import pytest

from aura_browser import AuraClient
from aura_browser.errors import AuraError, HarvestCoolingDown, NotReady, RateLimited, SessionRefused, SiteFailed
from aura_browser.keeping.events import log_event
from aura_browser.keeping.manager import SessionManager
from aura_browser.playground import Playground
from aura_browser.session import Session
from aura_browser.site import page_site
from aura_browser.store import MemoryStore, SessionKey
from tests.parts.clock import Clock
from tests.parts.harvests import Harvests
from tests.parts.sessions import make_cookie, make_session, take_as_it_is

PROMPT = "s3cret prompt of a person"


def facts_of(caplog: pytest.LogCaptureFixture, event: str) -> list[dict[str, Any]]:
    return [record.facts for record in caplog.records if getattr(record, "event", "") == event]  # type: ignore[attr-defined]


def test_an_event_is_one_line_for_people_and_typed_facts_for_programs(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "aura_browser.events"):
        log_event("harvested", origin="http://127.0.0.1", seconds=1.23456, count=3)
    [record] = caplog.records
    assert (record.name, record.levelno) == ("aura_browser.events", logging.INFO)
    assert record.getMessage() == "harvested origin=http://127.0.0.1 seconds=1.23 count=3"
    assert record.event == "harvested"  # type: ignore[attr-defined]
    assert record.facts == {"origin": "http://127.0.0.1", "seconds": 1.23456, "count": 3}  # type: ignore[attr-defined]


def test_an_event_that_nobody_listens_to_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "aura_browser.events"):
        log_event("harvested")
    assert not caplog.records


async def test_a_cycle_of_refusal_renewal_and_rotation_tells_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    values: set[str] = set()

    async def harvest() -> Session:
        session = await log_in()
        values.update(cookie.value for cookie in session.cookies)
        return session

    async with Playground("login-401", sliding=True) as site:
        log_in = Harvests(site)
        with caplog.at_level(logging.DEBUG):
            async with AuraClient(site.origin, store="memory", harvest=harvest) as client:
                for _ in range(2):
                    assert await client.complete(PROMPT) == PROMPT
                    values.update(cookie.value for cookie in (await client.session()).cookies)
                site.revoke_all()
                assert await client.complete(PROMPT) == PROMPT
                values.update(cookie.value for cookie in (await client.session()).cookies)
                counters = client.counters
    assert (counters.refusals, counters.replays, counters.harvests) == (1, 1, 2)
    assert counters.rotations >= 2
    assert [facts["cause"] for facts in facts_of(caplog, "harvested")] == ["missing", "refused"]
    [refused] = facts_of(caplog, "refused")
    assert refused.keys() == {"origin", "session"}
    assert refused["origin"] == site.origin
    assert len(values) >= 4
    logged = "\n".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.records)
    assert [secret for secret in (*values, PROMPT) if secret in logged] == []


async def test_a_failed_harvest_is_told_by_its_kind(caplog: pytest.LogCaptureFixture) -> None:
    async def harvest() -> Session:
        raise NotReady("http://127.0.0.1/", 503, 1.0, ("selector:x",))

    manager = SessionManager(
        page_site("http://127.0.0.1"),
        MemoryStore(),
        SessionKey("http://127.0.0.1"),
        harvest=harvest,
        prove=take_as_it_is,
    )
    with caplog.at_level(logging.INFO):
        with pytest.raises(NotReady):
            await manager.get()
        with pytest.raises(HarvestCoolingDown):
            await manager.get()
    expected = {"origin": "http://127.0.0.1", "cause": "missing", "error": "NotReady"}
    assert facts_of(caplog, "harvest_failed") == [expected]
    await manager.aclose()


async def test_a_neighbours_session_is_told_as_adopted(caplog: pytest.LogCaptureFixture) -> None:
    async def harvest() -> Session:
        raise AssertionError("there is a newer one")

    key, store = SessionKey("http://127.0.0.1:8080"), MemoryStore()
    newer = make_session(harvested_at=2000.0, generation=2)
    await store.save(key, newer)
    old = make_session(harvested_at=1000.0)
    manager = SessionManager(page_site(key.origin), store, key, harvest=harvest, prove=take_as_it_is, first=old)
    with caplog.at_level(logging.INFO):
        assert await manager.renew(old) == newer
    [adopted] = facts_of(caplog, "adopted")
    assert adopted == {"origin": key.origin, "cause": "refused", "session": newer.fingerprint}
    await manager.aclose()


async def test_a_harvest_is_told_with_its_time_and_one_that_was_useless_without_its_session(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = Clock()

    async def harvest() -> Session:
        clock.now += 2.5
        return make_session(cookies=(make_cookie(expires=7000.0),), expires_at=7000.0, harvested_at=5000.0)

    key = SessionKey("http://127.0.0.1:8080")
    manager = SessionManager(
        page_site(key.origin), MemoryStore(), key, harvest=harvest, prove=take_as_it_is, clock=clock
    )
    with caplog.at_level(logging.INFO):
        session = await manager.get()
        clock.now = 6999.0
        await manager.get()
        assert manager._flights.task is not None
        await asyncio.wait([manager._flights.task])
    facts = {"origin": key.origin, "seconds": 2.5}
    assert facts_of(caplog, "harvested") == [{**facts, "cause": "missing", "session": session.fingerprint}]
    assert facts_of(caplog, "harvest_useless") == [{**facts, "cause": "early"}]
    await manager.aclose()


@pytest.mark.parametrize(
    ("error", "event", "why"),
    [
        (SessionRefused("http://127.0.0.1:8080/r", 401, "status 401", ""), "refresh_refused", {"mark": "status 401"}),
        (RateLimited("http://127.0.0.1:8080/r", 60.0), "refresh_failed", {"error": "RateLimited"}),
        (SiteFailed("http://127.0.0.1:8080/r", 500, "Broken"), "refresh_failed", {"error": "SiteFailed"}),
        (None, "refreshed", {"seconds": 0.5}),
    ],
)
async def test_a_refresh_is_told_with_what_became_of_it(
    error: AuraError | None, event: str, why: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    new = make_session(cookies=(make_cookie(value="new"),), harvested_at=2000.0)

    async def refresh(_session: Session) -> Session:
        clock.now += 0.5
        if error is not None:
            raise error
        return new

    async def harvest() -> Session:
        return make_session(cookies=(make_cookie(value="harvested"),), harvested_at=3000.0)

    key, old = SessionKey("http://127.0.0.1:8080"), make_session()
    manager = SessionManager(
        page_site(key.origin),
        MemoryStore(),
        key,
        harvest=harvest,
        prove=take_as_it_is,
        clock=clock,
        first=old,
        refresh=refresh,
    )
    with caplog.at_level(logging.INFO), suppress(RateLimited):
        await manager.renew(old)
    of = {"session": new.fingerprint} if error is None else {}
    assert facts_of(caplog, event) == [{"origin": key.origin, "cause": "refused", **why, **of}]
    is_renewed = error is None
    assert manager.counters.refreshes == is_renewed
    assert manager.counters.renewals == ({} if isinstance(error, RateLimited) else {"refused": 1})
    await manager.aclose()
