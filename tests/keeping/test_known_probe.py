"""A renewal proves the new session with what proved the one before it."""

from typing import Any

import pytest

from aura_browser.keeping.manager import SessionManager
from aura_browser.session import Session
from aura_browser.site import page_site
from aura_browser.store import MemoryStore, SessionKey
from tests.parts.clock import Clock
from tests.parts.sessions import make_cookie, make_session

KEY = SessionKey("http://127.0.0.1:8080")
LOGIN = make_session(proof="distinguished", is_login=True, probe="/account")


@pytest.mark.parametrize(
    ("cause", "facts", "probes"),
    [
        ("refused", {}, ["/account"]),
        ("refused", {"url": f"{KEY.origin}/after-login"}, ["/account"]),
        ("refused", {"probe": "/other"}, ["/other"]),
        ("asked", {}, ["/account"]),
        ("asked", {"url": f"{KEY.origin}/public"}, [None, "/account"]),
        ("asked", {"url": f"{KEY.origin}/another-app"}, [None]),
    ],
)
async def test_the_probe_that_is_known_proves_the_next_session(
    cause: str, facts: dict[str, Any], probes: list[str | None]
) -> None:
    proven: list[Session] = []

    async def harvest() -> Session:
        return make_session(cookies=(make_cookie("new"),), harvested_at=LOGIN.harvested_at + 9, **facts)

    async def prove(session: Session) -> Session:
        proven.append(session)
        return make_session(
            cookies=session.cookies,
            harvested_at=session.harvested_at,
            probe=session.probe,
            proof="open" if session.url.endswith("/public") and session.probe is None else "distinguished",
        )

    store = MemoryStore()
    await store.save(KEY, LOGIN)
    manager = SessionManager(page_site(KEY.origin), store, KEY, harvest=harvest, prove=prove, clock=Clock())
    try:
        await (manager.renew(await manager.get()) if cause == "refused" else manager.harvest())
    finally:
        await manager.aclose()
    assert [session.probe for session in proven] == probes
