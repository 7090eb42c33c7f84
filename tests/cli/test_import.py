"""``aura-browser sessions import`` and ``clean``: no login is lost to a file or to a guessed end."""

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from aura_browser.session import Session
from aura_browser.session.times import correct_times
from aura_browser.store import FileStore, SessionKey
from tests.parts.command import run_here
from tests.parts.moved_site import AFTER, serving_moved_in_thread
from tests.parts.servers import serving_in_thread
from tests.parts.sessions import make_cookie, make_session
from tests.parts.stub_site import COOKIE, GOOD, StubSite

NOWHERE = "http://127.0.0.1:9"
NOW = 1_800_000_000.0


def make(origin: str, path: str, value: str = GOOD, **facts: Any) -> Session:  # noqa: ANN401 - a session's fields
    defaults = {"cookies": (make_cookie(COOKIE, value, http_only=True),), "harvested_at": time.time()}
    return make_session(origin, url=f"{origin}{path}", **(defaults | facts))


def keep(store: FileStore, session: Session, name: str = "default") -> SessionKey:
    key = SessionKey(session.origin, name)
    asyncio.run(store.save(key, session, replace=True))
    return key


def load(store: FileStore, origin: str) -> Session | None:
    return asyncio.run(store.load(SessionKey(origin)))


def import_file(session: Session | dict[str, Any], folder: Path, *args: str) -> tuple[int, str]:
    """Import *session*; return the exit code and what was said."""
    file = folder / "session.json"
    file.write_text(session.to_json() if isinstance(session, Session) else json.dumps(session))
    shown = run_here("sessions", "import", str(file), *args)
    assert shown.stdout == ""
    assert "s3cret" not in shown.stderr
    return shown.returncode, shown.stderr


def test_an_import_is_proven_against_a_control(store: FileStore, stub: StubSite, tmp_path: Path) -> None:
    assert import_file(make(stub.origin, "/members"), tmp_path) == (0, "")
    kept = load(store, stub.origin)
    assert kept is not None
    assert kept.proof == "distinguished"


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        (("/members", "gone"), (77, "Log in again. Run: aura-browser harvest ")),
        (("/broken", GOOD), (1, "answered 500")),
        (("/limited", GOOD), (75, "limits requests")),
    ],
)
def test_what_a_site_does_not_take_is_not_kept(
    store: FileStore, stub: StubSite, tmp_path: Path, session: tuple[str, str], expected: tuple[int, str]
) -> None:
    shown, error = import_file(make(stub.origin, *session), tmp_path)
    assert (shown, error.count("\n")) == (expected[0], 1)
    assert expected[1] in error
    assert load(store, stub.origin) is None


def test_a_site_that_is_away(tmp_path: Path) -> None:
    assert import_file(make(NOWHERE, "/"), tmp_path)[0] == 75


@pytest.mark.parametrize("facts", [{"is_login": True}, {"is_login": False}, {"is_login": None}])
def test_whether_it_is_a_login_stays_as_the_file_says(
    store: FileStore, stub: StubSite, tmp_path: Path, facts: dict[str, Any]
) -> None:
    assert import_file(make(stub.origin, "/public", **facts), tmp_path) == (0, "")
    kept = load(store, stub.origin)
    assert kept is not None
    assert (kept.proof, kept.is_login) == ("open", facts["is_login"])


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"is_login": True}, "yes"),
        ({"proof": "distinguished"}, "yes"),
        ({"is_login": None}, "unknown"),
        ({"proof": "open"}, "no"),
    ],
)
def test_the_list_says_whether_it_is_a_login(store: FileStore, facts: dict[str, Any], said: str) -> None:
    keep(store, make(NOWHERE, "/", **facts))
    [listed] = json.loads(run_here("sessions", "list", "--json").stdout)
    assert listed["login"] == said


