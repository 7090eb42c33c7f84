"""Commands with the session of a site that moved to ``www``: it is kept under the address that a person gives."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from aura_browser.assembly import assemble
from aura_browser.cli import mcp
from aura_browser.cli.kept import report_kept
from aura_browser.cli.sessions import renewing
from aura_browser.keeping.manager import SessionManager
from aura_browser.session import Session
from aura_browser.site import Site
from aura_browser.store import FileStore, SessionKey
from tests.parts.command import run_here
from tests.parts.missing import need_program
from tests.parts.moved_site import AFTER, BEFORE, MovedSite, serving_moved_in_thread
from tests.parts.rotating_site import COOKIE, FIRST, RotatingSite
from tests.parts.sessions import make_cookie

if TYPE_CHECKING:
    from subprocess import CompletedProcess


@pytest.fixture
def shop() -> RotatingSite:
    return RotatingSite()


@pytest.fixture
def moved(shop: RotatingSite) -> Iterator[MovedSite]:
    with serving_moved_in_thread(shop.handle) as moved:
        yield moved


def build_login(moved: MovedSite, **facts: object) -> Session:
    cookie = make_cookie(COOKIE, FIRST, domain="www.shop.test", http_only=True)
    known = {"cookies": (cookie,), "harvested_at": time.time(), "proof": "distinguished", "probe": "/me"}
    return moved.make_session(is_login=True, **(known | facts))


@pytest.fixture
def key(moved: MovedSite, store: FileStore) -> SessionKey:
    """Return the key of a login that is stored."""
    key = SessionKey(BEFORE, "work", moved.proxy)
    asyncio.run(store.save(key, build_login(moved)))
    return key


def call(*words: str) -> "CompletedProcess[str]":
    done = run_here(*words)
    assert "s3cret" not in done.stdout + done.stderr
    return done


def define(folder: Path, text: str) -> None:
    place = folder / "config" / "aura-browser"
    place.mkdir(parents=True)
    (place / "sites.toml").write_text(text, "utf-8")


def load(store: FileStore, key: SessionKey) -> Session:
    session = asyncio.run(store.load(key))
    assert session is not None
    return session


def test_its_address_and_its_slug_stand_for_it(moved: MovedSite, key: SessionKey) -> None:
    words = ("--session", "work", "--proxy", moved.proxy)
    assert call("request", *words, f"{BEFORE}/me").stdout == '{"name": "Ann"}'
    assert "valid" in call("sessions", "check", key.slug).stdout


@pytest.mark.parametrize("name", ["shop", BEFORE, f"{BEFORE}/", "shop.test", AFTER, "www.shop.test"])
def test_its_names_stand_for_it(name: str, key: SessionKey, tmp_path: Path) -> None:
    define(tmp_path, f'[shop]\nurl = "{BEFORE}/"\n')
    assert key.slug in call("sessions", "show", name).stdout


def test_what_a_program_rotated_is_kept(
    moved: MovedSite, key: SessionKey, store: FileStore, shop: RotatingSite
) -> None:
    need_program("curl")
    rotate = ("curl", "-sx", moved.proxy, "-b", "{cookies}", "-c", "{cookies}", f"{AFTER}/rotate")
    done = call("exec", key.slug, "--", *rotate)
    assert (done.returncode, "Warning" in done.stderr) == (0, False), done.stderr
    assert shop.value != FIRST
    assert [cookie.value for cookie in load(store, key).cookies] == [shop.value]


def test_it_is_renewed_where_it_is_kept(
    moved: MovedSite, key: SessionKey, store: FileStore, shop: RotatingSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def harvest() -> Session:
        new = make_cookie(COOKIE, shop.value, domain="www.shop.test", http_only=True)
        return build_login(moved, cookies=(new,))

    def assemble_here(site: Site, **options: Any) -> SessionManager:  # noqa: ANN401 - options of any type
        return assemble(site, **options, harvest=harvest)

    monkeypatch.setattr(renewing, "assemble", assemble_here)
    shop.value = "s3cret-new"
    assert call("sessions", "renew", key.slug).returncode == 0
    assert [cookie.value for cookie in load(store, key).cookies] == ["s3cret-new"]


def test_the_command_for_a_new_login_names_the_address_before(key: SessionKey, shop: RotatingSite) -> None:
    shop.value = ""
    told = call("sessions", "check", key.slug)
    assert told.returncode == 77
    assert f"aura-browser harvest {BEFORE}/ --interactive --proxy" in told.stdout.replace("\n", " ")


def test_a_curl_command_goes_to_where_the_session_is_from(moved: MovedSite, key: SessionKey) -> None:
    words = ("--session", key.name, "--proxy", moved.proxy)
    assert call("request", *words, f"{BEFORE}/me", "--as-curl").stdout.strip().endswith(f" {AFTER}/me")


def test_an_import_is_kept_under_the_address_of_the_sites_definition(
    moved: MovedSite, store: FileStore, tmp_path: Path
) -> None:
    define(tmp_path, f'[shop]\nurl = "{BEFORE}/"\n')
    file = tmp_path / "session.json"
    file.write_text(build_login(moved).to_json())
    assert call("sessions", "import", str(file)).returncode == 0
    assert load(store, SessionKey(BEFORE, "default", moved.proxy)).origin == AFTER
    assert call("request", "--proxy", moved.proxy, "--refresh", "never", "shop/me").stdout == '{"name": "Ann"}'


@pytest.mark.parametrize(
    "definitions",
    [
        f'[app]\nurl = "http://app.shop.test/"\norigins = ["{AFTER}"]\n',
        f'[b]\nurl = "{BEFORE}"\n[a]\nurl = "{AFTER}"\n',
    ],
)
def test_an_import_of_another_origin_is_kept_by_itself(
    definitions: str, moved: MovedSite, store: FileStore, tmp_path: Path
) -> None:
    define(tmp_path, definitions)
    file = tmp_path / "session.json"
    file.write_text(build_login(moved, probe=None).to_json())
    assert call("sessions", "import", str(file)).returncode == 0
    assert load(store, SessionKey(AFTER, "default", moved.proxy)).origin == AFTER
    assert len(asyncio.run(store.session_slugs())) == 1


def test_the_report_of_a_harvest_names_the_place(
    moved: MovedSite, store: FileStore, capsys: pytest.CaptureFixture[str]
) -> None:
    session = build_login(moved)
    report_kept(Site(f"{BEFORE}/"), session, {"session": "work"}, now=time.time(), output=None)
    told = capsys.readouterr().err
    slug = SessionKey(BEFORE, "work", moved.proxy).slug
    assert f"{slug}.json" in told
    assert f"sessions show {slug}" in told


def test_an_agent_is_offered_what_a_slug_names(
    moved: MovedSite, key: SessionKey, store: FileStore, capsys: pytest.CaptureFixture[str]
) -> None:
    """The name of a session with capitals is not in its slug: it is left out, and named."""
    other = SessionKey(BEFORE, "Work", moved.proxy)
    asyncio.run(store.save(other, build_login(moved)))
    offers = asyncio.run(mcp._list_offers({"store": str(store.folder)}, ()))
    assert [(offer.name, offer.site.origin) for offer in offers] == [("work", BEFORE)]
    assert f"{other.slug} is left out" in capsys.readouterr().err
