"""A person logs in to each application in a real Chrome with a kept profile, from which the login is renewed."""

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from pathlib import Path

import pytest

from aura_browser import FileStore, Selenium, Session, SiteClient, assemble
from aura_browser.errors import BrowserError, InteractionRequired, SessionRefused
from aura_browser.harvests import browser_harvest
from tests.apps.app import Visited
from tests.apps.browsers import load, read
from tests.apps.every import VISITED
from tests.parts.person import Person

pytestmark = [pytest.mark.chrome, pytest.mark.timeout(300)]

_PATIENCE_S = 120.0


async def log_in(app: Visited, person: Person, harvesting: Awaitable[Session]) -> Session:
    """Return what the harvest brings, in whose window a person logs in meanwhile."""
    form = app.form()
    async with asyncio.timeout(_PATIENCE_S), asyncio.TaskGroup() as group:
        brought = group.create_task(await_(harvesting))
        group.create_task(person.fill_in(form.at, form.fields, form.button))
    return brought.result()


async def await_(work: Awaitable[Session]) -> Session:
    return await work


@pytest.mark.parametrize("running", VISITED, indirect=True)
async def test_a_kept_profile_renews_a_login_that_is_alive_and_never_one_that_is_dead(
    running: Visited, person: Person, store: FileStore, tmp_path: Path
) -> None:
    app = running
    engine = Selenium(chrome_path=person.chrome(), profile=tmp_path / "profile")
    by_hand = browser_harvest(app.site, engine=engine, interactive=True)
    manager = assemble(app.site, store=store, harvest=by_hand)
    first = await log_in(app, person, manager.harvest(despite_cool_down=True))
    await manager.aclose()
    assert first.proof == "distinguished"

    # Dropped, and the person has logged in again in the profile: a headless Chrome brings that login.
    app.drop()
    await log_in(app, person, by_hand())
    async with SiteClient(app.site, store=store, engine=engine) as client:
        assert app.private_text in await read(client, app.private)
        assert await app.write(client, "from a browser") in {200, 201, 302}
        assert (client.counters.harvests, client.counters.failures) == (1, 0)
    assert app.read() == "from a browser"
    stored = await load(store, app)
    assert stored.generation == 2

    # Dropped again, and what is in the profile is dead, but looks alive: nothing is taken from there, neither by the
    # browser, which may see the login page, nor by the probe.
    app.drop()
    site = replace(app.site, ready=(app.holds_dead,))
    async with SiteClient(site, store=store, engine=engine) as client:
        with pytest.raises((BrowserError, InteractionRequired, SessionRefused)):
            await read(client, app.private)
    after = await load(store, app)
    assert (after.cookies, after.local_storage, after.generation) == (stored.cookies, stored.local_storage, 2)
    assert ["--headless" in start for start in person.starts] == [False, False, True, True]
