"""What only DokuWiki does: refusals with a status of 200, and public pages that say nothing of a login."""

from dataclasses import replace

import pytest

from aura_browser import FileStore, Session, SiteClient, page_site
from aura_browser.errors import SessionRefused
from aura_browser.http.proof import prove
from tests.apps.app import GUEST
from tests.apps.browsers import Browsers, load, read
from tests.apps.dokuwiki import DokuWiki

pytestmark = [pytest.mark.timeout(300), pytest.mark.parametrize("app", ["dokuwiki"], indirect=True)]


async def test_a_wrong_token_against_forgery_is_the_callers(app: DokuWiki, store: FileStore, stored: Session) -> None:
    browsers = Browsers(app.log_in)
    by_hand = replace(app.site, csrf=None)
    async with SiteClient(by_hand, store=store, harvest=browsers) as client:
        status, page = await app.save(client, "forged")
        assert (status, "Security Token did not match" in page) == (200, True)
    assert (browsers.opened, app.read() == "forged") == (0, False)
    assert (await load(store, app)).cookies == stored.cookies


async def test_a_form_of_a_login_that_ended_is_sent_again_with_the_new_logins_token(
    app: DokuWiki, store: FileStore, stored: Session
) -> None:
    browsers = Browsers(app.log_in)
    async with SiteClient(app.site, store=store, harvest=browsers) as client:
        app.drop()
        assert await app.write(client, "of the new login") == 302
    assert (browsers.opened, app.read()) == (1, "of the new login")


async def test_a_page_with_a_password_field_is_the_callers(app: DokuWiki, store: FileStore, stored: Session) -> None:
    """The profile is one, for people who are logged in."""
    browsers = Browsers(app.log_in)
    async with SiteClient(app.site, store=store, harvest=browsers) as client:
        assert "Logged in as" in await read(client, "/doku.php?id=start&do=profile")
    assert browsers.opened == 0


async def test_a_page_that_a_guest_may_not_read_is_the_callers(app: DokuWiki, store: FileStore) -> None:
    browsers = Browsers(lambda: app.log_in(GUEST))
    async with SiteClient(app.site, store=store, harvest=browsers) as client:
        assert "Permission Denied" in await read(client, app.private)
    assert browsers.opened == 1


async def test_a_public_page_of_a_dropped_login_hides_nothing_from_the_next_private_one(
    app: DokuWiki, store: FileStore, stored: Session
) -> None:
    """It deletes the login's cookie, as it does in a browser."""
    browsers = Browsers(app.log_in)
    app.drop()
    async with SiteClient(app.site, store=store, harvest=browsers) as client:
        assert "Anybody may read this." in await read(client, "/doku.php?id=start")
        assert browsers.opened == 0
        assert app.private_text in await read(client, app.private)
    assert browsers.opened == 1
    assert (await load(store, app)).identity == stored.identity


async def test_the_page_alone_tells_a_login_from_nobody(app: DokuWiki, stored: Session) -> None:
    """As for a person who has named no probe: only the cookies that an answer deletes differ."""
    site = page_site(app.site.url)
    assert (await prove(site, stored)).proof == "distinguished"
    app.drop()
    with pytest.raises(SessionRefused):
        await prove(site, stored)
