"""The transport ``auto``: aiohttp first, and a page where a site wants the browser's own connection."""

import asyncio
from pathlib import Path

import pytest

from aura_browser import AuraClient, MemoryStore, openchat_site
from aura_browser.cli import exit_codes
from aura_browser.errors import SessionRefused
from aura_browser.http.choice import Choice
from aura_browser.playground import Playground, serve_in_thread
from aura_browser.store import SessionKey
from tests.parts.command import run

pytestmark = pytest.mark.chrome


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


def test_the_commands_send_by_a_page_where_the_site_wants_it(tmp_path: Path) -> None:
    config = tmp_path / "config" / "aura-browser"
    config.mkdir(parents=True)
    with serve_in_thread("connection") as server:
        options = ("--url", server.origin)
        refused = run("chat", *options, "--session", "plain", "hello")
        assert refused.returncode == exit_codes.LOGIN_NEEDED
        assert "--transport auto" in refused.stderr
        asked = run("chat", *options, "--transport", "page", "hello")
        assert (asked.stdout, asked.returncode) == ("hello\n", 0), asked.stderr
        named = f'[strict]\nurl = "{server.origin}"\ndialect = "openchat-ui"\ntransport = "page"\n'
        probe = """[strict.probe]\npost = "/api/models"\nbody = '{"key":""}'\n"""
        (config / "sites.toml").write_text(named + probe, "utf-8")
        assert run("chat", "--url", "strict", "again").stdout == "again\n"
        checked = run("sessions", "check")
        assert "valid" in checked.stdout, checked
