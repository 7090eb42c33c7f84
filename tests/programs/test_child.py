"""A program in this one's place: exit codes, signals, and a terminal with job control."""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aura_browser.errors import InvalidInput
from aura_browser.programs import child
from aura_browser.programs.child import find_program, run_child
from tests.parts.missing import missing
from tests.parts.programs import Started, program
from tests.parts.shell import PROMPT, Shell
from tests.parts.waiting import until

_RUNNER = """\
import os, sys
from aura_browser.programs.child import find_program, run_child
sys.exit(run_child([find_program(sys.argv[1]), *sys.argv[2:]], os.environ))
"""


_SIGNALS = ["SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGWINCH", "SIGTSTP", "SIGCONT"]
_OF_TERMINALS = {"SIGINT", "SIGQUIT", "SIGTSTP", "SIGWINCH"}


@pytest.fixture
def runner(tmp_path: Path) -> str:
    """Return a command that runs another one through run_child."""
    return str(program(tmp_path / "bin", "in-place", f"#!{sys.executable}\n{_RUNNER}"))


@pytest.fixture
def shell() -> Iterator[Shell]:
    with Shell() as opened:
        yield opened


def run(*command: str) -> int:
    return run_child([find_program(command[0]), *command[1:]], os.environ)


@pytest.mark.parametrize(
    ("script", "code"), [("exit 0", 0), ("exit 7", 7), ("kill -TERM $$", 143), ("kill -9 $$", 137)]
)
def test_the_exit_code_is_the_programs_own(script: str, code: int) -> None:
    assert run("sh", "-c", script) == code


def test_a_program_that_is_missing_or_no_program_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FileNotFoundError, match="no such program"):
        find_program("surely-no-such-program")
    (tmp_path / "plain").write_text("text")
    with pytest.raises(PermissionError, match="not a program"):
        find_program(str(tmp_path / "plain"))
    monkeypatch.chdir(tmp_path)
    for name in ("plain", str(tmp_path / "none")):  # a shell takes a name alone for one on the path
        with pytest.raises(FileNotFoundError, match="no such program"):
            find_program(name)


def test_a_system_without_such_processes_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "posix_spawn")
    with pytest.raises(InvalidInput, match=r"^exec: does not work on this system, which has no POSIX processes$"):
        run("true")


