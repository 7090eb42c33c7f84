"""A program that is run once more because the site refuses the session afterwards, and one that is not."""

import asyncio
import dataclasses
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from aura_browser import FileStore, Probe, Session, SessionKey, Site
from aura_browser.errors import InteractionRequired, StoreError
from aura_browser.keeping.manager import SessionManager
from aura_browser.programs import running
from aura_browser.programs.files import choose_kinds
from aura_browser.programs.running import Run, run_program
from tests.parts.rotating_site import COOKIE, FIRST, RotatingSite, serving_rotating
from tests.parts.sessions import make_cookie, make_session

if TYPE_CHECKING:
    from aura_browser.assembly import SessionOptions


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[RotatingSite]:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    with serving_rotating() as serving:
        yield serving


class Place:
    """A store, and what stands in for a browser there.

    Attributes:
        harvests: how often a browser was needed.
        told: the lines for the person.
        works: whether a new session can be got.
        folder: where the store is.
    """

    def __init__(self, site: RotatingSite, folder: Path) -> None:
        self.harvests = 0
        self.told: list[str] = []
        self.works = True
        self._serving = site
        self._site = Site(f"{site.origin}/", probe=Probe("/me"))
        self.folder = folder

    def make(self, value: str, **facts: object) -> Session:
        given: dict[str, object] = {
            "cookies": (make_cookie(COOKIE, value, http_only=True, expires=time.time() + 600),),
            "harvested_at": time.time(),
            "verified_at": time.time(),
            "proof": "distinguished",
        }
        session = make_session(self._serving.origin, **(given | facts))
        asyncio.run(FileStore(self.folder).save(SessionKey(session.origin), session))
        return session

    async def harvest(self) -> Session:
        self.harvests += 1
        if not self.works:
            raise InteractionRequired("Log in.", "aura-browser harvest")
        self._serving.value = f"s3cret-new-{self.harvests}"
        cookies = (make_cookie(COOKIE, self._serving.value, http_only=True, expires=time.time() + 600),)
        return make_session(self._serving.origin, cookies=cookies, harvested_at=time.time())

    def run(self, *command: str, retries: bool = True, store: str | None = None) -> int:
        options: SessionOptions = {"store": store or str(self.folder), "session": "default", "harvest": self.harvest}
        kinds = tuple(choose_kinds((), command))
        run = Run(command=command, kinds=kinds, keeps_changes=True, retries=retries)
        return run_program(dataclasses.replace(self._site), options, run, self.told.append)


@pytest.fixture
def place(site: RotatingSite, tmp_path: Path) -> Place:
    return Place(site, tmp_path / "sessions")


def curl(site: RotatingSite) -> tuple[str, ...]:
    return ("/usr/bin/env", "curl", "-sf", "-o", "/dev/null", "-b", "{cookies}", f"{site.origin}/me")


def test_a_refused_session_is_renewed_and_the_command_runs_once_more(site: RotatingSite, place: Place) -> None:
    place.make("s3cret-over")
    assert place.run(*curl(site)) == 0
    assert place.harvests == 1
    assert "once more" in place.told[-1]
    sent = [header for header in site.sent if COOKIE in header]
    assert sent[0] == f"{COOKIE}=s3cret-over"
    assert sent[-1] == f"{COOKIE}=s3cret-new-1"


def test_without_the_option_it_is_not_run_again(site: RotatingSite, place: Place) -> None:
    place.make("s3cret-over")
    assert place.run(*curl(site), retries=False) == 22
    assert place.harvests == 0


def test_a_program_that_fails_for_another_reason_is_not_run_again(site: RotatingSite, place: Place) -> None:
    place.make(FIRST)
    assert place.run("/bin/sh", "-c", f"curl -s {site.origin}/count > /dev/null; exit 5") == 5
    assert len([header for header in site.sent if header == ""]) == 2, "its own request, and the control of the probe"
    assert place.harvests == 0


@pytest.mark.parametrize(
    ("signal", "code", "harvests"),
    [("HUP", 129, 0), ("INT", 130, 0), ("KILL", 137, 0), ("TERM", 143, 0), ("QUIT", 131, 1), ("SEGV", 139, 1)],
)
def test_a_program_that_a_person_ended_is_not_run_again(place: Place, signal: str, code: int, harvests: int) -> None:
    place.make("s3cret-over")
    assert place.run("/bin/sh", "-c", f"ulimit -c 0; kill -{signal} $$") == code
    assert place.harvests == harvests


def test_where_no_new_session_can_be_got_the_programs_code_stays(site: RotatingSite, place: Place) -> None:
    place.make("s3cret-over")
    place.works = False
    assert place.run(*curl(site)) == 22
    assert "not run again" in place.told[-1]


def rewrite(*programs: str) -> tuple[str, ...]:
    return ("/bin/sh", "-c", "\n".join(programs), "sh", "{cookies}", "{state}")


