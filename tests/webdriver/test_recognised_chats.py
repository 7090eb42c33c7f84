"""A chat at an address that is in no catalogue: its page is recognised, and every command asks its own probe."""

import asyncio
import json
import re
from pathlib import Path

import pytest
from aiohttp import web

from aura_browser import Session, harvest, page_site
from aura_browser.http.proof import prove
from aura_browser.playground import Playground, serve_in_thread
from aura_browser.store import FileStore, SessionKey
from tests.parts.cached import cache_session
from tests.parts.command import run_here
from tests.parts.servers import page, serving
from tests.parts.sessions import make_session

_BOX = '<textarea placeholder="Type a message or type &quot;/&quot; to select a prompt..."></textarea>'


def asked(site: Playground) -> set[str]:
    return {request.path for request in site.requests if request.method == "POST"}


@pytest.mark.chrome
@pytest.mark.usefixtures("shared_chrome")
def test_a_harvest_and_all_commands_after_it_ask_the_chats_own_probe(state_home: Path, tmp_path: Path) -> None:
    file = tmp_path / "session.json"
    with serve_in_thread() as site:
        first = run_here("harvest", site.origin, "-o", str(file))
        assert first.returncode == 0, first.stderr
        session = Session.from_json(file.read_bytes())
        assert (session.dialect, session.proof) == ("openchat-ui", "open")
        for command in (["harvest", site.origin], ["sessions", "check"], ["sessions", "import", str(file)]):
            site.requests.clear()
            done = run_here(*command)
            assert done.returncode == 0, done.stderr
            assert asked(site) == {"/api/models"}, command
    store = FileStore(state_home / "aura-browser" / "sessions")
    kept = asyncio.run(store.load(SessionKey(site.origin)))
    assert kept is not None
    assert kept.dialect == "openchat-ui"


def test_a_session_that_a_chat_client_kept_is_checked_as_the_chats(state_home: Path) -> None:
    with serve_in_thread("login-401") as site:
        cache_session(state_home, site.origin, dialect="openchat-ui", proof="distinguished", verified_at=5.0)
        shown = run_here("sessions", "check")
    assert shown.returncode == 77
    command = shown.stdout.partition("Log in again: ")[2]
    assert command.startswith(f"aura-browser harvest {site.origin}/ --interactive --until 'selector:body:not(.no-js)'")
    assert "Type a message" in command


@pytest.mark.chrome
@pytest.mark.usefixtures("shared_chrome")
async def test_a_page_that_only_looks_like_one_is_proven_as_a_page() -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        return await page(_BOX)(request) if request.method == "GET" else web.Response(status=404)

    async with serving(handle) as (server, origin):
        session = await harvest(page_site(origin))
        assert session.dialect == "openchat-ui"
        proven = await prove(page_site(origin), session)
    assert (proven.dialect, proven.proof) == ("", "open")
    assert [request.method for request in server.seen if request.path == "/api/models"] == ["POST"] * 2


async def test_a_chat_that_was_proven_as_one_is_not_asked_as_a_page_later() -> None:
    async with Playground("login-401") as site:
        session = make_session(site.origin, dialect="openchat-ui", verified_at=5.0)
        with pytest.raises(Exception, match=re.escape(f"{site.origin}/api/models refused")):
            await prove(page_site(site.origin), session)
        assert json.dumps([request.path for request in site.requests]) == json.dumps(["/api/models"] * 2)
