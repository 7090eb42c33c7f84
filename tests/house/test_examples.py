"""Every program in docs/examples runs, as a person runs it, against a site on this machine."""

import os
import runpy
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from aura_browser.playground import serve_in_thread
from tests.parts.cached import cache_session
from tests.parts.members_site import COOKIE, REPORT, VALUE, serving_members
from tests.parts.missing import missing
from tests.parts.pages import ROOT
from tests.parts.sessions import make_cookie, make_session

pytestmark = pytest.mark.slow  # it starts programs

EXAMPLES = ROOT / "docs" / "examples"


def run_example(name: str, *args: str, url: str = "", folder: Path = ROOT) -> str:
    run = subprocess.run(
        [sys.executable, "-W", "error", str(EXAMPLES / name), *args],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=os.environ | {"AURA_EXAMPLE_URL": url},
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


@pytest.fixture
def members(state_home: Path) -> Iterator[str]:
    with serving_members() as origin:
        cache_session(state_home, origin, COOKIE, "/app")
        yield f"{origin}/app"


def test_none_is_forgotten() -> None:
    assert {path.stem for path in EXAMPLES.iterdir() if path.suffix == ".py"} == {
        *("any_site", "chat", "curl_config", "download", "middleware", "original_project", "session_file", "websocket")
    }


def test_chat(state_home: Path) -> None:
    with serve_in_thread() as site:
        cache_session(state_home, site.origin)
        assert run_example("chat.py", url=site.origin) == "Why is the sky blue?\nAnd at sunset?\n"
        assert site.page_loads == 0


def test_chat_says_how_long_to_wait(state_home: Path) -> None:
    with serve_in_thread(answer="limit 7") as site:
        cache_session(state_home, site.origin)
        assert "Wait 7 s" in run_example("chat.py", url=site.origin)


def test_any_site(members: str) -> None:
    assert run_example("any_site.py", url=members) == "{'name': 'Ann'}\n201\n"


@pytest.mark.chrome
def test_any_site_with_a_browser() -> None:
    with serving_members() as origin:
        assert run_example("any_site.py", url=f"{origin}/app") == "{'name': 'Ann'}\n201\n"


def test_download(members: str, tmp_path: Path) -> None:
    assert str(len(REPORT)) in run_example("download.py", url=members, folder=tmp_path)
    assert (tmp_path / "report.pdf").read_bytes() == REPORT


def test_websocket(members: str) -> None:
    assert run_example("websocket.py", url=members) == "you said: Hello!\n"


def test_middleware(members: str) -> None:
    assert run_example("middleware.py", url=members) == "200 {'name': 'Ann'}\n0 harvests\n"


def test_session_file(members: str, tmp_path: Path) -> None:
    origin = members.removesuffix("/app")
    session = make_session(origin, cookies=(make_cookie(COOKIE, VALUE),))
    (tmp_path / "session.json").write_text(session.to_json(), "utf-8")
    assert run_example("session_file.py", folder=tmp_path) == f"{origin}: 1 cookies\n200 {{'name': 'Ann'}}\n"


def test_curl_config(members: str, tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        missing("curl is missing; install it with: apt-get install curl")
    session = make_session(members.removesuffix("/app"), cookies=(make_cookie(COOKIE, VALUE),))
    (tmp_path / "session.json").write_text(session.to_json(), "utf-8")
    address = members.removesuffix("/app") + "/api/me"
    config = run_example("curl_config.py", "session.json", address, folder=tmp_path)
    curl = subprocess.run(
        ["curl", "--silent", "--config", "-"],  # noqa: S607 - as people run it
        input=config,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert curl.stdout == '{"name": "Ann"}'


@pytest.mark.chrome
def test_the_original_projects_program(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from aura_browser import Aura

    with serve_in_thread("check-503", check_delay=0.2) as site:
        monkeypatch.setattr(Aura, "url", site.origin)
        monkeypatch.setattr(Aura, "working", False)
        runpy.run_path(str(EXAMPLES / "original_project.py"), run_name="__main__")
        assert site.page_loads == 1
    assert "".join(capsys.readouterr().out.split("\n")) == "Привет!"
