"""The transport ``auto``: aiohttp first, and a page where a site wants the browser's own connection."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from aura_browser import AuraClient, MemoryStore, Probe, Session, Site, SiteClient, openchat_site
from aura_browser.cli import exit_codes
from aura_browser.errors import SessionRefused
from aura_browser.http.choice import Choice
from aura_browser.playground import Playground, serve_in_thread
from aura_browser.store import SessionKey
from tests.parts.command import run_here
from tests.parts.servers import serving
from tests.parts.sessions import make_cookie, make_session
from tests.parts.shared_pages import SharedPages

pytestmark = [pytest.mark.chrome, pytest.mark.usefixtures("shared_chrome", "shared_pages")]


async def test_a_site_that_wants_the_browsers_connection_is_passed_with_one_renewal() -> None:
    store = MemoryStore()
    async with Playground("connection") as server:
        site = openchat_site(server.origin)
        async with AuraClient(site, store=store, transport="auto") as client:
            assert await client.complete("hello") == "hello"
            assert await client.complete("again") == "again"
            assert (client.counters.harvests, client.counters.failures) == (1, 0)
            server.revoke_all()
            answers = await asyncio.gather(*(client.complete(f"question {n}") for n in range(4)))
            assert answers == [f"question {n}" for n in range(4)]
            assert (client.counters.harvests, client.counters.failures) == (2, 0)
        refused = [seen for seen in server.requests if seen.status == 403]
        async with AuraClient(site, store=store, transport="auto") as client:
            assert await client.complete("remembered") == "remembered"
            assert client.counters.harvests == 0
        assert [seen for seen in server.requests if seen.status == 403] == refused


async def test_a_session_that_is_known_but_refused_is_renewed_once_before_the_page() -> None:
    async with Playground("connection") as server:
        site = openchat_site(server.origin)
        store = MemoryStore()
        async with AuraClient(site, store=store, transport="page") as client:
            assert await client.complete("a") == "a"
        async with AuraClient(site, store=store, transport="auto") as client:
            assert await client.complete("b") == "b"
            assert (client.counters.harvests, client.counters.refusals) == (1, 1)


async def test_without_a_page_the_site_refuses() -> None:
    async with Playground("connection") as server, AuraClient(server.origin, store="memory") as client:
        with pytest.raises(SessionRefused, match="403"):
            await client.complete("hello")


async def test_a_site_that_takes_aiohttp_gets_no_page() -> None:
    async with Playground("check-503", check_delay=0.05) as server:
        async with AuraClient(openchat_site(server.origin), store="memory", transport="auto") as client:
            assert await client.complete("hello") == "hello"
        assert "/robots.txt" not in {seen.path for seen in server.requests}


async def test_a_web_socket_is_aiohttps_in_any_case(shared_pages: SharedPages) -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_str(request.headers["Cookie"])
        return socket

    async with serving(handle) as (_, origin):
        session = make_session(origin, cookies=(make_cookie("sid", "mine"),))
        async with (
            SiteClient(f"{origin}/", session=session, refresh="never", transport="auto") as client,
            client.ws_connect("/socket") as socket,
        ):
            assert await socket.receive_str(timeout=10) == "sid=mine"
            assert shared_pages.lent == 0


class BrowsersOnly:
    """A site that answers browsers only: aiohttp does not name zstd.

    Attributes:
        bodies: what browsers sent.
    """

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if "zstd" not in request.headers.get("Accept-Encoding", ""):
            return web.Response(status=403, text="no browser")
        is_member = "sid=" in request.headers.get("Cookie", "")
        if request.method == "POST":
            self.bodies.append(await request.read())
        return web.Response(text="<!doctype html>hi", content_type="text/html", status=200 if is_member else 401)


async def test_a_stream_that_is_used_up_is_not_sent_again_by_the_page() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"whole"

    browsers_only = BrowsersOnly()
    async with serving(browsers_only.handle) as (_, origin):

        async def harvest() -> Session:
            return make_session(origin, harvested_at=time.time())

        site = Site(f"{origin}/", probe=Probe("/me"), transport="auto")
        session = make_session(origin, proof="distinguished")
        async with SiteClient(site, session=session, harvest=harvest, store="memory") as client:
            with pytest.raises(SessionRefused, match="403"):
                async with client.request("POST", "/x", data=pieces()):
                    pytest.fail("it was sent twice")
            assert browsers_only.bodies == []
            async with client.request("POST", "/x", data=pieces()) as response:
                assert response.status == 200
        assert browsers_only.bodies == [b"whole"]


async def test_what_a_site_wants_is_forgotten_after_a_day() -> None:
    store, key, now = MemoryStore(), SessionKey("https://example.com"), 1000.0
    choice = Choice(store, key, lambda: now)
    await choice.use_page()
    again = Choice(store, key, lambda: now)
    await again.load()
    assert again.is_page()
    now += 86_401
    assert not again.is_page()
    late = Choice(store, key, lambda: now)
    await late.load()
    assert not late.is_page()
    assert await store.session_slugs() == []


@pytest.mark.usefixtures("shared_chrome")
def test_the_commands_send_by_a_page_where_the_site_wants_it(tmp_path: Path) -> None:
    config = tmp_path / "config" / "aura-browser"
    config.mkdir(parents=True)
    with serve_in_thread("connection") as server:
        options = ("--url", server.origin)
        refused = run_here("chat", *options, "--session", "plain", "hello")
        assert refused.returncode == exit_codes.LOGIN_NEEDED
        assert "--transport auto" in refused.stderr
        asked = run_here("chat", *options, "--transport", "page", "hello")
        assert (asked.stdout, asked.returncode) == ("hello\n", 0), asked.stderr
        named = f'[strict]\nurl = "{server.origin}"\ndialect = "openchat-ui"\ntransport = "page"\n'
        probe = """[strict.probe]\npost = "/api/models"\nbody = '{"key":""}'\n"""
        (config / "sites.toml").write_text(named + probe, "utf-8")
        assert run_here("chat", "--url", "strict", "again").stdout == "again\n"
        checked = run_here("sessions", "check")
        assert "valid" in checked.stdout, checked
