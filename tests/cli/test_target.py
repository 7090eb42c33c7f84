"""What a command's URL names: the site, the address in it, and the page that a harvest opens."""

import asyncio
from pathlib import Path

import pytest

from aura_browser.assembly import SessionOptions
from aura_browser.cli.target import find_target
from aura_browser.errors import InvalidConfiguration
from aura_browser.store import FileStore, SessionKey
from tests.parts.sessions import make_session

ORIGIN = "https://wiki.example.com"
PROXY = "http://127.0.0.1:3128"


def define(folder: Path, text: str) -> None:
    place = folder / "config" / "aura-browser"
    place.mkdir(parents=True)
    (place / "sites.toml").write_text(text, "utf-8")


def test_an_address_of_an_api_is_asked_and_not_opened() -> None:
    target = find_target("wiki.example.com/api/pages?limit=5")
    assert str(target.resolve()) == f"{ORIGIN}/api/pages?limit=5"
    assert asyncio.run(target.find_page({})).url == ORIGIN


@pytest.mark.parametrize(
    ("key", "options"),
    [
        (SessionKey(ORIGIN), {}),
        (SessionKey(ORIGIN, "work"), {"session": "work"}),
        (SessionKey(ORIGIN, "work", PROXY), {"session": "work", "proxy": PROXY}),
    ],
)
def test_a_harvest_opens_the_page_that_the_stored_session_is_of(
    key: SessionKey, options: SessionOptions, store: FileStore
) -> None:
    for each in (SessionKey(ORIGIN), SessionKey(ORIGIN, "work"), SessionKey(ORIGIN, "work", PROXY)):
        page = "/start" if each == key else "/other"
        asyncio.run(store.save(each, make_session(ORIGIN, url=f"{ORIGIN}{page}", dialect="openchat-ui")))
    site = asyncio.run(find_target(f"{ORIGIN}/api/pages").find_page(options))
    assert (site.url, site.dialect) == (f"{ORIGIN}/start", "openchat-ui")


def test_a_harvest_opens_the_page_that_a_site_of_sites_toml_states(tmp_path: Path, store: FileStore) -> None:
    define(tmp_path, f'[wiki]\nurl = "{ORIGIN}/login"\n')
    asyncio.run(store.save(SessionKey(ORIGIN), make_session(ORIGIN, url=f"{ORIGIN}/start")))
    for text in ("wiki/api/pages", f"{ORIGIN}/api/pages"):
        target = find_target(text)
        assert str(target.resolve()) == f"{ORIGIN}/api/pages"
        assert asyncio.run(target.find_page({})).url == f"{ORIGIN}/login"


def test_a_broken_sites_toml_is_named(tmp_path: Path) -> None:
    define(tmp_path, "[wiki]\n")
    with pytest.raises(InvalidConfiguration, match=r"sites\.toml"):
        find_target("wiki")
