"""The standard streams of a command: full, closed, or on a descriptor that nobody reads."""

import array
import fcntl
import os
import signal
import subprocess
import termios
from pathlib import Path

import pytest

from aura_browser.playground import serve_in_thread
from tests.parts.cached import cache_session
from tests.parts.command import PROGRAM, choose_program
from tests.parts.programs import Started
from tests.parts.waiting import until


def count_unread(pipe: int) -> int:
    """Return how many bytes wait in a pipe."""
    count = array.array("i", [0])
    fcntl.ioctl(pipe, termios.FIONREAD, count)
    return count[0]


def run_in_shell(redirection: str, *words: str) -> "subprocess.CompletedProcess[str]":
    script = f'exec "$@" {redirection}'
    return subprocess.run(
        ["/bin/sh", "-c", script, "sh", *PROGRAM, *words], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("length", [1, 100_000])
def test_an_output_that_is_full_is_one_clear_line(length: int, state_home: Path) -> None:
    cache_session(state_home, "http://127.0.0.1:9", local_storage={"long": "x" * length})
    done = run_in_shell(">/dev/full", "sessions", "export", "127", "--format", "storage-state")
    assert done.returncode == 1
    said = "standard output can't be written: No space left on device. Nothing more was printed."
    assert done.stderr == f"Error: {said}\n"


@pytest.mark.parametrize("length", [1, 100_000])
def test_an_output_whose_reader_has_gone_ends_it_without_a_word(length: int, state_home: Path) -> None:
    cache_session(state_home, "http://127.0.0.1:9", local_storage={"long": "x" * length})
    reader, writer = os.pipe()
    os.close(reader)
    words = [*choose_program(), "sessions", "export", "127", "--format", "storage-state"]
    with os.fdopen(writer, "wb") as output:
        done = subprocess.run(words, stdout=output, stderr=subprocess.PIPE, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (1, b"")


def test_an_output_that_is_closed_is_one_clear_line_and_no_other_file_is_written_to() -> None:
    done = run_in_shell(">&-", "--version")
    assert done.returncode == 1
    assert done.stderr.startswith("Error: standard output can't be written: ")


def test_messages_that_nobody_gets_are_no_failure(tmp_path: Path) -> None:
    done = run_in_shell("2>/dev/full <&-", "sites", "add", "wiki", "--url", "https://wiki.example.com")
    assert (done.returncode, done.stdout) == (0, "")
    assert "[wiki]" in (tmp_path / "config" / "aura-browser" / "sites.toml").read_text("utf-8")


def test_a_terminal_of_few_characters_gets_what_it_can_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AURA_BROWSER_CONFIG", str(tmp_path))
    (tmp_path / "sites.toml").write_text('[wiki]\nurl = "https://wiki.example.com/"\n# Büro\n', "utf-8")
    for encoding, output, errors in (("koi8-r", "# B?ro", "'b\\xfc'"), ("utf-8", "# Büro", "'bü'")):
        monkeypatch.setenv("PYTHONIOENCODING", encoding)
        assert run_in_shell("", "sites", "show", "wiki").stdout.endswith(f"{output}\n")
        assert f"no site is called {errors}" in run_in_shell("", "sites", "show", "bü").stderr


def test_an_input_that_is_closed_is_an_empty_one() -> None:
    done = run_in_shell("<&-", "chat", "--url", "http://127.0.0.1:9")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: standard input: is empty; ask with: ")


def test_messages_to_closed_errors_are_no_failure_and_go_into_no_file(tmp_path: Path) -> None:
    done = run_in_shell("2>&-", "sites", "add", "wiki", "--url", "https://wiki.example.com")
    assert (done.returncode, done.stdout) == (0, "")
    written = (tmp_path / "config" / "aura-browser" / "sites.toml").read_text("utf-8")
    assert written == '[wiki]\nurl = "https://wiki.example.com"\n'
    refused = run_in_shell("2>&-", "sites", "rm", "nothing")
    assert (refused.returncode, refused.stdout) == (2, "")


def test_an_answer_that_nobody_reads_ends_with_ctrl_c(state_home: Path) -> None:
    with serve_in_thread() as site:
        cache_session(state_home, site.origin)
        words = [*choose_program(), "chat", "--url", site.origin, "/long 4000000"]
        with Started(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            reader = process.stdout.fileno()
            until(lambda: count_unread(reader) >= 2**16, "as much waits as a pipe has room for")
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == 130
            assert process.stderr.read() == "Interrupted.\n"
