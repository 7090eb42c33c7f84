"""``aura-browser open`` without a browser: what it says of a session and of what a browser made of it."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aura_browser import carriers
from aura_browser.errors import LoginNeeded, SessionRefused
from aura_browser.programs import opening
from aura_browser.session import Session
from aura_browser.site import Site
from aura_browser.store import FileStore, SessionKey
from aura_browser.webdriver.process import display
from aura_browser.webdriver.restore import Restored
from tests.parts.command import run_here
from tests.parts.members_site import COOKIE, VALUE, serving_members
from tests.parts.sessions import make_cookie, make_session

ORIGIN = "https://a.example"
TOLD = "Chrome has 1 of 1 cookies, and 2 stored values.\n"
SHARED = (
    "The window and aura-browser now hold one login. A site that gives out new cookies may sign one of them out; "
    "--keep takes over what the window has at the end.\n"
)


@pytest.fixture
def file(tmp_path: Path) -> str:
    (tmp_path / "session.json").write_text(make_session(ORIGIN, probe="/me").to_json())
    return str(tmp_path / "session.json")


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Play a browser that takes all, and a site that proves what ``proof`` says; return what they get."""
    given: dict[str, Any] = {"proof": "open", "version": "1.9", "refused": ()}

    async def check(session: Session, site: Site, tell: Callable[[Restored, str], None]) -> Session:
        await asyncio.to_thread(tell, Restored(1, 2, 1, given["refused"]), given["version"])
        given["opened"] = (session.origin, site.origin)
        return make_session(ORIGIN, probe=None)

    async def prove(_site: Site, session: Session) -> Session:
        given["probe"] = session.probe
        if isinstance(given["proof"], Exception):
            raise given["proof"]
        return make_session(ORIGIN, proof=given["proof"])

    monkeypatch.setattr(opening, "check_in_browser", check)
    monkeypatch.setattr(carriers, "prove_once", prove)
    return given


@pytest.mark.parametrize(
    ("proof", "said"),
    [
        ("distinguished", "accepted: it answers otherwise without the session"),
        ("open", "not refused, but anybody gets the same answer"),
        ("unproven", "not refused, but its answer proves nothing"),
    ],
)
def test_a_check_says_what_the_site_made_of_it(proof: str, said: str, file: str, checked: dict[str, Any]) -> None:
    checked["proof"] = proof
    shown = run_here("open", file, "--check")
    assert (shown.returncode, shown.stdout, shown.stderr) == (0, f"{ORIGIN}/: {said}\n", TOLD)
    assert (checked["opened"], checked["probe"]) == ((ORIGIN, ORIGIN), "/me")


@pytest.mark.parametrize(
    "error",
    [
        LoginNeeded(f"{ORIGIN}/login?token=s3cret", "a password \x1b field", "aura-browser harvest"),
        SessionRefused(f"{ORIGIN}/login?token=s3cret", 401, "a password \x1b field", "Log in."),
    ],
)
def test_a_login_that_is_asked_for_is_a_refusal(error: Exception, file: str, checked: dict[str, Any]) -> None:
    checked["proof"] = error
    shown = run_here("open", file, "--check")
    assert shown.returncode == 77
    assert shown.stdout.startswith(f"{ORIGIN}/login")
    assert shown.stdout.endswith(": refused (a password field)\n")
    assert "s3cret" not in shown.stdout


def test_what_a_browser_did_not_take_and_another_version_is_said(file: str, checked: dict[str, Any]) -> None:
    checked |= {"version": "2.3", "refused": ("cookie \x1b a", "cookie b")}
    mark = "\N{REPLACEMENT CHARACTER}"
    assert run_here("open", file, "--check").stderr == (
        f"{TOLD}Not taken: cookie {mark} a\nNot taken: cookie b\nThis is Chrome 2.3; the session is of chrome 1.2.3.\n"
    )


def test_a_file_of_another_program_needs_its_page(tmp_path: Path, checked: dict[str, Any]) -> None:
    cookies = tmp_path / "header.txt"
    cookies.write_text("Cookie: sid=s3cret\n")
    assert run_here("open", str(cookies), "--check").returncode != 0
    shown = run_here("open", str(cookies), "--check", "--url", f"{ORIGIN}/start")
    assert shown.returncode == 0, shown.stderr
    assert checked["opened"] == (ORIGIN, ORIGIN)
    refused = run_here("open", "a.example", "--check", "--url", f"{ORIGIN}/start")
    assert (refused.returncode, refused.stderr.endswith("Error: --url is for a FILE.\n")) == (2, True)


def test_a_window_and_a_check_exclude_each_other(file: str) -> None:
    shown = run_here("open", file, "--check", "--keep")
    assert (shown.returncode, shown.stdout) == (2, "")
    assert shown.stderr.endswith("Error: --keep needs a window, and --check shows none.\n")


def test_without_a_display_the_check_is_named(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(display, "has_display", lambda: False)
    shown = run_here("open", f"{file} (2)", "--url", ORIGIN)
    assert shown.returncode == 2
    Path(f"{file} (2)").write_text(Path(file).read_text())
    shown = run_here("open", f"{file} (2)")
    why = "A window is needed, and there is no display here. To see whether the site accepts the session:"
    assert (shown.returncode, shown.stdout) == (77, "")
    assert shown.stderr == f"Error: {why} Run: aura-browser open '{file} (2)' --check\n"


def make_login(origin: str, *more: str) -> Session:
    """Return a session that the site of members knows, with further cookies."""
    cookies = (make_cookie(COOKIE, VALUE, http_only=True), *map(make_cookie, more))
    return make_session(origin, url=f"{origin}/app", cookies=cookies, probe="/api/me", harvested_at=time.time())


@pytest.mark.parametrize("is_kept", [False, True])
def test_what_the_window_has_at_the_end_is_kept_only_if_asked(
    *, is_kept: bool, store: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def build(session: Session, _site: Site, tell: Callable[[Restored, str], None]) -> Callable[[], object]:
        async def harvest() -> Session:
            await asyncio.to_thread(tell, Restored(1, 2, 1, ()), "1.9")
            return make_login(session.origin, "b")

        return harvest

    monkeypatch.setattr(display, "has_display", lambda: True)
    monkeypatch.setattr(opening, "build_window_harvest", build)
    with serving_members() as origin:
        key = SessionKey(origin, "work")
        asyncio.run(store.save(key, make_login(origin)))
        shown = run_here("open", origin, "--session", "work", *(["--keep"] if is_kept else []))
    kept = asyncio.run(store.load(key))
    assert kept is not None
    assert (len(kept.cookies), shown.stdout) == (2 if is_kept else 1, "")
    end = "Kept: 2 cookies; proof: distinguished.\n" if is_kept else ""
    assert (shown.returncode, shown.stderr) == (0, f"{TOLD}{end or SHARED}")
