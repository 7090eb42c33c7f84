"""The definitions that come with the package, in a person's sites.toml: what commands and programs make of them."""

import asyncio
from pathlib import Path

import pytest

from aura_browser import FileStore, Session, SessionKey, SiteClient, assemble
from aura_browser.http.proof import prove
from tests.apps.app import Running
from tests.apps.browsers import Browsers, read
from tests.apps.jupyter import Jupyter
from tests.parts.command import run

pytestmark = [pytest.mark.timeout(600), pytest.mark.usefixtures("defined")]


@pytest.mark.parametrize(("state", "said"), [("good", "valid"), ("dropped", "refused"), ("nobody", "refused")])
async def test_a_check_is_right(running: Running, store: FileStore, tmp_path: Path, state: str, said: str) -> None:
    kept = await running.visit() if state == "nobody" else await prove(running.site, await running.log_in())
    await store.save(SessionKey(running.site.origin), kept)
    if state == "dropped":
        running.drop()  # in this thread: a server ends with the thread that started it
    done = await asyncio.to_thread(run, "sessions", "check", "--store", str(tmp_path / "sessions"))
    assert done.stdout.split()[1].rstrip(":") == said, done.stdout + done.stderr
    assert done.returncode == (0 if said == "valid" else 77)


async def test_a_name_reads_writes_and_goes_on_after_a_drop(running: Running, store: FileStore) -> None:
    browsers = Browsers(running.log_in)
    async with SiteClient(running.application, store=store, harvest=browsers) as client:
        assert running.private_text in await read(client, running.private)
        assert await running.write(client, "first") in {200, 201, 302}
        assert running.read() == "first"
        running.drop()  # in this thread: a server ends with the thread that started it
        assert await running.write(client, "second") in {200, 201, 302}
        assert running.read() == "second"
        assert (browsers.opened, client.counters.failures) == (2, 0)


@pytest.mark.parametrize("running", ["jupyter"], indirect=True)
async def test_a_forged_request_at_jupyter_is_the_callers(running: Jupyter, store: FileStore) -> None:
    """The same status says both that nobody is logged in and that a request is forged; the text tells."""
    from dataclasses import replace

    browsers = Browsers(running.log_in)
    async with SiteClient(replace(running.site, csrf=None), store=store, harvest=browsers) as client:
        async with client.request("PUT", "/api/contents/forged.txt", json={}) as response:
            assert response.status == 403
            assert "_xsrf" in await response.text()
        assert browsers.opened == 1
        assert client.counters.suspects == 0


@pytest.mark.parametrize("running", ["jupyter"], indirect=True)
async def test_a_kernel_of_jupyter_runs_code(running: Jupyter, store: FileStore) -> None:
    async with SiteClient(running.application, store=store, harvest=Browsers(running.log_in)) as client:
        assert await running.run_code(client, "print(6 * 7)") == "42\n"


async def test_nobodys_session_takes_no_logins_place(running: Running, store: FileStore) -> None:
    manager = assemble(running.site, store=store, harvest=running.log_in)
    login: Session = await manager.get()
    await manager.aclose()
    assert login.proof == "distinguished"
    running.drop()  # in this thread: a server ends with the thread that started it
    browsers = Browsers(running.visit)
    async with SiteClient(running.application, store=store, harvest=browsers) as client:
        with pytest.raises(Exception, match=r"refused|login"):
            await read(client, running.private)
    kept = await store.load(SessionKey(running.site.origin))
    assert kept is not None
    assert (kept.generation, kept.local_storage) == (1, login.local_storage)