def stored(site: RotatingSite, tmp_path: Path) -> dict[str, str]:
    session = asyncio.run(FileStore(tmp_path / "sessions").load(SessionKey(site.origin)))
    assert session is not None
    return {cookie.name: cookie.value for cookie in session.cookies}


def add(name: str, value: str) -> str:
    """Return a script that writes one more cookie for the host into cookies.txt."""
    return f"""printf '127.0.0.1\\tFALSE\\t/\\tFALSE\\t9999999999\\t{name}\\t{value}\\n' >> "$1" """


def test_each_file_that_can_be_read_is_kept_in_the_store_named(
    site: RotatingSite, place: Place, tmp_path: Path
) -> None:
    place.make(FIRST)
    change = """sed -i 's/"cookies": *\\[/&{"name":"new","value":"1","domain":"127.0.0.1","path":"\\/"},/' "$2" """
    assert place.run(*rewrite('echo "one column" > "$1"', change), retries=False) == 0
    [told] = [line for line in place.told if line.startswith("Warning")]
    assert told.startswith("Warning: the cookies that /bin/sh changed are not kept: its file can't be read any more. ")
    assert stored(site, tmp_path) == {COOKIE: FIRST, "new": "1"}


def test_cookies_that_a_program_garbled_are_named_and_the_others_kept(
    site: RotatingSite, place: Place, tmp_path: Path
) -> None:
    place.make(FIRST)
    latin = "".join(f"\\\\{byte:03o}" for byte in "h\u00e9".encode().decode("latin-1").encode())
    assert place.run(*rewrite(add("new", "1"), add("place", latin.replace("\\\\", "\\"))), retries=False) == 0
    reason = "the program saved their UTF-8 as Latin-1: place."
    assert place.told == [f"Warning: cookies that /bin/sh changed are not kept: {reason}"]
    assert stored(site, tmp_path) == {COOKIE: FIRST, "new": "1"}


def test_of_a_file_with_the_same_cookies_the_site_is_not_asked(site: RotatingSite, place: Place) -> None:
    place.make(FIRST)
    assert place.run(*rewrite('echo "# a comment" >> "$1"'), retries=False) == 0
    assert (site.sent, place.told) == ([], [])


def test_nothing_is_kept_of_a_session_in_memory(place: Place) -> None:
    assert place.run(*rewrite(add("new", "1")), retries=False, store="memory") == 0
    assert (place.harvests, place.told) == (1, [])


def test_a_store_that_goes_away_meanwhile_is_said_in_one_sentence(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object, **__: object) -> str:
        raise StoreError("somewhere", "it is away.")

    monkeypatch.setattr(running, "fold_back", fail)
    place.make(FIRST)
    assert place.run(*rewrite(add("new", "1")), retries=False) == 0
    reason = "The session store somewhere can't be used: it is away."
    assert place.told == [f"Warning: the cookies that /bin/sh changed are not kept: {reason}"]


def test_of_the_usual_files_all_losses_are_said_and_only_what_is_wrong_with_the_first(
    site: RotatingSite, place: Place
) -> None:
    cookies = (make_cookie(COOKIE, FIRST, http_only=True), make_cookie("wide", "\u20ac"))
    session = make_session(site.origin, cookies=cookies, harvested_at=time.time(), verified_at=time.time())
    asyncio.run(FileStore(place.folder).save(SessionKey(site.origin), session))
    assert place.run("/bin/true", retries=False) == 0
    assert [line.partition(" can't")[0] for line in place.told] == [
        "Not in httpie.json: 1 cookie with characters outside ASCII: wide.",
        "In cookies.txt: 1 cookie with characters outside ASCII",
    ]


def test_all_that_was_opened_for_it_is_closed(
    site: RotatingSite, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, closed = [], []

    class Counting(SessionManager):
        def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - passed on
            super().__init__(*args, **options)
            opened.append(self)

        async def aclose(self) -> None:
            await super().aclose()
            closed.append(self)

    monkeypatch.setattr("aura_browser.assembly.SessionManager", Counting)
    place.make("s3cret-over")
    assert place.run(*curl(site)) == 0
    assert (len(opened), closed) == (2, opened)


@pytest.mark.parametrize(("age_s", "asked"), [(200, 0), (400, 1), (None, 1)])
def test_the_site_is_asked_first_unless_it_took_the_session_a_moment_ago(
    age_s: float | None, asked: int, site: RotatingSite, place: Place
) -> None:
    place.make(FIRST, verified_at=age_s and time.time() - age_s)
    assert place.run("/bin/true", retries=False) == 0
    assert len([header for header in site.sent if COOKIE in header]) == asked


def test_a_session_that_is_over_is_renewed_before_the_start(site: RotatingSite, place: Place) -> None:
    assert place.run(*curl(site)) == 0
    assert place.harvests == 1
    assert all("s3cret-new-1" in header for header in site.sent if header)
