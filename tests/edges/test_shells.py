"""Shells: streams that are closed, full, of another encoding, or with nobody who reads them; Ctrl-C; dead displays."""

import asyncio
import json
import os
import signal
import socket
import stat
import subprocess
import time
from pathlib import Path
from shlex import join

import pytest

from aura_browser.playground import serve_in_thread
from aura_browser.webdriver.process.display import has_display
from tests.lifecycle.site import HeldSite
from tests.parts.cached import cache_session
from tests.parts.command import PROGRAM
from tests.parts.missing import missing
from tests.parts.programs import Started
from tests.parts.sessions import make_cookie, make_session


def run_in_shell(arguments: str, redirection: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {join(PROGRAM)} {arguments} {redirection}"],  # noqa: S607 - as people run it
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=os.environ | environment,
    )


@pytest.mark.parametrize(
    ("redirection", "code", "error"),
    [
        (">&-", 1, "standard output can't be written: Bad file descriptor"),
        (">/dev/full", 1, "standard output can't be written: No space left on device"),
        ("2>&-", 0, ""),
        ("2>/dev/full", 0, ""),
        ("<&-", 0, ""),
        ("<&- >&- 2>&-", 1, ""),
        ("| true", 1, ""),
    ],
)
@pytest.mark.parametrize("command", [pytest.param("sessions list", marks=pytest.mark.soak), "--help", "harvest"])
def test_streams(command: str, redirection: str, code: int, error: str, state_home: Path) -> None:
    if not stat.S_ISCHR(Path("/dev/full").stat().st_mode):
        missing("/dev/full is no device here")
    with serve_in_thread() as site:
        cache_session(state_home, site.origin)
        run = run_in_shell(f"{command} {site.origin}" if command == "harvest" else command, redirection)
    if redirection == "| true" and command != "harvest":
        assert run.returncode in {0, 1}  # a short output may be written before the reader ends
    else:
        assert run.returncode == code, run.stderr
    assert error in run.stderr
    assert "Traceback" not in run.stderr
    assert "bug" not in run.stderr


def test_a_session_is_whole_in_any_encoding(state_home: Path) -> None:
    from aura_browser.store import FileStore, SessionKey

    with serve_in_thread() as site:
        key = SessionKey(site.origin)
        session = make_session(key.origin, cookies=(make_cookie("sid", "\u00fc\u4f60\U0001f600"),))
        asyncio.run(FileStore(state_home / "aura-browser" / "sessions").save(key, session))
        run = run_in_shell(f"harvest {key.origin}", "", PYTHONIOENCODING="cp1252")
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout)["cookies"][0]["value"] == "\u00fc\u4f60\U0001f600"


def test_an_answer_is_shown_in_any_encoding(state_home: Path) -> None:
    with serve_in_thread() as site:
        cache_session(state_home, site.origin)
        run = run_in_shell(f"chat --url {site.origin} 'a \u4f60 b'", "", PYTHONIOENCODING="cp1252", PYTHONUTF8="1")
    assert run.returncode == 0, run.stderr
    assert run.stdout == "a ? b\n"


@pytest.mark.alone
@pytest.mark.chrome
@pytest.mark.parametrize("gap_s", [*(pytest.param(gap_s, marks=pytest.mark.soak) for gap_s in (0.0, 0.1)), 0.4])
def test_ctrl_c_three_times(gap_s: float) -> None:
    with HeldSite("navigation") as site:
        command = [*PROGRAM, "harvest", site.url, "--store", "memory"]
        with Started(command, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
            assert site.reached.wait(60)
            for _ in range(3):
                process.send_signal(signal.SIGINT)
                time.sleep(gap_s)  # how fast a person presses is what is tested
            _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Interrupted." in said
    assert "Traceback" not in said
    assert "Task was destroyed" not in said


def test_a_display_counts_only_if_it_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    for wayland, display in (("wayland-9", ""), ("", "127.0.0.1:77"), ("", "nobody.invalid:0"), ("", ":977"), ("", "")):
        monkeypatch.setenv("WAYLAND_DISPLAY", wayland)
        monkeypatch.setenv("DISPLAY", display)
        assert not has_display(), (wayland, display)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "wayland-9"))
        server.listen()
        monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-9")
        assert has_display()
