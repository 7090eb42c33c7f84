"""What only Django does: 403 for a forged request, and redirects to the login for people who are logged in."""

import asyncio
from dataclasses import replace

import pytest

from aura_browser import FileStore, Session, SiteClient
from aura_browser.errors import InteractionRequired, SessionRefused
from tests.apps.app import GUEST, App
from tests.apps.browsers import Browsers, load, read

pytestmark = [pytest.mark.timeout(300), pytest.mark.parametrize("app", ["django"], indirect=True)]

_MANY = 100


async def test_a_403_for_a_wrong_token_against_forgery_is_the_callers(
    app: App, store: FileStore, stored: Session
) -> None:
    browsers = Browsers(app.log_in)
    by_hand = replace(app.site, csrf=None)
    async with SiteClient(by_hand, store=store, harvest=browsers) as client:
        for token in ("x" * 32, ""):
            async with client.post("/api/note", data={"text": "forged"}, headers={"X-CSRFToken": token}) as response:
                assert (response.status, "CSRF verification failed" in await response.text()) == (403, True)
        assert app.private_text in await read(client, app.private)
    assert (browsers.opened, app.read() == "forged") == (0, False)
    assert (await load(store, app)).cookies == stored.cookies


async def test_many_who_meet_a_403_at_once_share_a_probe(app: App, store: FileStore) -> None:
    browsers = Browsers(lambda: app.log_in(GUEST))
    refusal = app.refusal()
    unmarked = replace(app.site, not_dropped=())
    async with SiteClient(unmarked, store=store, harvest=browsers) as client:

        async def meet() -> str:
            async with client.get(refusal.path) as response:
                return await response.text()

        await client.session()
        answers = await asyncio.gather(*(meet() for _ in range(_MANY)))
        assert all(refusal.text in answer for answer in answers)
        assert client.counters.suspects == _MANY
        assert client.counters.proofs["distinguished"] < _MANY / 2
    assert browsers.opened == 1


async def test_a_replay_after_a_drop_has_the_new_logins_token(app: App, store: FileStore, stored: Session) -> None:
    """Django replaces the token at each login, and refuses the old one with a 403."""
    browsers = Browsers(app.log_in)
    async with SiteClient(app.site, store=store, harvest=browsers) as client:
        app.drop()
        assert await app.write(client, "replayed") == 200
        renewed = await client.session()
    assert (browsers.opened, app.read()) == (1, "replayed")
    tokens = [{c.value for c in each.cookies if c.name == "csrftoken"} for each in (stored, renewed)]
    assert tokens[0].isdisjoint(tokens[1])


async def test_a_redirect_to_the_login_for_lack_of_rights_is_the_callers(app: App, store: FileStore) -> None:
    """The admin sends a guest to its login for ever, with a page that says who is logged in."""
    browsers = Browsers(lambda: app.log_in(GUEST))
    async with SiteClient(app.site, store=store, harvest=browsers) as client:
        guest = await client.session()
        for _ in range(2):
            assert "not authorized to access this page" in await read(client, "/admin/")
        async with client.get("/admin/", allow_redirects=False) as response:
            assert (response.status, response.headers["Location"][:13]) == (302, "/admin/login/")
        assert (await client.session()).lineage == guest.lineage
    assert browsers.opened == 1
    assert "sessionid" in {cookie.name for cookie in (await load(store, app)).cookies}


async def test_a_dropped_login_whose_pages_are_asked_for_keeps_its_cookies(
    app: App, store: FileStore, stored: Session
) -> None:
    """The redirect deletes the cookie, and the login page sets one of its own."""
    app.drop()
    browsers = Browsers(app.visit)
    async with SiteClient(app.site, store=store, harvest=browsers) as client:
        with pytest.raises((InteractionRequired, SessionRefused)):
            await read(client, "/admin/")
    assert (await load(store, app)).cookies == stored.cookies
