"""The harvest that a command brings: as its options say, of the right page, with its progress on a terminal."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
import rich.live  # noqa: F401 - the event loop of a test can't wait for it

from aura_browser import harvests
from aura_browser.assembly import SessionOptions
from aura_browser.chat import client
from aura_browser.cli import main
from aura_browser.cli.harvesting import show_harvest, show_harvest_unless_kept, show_target_harvest
from aura_browser.cli.target import find_target
from aura_browser.engine import DefaultEngine
from aura_browser.errors import InteractionRequired
from aura_browser.session import Session
from aura_browser.site import page_site
from aura_browser.store import FileStore, SessionKey
from tests.parts.command import make_terminal, run_here
from tests.parts.sessions import make_session

ORIGIN = "https://a.example"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """Play harvests in which nobody logs in; return which page, with which policy and options."""
    given: list[tuple[object, ...]] = []
    monkeypatch.setenv("AURA_BROWSER_CHROME", "/nowhere/chrome")

    def play(site: Any, refresh: str, **options: Any) -> Callable[[], object]:  # noqa: ANN401 - played
        async def harvest() -> Session:
            words = options["command_options"]
            given.append((site.url, refresh, options["engine"], options["proxy"], words))
            raise InteractionRequired("Nobody is here.", "aura-browser harvest")

        return harvest

    monkeypatch.setattr(harvests, "policy_harvest", play)
    return given


@pytest.mark.parametrize(
    ("options", "harvest", "doing"),
    [
        ({}, ("headless", None, None, ()), "is at"),
        ({"refresh": "never"}, ("never", None, None, ()), "is at"),
        (
            {
                "refresh": "interactive",
                "engine": DefaultEngine(profile="me"),
                "proxy": "http://p.example:1",
                "session": "b",
            },
            (
                "interactive",
                DefaultEngine(profile="me"),
                "http://p.example:1",
                ("--profile", "me", "--proxy", "http://p.example:1", "--session", "b"),
            ),
            "waits for you at",
        ),
    ],
)
def test_a_harvest_is_as_the_options_say(
    options: SessionOptions,
    harvest: tuple[object, ...],
    doing: str,
    asked: list[tuple[object, ...]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown = make_terminal(monkeypatch, "stderr")
    with pytest.raises(InteractionRequired):
        asyncio.run(show_harvest(page_site(f"{ORIGIN}/x"), options)())  # type: ignore[arg-type]
    assert asked == [(f"{ORIGIN}/x", *harvest)]
    assert f"Chrome {doing} {ORIGIN}/x" in click.unstyle(shown.getvalue())


@pytest.mark.parametrize(
    ("options", "is_kept"),
    [
        ({}, False),
        ({"transport": "page"}, True),
        ({"transport": "auto"}, False),
        ({"refresh": "headless", "transport": "page"}, True),
        ({"refresh": "interactive", "transport": "page"}, False),
        ({"refresh": "kept"}, True),
        ({"refresh": "kept", "transport": "http"}, True),
    ],
)
def test_a_browser_that_stays_open_harvests_itself(options: SessionOptions, *, is_kept: bool) -> None:
    assert (show_harvest_unless_kept(page_site(ORIGIN), options) is None) is is_kept


async def test_a_harvest_opens_the_page_of_the_stored_session(
    asked: list[tuple[object, ...]], store: FileStore
) -> None:
    await store.save(SessionKey(ORIGIN), make_session(ORIGIN, url=f"{ORIGIN}/start"))
    with pytest.raises(InteractionRequired):
        await show_target_harvest(find_target(f"{ORIGIN}/api"), {})()
    assert [each[0] for each in asked] == [f"{ORIGIN}/start"]


@pytest.mark.parametrize(
    "words",
    [
        ("chat", "--url", ORIGIN, "Hello"),
        ("request", f"{ORIGIN}/api"),
        ("request", f"{ORIGIN}/api", "--as-curl"),
        ("exec", f"{ORIGIN}/", "--", "true"),
        ("proxy", ORIGIN, "--port", "0"),
    ],
    ids=lambda words: " ".join(words[::3]),
)
def test_each_command_shows_that_chrome_is_at_the_site(
    words: tuple[str, ...], asked: list[tuple[object, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = make_terminal(monkeypatch, "stderr")
    assert main(words) == 77, shown.getvalue()
    assert len(asked) == 1
    text = click.unstyle(shown.getvalue())
    assert f"Chrome is at {ORIGIN}" in text
    assert "Error: Nobody is here. Run: aura-browser harvest" in text


@pytest.mark.parametrize("words", [("chat", "--url", ORIGIN, "--model", "m", "Hello"), ("serve", ORIGIN)])
def test_a_chat_gets_what_the_command_was_given(
    words: tuple[str, ...], asked: list[tuple[object, ...]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, Any] = {}

    class Client:
        """Keeps what it gets."""

        def __init__(self, site: object, **options: object) -> None:
            given.update(options, site=site)
            raise InteractionRequired("Nobody is here.", "aura-browser harvest")

    monkeypatch.setattr(client, "AuraClient", Client)
    more = ("--temperature", "0.25", "--max-tokens", "769") if words[0] == "chat" else ()
    assert run_here(*words, *more, "--session", "b", "--store", str(tmp_path), "--transport", "auto").returncode == 77
    assert (given["site"].origin, given["session"], given["store"]) == (ORIGIN, "b", str(tmp_path))
    assert given["transport"] == "auto"
    if words[0] == "chat":
        assert (given["model"], given["temperature"], given["max_tokens"]) == ("m", 0.25, 769)
    with pytest.raises(InteractionRequired):
        asyncio.run(given["harvest"]())
    assert len(asked) == 1
