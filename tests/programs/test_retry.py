"""A program that is run once more because the site refuses the session afterwards, and one that is not."""

import asyncio
import dataclasses
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from aura_browser import FileStore, Probe, Session, SessionKey, Site
from aura_browser.errors import InteractionRequired
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
    """

    def __init__(self, site: RotatingSite, folder: Path) -> None:
        self.harvests = 0
        self.told: list[str] = []
        self.works = True
        self._serving = site
        self._site = Site(f"{site.origin}/", probe=Probe("/me"))
        self._folder = folder

    def make(self, value: str) -> Session:
        session = make_session(
            self._serving.origin,
            cookies=(make_cookie(COOKIE, value, http_only=True, expires=time.time() + 600),),
            harvested_at=time.time(),
            verified_at=time.time(),
            proof="distinguished",
        )
        asyncio.run(FileStore(self._folder).save(SessionKey(session.origin), session))
        return session

    async def harvest(self) -> Session:
        self.harvests += 1
        if not self.works:
            raise InteractionRequired("Log in.", "aura-browser harvest")
        self._serving.value = f"s3cret-new-{self.harvests}"
        cookies = (make_cookie(COOKIE, self._serving.value, http_only=True, expires=time.time() + 600),)
        return make_session(self._serving.origin, cookies=cookies, harvested_at=time.time())

    def run(self, *command: str, retries: bool = True) -> int:
        options: SessionOptions = {"store": str(self._folder), "session": "default", "harvest": self.harvest}
        kinds = tuple(choose_kinds((), command))
        run = Run(command=command, kinds=kinds, retries=retries)
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


def test_a_session_that_is_over_is_renewed_before_the_start(site: RotatingSite, place: Place) -> None:
    assert place.run(*curl(site)) == 0
    assert place.harvests == 1
    assert all("s3cret-new-1" in header for header in site.sent if header)
