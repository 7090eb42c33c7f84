"""A 403 for lack of rights at the heavy applications: it is the caller's, with its body, and costs no browser."""

import pytest

from aura_browser import FileStore, SiteClient
from tests.apps.app import GUEST
from tests.apps.browsers import Browsers, read
from tests.apps.directus import Directus
from tests.apps.mlflow import MLflow

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(600), pytest.mark.usefixtures("defined")]


async def check_refusal(client: SiteClient, path: str, text: str) -> None:
    """Check that *path* is refused three times in a row, without any doubt about the session."""
    before = await client.session()
    for _ in range(3):
        async with client.get(path) as response:
            assert (response.status, text in await response.text()) == (403, True)
    assert (await client.session()).lineage == before.lineage
    assert (client.counters.refusals, client.counters.harvests, client.counters.refreshes) == (0, 1, 0)


@pytest.mark.parametrize("running", ["directus"], indirect=True)
async def test_what_is_not_there_at_directus_is_forbidden_to_a_good_login(running: Directus, store: FileStore) -> None:
    browsers = Browsers(running.log_in)
    async with SiteClient(running.application, store=store, harvest=browsers) as client:
        await check_refusal(client, "/items/nothing", "FORBIDDEN")
        assert running.private_text in await read(client, running.private)
    assert browsers.opened == 1


@pytest.mark.parametrize("running", ["mlflow"], indirect=True)
async def test_a_guest_of_mlflow_is_refused_and_stays_logged_in(running: MLflow, store: FileStore) -> None:
    running.add_guest()
    browsers = Browsers(lambda: running.log_in(GUEST))
    async with SiteClient(running.application, store=store, harvest=browsers) as client:
        await check_refusal(client, "/api/2.0/mlflow/experiments/get?experiment_id=0", "Permission denied")
        assert GUEST in await read(client, running.private)
    assert browsers.opened == 1
