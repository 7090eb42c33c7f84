"""The files that a program is given: their names, what is in them, and what is read of what a program left there."""

import os
import re
import stat
import time
from pathlib import Path

import pytest

from aura_browser.formats import recognition
from aura_browser.programs.files import KINDS, USUAL, Given, build_environment, choose_kinds, fill_in, write_files
from aura_browser.session import Session
from aura_browser.session.browser import DeviceBound
from tests.parts.sessions import make_session

_PAGE = Path(__file__).parents[2] / "docs" / "programs.md"
_ROW = re.compile(r"^\| `([a-z-]+)` \| `(AURA_[A-Z_]+)` \| `(\{[a-z-]+\})` \|", re.MULTILINE)
ROWS = _ROW.findall(_PAGE.read_text("utf-8"))


@pytest.fixture
def session() -> Session:
    headers = {"User-Agent": "Chrome/1 test", "Authorization": "Basic YW5uOnMzY3JldA=="}
    return make_session(headers=headers, harvested_at=time.time())


def test_the_page_has_them_all_the_usual_ones_first() -> None:
    assert [row[0] for row in ROWS] == list(KINDS)
    assert [row[0] for row in ROWS[:4]] == [kind.format for kind in USUAL]
    assert [kind.format for kind in choose_kinds((), ["env"])] == [row[0] for row in ROWS[:4]]


@pytest.mark.parametrize(("name", "variable", "placeholder"), ROWS)
def test_each_file_is_found_by_its_variable_and_its_placeholder(
    name: str, variable: str, placeholder: str, tmp_path: Path, session: Session
) -> None:
    command = ["cat", f"@{placeholder}"]
    assert choose_kinds((), command) == choose_kinds((name,), ["cat"]) == [KINDS[name]]
    files = write_files(tmp_path, session, [KINDS[name]])
    path = build_environment(session, files)[variable]
    assert fill_in(command, files) == ["cat", f"@{path}"]
    assert (Path(path).parent, stat.S_IMODE(Path(path).stat().st_mode)) == (tmp_path, 0o600)


def test_the_files_have_names_that_say_what_they_are(tmp_path: Path, session: Session) -> None:
    write_files(tmp_path, session, list(KINDS.values()))
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("cookie-editor.json", "cookies.txt", "curl.conf", "flaresolverr.json", "headers.txt", "httpie.json", "netrc"),
        *("session.json", "state.json", "tough-cookie.json"),
    ]


def test_a_cookie_that_ends_with_the_browser_ends_after_a_day(tmp_path: Path, session: Session) -> None:
    [given] = write_files(tmp_path, session, [KINDS["netscape"]])
    [ends] = re.findall(r"\t(\d+)\tsid\t", given.text)
    assert abs(int(ends) - time.time() - 86_400) < 600


def test_a_cookie_that_only_the_browser_can_renew_is_given_as_it_is_now(tmp_path: Path) -> None:
    bound = DeviceBound(site="http://127.0.0.1", cookies=("sid",), refresh_url="http://127.0.0.1:8080/refresh")
    [given] = write_files(tmp_path, make_session(device_bound=(bound,)), [KINDS["netscape"]])
    assert ("\tsid\t" in given.text, given.left_out) == (True, ())
    assert given.notes == ("only the browser can renew sid, which the file has as they are now",)


def make_given(folder: Path, text: str = "before") -> Given:
    path = folder / "cookies.txt"
    path.write_text(text)
    return Given(KINDS["netscape"], path, text, (), ())


def test_what_a_program_wrote_is_read_and_not_shown(tmp_path: Path) -> None:
    given = make_given(tmp_path)
    assert given.read_change() is None
    given.path.write_bytes(b"\xffafter")
    assert given.read_change() == "\ufffdafter"
    assert "before" not in repr(given)


def test_no_more_is_read_than_shows_that_it_is_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recognition, "MAX_SIZE", 10)
    given = make_given(tmp_path)
    given.path.write_text("x" * 20)
    assert given.read_change() == "x" * 11


def test_what_is_no_file_is_not_read_and_not_kept_open(tmp_path: Path) -> None:
    given = make_given(tmp_path)
    given.path.unlink()
    assert given.read_change() is None
    os.mkfifo(given.path)
    before = len(list(Path("/proc/self/fd").iterdir()))
    assert given.read_change() is None
    assert len(list(Path("/proc/self/fd").iterdir())) == before
