"""What only Node-RED does: 401 for lack of rights, and a page that says nothing of a login."""

from dataclasses import replace

import msgspec
import pytest

from aura_browser import FileStore, Session, SiteClient, page_site
from aura_browser.http.proof import prove
from tests.apps.app import GUEST, App
from tests.apps.browsers import Browsers, load, read

pytestmark = [pytest.mark.timeout(300), pytest.mark.parametrize("app", ["node-red"], indirect=True)]


async def test_a_401_for_lack_of_rights_loses_no_login(app: App, store: FileStore) -> None:
    """The probe is asked, and the 401 is the caller's."""
    browsers = Browsers(lambda: app.log_in(GUEST))
    async with SiteClient(app.site, store=store, harvest=browsers) as client:
        guest = await client.session()
        async with client.post("/flows", json=[]) as response:
            assert response.status == 401
        assert app.private_text in await read(client, app.private)
        assert (await client.session()).identity == guest.identity
    assert browsers.opened == 1
    assert (await load(store, app)).proof == "distinguished"


async def test_a_probe_is_learned_from_what_the_page_asks_for(app: App, stored: Session) -> None:
    site = replace(app.site, probe=None)
    for session, proof in ((stored, "distinguished"), (await app.visit(), "open")):
        unproven = msgspec.structs.replace(session, proof="unproven", evidence=(), page_requests=("/theme", "/flows"))
        proven = await prove(site, unproven)
        assert (proven.proof, proven.probe) == (proof, "/flows" if proof == "distinguished" else None)


async def test_a_page_that_anybody_gets_is_open_for_a_login_too(app: App, stored: Session) -> None:
    """As for a person who has named no probe: it can't be told, and is not refused."""
    proven = await prove(page_site(app.site.url), stored)
    assert proven.proof == "open"
