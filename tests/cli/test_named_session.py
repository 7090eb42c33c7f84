"""Which session a NAME stands for: a stored one, that of a site, or that of an address."""

import asyncio
import time
from pathlib import Path

import click
import pytest

from aura_browser.assembly import SessionOptions
from aura_browser.cli.named_session import find_site
from aura_browser.errors import InvalidInput
from aura_browser.store import FileStore, SessionKey
from tests.parts.sessions import make_session

STORED = (
    "http://127.0.0.1:8765",
    "https://app.example.com",
    "https://app.example.org",
    "https://apply.example.net",
    "https://example.org:444",
)


@pytest.fixture
def options(tmp_path: Path) -> SessionOptions:
    """Return options with a store of sessions."""
    store = FileStore(tmp_path / "sessions")
    for origin in STORED:
        asyncio.run(store.save(SessionKey(origin), make_session(origin, harvested_at=time.time())))
    return {"store": str(tmp_path / "sessions")}


def origin_of(name: str, options: SessionOptions) -> str:
    with click.Context(click.Command("exec")):
        return find_site(name, options).origin


@pytest.mark.parametrize(
    ("name", "origin"),
    [
        ("apply.ex", "https://apply.example.net"),
        ("app.example.com", "https://app.example.com"),
        ("127.0.0.1:8765", "http://127.0.0.1:8765"),
        ("EXAMPLE.org:444", "https://example.org:444"),
        ("127", "http://127.0.0.1:8765"),
        ("127.0.0.1:876", "http://127.0.0.1:876"),  # a port is not the beginning of another
        ("example.net", "https://example.net"),
        ("example.net/a/page", "https://example.net"),
        ("localhost", "http://localhost"),
        ("localhost/chat", "http://localhost"),
        ("localhost:3000", "http://localhost:3000"),
        ("[::1]:3000", "http://[::1]:3000"),
        ("openchat", "https://openchat.team"),
        ("http://127.0.0.1:8766/x", "http://127.0.0.1:8766"),
    ],
)
def test_a_name_stands_for_a_stored_session_first_and_an_address_last(
    name: str, origin: str, options: SessionOptions
) -> None:
    assert origin_of(name, options) == origin


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("app", "matches more than one session"),
        ("app.ex", "matches more than one session"),
        ("nowhere", "matches no session; there are"),
    ],
)
def test_what_is_neither_one_session_nor_an_address_lists_what_there_is(
    name: str, said: str, options: SessionOptions
) -> None:
    with pytest.raises(click.ClickException) as caught:
        origin_of(name, options)
    assert caught.value.message.startswith(f"{name!r} {said}: ")
    assert "app.example.com" in caught.value.message
    assert "app.example.org" in caught.value.message


def test_a_host_of_several_sessions_is_its_site(options: SessionOptions) -> None:
    store = FileStore(Path(str(options["store"])))
    key = SessionKey("https://app.example.com", "work")
    asyncio.run(store.save(key, make_session(key.origin, harvested_at=time.time())))
    assert origin_of("app.example.com", options) == "https://app.example.com"
    assert options.get("session") is None, "the usual one of that site"


def test_a_given_session_name_means_a_site_and_no_stored_prefix(options: SessionOptions) -> None:
    command = click.Command("exec", params=[click.Option(["--session", "session_name"])], callback=lambda **_: None)
    with command.make_context("exec", ["--session", "work"]), pytest.raises(InvalidInput):
        find_site("app", options)


def test_a_stored_sessions_name_and_proxy_become_the_options(options: SessionOptions) -> None:
    store, proxy = FileStore(Path(str(options["store"]))), "http://127.0.0.1:3128"
    key = SessionKey("https://shop.example.com", "work", proxy)
    kept = make_session(key.origin, proxy=proxy, harvested_at=time.time())
    asyncio.run(store.save(key, kept))
    assert origin_of(key.slug, options) == "https://shop.example.com"
    assert (options["session"], options["proxy"]) == ("work", proxy)
    options["proxy"] = "http://127.0.0.1:9"
    assert origin_of("shop", options) == "https://shop.example.com"
    assert options["proxy"] == "http://127.0.0.1:9", "that of the command line"


def test_a_session_that_cannot_be_read_is_named(options: SessionOptions) -> None:
    folder = Path(str(options["store"]))
    [slug] = [file.stem for file in folder.glob("apply*.json")]
    (folder / f"{slug}.json").write_bytes(b"{")
    with pytest.raises(click.ClickException) as caught:
        origin_of(slug, options)
    assert caught.value.message.startswith(f"{slug} can't be read: Not a session")


def test_a_slug_that_does_not_tell_its_name_asks_for_it(options: SessionOptions) -> None:
    key = SessionKey("https://shop.example.com", "My Work")
    kept = make_session(key.origin, harvested_at=time.time())
    asyncio.run(FileStore(Path(str(options["store"]))).save(key, kept))
    with pytest.raises(click.ClickException) as caught:
        origin_of(key.slug, options)
    assert caught.value.message == (
        f"{key.slug} does not tell the name of its session. Give https://shop.example.com/ and --session NAME instead."
    )