def test_a_file_of_version_1_may_be_a_login(store: FileStore, stub: StubSite, tmp_path: Path) -> None:
    fields = json.loads(make(stub.origin, "/public").to_json())
    old = {
        name: fields[name]
        for name in ("origin", "url", "user_agent", "headers", "cookies", "local_storage", "proxy", "browser")
    }
    assert import_file(old | {"version": 1, "harvested_at": 1.0}, tmp_path) == (0, "")
    kept = load(store, stub.origin)
    assert kept is not None
    assert kept.is_protected


def test_a_login_stays_unless_a_person_says_otherwise(store: FileStore, stub: StubSite, tmp_path: Path) -> None:
    keep(store, make(stub.origin, "/members", proof="distinguished", is_login=True))
    before = load(store, stub.origin)
    anonymous = make(stub.origin, "/public", "anonymous")
    code, error = import_file(anonymous, tmp_path)
    assert (code, error.count("\n")) == (1, 1)
    assert "is not proven to be a login" in error
    assert "--replace" in error
    assert load(store, stub.origin) == before
    assert import_file(anonymous, tmp_path, "--replace")[0] == 0
    after = load(store, stub.origin)
    assert before is not None
    assert after is not None
    assert after.cookies[0].value == "anonymous"
    assert after.generation == before.generation + 1


def test_a_session_without_cookies_never_replaces_one_with_them(
    store: FileStore, stub: StubSite, tmp_path: Path
) -> None:
    keep(store, make(stub.origin, "/public"))
    before = load(store, stub.origin)
    for args in ((), ("--replace",)):
        code, error = import_file(make(stub.origin, "/public", cookies=()), tmp_path, *args)
        assert code == 1
        assert "has no cookies" in error
    assert load(store, stub.origin) == before


def test_times_of_another_clock_are_put_right() -> None:
    cookies = (make_cookie("a", expires=(NOW + 60) * 1000), make_cookie("b", expires=NOW + 60), make_cookie("c"))
    session = make_session(
        harvested_at=NOW * 1000,
        verified_at=NOW + 3600,
        rotated_at=(NOW - 5) * 1000,
        expires_at=(NOW + 60) * 1000,
        cookies=cookies,
    )
    right = correct_times(session, NOW)
    assert (right.harvested_at, right.verified_at, right.rotated_at) == (NOW, NOW, NOW - 5)
    assert right.expires_at == NOW + 60
    assert [cookie.expires for cookie in right.cookies] == [NOW + 60, NOW + 60, None]
    assert correct_times(right, NOW) == right
    assert correct_times(make_session(harvested_at=NOW + 86_400 * 365), NOW).harvested_at == NOW


def test_an_import_from_a_clock_ahead_is_not_dated_ahead(store: FileStore, stub: StubSite, tmp_path: Path) -> None:
    assert import_file(make(stub.origin, "/members", harvested_at=time.time() + 3e7), tmp_path)[0] == 0
    kept = load(store, stub.origin)
    assert kept is not None
    assert kept.harvested_at <= time.time()


def clean(*args: str) -> list[str]:
    shown = run_here("sessions", "clean", *args)
    assert (shown.returncode, shown.stderr) == (0, "")
    return shown.stdout.split()


def test_clean_leaves_logins_until_they_are_refused(store: FileStore, stub: StubSite) -> None:
    over: dict[str, Any] = {"expires_at": 1.0, "is_login": True}
    good = keep(store, make(stub.origin, "/members", **over), "good")
    gone = keep(store, make(stub.origin, "/members", "gone", **over), "gone")
    away = keep(store, make(NOWHERE, "/", **over), "away")
    shared = keep(store, make(stub.origin, "/public", **over), "shared")
    nobodys = keep(store, make(stub.origin, "/public", expires_at=1.0), "nobodys")
    assert clean("--dry-run") == clean() == sorted([gone.slug, nobodys.slug])
    assert asyncio.run(store.slugs()) == tuple(sorted([good.slug, away.slug, shared.slug]))


