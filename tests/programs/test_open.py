"""``aura-browser open``: a session back in a real Chrome, in a window for a person and without one for a check."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from aura_browser import FileStore, Probe, Session, SessionKey, Site, assemble, page_site
from aura_browser.errors import WindowClosed
from aura_browser.programs.opening import build_window_harvest, show_window
from tests.parts.command import run, run_here
from tests.parts.person import Person, screen
from tests.parts.rotating_site import COOKIE, FIRST, RotatingSite, serving_rotating
from tests.parts.sessions import make_cookie, make_session
from tests.parts.waiting import eventually

pytestmark = pytest.mark.chrome


@pytest.fixture
def site() -> Iterator[RotatingSite]:
    with serving_rotating() as serving_site:
        yield serving_site


def make_login(origin: str, **facts: object) -> Session:
    login: dict[str, object] = {
        "cookies": (make_cookie(COOKIE, FIRST, http_only=True, expires=time.time() + 600),),
        "local_storage": {},
        "harvested_at": time.time(),
        "proof": "distinguished",
        "probe": "/me",
    }
    return make_session(origin, **(login | facts))


@pytest.mark.usefixtures("shared_chrome")
def test_a_check_says_whether_the_site_accepts_the_session(site: RotatingSite, tmp_path: Path) -> None:
    bad = make_cookie("__Host-bad", "s3cret", host_only=False, domain="example.com")
    login = make_login(site.origin)
    login = login.with_cookies((*login.cookies, bad))
    file = tmp_path / "session.json"
    file.write_text(login.to_json())
    done = run_here("open", str(file), "--check")
    assert (done.returncode, done.stdout) == (
        0,
        f"{site.origin}/: accepted: it answers otherwise without the session\n",
    )
    assert "Chrome has 1 of 2 cookies" in done.stderr
    assert "Not taken: cookie __Host-bad of example.com" in done.stderr
    assert f"{COOKIE}={FIRST}" in site.sent[0], "the browser sends it"
    site.value = ""
    done = run_here("open", str(file), "--check")
    assert done.returncode == 77
    assert "refused" in done.stdout
    assert "s3cret" not in done.stdout + done.stderr


def test_a_name_without_a_session_and_a_window_without_a_display(site: RotatingSite, state_home: Path) -> None:
    done = run("open", site.origin, "--check")
    assert (done.returncode, "aura-browser harvest" in done.stderr) == (77, True)
    asyncio.run(
        FileStore(state_home / "aura-browser" / "sessions").save(SessionKey(site.origin), make_login(site.origin))
    )
    done = run("open", site.origin, DISPLAY="", WAYLAND_DISPLAY="")
    assert (done.returncode, "--check" in done.stderr) == (77, True)
    assert run("open", site.origin, "--check", "--keep").returncode == 2
    place = str(state_home / "my store")
    done = run("open", site.origin, "--check", "--session", "My Work", "--store", place)
    assert done.returncode == 77
    assert done.stderr.rstrip().endswith(f"--session 'My Work' --store '{place}'")


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    with screen() as name:
        yield name


@pytest.fixture
async def person(tmp_path: Path, display: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Person]:
    """Return a person before the windows of this test."""
    async with Person(tmp_path) as someone:
        monkeypatch.setenv("DISPLAY", display)
        monkeypatch.setenv("AURA_BROWSER_CHROME", str(someone.chrome()))
        yield someone


class Looks:
    """Counts how often the open window was looked at."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, _left_s: float, _missing: tuple[str, ...]) -> None:
        self.count += 1

    async def for_a_while(self) -> None:
        """Wait for so many looks that one of them has read the page."""
        enough = self.count + 30
        await eventually(lambda: self.count >= enough, 60)


async def test_what_the_window_has_at_the_end_is_kept_if_asked(
    site: RotatingSite, person: Person, tmp_path: Path
) -> None:
    login, looks = make_login(site.origin, local_storage={"theme": "dark"}), Looks()
    where = Site(f"{site.origin}/", probe=Probe("/me"))
    store = FileStore(tmp_path / "sessions")
    await store.save(SessionKey(site.origin), login)
    window = build_window_harvest(login, where, lambda *_: None, looks)
    manager = assemble(where, store=store, harvest=window)
    keeping = asyncio.create_task(manager.harvest(despite_cool_down=True))
    try:
        await eventually(lambda: any(FIRST in header for header in site.sent), 60)
        await person.leave_the_page(site.origin, f"{site.origin}/rotate")
        await eventually(lambda: site.value != FIRST, 60)
        await looks.for_a_while()
        await person.close_the_window("/rotate")
        await keeping
    finally:
        keeping.cancel()
        await manager.aclose()
    kept = await store.load(SessionKey(site.origin))
    assert kept is not None
    assert {cookie.name: cookie.value for cookie in kept.cookies} == {COOKIE: site.value}
    assert kept.local_storage == {"theme": "dark"}
    assert kept.proof == "distinguished"


async def test_a_window_that_is_closed_before_its_page_is_there_is_no_failure(
    site: RotatingSite, person: Person
) -> None:
    login = make_login(site.origin, url=f"{site.origin}/slow")
    window = build_window_harvest(login, page_site(site.origin), lambda *_: None)
    said: list[str] = []

    async def listening() -> Session:
        try:
            return await window()
        except WindowClosed as error:
            said.append(str(error))
            raise

    showing = asyncio.create_task(show_window(listening))
    with contextlib.ExitStack() as exits:
        exits.callback(showing.cancel)
        await eventually(lambda: site.sent, 60)
        await person.close_the_window("")
        await asyncio.wait([showing])
        assert showing.exception() is None
    assert [each.rpartition("again ")[2] for each in said] == ["and leave the window open until the page has loaded."]
