"""What is right for every application: proof, requests, refusals and renewals, with logins made without a browser."""

import pytest

from aura_browser import FileStore, Session, SiteClient, assemble, page_site
from aura_browser.errors import InteractionRequired, SessionRefused
from aura_browser.http.proof import prove
from tests.apps.app import GUEST, App
from tests.apps.browsers import Browsers, load, read

pytestmark = pytest.mark.timeout(300)


async def test_a_login_is_distinguished_and_belongs_to_an_account(app: App) -> None:
    member, again, guest = [await prove(app.site, await app.log_in(*user)) for user in ((), (), (GUEST,))]
    assert [each.proof for each in (member, again, guest)] == ["distinguished"] * 3
    assert member.identity is not None
    assert member.identity == again.identity != guest.identity


async def test_a_dropped_login_is_refused(app: App) -> None:
    session = await prove(app.site, await app.log_in())
    app.drop()
    with pytest.raises(SessionRefused):
        await prove(app.site, session)


async def test_nobody_is_never_distinguished(app: App) -> None:
    nobody = await app.visit()
    with pytest.raises(SessionRefused):
        await prove(app.site, nobody)


async def test_nobody_is_never_distinguished_by_the_page_alone(app: App) -> None:
    """As for a person who has named no probe."""
    nobody = await app.visit()
    try:
        proven = await prove(page_site(app.site.url), nobody)
    except SessionRefused:
        return
    assert proven.proof == "open"


@pytest.mark.parametrize("state", ["good", "dropped"])
async def test_a_check_changes_nothing_in_the_store(app: App, store: FileStore, stored: Session, state: str) -> None:
    if state == "dropped":
        app.drop()
    manager = assemble(app.site, store=store, refresh="never")
    try:
        proven = await manager.prove()
    except InteractionRequired:
        assert state == "dropped"
    else:
        assert (state, proven.proof) == ("good", "distinguished")
    await manager.aclose()
    after = await load(store, app)
    assert (after.local_storage, names(after)) == (stored.local_storage, names(stored))
    assert [c for c in after.cookies if c.http_only] == [c for c in stored.cookies if c.http_only]


def names(session: Session) -> set[str]:
    return {cookie.name for cookie in session.cookies}


async def test_requests_with_a_good_login_ask_nothing_else(app: App, store: FileStore, stored: Session) -> None:
    browsers = Browsers(app.log_in)
    async with SiteClient(app.site, store=store, harvest=browsers) as client:
        assert app.private_text in await read(client, app.private)
        assert await app.write(client, "first") in {200, 302}
        assert (client.counters.proofs, client.counters.suspects) == ({}, 0)
    assert app.read() == "first"
    assert browsers.opened == 0


async def test_a_403_for_lack_of_rights_is_the_callers(app: App, store: FileStore) -> None:
    browsers = Browsers(lambda: app.log_in(GUEST))
    refusal = app.refusal()
    async with SiteClient(app.site, store=store, harvest=browsers) as client:
        guest = await client.session()
        for _ in range(2):
            async with client.request(refusal.method, refusal.path, data=refusal.form) as response:
                assert (response.status, refusal.text in await response.text()) == (403, True)
        assert (await client.session()).lineage == guest.lineage
        assert client.counters.refusals == 0
    assert browsers.opened == 1
    assert (await load(store, app)).cookies == guest.cookies


async def test_after_a_drop_a_new_login_of_the_same_account_goes_on(
    app: App, store: FileStore, stored: Session
) -> None:
    browsers = Browsers(app.log_in)
    async with SiteClient(app.site, store=store, harvest=browsers) as client:
        app.drop()
        assert app.private_text in await read(client, app.private)
        renewed = await client.session()
        app.drop()
        assert await app.write(client, "after a drop") in {200, 302}
        assert client.counters.failures == 0
    assert app.read() == "after a drop"
    assert browsers.opened == 2
    assert renewed.identity == stored.identity


@pytest.mark.parametrize("who", ["nobody", "guest"])
async def test_after_a_drop_nobody_and_no_other_account_takes_the_logins_place(
    app: App, store: FileStore, stored: Session, who: str
) -> None:
    browsers = Browsers(app.visit if who == "nobody" else lambda: app.log_in(GUEST))
    app.drop()
    async with SiteClient(app.site, store=store, harvest=browsers) as client:
        with pytest.raises((InteractionRequired, SessionRefused)):
            await read(client, app.private)
    assert browsers.opened == 1
    after = await load(store, app)
    assert (after.cookies, after.local_storage, after.generation) == (
        stored.cookies,
        stored.local_storage,
        stored.generation,
    )
