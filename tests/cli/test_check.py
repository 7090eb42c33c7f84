"""``aura-browser sessions check`` and ``open --check``: what each site says of a session, with it and without it."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from aura_browser.cli.sessions import checking
from aura_browser.cli.sessions.catalogue import Entry
from aura_browser.cli.sessions.checking import Checked, check_entries, find_exit_code, keep_proven
from aura_browser.errors import AuraError, RateLimited, SessionRefused, SiteFailed, StoreError
from aura_browser.programs import opening
from aura_browser.session import Session
from aura_browser.session.state import State
from aura_browser.site import Site
from aura_browser.site.refresh_request import RefreshRequest
from aura_browser.store import FileStore, MemoryStore, SessionKey
from tests.parts.command import run_here
from tests.parts.servers import serving_in_thread
from tests.parts.sessions import make_cookie, make_session
from tests.parts.stub_site import COOKIE, GOOD, StubSite

NOWHERE = "http://127.0.0.1:9"


def keep(
    store: FileStore, origin: str, path: str, name: str = "default", value: str = GOOD, **facts: object
) -> SessionKey:
    key = SessionKey(origin, name)
    cookie = make_cookie(COOKIE, value, http_only=True)
    session = make_session(origin, url=f"{origin}{path}", cookies=(cookie,), harvested_at=time.time(), **facts)
    asyncio.run(store.save(key, session))
    return key


def check(*args: str) -> tuple[int, dict[str, str]]:
    """Return the exit code of ``sessions check``, and the state of each slug."""
    shown = run_here("sessions", "check", *args)
    assert "s3cret" not in shown.stdout + shown.stderr
    assert "Traceback" not in shown.stderr
    lines = (line.partition("  ") for line in shown.stdout.splitlines())
    return shown.returncode, {slug: state.strip() for slug, _, state in lines}


OVER: Mapping[str, Any] = {"expires_at": 1.0}


@pytest.mark.parametrize(
    ("session", "state", "code"),
    [
        (("/members", GOOD, {}), "valid", 0),
        (("/members", GOOD, OVER), "valid", 0),
        (("/public", GOOD, {}), "open: anybody gets the same answer", 0),
        (("/shy", GOOD, {}), "unproven: the answer proves nothing", 0),
        (("/missing", GOOD, {}), "unproven: the answer proves nothing", 0),
        (("/members", "gone", {}), "refused: status 302 to ", 77),
        (("/members", "gone", OVER), "expired: status 302 to ", 77),
        (("/login", GOOD, {}), "refused: status 200 with a page with a password field", 77),
        (("/public", "gone", {"proof": "distinguished", "evidence": ("another", "one")}), "refused: ", 77),
        (("/public", GOOD, {"probe": "/api/me"}), "valid", 0),
        (("/public", "gone", {"probe": "/api/me"}), "refused: status 401", 77),
        (("/broken", GOOD, {}), "unreachable: ", 75),
        (("/broken", GOOD, OVER), "unreachable: ", 75),
        (("/limited", GOOD, OVER), "unreachable: ", 75),
    ],
)
def test_each_state_has_its_word_and_exit_code(
    store: FileStore, stub: StubSite, session: tuple[str, str, Mapping[str, Any]], state: str, code: int
) -> None:
    path, value, facts = session
    key = keep(store, stub.origin, path, value=value, **facts)
    before = asyncio.run(store.read(key.slug))
    shown, states = check()
    assert shown == code, states
    assert states[key.slug].startswith(state)
    if state != "valid":
        assert asyncio.run(store.read(key.slug)) == before


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/members", "accepted: it answers otherwise without the session"),
        ("/public", "not refused, but anybody gets the same answer"),
        ("/shy", "not refused, but its answer proves nothing"),
    ],
)
def test_what_a_browser_was_answered_is_said_in_words(
    stub: StubSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, said: str
) -> None:
    async def read_back(session: Session, *_: object) -> Session:
        return session

    monkeypatch.setattr(opening, "check_in_browser", read_back)
    cookie = make_cookie(COOKIE, GOOD, http_only=True)
    session = make_session(stub.origin, url=f"{stub.origin}{path}", cookies=(cookie,), harvested_at=time.time())
    file = tmp_path / "session.json"
    file.write_text(session.to_json())
    shown = run_here("open", str(file), "--check")
    assert (shown.returncode, shown.stdout) == (0, f"{stub.origin}{path}: {said}\n"), shown.stderr


def test_the_worst_state_decides_the_exit_code(store: FileStore, stub: StubSite) -> None:
    keep(store, stub.origin, "/members")
    asyncio.run(store.swap("damaged", None, b'{"s3cret'))
    assert check()[0] == 1
    gone = keep(store, NOWHERE, "/", **OVER)
    code, states = check()
    assert code == 75
    assert states[gone.slug].startswith(f"unreachable: No answer from {NOWHERE}/")
    assert states["damaged"].startswith("can't be read: Not a session")
    keep(store, stub.origin, "/members", "other", "gone")
    assert check()[0] == 77


def test_what_a_stranger_gets_is_not_written_over_a_login(store: FileStore, stub: StubSite) -> None:
    key = keep(store, stub.origin, "/public", value="gone", is_login=True)
    before = asyncio.run(store.read(key.slug))
    assert check()[0] == 0
    assert asyncio.run(store.read(key.slug)) == before


def test_what_a_proven_login_rotates_is_written_but_never_over_a_newer_one(store: FileStore, stub: StubSite) -> None:
    key = keep(store, stub.origin, "/rotating")
    [entry] = asyncio.run(_read(store, key))

    async def check_twice() -> list[Session | None]:
        [result] = [each async for each in check_entries([entry])]
        await keep_proven(store, result)
        first = await store.load(key)
        assert first is not None
        newer = first.with_cookies(())
        await store.update(key, lambda _: newer)
        await keep_proven(store, result)  # as a check that began before
        return [first, await store.load(key)]

    first, second = asyncio.run(check_twice())
    assert first is not None
    assert second is not None
    assert (first.proof, first.rotation) == ("distinguished", 1)
    assert [cookie.name for cookie in first.cookies] == [COOKIE, "seen"]
    assert second.cookies == ()


async def _read(store: FileStore, key: SessionKey) -> list[Entry]:
    data = await store.read(key.slug)
    assert data is not None
    return [Entry(key.slug, data, Session.from_json(data))]


def test_the_command_to_log_in_names_what_is_in_force(store: FileStore, stub: StubSite) -> None:
    key = keep(store, stub.origin, "/public", "work-2", "gone", probe="/api/me")
    shown = run_here("sessions", "check", "--store", str(store.folder))
    command = f"aura-browser harvest {stub.origin}/public --interactive --session work-2"
    assert f"{command} --store {store.folder} --probe /api/me" in shown.stdout
    assert key.slug in shown.stdout


def test_as_json(store: FileStore, stub: StubSite) -> None:
    good, gone = keep(store, stub.origin, "/members"), keep(store, stub.origin, "/members", "old", "gone")
    asyncio.run(store.swap("damaged", None, b'{"s3cret'))
    shown = run_here("sessions", "check", "--json")
    assert shown.returncode == 77
    found = {each["slug"]: each for each in json.loads(shown.stdout)}
    assert found[good.slug] == {"slug": good.slug, "origin": stub.origin, "state": "valid", "reason": ""}
    assert found[gone.slug]["state"] == "refused"
    assert found["damaged"] == {
        "slug": "damaged",
        "state": None,
        "problem": "Not a session: malformed JSON. Harvest a new session.",
    }


async def test_at_most_eight_are_asked_at_once(stub: StubSite, monkeypatch: pytest.MonkeyPatch) -> None:
    running, most = 0, 0

    async def ask(entry: Entry, *_others: object) -> Checked:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.001)
        running -= 1
        return Checked(entry, "valid")

    monkeypatch.setattr(checking, "_check_entry", ask)
    entries = [Entry(str(n)) for n in range(100)]
    results = [result.entry async for result in check_entries(entries)]
    assert results == entries
    assert most == 8


def test_a_site_that_limits_requests_is_not_asked_about_each_session(store: FileStore, stub: StubSite) -> None:
    for n in range(40):
        keep(store, stub.origin, "/limited", f"name{n}")
    code, states = check()
    assert code == 75
    assert len(states) == 40
    assert all(state.startswith("unreachable: ") and "429" in state for state in states.values())
    assert len(stub.server.seen) <= 8 * 2


@pytest.mark.parametrize("count", [80, pytest.param(1000, marks=pytest.mark.soak)])
def test_many_sessions_have_the_right_states(count: int, store: FileStore, stub: StubSite) -> None:
    kinds: list[tuple[str, str, str, str, Mapping[str, Any]]] = [
        ("valid", stub.origin, "/members", GOOD, {}),
        ("refused", stub.origin, "/members", "gone", {}),
        ("expired", stub.origin, "/members", "gone", OVER),
        ("open", stub.origin, "/public", GOOD, {}),
        ("unproven", stub.origin, "/shy", GOOD, {}),
        ("unreachable", NOWHERE, "/", GOOD, {}),
        ("unreachable", NOWHERE, "/", GOOD, OVER),
        ("unreachable", stub.origin, "/broken", GOOD, OVER),
    ]
    expected = {}
    for n in range(count):
        state, origin, path, value, facts = kinds[n % len(kinds)]
        expected[keep(store, origin, path, f"name{n}", value, **facts).slug] = state
    shown = run_here("sessions", "check", "--json")
    assert shown.returncode == 77
    assert {each["slug"]: each["state"] for each in json.loads(shown.stdout)} == expected
    assert Counter(expected.values())["unreachable"] == count * 3 // 8


@pytest.mark.parametrize(
    ("error", "state", "is_limited"),
    [
        (SiteFailed("https://a.example/", 0, ""), "unreachable", False),
        (SiteFailed("https://a.example/", 404, ""), "unproven", False),
        (SiteFailed("https://a.example/", 499, ""), "unproven", False),
        (SiteFailed("https://a.example/", 500, ""), "unreachable", False),
        (RateLimited("https://a.example/", 5.0), "unreachable", True),
    ],
)
async def test_what_a_site_answers_instead_is_no_refusal(
    monkeypatch: pytest.MonkeyPatch, error: AuraError, state: str, *, is_limited: bool
) -> None:
    async def prove(_site: Site, _session: Session) -> Session:
        raise error

    monkeypatch.setattr("aura_browser.carriers.prove_once", prove)
    entry = Entry(SessionKey("https://a.example").slug, session=make_session("https://a.example"))
    assert [each async for each in check_entries([entry])] == [Checked(entry, state, str(error), None, is_limited)]  # type: ignore[arg-type]


async def test_what_a_command_can_not_show_is_named_where_a_login_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    async def prove(_site: Site, _session: Session) -> Session:
        raise SessionRefused("https://a.example/", 401, "status 401", "")

    monkeypatch.setattr("aura_browser.carriers.prove_once", prove)
    key = SessionKey("https://a.example", "work", "http://me:s3cret@proxy.example:1")
    entry = Entry(key.slug, session=make_session(key.origin, proxy=key.proxy))
    [checked] = [each async for each in check_entries([entry], "redis://:s3cret@cache.example/1")]
    assert checked.reason == (
        "status 401. Put the proxy's URL in AURA_BROWSER_PROXY first. Put the store's URL in AURA_BROWSER_STORE first."
        " Log in again: aura-browser harvest https://a.example/ --interactive --session work"
    )


async def test_a_session_that_a_request_renews_needs_no_login(monkeypatch: pytest.MonkeyPatch) -> None:
    async def prove(_site: Site, _session: Session) -> Session:
        raise SessionRefused("https://a.example/", 401, "status 401", "")

    monkeypatch.setattr("aura_browser.carriers.prove_once", prove)
    key = SessionKey("https://a.example")
    entry = Entry(key.slug, session=make_session(key.origin))
    site = Site("https://a.example/", refresh_request=RefreshRequest("/api/refresh"))
    [checked] = [each async for each in check_entries([entry], site=site)]
    assert (checked.state, checked.reason) == (
        "refused",
        f"status 401. Renew it: aura-browser sessions renew {key.slug}",
    )


@pytest.mark.parametrize(
    ("states", "code"),
    [
        ((), 0),
        (("valid", "open", "unproven"), 0),
        (("valid", None), 1),
        ((None, "unreachable"), 75),
        (("unreachable", "expired"), 77),
        (("refused", "unreachable", None), 77),
    ],
)
def test_the_exit_code_is_that_of_the_worst(states: tuple[State | None, ...], code: int) -> None:
    assert find_exit_code([Checked(Entry("a"), state) for state in states]) == code


def test_a_request_that_proves_something_is_asked_for(store: FileStore, stub: StubSite) -> None:
    key = keep(store, stub.origin, "/shy", "work")
    told = f"Name a request that needs the login: aura-browser harvest {stub.origin}/shy --session work --probe PATH"
    assert check() == (0, {key.slug: f"unproven: the answer proves nothing. {told}"})


async def test_a_proof_that_can_not_be_kept_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    class Full(MemoryStore):
        async def update_at(self, *_: object) -> None:
            raise StoreError("memory", "it is full")

    session = make_session("https://a.example")
    await keep_proven(Full(), Checked(Entry("a", session=session), "valid", proven=session))
    assert "it is full" in caplog.text


class Rotating:
    """Gives its cookie another value with each answer, and takes no older one.

    Args:
        status: that a stranger gets.
    """

    def __init__(self, status: int) -> None:
        self._status = status
        self.number = 1

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.headers.get("Cookie") != f"{COOKIE}=s3cret-{self.number}":
            return web.json_response({}, status=self._status)
        self.number += 1
        cookie = f"{COOKIE}=s3cret-{self.number}; Path=/; HttpOnly"
        return web.json_response({"name": "Ann"}, headers={"Set-Cookie": cookie})


@pytest.mark.parametrize("status", [200, 401])
@pytest.mark.parametrize("command", [("sessions", "check"), ("sites", "test", "mine"), ("sessions", "clean")])
def test_what_a_command_rotated_by_asking_is_kept(
    store: FileStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], status: int
) -> None:
    site = Rotating(status)
    with serving_in_thread(site.handle) as (_, origin):
        folder = tmp_path / "config" / "aura-browser"
        folder.mkdir(parents=True)
        (folder / "sites.toml").write_text(f'[mine]\nurl = "{origin}/me"\nprobe = "/me"\n', "utf-8")
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
        is_login = status == 401
        facts: dict[str, Any] = {"expires_at": 1.0} if "clean" in command else {}
        key = keep(store, origin, "/me", value="s3cret-1", is_login=is_login, **facts)
        run_here(*command)
        if "clean" in command and not is_login:
            assert site.number == 1, "nobody's session is not asked about"
            return
        assert site.number == 2
        kept = asyncio.run(store.load(key))
        assert kept is not None
        assert [cookie.value for cookie in kept.cookies] == ["s3cret-2"]