def test_the_end_of_a_program_is_noticed_within_a_second_if_its_signal_is_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waits: list[float] = []

    def lose(_watched: object, seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr(signal, "sigtimedwait", lose)
    assert run("sh", "-c", "exit 7") == 7
    assert 0 < max(waits) <= 1


def test_without_sigtimedwait_the_exit_code_is_the_programs_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(signal, "sigtimedwait")  # as on macOS
    assert run("sh", "-c", "exit 7") == 7


@pytest.mark.timeout(60, method="thread")  # a signal ends no sigwait
def test_without_sigtimedwait_a_thread_that_takes_the_signal_holds_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(signal, "sigtimedwait")
    spawn, ended = os.posix_spawn, threading.Event()

    def spawn_and_wait(*args: Any, **options: Any) -> int:  # noqa: ANN401 - they are passed on
        """Return once the child has ended, and the other thread has been given the signal of that."""
        child = spawn(*args, **options)
        os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
        until(lambda: signal.SIGCHLD not in signal.sigpending(), "it is taken", 20)
        return child

    monkeypatch.setattr(os, "posix_spawn", spawn_and_wait)
    thread = threading.Thread(target=ended.wait, args=(60,), daemon=True)
    thread.start()
    code = run("sh", "-c", "exit 7")
    ended.set()
    thread.join(20)
    assert code == 7


@pytest.mark.parametrize("name", _SIGNALS)
def test_without_sigtimedwait_what_a_terminal_sends_is_not_passed_on(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(signal, "sigtimedwait")
    number = signal.Signals[name]
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {number})
    try:
        signal.pthread_kill(threading.get_ident(), number)
        assert child._receive({number}, 1) == (number, name not in _OF_TERMINALS)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def test_what_the_program_sends_to_the_runner_does_not_come_back_to_it(runner: str) -> None:
    script = "trap 'exit 9' HUP; trap 'exit 3' TERM; kill -HUP $PPID; echo here; while :; do sleep 0.05; done"
    with Started([runner, "sh", "-c", script], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "here\n"
        process.terminate()
    assert process.returncode == 3


def test_the_signals_of_the_caller_are_as_before() -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    run("true")
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before


def test_the_program_begins_with_no_signal_blocked_or_ignored(runner: str) -> None:
    status = subprocess.run([runner, "cat", "/proc/self/status"], capture_output=True, text=True, check=True).stdout
    masks = {name: int(value, 16) for name, value in re.findall(r"^(SigBlk|SigIgn):\s*(\w+)$", status, re.MULTILINE)}
    # 32 and 33 are glibc's own, which its posix_spawn ignores in every program.
    assert {name: mask & ~(0b11 << 31) for name, mask in masks.items()} == {"SigBlk": 0, "SigIgn": 0}


@pytest.mark.parametrize("name", _SIGNALS)
def test_a_signal_to_the_runner_alone_reaches_the_program(name: str, runner: str) -> None:
    number = signal.Signals[name]
    script = f"trap 'echo got; exit 9' {name[3:]}; echo here; while :; do sleep 0.05; done"
    with Started([runner, "sh", "-c", script], stdout=subprocess.PIPE, text=True, bufsize=1) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "here\n"
        process.send_signal(number)
        assert process.stdout.read() == "got\n"
    assert process.returncode == 9


def test_a_signal_that_ends_the_program_ends_the_runner(runner: str) -> None:
    with Started([runner, "sh", "-c", "echo here; exec sleep 60"], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.terminate()
    assert process.returncode == 143


def test_ctrl_c_reaches_the_program_once(shell: Shell, runner: str) -> None:
    shell.type(f"{runner} sh -c 'trap \"echo one more\" INT; echo here; while :; do sleep 0.05; done'\n")
    shell.read_until(r"\nhere")
    shell.type("\x03")
    shell.read_until("one more")
    shell.type("\x03")
    assert shell.read_until("one more").count("one more") == 1
    shell.type("\x1c")  # Ctrl-\
    shell.read_until(PROMPT)
    assert shell.run("echo code $?").endswith("code 131")


def test_ctrl_c_ends_a_program_that_does_not_catch_it(shell: Shell, runner: str) -> None:
    shell.type(f"{runner} sh -c 'echo here; exec sleep 60'\n")
    shell.read_until(r"\nhere")
    shell.type("\x03")
    shell.read_until(PROMPT)
    assert shell.run("echo code $?").endswith("code 130")


def test_ctrl_z_stops_the_job_and_fg_goes_on(shell: Shell, runner: str) -> None:
    shell.type(f"{runner} sh -c 'echo here; read line; echo got $line'\n")
    shell.read_until(r"\nhere")
    shell.type("\x1a")
    shell.read_until("Stopped")
    shell.read_until(PROMPT)
    assert shell.run("echo at the prompt").endswith("at the prompt")
    shell.type("fg\n")
    shell.read_until("read line")  # the job's name
    shell.type("hello\n")
    shell.read_until("got hello")


def test_a_job_in_the_background_goes_on_there(shell: Shell, runner: str) -> None:
    shell.type(f"{runner} sh -c 'echo here; exec sleep 0.5'\n")
    shell.read_until(r"\nhere")
    shell.type("\x1a")
    shell.read_until("Stopped")
    shell.type("bg; wait; echo code $?\n")
    assert "code 0" in shell.read_until(r"code \d+")


def test_the_size_of_the_window_is_the_programs_to_see(shell: Shell, runner: str) -> None:
    shell.type(f"{runner} bash -c 'trap \"stty size; exit\" WINCH; echo here; while :; do sleep 0.05; done'\n")
    shell.read_until(r"\nhere")
    shell.resize(33, 101)
    assert shell.read_until("33 101").endswith("33 101")


def test_a_shell_within_has_job_control_of_its_own(shell: Shell, runner: str) -> None:
    shell.type(f"{runner} bash --norc --noprofile --noediting -i\n")
    shell.read_until(PROMPT)
    shell.type("sh -c 'echo here; exec sleep 60'\n")
    shell.read_until(r"\nhere")
    shell.type("\x1a")
    shell.read_until("Stopped")
    shell.read_until(PROMPT)
    assert "still here" in shell.run("kill -9 %1; wait %1; echo still here")
    shell.type("suspend\n")
    shell.read_until("Stopped.*in-place")
    shell.read_until(PROMPT)
    shell.type("fg\n")
    shell.read_until("in-place bash.*\n")  # the job's name
    shell.read_until(PROMPT)
    assert shell.run("echo inner again").endswith("inner again")
    shell.run("exit 4")
    assert shell.run("echo code $?").endswith("code 4")


@pytest.mark.parametrize(("name", "ready"), [("vim", "200L"), ("less", r"text\.txt\x1b")])
def test_full_screen_programs_stop_and_go_on(name: str, ready: str, shell: Shell, runner: str, tmp_path: Path) -> None:
    if shutil.which(name) is None:
        missing(f"{name} is missing; bring it with: make test-parts")
    text = tmp_path / "text.txt"
    text.write_text("".join(f"line {n}\n" for n in range(200)))
    shell.type(f"{runner} {name} {text}\n")
    shell.read_until(ready)
    shell.wait_for_input(name)
    shell.type("\x1a")
    shell.read_until("Stopped")
    shell.read_until(PROMPT)
    assert shell.run("echo outside").endswith("outside")
    shell.type("fg\n")
    shell.read_until("line 5")
    shell.wait_for_input(name)
    shell.type(":q\n" if name == "vim" else "q")
    shell.read_until(PROMPT)
    assert shell.run("echo code $?").endswith("code 0")


def test_a_stopped_program_does_not_stop_a_runner_without_a_terminal(runner: str) -> None:
    script = "echo $$; kill -STOP $$; echo again"
    with Started([runner, "sh", "-c", script], stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        until(lambda: Shell().find_state(child) == "T", "the program stops")
        until(lambda: Shell().find_state(process.pid) == "S", "the runner waits")  # it looks every tenth of a second
        os.kill(child, signal.SIGCONT)
        assert process.stdout.read() == "again\n"
    assert process.returncode == 0


def test_a_program_that_ends_is_noticed_beside_other_threads() -> None:
    over = threading.Event()
    other = threading.Thread(target=over.wait)
    other.start()
    try:
        assert [run("sh", "-c", f"exit {code}") for code in range(10)] == list(range(10))
    finally:
        over.set()
        other.join()
