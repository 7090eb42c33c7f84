"""``aura-browser sessions renew``: which sessions are renewed, when it is tried again, and what cron is told."""

import asyncio
import re
import time
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from aura_browser.assembly import assemble
from aura_browser.cli.sessions import renewing
from aura_browser.engine import DefaultEngine
from aura_browser.errors import HarvestCoolingDown, InteractionRequired, LoginNeeded, PageFailed
from aura_browser.keeping.manager import SessionManager
from aura_browser.playground import serve_in_thread
from aura_browser.session import Session
from aura_browser.site import Site
from aura_browser.store import FileStore, SessionKey
from tests.parts.cached import cache_session
from tests.parts.command import run, run_here
from tests.parts.sessions import make_cookie, make_session
from tests.parts.stub_site import COOKIE, GOOD, StubSite

if TYPE_CHECKING:
    from subprocess import CompletedProcess
from typing import Any

NOWHERE = "http://127.0.0.1:9"


class Browser:
    """A stand-in for the browser: gives a session with a cookie, or fails.

    Attributes:
        opened: how often it was opened.
        engines: what was to open it, for each session that was looked at.
        policies: what a renewal might do, for each.
        options: the name, the proxy and what commands are shown with, for each.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.opened = 0
        self.engines: list[object] = []
        self.policies: list[str] = []
        self.options: list[dict[str, Any]] = []
        self.value = GOOD
        self.error: Exception | None = None
        monkeypatch.setattr(renewing, "assemble", self._assemble)

    def _assemble(self, site: Site, **options: Any) -> SessionManager:  # noqa: ANN401 - options of any type
        self.policies.append(options["refresh"])
        self.engines.append(options["engine"])
        self.options.append({name: options[name] for name in ("session", "proxy", "command_options")})

        async def harvest() -> Session:
            self.opened += 1
            if self.error is not None:
                raise self.error
            return build(site.origin, "/members", self.value, life_s=86_400)

        return assemble(site, **options, harvest=harvest)


@pytest.fixture
def browser(monkeypatch: pytest.MonkeyPatch) -> Browser:
    return Browser(monkeypatch)


def build(origin: str, path: str, value: str, life_s: float | None, age_s: float = 0.0) -> Session:
    now = time.time()
    expires = None if life_s is None else now - age_s + life_s
    cookie = make_cookie(COOKIE, value, http_only=True, expires=expires)
    return make_session(
        origin,
        url=f"{origin}{path}",
        cookies=(cookie,),
        harvested_at=now - age_s,
        expires_at=expires,
    )


def keep(
    store: FileStore, origin: str, *, path: str = "/members", value: str = GOOD, life_s: float | None, age_s: float = 0
) -> SessionKey:
    key = SessionKey(origin)
    asyncio.run(store.save(key, build(origin, path, value, life_s, age_s)))
    return key


def load(store: FileStore, key: SessionKey) -> Session:
    session = asyncio.run(store.load(key))
    assert session is not None
    return session


def renew(*args: str) -> "CompletedProcess[str]":
    done = run_here("sessions", "renew", *args)
    assert "s3cret" not in done.stdout + done.stderr
    return done


@pytest.mark.parametrize(
    "case",
    [
        (3600, 3500, (), 1),
        (3600, 1000, (), 0),
        (86_400, 86_400 - 700, (), 0),  # at most ten minutes before its end
        (86_400, 86_400 - 500, (), 1),
        (86_400, 80_000, ("--within", "2h"), 1),
        (86_400, 70_000, ("--within", "2h"), 0),
        (None, 3500, (), 0),
        (None, 3500, ("--within", "2h"), 0),
    ],
)
def test_a_login_near_its_end_is_renewed(
    store: FileStore, stub: StubSite, browser: Browser, case: tuple[float | None, float, tuple[str, ...], int]
) -> None:
    life_s, age_s, args, opened = case
    key = keep(store, stub.origin, life_s=life_s, age_s=age_s)
    before = load(store, key)
    done = renew("--all", *args)
    assert done.stderr == ""
    assert (done.returncode, browser.opened) == (0, opened)
    assert done.stdout == (f"{key.slug}: renewed (valid), distinguished\n" if opened else "")
    after = load(store, key)
    assert (after.generation > before.generation) is bool(opened)
    assert after.proof == "distinguished"


def test_proofs_meanwhile_do_not_make_its_life_look_short(store: FileStore, stub: StubSite, browser: Browser) -> None:
    keep(store, stub.origin, life_s=86_400, age_s=86_400 - 550)
    assert run_here("sessions", "check").returncode == 0  # as another run of cron
    assert renew("--all").returncode == 0
    assert browser.opened == 1


def test_a_refused_login_is_renewed(store: FileStore, stub: StubSite, browser: Browser) -> None:
    key = keep(store, stub.origin, value="gone", life_s=86_400)
    done = renew(key.slug)
    assert (done.returncode, done.stdout) == (0, f"{key.slug}: renewed (refused), distinguished\n")
    assert renew("--all").stdout == ""
    assert browser.opened == 1


def test_a_person_is_asked_for_once_a_day_and_the_login_stays(
    store: FileStore, stub: StubSite, browser: Browser
) -> None:
    key = keep(store, stub.origin, value="gone", life_s=86_400)
    before = asyncio.run(store.read(key.slug))
    browser.error = LoginNeeded(f"{stub.origin}/login", "a password field", "aura-browser harvest")
    for again, args in ((False, ()), (True, ()), (False, ("--force",))):
        done = renew("--all", *args)
        assert (done.returncode, done.stdout) == (77, "")
        assert f"Log in: aura-browser harvest {stub.origin}/members --interactive" in done.stderr
        assert ("not tried again before a day has passed" in done.stderr) is again
    assert browser.opened == 2
    assert asyncio.run(store.read(key.slug)) == before
    browser.error = None
    assert renew("--all", "--force").returncode == 0
    assert renew("--all").stderr == ""


def test_a_failure_before_a_new_login_holds_nothing_back(store: FileStore, stub: StubSite, browser: Browser) -> None:
    key = keep(store, stub.origin, value="gone", life_s=86_400, age_s=60)
    browser.error = InteractionRequired("Nobody is logged in.", "aura-browser harvest")
    assert renew("--all").returncode == 77
    browser.error = None
    asyncio.run(store.save(key, build(stub.origin, "/members", "gone", 86_400), replace=True))
    assert renew("--all").stdout == f"{key.slug}: renewed (refused), distinguished\n"


def test_a_strangers_session_does_not_replace_a_login(store: FileStore, stub: StubSite, browser: Browser) -> None:
    key = keep(store, stub.origin, life_s=3600, age_s=3500)
    browser.value = "nobody"
    done = renew("--all")
    assert done.returncode == 77
    assert load(store, key).cookies[0].value == GOOD


@pytest.mark.parametrize("error", [HarvestCoolingDown(30.0, "it failed"), PageFailed("http://x/", "ERR_TIMED_OUT")])
def test_what_may_work_later_is_tried_again(
    store: FileStore, stub: StubSite, browser: Browser, error: Exception
) -> None:
    keep(store, stub.origin, value="gone", life_s=86_400)
    browser.error = error
    assert renew("--all").returncode == 75
    browser.error = None
    assert "not tried again" not in renew("--all").stderr


def test_each_is_renewed_by_itself_and_the_worst_is_the_exit_code(
    store: FileStore, stub: StubSite, browser: Browser
) -> None:
    near = keep(store, stub.origin, life_s=3600, age_s=3500)
    away = keep(store, NOWHERE, life_s=3600)
    done = renew("--all")
    assert (done.returncode, done.stdout) == (75, f"{near.slug}: renewed (valid), distinguished\n")
    assert away.slug in done.stderr
    (store.folder / "broken-0123456789ab.json").write_text("{")
    assert renew("--all").returncode == 75
    asyncio.run(store.swap(away.slug, asyncio.run(store.read(away.slug)), None))
    assert renew("--all").returncode == 1


@pytest.mark.parametrize("args", [(), ("x", "--all"), ("--all", "--within", "soon"), ("--all", "--within", "0s")])
def test_wrong_usage(args: tuple[str, ...]) -> None:
    done = renew(*args)
    assert (done.returncode, done.stdout) == (2, "")


@pytest.mark.usefixtures("shared_chrome")
@pytest.mark.chrome
def test_a_real_browser_renews_what_a_site_has_dropped(state_home: Path) -> None:
    with serve_in_thread("check-503") as site:
        cache_session(state_home, site.origin)
        done = run_here("sessions", "renew", "--all")
        assert done.returncode == 0, done.stderr
        assert "renewed (refused)" in done.stdout
        assert run("sessions", "check").returncode == 0


def test_the_browser_is_the_one_that_is_named(store: FileStore, stub: StubSite, browser: Browser) -> None:
    keep(store, stub.origin, value="gone", life_s=86_400)
    assert renew("--all", "--profile", "me").returncode == 0
    assert browser.engines == [DefaultEngine(profile="me")]


@pytest.mark.parametrize("case", [("", "headless"), ('refresh = "never"', "never")])
def test_a_site_whose_sessions_no_browser_renews_stays_so(
    store: FileStore, stub: StubSite, browser: Browser, tmp_path: Path, case: tuple[str, str]
) -> None:
    stated, policy = case
    folder = tmp_path / "config" / "aura-browser"
    folder.mkdir(parents=True)
    (folder / "sites.toml").write_text(f'[mine]\nurl = "{stub.origin}/members"\n{stated}\n', "utf-8")
    key = keep(store, stub.origin, value="gone", life_s=None)
    done = renew(key.slug)
    assert browser.policies == [policy]
    assert browser.opened == (policy == "headless")
    assert (done.returncode == 0) == (policy == "headless")


@pytest.mark.parametrize("case", [(0, True), (86_399, True), (86_400, False), (-100, False)])
def test_a_failure_counts_for_a_day(
    store: FileStore, stub: StubSite, browser: Browser, monkeypatch: pytest.MonkeyPatch, case: tuple[float, bool]
) -> None:
    (later_s, counts), now = case, time.time()
    monkeypatch.setattr(renewing, "time", SimpleNamespace(time=lambda: now))
    keep(store, stub.origin, value="gone", life_s=86_400, age_s=200)
    browser.error = LoginNeeded(f"{stub.origin}/login", "a password field", "aura-browser harvest")
    assert renew("--all").returncode == 77
    notes = [slug for slug in asyncio.run(store.slugs()) if re.fullmatch("budget-renew-[0-9a-f]{12}", slug)]
    assert len(notes) == 1
    now += later_s
    assert ("not tried again before a day has passed (--force): " in renew("--all").stderr) == counts


@pytest.mark.parametrize("case", [(7200, 1), (7201, 0)])
def test_what_ends_within_the_time_that_is_given_is_renewed(
    store: FileStore, stub: StubSite, browser: Browser, monkeypatch: pytest.MonkeyPatch, case: tuple[float, int]
) -> None:
    left_s, opened = case
    key = keep(store, stub.origin, life_s=86_400)
    ends = load(store, key).expires_at
    assert ends is not None
    monkeypatch.setattr(renewing, "time", SimpleNamespace(time=lambda: ends - left_s))
    assert renew("--all", "--within", "2h").returncode == 0
    assert browser.opened == opened


def test_a_renewal_is_of_the_name_and_with_what_is_in_force(store: FileStore, stub: StubSite, browser: Browser) -> None:
    session = build(stub.origin, "/members", "gone", 86_400)
    asyncio.run(store.save(SessionKey(stub.origin, "work"), session))
    place = str(store.folder)
    assert renew("--all", "--store", place).returncode == 0
    options = ("--session", "work", "--store", place)
    assert browser.options == [{"session": "work", "proxy": None, "command_options": options}]


def test_a_name_that_its_slug_does_not_tell_is_left_to_a_person(
    store: FileStore, stub: StubSite, browser: Browser
) -> None:
    key = SessionKey(stub.origin, "My Work")
    asyncio.run(store.save(key, build(stub.origin, "/members", "gone", 86_400)))
    done = renew("--all")
    login = f"aura-browser harvest {stub.origin}/members --interactive --session NAME"
    assert (done.returncode, done.stderr) == (
        1,
        f"{key.slug}: its name is not known here; renew it with: {login}\n",
    )
    assert browser.opened == 0


def test_what_can_not_be_read_is_said(store: FileStore, browser: Browser) -> None:
    asyncio.run(store.swap("damaged", None, b"{"))
    done = renew("--all")
    problem = "Not a session: malformed JSON. Harvest a new session."
    assert (done.returncode, done.stderr) == (1, f"damaged: can't be read: {problem}\n")


@pytest.mark.parametrize(
    ("codes", "worst"),
    [((), 0), ((0, 0), 0), ((0, 1), 1), ((1, 75), 75), ((75, 77, 1), 77), ((70, 78, 0), 78), ((78, 1), 1)],
)
def test_the_exit_code_is_that_of_the_worst(codes: tuple[int, ...], worst: int) -> None:
    assert renewing.find_worst([renewing.Renewed("a", code) for code in codes]) == worst
