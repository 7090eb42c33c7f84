"""A person logs in at each application, and what is learned from that works unedited."""

import asyncio
import json

import pytest

from aura_browser import Selenium, SiteClient, page_site
from aura_browser.errors import SessionRefused
from aura_browser.http.proof import prove
from aura_browser.learning.proposal import Proposal, check_definition, propose
from aura_browser.webdriver.watching import watch
from tests.apps.app import Visited
from tests.apps.every import VISITED
from tests.parts.person import Person

pytestmark = [pytest.mark.chrome, pytest.mark.timeout(600)]


@pytest.mark.parametrize("running", VISITED, indirect=True)
async def test_what_is_learned_works_unedited(running: Visited, person: Person) -> None:
    proposal = await learn(running, person)
    assert proposal.is_proven, proposal.findings
    assert running.password not in json.dumps(proposal.definition)
    known = [finding.found for finding in proposal.findings if finding.what == "known"]
    assert [f"--like {running.application} " in told for told in known] == [True]
    site = check_definition("learned", proposal)
    proven = await prove(site, proposal.session)
    assert proven.proof == "distinguished"
    async with SiteClient(site, session=proven, refresh="never") as client, client.get(running.private) as response:
        assert response.status == 200, proposal.definition
        if running.writes_as_learned:
            assert await running.write(client, "learned") in {200, 201, 302}
            assert running.read() == "learned"
    running.drop()
    with pytest.raises(SessionRefused):
        await prove(site, proven)
    with pytest.raises(SessionRefused):
        await prove(site, await running.visit())
    again = await prove(site, await running.log_in())
    assert (again.proof, again.identity) == ("distinguished", proven.identity)


async def learn(running: Visited, person: Person) -> Proposal:
    """Have a person log in in a window, and return what is learned from that."""
    done = asyncio.Event()
    form = running.form()
    engine = Selenium(chrome_path=person.chrome())
    async with asyncio.timeout(240), asyncio.TaskGroup() as group:
        watching = group.create_task(
            watch(page_site(running.site.url), engine=engine, interactive=True, timeout_s=200, is_done=done.is_set)
        )
        await person.fill_in(form.at, form.fields, form.button)
        await running.work(person)
        done.set()
    return await propose(running.site.url, watching.result())
