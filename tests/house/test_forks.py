"""A run in a fork is what a run that Python starts is."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.parts import fork_client
from tests.parts.fork_server import read_asked
from tests.parts.forks import choose_python
from tests.parts.waiting import holds_within, until

STARTED = [sys.executable, "-m"]
PROGRAM = """
import atexit, os, sys
atexit.register(print, "at the end")
print(sys.argv[1:], os.getcwd(), os.environ["GIVEN"], sorted(map(int, os.listdir("/proc/self/fd")))[:-1])
print(sys.stdin.read(), sys.stdin.isatty(), file=sys.stderr)
for stream in (sys.stdin, sys.stdout, sys.stderr):
    print(stream.encoding, stream.errors, stream.line_buffering, stream.write_through)
if sys.argv[1:] == ["signal"]:
    sys.stdout.flush()
    os.kill(os.getpid(), 15)
sys.exit({"message": "a message", "code": 7}.get(sys.argv[1]))
"""

TOLD = """
import os, signal
for each in (signal.SIGHUP, signal.SIGTERM):
    signal.signal(each, lambda number, _: print(number, flush=True))
signal.signal(signal.SIGINT, signal.SIG_DFL)
print(os.getsid(0) == os.getpid(), flush=True)
while True:
    signal.pause()
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Change to a folder with the program, in which Python looks first."""
    (tmp_path / "program_of_a_test.py").write_text(PROGRAM, "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIVEN", "a value")
    return tmp_path


def run(python: list[str], how: str) -> tuple[int, str, str]:
    program = [*python, "program_of_a_test", how]
    ended = subprocess.run(program, input="given", capture_output=True, text=True, timeout=60, check=False)
    return ended.returncode, ended.stdout, ended.stderr


@pytest.mark.parametrize("how", ["code", "message", "none", "signal"])
def test_all_is_the_same(folder: Path, how: str) -> None:
    forked = choose_python()
    assert forked != STARTED
    found = run(forked, how)
    assert found == run(STARTED, how)
    assert found[0] == {"code": 7, "message": 1, "none": 0, "signal": -signal.SIGTERM}[how]


def test_what_python_reads_as_it_starts_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose_python() != STARTED
    monkeypatch.setenv("LC_ALL", "POSIX")
    assert choose_python() == STARTED


def test_who_asks_for_nothing_does_no_harm(folder: Path) -> None:
    *_, place = forked = choose_python()
    with socket.socket(socket.AF_UNIX) as silent:
        fork_client.at_socket(place, silent.connect)
    assert run(forked, "code")[0] == 7


@pytest.mark.parametrize("leads", [True, False])
def test_a_signal_reaches_it_and_it_leads_a_session_if_asked(folder: Path, leads: bool) -> None:  # noqa: FBT001
    (folder / "told.py").write_text(TOLD)
    with subprocess.Popen(
        [*choose_python(), "told"], stdout=subprocess.PIPE, text=True, start_new_session=leads
    ) as asked:
        assert asked.stdout is not None
        assert asked.stdout.readline() == f"{leads}\n"
        for number in (signal.SIGHUP, signal.SIGTERM):
            asked.send_signal(number)
            assert asked.stdout.readline() == f"{number:d}\n"
        asked.send_signal(signal.SIGINT)
        assert asked.wait(20) == -signal.SIGINT


def test_a_signal_before_the_run_has_a_number_reaches_it_too(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        fork_client.at_socket(str(tmp_path), listener.bind)
        listener.listen()
        words = [sys.executable, "-IS", fork_client.__file__, str(tmp_path), "any"]
        with subprocess.Popen(words) as asking, subprocess.Popen(["/bin/sleep", "60"]) as run_:
            connection, _ = listener.accept()
            with connection:
                asked = read_asked(connection)
                assert asked
                for stream in asked.streams:
                    os.close(stream)
                asking.send_signal(signal.SIGTERM)
                for number in (run_.pid, -signal.SIGTERM):
                    connection.sendall(number.to_bytes(fork_client.NUMBER_SIZE, signed=True))
                assert asking.wait(20) == run_.wait(20) == -signal.SIGTERM


def test_a_run_that_is_given_up_ends(folder: Path) -> None:
    (folder / "waits.py").write_text("import os, signal\nopen('pid', 'w').write(str(os.getpid()))\nsignal.pause()\n")
    with subprocess.Popen([*choose_python(), "waits"]) as given_up:
        until(lambda: (folder / "pid").exists() and (folder / "pid").read_text("utf-8"), "it runs")
        process = int((folder / "pid").read_text("utf-8"))
        given_up.kill()
    assert holds_within(20, lambda: not Path(f"/proc/{process}").exists())
