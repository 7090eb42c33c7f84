"""What of a program's cookies is kept: never what could lose a login, or what somebody else renewed."""

import msgspec
import pytest

from aura_browser.errors import ConnectionFailed
from aura_browser.keeping.doubt import Prove
from aura_browser.programs.fold_back import fold_back
from aura_browser.session import Cookie, Session
from aura_browser.store import MemoryStore, SessionKey, Store
from tests.parts.sessions import make_cookie, make_session, take_as_it_is

ORIGIN = "http://127.0.0.1:8080"
KEY = SessionKey(ORIGIN)
NOW = 2_000_000_000.0
OLD, NEW = make_cookie("sid", "s3cret-old"), make_cookie("sid", "s3cret-new")
THEME = make_cookie("theme", "dark")


async def keep(store: Store, **facts: object) -> Session:
    await store.save(KEY, make_session(ORIGIN, cookies=(OLD, THEME), **facts))
    session = await store.load(KEY)
    assert session is not None
    return session


async def fold(store: Store, session: Session, *changed: Cookie, prove: Prove = take_as_it_is) -> str:
    return await fold_back(store, KEY, session, changed, prove=prove, now=NOW)


async def test_the_site_is_not_asked_for_what_is_no_login() -> None:
    async def prove(_session: Session) -> Session:
        pytest.fail("the site is asked")

    store = MemoryStore()
    session = await keep(store, proof="open")
    assert await fold(store, session, NEW, prove=prove) == ""
    stored = await store.load(KEY)
    assert stored is not None
    assert set(stored.cookies) == {NEW, THEME}
    assert (stored.rotation, stored.rotated_at) == (session.rotation + 1, NOW)


async def test_a_site_that_can_not_be_asked_takes_nothing() -> None:
    async def prove(_session: Session) -> Session:
        raise ConnectionFailed(ORIGIN, "it refused the connection")

    store = MemoryStore()
    session = await keep(store, proof="distinguished")
    reason = await fold(store, session, NEW, prove=prove)
    assert reason.startswith("the site can't be asked whether it takes them: ")
    assert "it refused the connection" in reason
    assert await store.load(KEY) == session


@pytest.mark.parametrize("proof", ["open", "unproven"])
async def test_cookies_that_prove_no_login_do_not_replace_a_proven_one(proof: str) -> None:
    async def prove(rotated: Session) -> Session:
        return msgspec.structs.replace(rotated, proof=proof)

    store = MemoryStore()
    session = await keep(store, proof="distinguished")
    reason = await fold(store, session, NEW, prove=prove)
    assert reason == "with them the site answers as it does without a login"
    assert await store.load(KEY) == session


async def test_what_the_proof_changed_is_kept_too() -> None:
    light = make_cookie("theme", "light")

    async def prove(rotated: Session) -> Session:
        assert set(rotated.cookies) == {NEW, THEME}
        return rotated.with_cookies((NEW, light))

    store = MemoryStore()
    session = await keep(store, proof="distinguished")
    assert await fold(store, session, NEW, prove=prove) == ""
    stored = await store.load(KEY)
    assert stored is not None
    assert set(stored.cookies) == {NEW, light}


async def test_what_another_process_has_changed_meanwhile_stays_as_it_is() -> None:
    store = MemoryStore()
    session = await keep(store, proof="open")
    other = make_cookie("sid", "s3cret-other")
    await store.update(KEY, lambda stored: stored and stored.with_cookies((other, THEME)))
    before = await store.load(KEY)
    assert await fold(store, session, NEW) == ""
    assert await store.load(KEY) == before, "nothing is counted as a rotation"


async def test_a_session_that_is_gone_or_renewed_takes_nothing() -> None:
    store = MemoryStore()
    session = await keep(store, proof="open")
    await store.save(KEY, make_session(ORIGIN, cookies=(OLD,), harvested_at=NOW), replace=True)
    renewed = await store.load(KEY)
    assert await fold(store, session, NEW) == "the session was renewed meanwhile"
    assert await store.load(KEY) == renewed
    await store.swap(KEY.slug, await store.read(KEY.slug), None)
    assert await fold(store, session, NEW) == "the session was renewed meanwhile"
    assert await store.load(KEY) is None