def test_clean_leaves_previous_logins_until_they_are_refused(store: FileStore, stub: StubSite) -> None:
    keys = [
        keep(store, make(stub.origin, "/members", value, is_login=is_login), name)
        for name, value, is_login in (("good", GOOD, True), ("gone", "gone", True), ("nobodys", "gone", False))
    ]
    for key in keys:
        data = asyncio.run(store.read(key.slug))
        asyncio.run(store.swap(f"{key.slug}.previous-2", None, data))
        asyncio.run(store.swap(key.slug, data, None))
    asyncio.run(store.swap("locked.previous", None, b"aura-browser-encrypted-1 gAAAAA"))
    assert clean() == sorted(f"{key.slug}.previous-2" for key in keys[1:])
    assert asyncio.run(store.slugs()) == tuple(sorted([f"{keys[0].slug}.previous-2", "locked.previous"]))


def test_it_is_asked_about_and_kept_through_the_proxy_that_the_site_has(
    store: FileStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving_moved_in_thread(StubSite().handle) as moved:
        folder = tmp_path / "config" / "aura-browser"
        folder.mkdir(parents=True)
        definition = f'[shop]\nurl = "{AFTER}/members"\nproxy = "${{SHOP_PROXY}}"\n'
        (folder / "sites.toml").write_text(definition, "utf-8")
        cookie = make_cookie(COOKIE, GOOD, domain="www.shop.test", http_only=True)
        session = make(AFTER, "/members", cookies=(cookie,))
        monkeypatch.setenv("SHOP_PROXY", moved.proxy)
        assert import_file(session, tmp_path) == (0, "")
        monkeypatch.delenv("SHOP_PROXY")
        assert import_file(session, tmp_path, "--proxy", moved.proxy, "--session", "other") == (0, "")
        for name in ("default", "other"):
            assert asyncio.run(store.load(SessionKey(AFTER, name, moved.proxy))) is not None
        assert moved.asked


class Renewing:
    """Serves members while their access token is the last one that it gave for a refresh token."""

    def __init__(self) -> None:
        self.count = 0
        self.is_closed = False

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/refresh":
            asked = (await request.post()).get("token")
            if self.is_closed or asked != f"s3cret-r{self.count}":
                return web.Response(status=400)
            self.count += 1
            return web.json_response({"access": f"s3cret-a{self.count}", "refresh": f"s3cret-r{self.count}"})
        is_good = self.count > 0 and request.headers.get("Authorization") == f"Bearer s3cret-a{self.count}"
        return web.json_response({"name": "Ann"} if is_good else {}, status=200 if is_good else 401)


RENEWED = """
[mine]
url = "{0}/me"
probe = "/me"
auth = {{ value = "Bearer {{local_storage.tokens.access}}" }}

[mine.refresh_request]
post = "/refresh"
form = {{ token = "{{local_storage.tokens.refresh}}" }}
into = "local_storage.tokens"
"""


@pytest.fixture
def renewing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Renewing, Session]]:
    """Serve one; yield it and a session whose access token is over."""
    site = Renewing()
    with serving_in_thread(site.handle) as (_, origin):
        folder = tmp_path / "config" / "aura-browser"
        folder.mkdir(parents=True)
        (folder / "sites.toml").write_text(RENEWED.format(origin), "utf-8")
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
        tokens = json.dumps({"access": "s3cret-a0", "refresh": "s3cret-r0"})
        yield site, make(origin, "/me", cookies=(), local_storage={"tokens": tokens}, is_login=True)


def test_a_token_that_is_over_is_renewed_by_the_sites_request(
    store: FileStore, renewing: tuple[Renewing, Session], tmp_path: Path
) -> None:
    site, session = renewing
    assert import_file(session, tmp_path) == (0, "")
    kept = load(store, session.origin)
    assert kept is not None
    assert (kept.proof, json.loads(kept.local_storage["tokens"])["refresh"]) == ("distinguished", "s3cret-r1")
    assert site.count == 1
    # What is stored could stay, and then what the site brings would be lost.
    assert import_file(session, tmp_path)[0] == 77
    assert site.count == 1
    site.count = 0
    assert import_file(session, tmp_path, "--replace") == (0, "")
    site.is_closed = True
    shown, error = import_file(session, tmp_path, "--replace")
    assert shown == 77
    assert "it is not renewed" in error
