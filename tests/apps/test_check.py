"""``sessions check`` at each application, which knows no probe but the page that the session is for."""

import asyncio
from pathlib import Path

import pytest

from aura_browser import FileStore, Session, SessionKey
from aura_browser.http.proof import prove
from tests.apps.app import App
from tests.apps.browsers import load
from tests.parts.command import run

pytestmark = pytest.mark.timeout(300)


@pytest.mark.parametrize("state", ["good", "dropped", "nobody"])
async def test_a_check_by_the_page_alone_never_takes_nobody_for_a_login(
    app: App, store: FileStore, tmp_path: Path, state: str
) -> None:
    kept = await app.visit() if state == "nobody" else await prove(app.site, await app.log_in())
    await store.save(SessionKey(app.site.origin), kept)
    before = await load(store, app)
    if state == "dropped":
        app.drop()
    done = await asyncio.to_thread(run, "sessions", "check", "--store", str(tmp_path / "sessions"))
    said = done.stdout.split()[1].rstrip(":")
    assert said in app.checks[state], done.stdout + done.stderr
    assert (done.returncode == 0) == (said != "refused"), done.returncode
    after = await load(store, app)
    assert (facts(after), after.is_protected) == (facts(before), before.is_protected)


def facts(session: Session) -> tuple[object, ...]:
    """Return what may not be lost; Django makes a new CSRF cookie with each page."""
    return {c.name for c in session.cookies}, [c for c in session.cookies if c.http_only], session.local_storage
