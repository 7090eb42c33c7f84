"""What shells complete: with real bash, zsh and fish, and without loading a command or reading a session."""

import json
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from aura_browser.cli.completing import TABLE, answer, list_items
from tests.parts.command import run, run_here
from tests.parts.completions import render_table
from tests.parts.missing import missing

TABLE_OF = json.loads(TABLE.read_text("utf-8"))
SLUG = "example.com-default-0123456789ab"


@pytest.fixture(autouse=True)
def filled(state_home: Path, tmp_path: Path) -> None:
    """Keep two sessions that no key opens, and a site."""
    folder = state_home / "aura-browser" / "sessions"
    folder.mkdir(parents=True, mode=0o700)
    for name in (SLUG, "other.org-work-ba9876543210", f"{SLUG}.previous", f"{SLUG}.previous-2", "budget-0123456789ab"):
        (folder / f"{name}.json").write_bytes(b"not a session")
    (folder / f"{SLUG}.corrupt").write_bytes(b"")
    config = tmp_path / "config" / "aura-browser"
    config.mkdir(parents=True)
    (config / "sites.toml").write_text('[wiki]\nurl = "https://wiki.example.com"\n[shop-two]\nbroken\n', "utf-8")


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put ``aura-browser`` first on the path."""
    path = tmp_path / "bin" / "aura-browser"
    path.parent.mkdir()
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m aura_browser "$@"\n')
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{path.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    return path


def completed(line: str) -> list[str]:
    *words, incomplete = line.split(" ")
    return [item.value for item in list_items(words, incomplete)]


def test_the_table_says_what_the_commands_are() -> None:
    assert TABLE.read_text("utf-8") == render_table(), "run: make docs"


@pytest.mark.parametrize(
    ("line", "items"),
    [
        ("ses", ["sessions"]),
        ("sessions ch", ["check"]),
        ("sessions show ", [SLUG, "other.org-work-ba9876543210"]),
        ("sessions rm --all o", ["other.org-work-ba9876543210"]),
        ("harvest w", ["wiki"]),
        ("request POST s", ["shop-two"]),
        ("request --refresh ", ["never", "headless", "interactive", "kept"]),
        ("request --refresh never w", ["wiki"]),
        ("request --as", ["--as-curl"]),
        ("sites rm o", ["openchat"]),
        ("completion z", ["zsh"]),
        ("request -H ", []),
        ("request --no-such-option w", ["wiki"]),
        ("completion bash z", ["zsh"]),
        ("exec wiki w", []),
        ("exec - w", []),
        ("exec --refresh never w", ["wiki"]),
        ("exec --read-only w", ["wiki"]),
        ("exec -x w", ["wiki"]),
        ("nonsense x", []),
    ],
)
def test_commands_options_sites_and_sessions_are_completed(line: str, items: list[str]) -> None:
    assert completed(line) == items


@pytest.mark.parametrize("store", ["memory", "redis://127.0.0.1:1"])
def test_a_store_that_is_no_folder_offers_none_of_a_folder_with_its_name(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(store).mkdir(parents=True)
    (Path(store) / "a-b-0123456789ab.json").touch()
    assert completed(f"sessions show --store {store} ") == []


def test_a_named_store_is_looked_at_and_no_server_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a-b-0123456789ab.json").touch()
    assert completed(f"sessions show --store {tmp_path / 'mine'} ") == ["a-b-0123456789ab"]
    assert completed(f"sessions show --store {tmp_path / 'nowhere'} ") == []
    assert completed(f"sessions show --store {tmp_path / 'nowhere'} --store {tmp_path / 'mine'} ") == [
        "a-b-0123456789ab"
    ]
    monkeypatch.setenv("AURA_BROWSER_STORE", "redis://127.0.0.1:1")
    assert completed("sessions show ") == []


def test_files_are_completed_by_the_shell() -> None:
    assert [item.type for item in list_items(["request", "-o"], "rep")] == ["file"]
    assert [item.type for item in list_items(["sessions", "import"], "")] == ["file"]


def test_bash_completes(program: Path, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text(run_here("completion", "bash").stdout, "utf-8")

    def complete(*words: str) -> list[str]:
        text = (
            f"source {script}; COMP_WORDS=({' '.join(words)} ''); COMP_CWORD={len(words) - 1}; "
            "_aura_browser_completion aura-browser; printf '%s\\n' \"${COMPREPLY[@]}\""
        )
        told = subprocess.run(["bash", "-c", text], capture_output=True, text=True, timeout=30, check=True)  # noqa: S607 - the one on the path
        assert told.stderr == ""
        return told.stdout.split()

    assert complete("aura-browser", "sessions", "sh") == ["show"]
    assert complete("aura-browser", "sessions", "show", "exam") == [SLUG]
    assert complete("aura-browser", "request", "wi") == ["wiki"]


def test_fish_completes(program: Path, tmp_path: Path) -> None:
    fish = shutil.which("fish") or missing("fish is missing; bring it with: make test-parts")
    script = tmp_path / "script"
    script.write_text(run_here("completion", "fish").stdout, "utf-8")
    text = f"source {script}; complete -C 'aura-browser sessions sh'; complete -C 'aura-browser sessions show exam'"
    told = subprocess.run([fish, "-c", text], capture_output=True, text=True, timeout=30, check=True)
    lines = told.stdout.splitlines()
    assert lines[0].startswith("show\t")
    assert lines[1:] == [SLUG]


@contextmanager
def typing_in_zsh(home: Path) -> Iterator[int]:
    """Run an interactive zsh while the context lasts; yield its terminal."""
    zsh = shutil.which("zsh") or missing("zsh is missing; bring it with: make test-parts")
    reader, writer = pty.openpty()
    environment = os.environ | {"HOME": str(home), "ZDOTDIR": str(home), "TERM": "dumb"}
    with subprocess.Popen(
        [zsh, "-f", "-i"], stdin=writer, stdout=writer, stderr=writer, start_new_session=True, env=environment
    ) as process:
        os.close(writer)
        try:
            yield reader
        finally:
            process.kill()
            os.close(reader)


def read_until(terminal: int, pattern: str) -> str:
    shown, end = "", time.monotonic() + 30
    while not re.search(pattern, shown):
        assert select.select([terminal], [], [], max(0.0, end - time.monotonic()))[0], shown
        shown += os.read(terminal, 65536).decode("utf-8", "replace")
    return shown


def test_zsh_completes(program: Path, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text(run_here("completion", "zsh").stdout, "utf-8")
    with typing_in_zsh(tmp_path) as terminal:
        begin = f"PS1=; autoload -Uz compinit; compinit -u -D; source {script}; echo read''y\n"
        os.write(terminal, begin.encode())
        read_until(terminal, "ready")
        os.write(terminal, b"aura-browser sessions show exam\t")
        assert SLUG in read_until(terminal, SLUG)


def test_it_takes_no_longer_than_a_start_of_python_and_click(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it loads is what takes time: neither a command, nor what reads or decrypts a session."""
    code = (
        "import os, sys; os.environ |= {'_AURA_BROWSER_COMPLETE': 'bash_complete', 'COMP_CWORD': '3', "
        "'COMP_WORDS': 'aura-browser sessions show '}; sys.argv = ['aura-browser']\n"
        "from aura_browser.cli import main; main()\n"
        "heavy = {'msgspec', 'yarl', 'aiohttp', 'selenium', 'rich', 'cryptography', 'redis', 'tomllib', 'asyncio'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
        "assert not [name for name in sys.modules if name.startswith('aura_browser.') and name not in "
        "{'aura_browser.cli', 'aura_browser.cli.streams', 'aura_browser.cli.completing', 'aura_browser.slugs'}], "
        "sys.modules\n"
    )
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)  # coverage.py loads tomllib
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False)
    assert told.returncode == 0, told.stderr
    assert SLUG in told.stdout


def test_an_unknown_shell_is_refused() -> None:
    assert run_here("completion", "tcsh").returncode == 2
    assert run(_AURA_BROWSER_COMPLETE="tcsh_complete").stdout == "\n"


def test_a_shell_gets_what_a_command_or_option_is_for() -> None:
    [command] = list_items(["sessions"], "sh")
    assert (command.value, command.help) == ("show", TABLE_OF["sessions"]["commands"]["show"])
    [option] = list_items(["request"], "--as")
    assert (option.value, option.help) == ("--as-curl", TABLE_OF["request"]["options"]["--as-curl"]["help"])


@pytest.mark.parametrize("text", [None, b"\xff"])
def test_without_a_sites_toml_that_can_be_read_the_site_that_is_built_in_is_completed(
    text: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AURA_BROWSER_CONFIG", str(tmp_path))
    if text:
        (tmp_path / "sites.toml").write_bytes(text)
    assert completed("harvest ") == ["openchat"]


def test_the_sites_are_those_of_the_folder_in_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AURA_BROWSER_CONFIG", str(tmp_path))
    (tmp_path / "sites.toml").write_text('[mine]\nurl = "https://a.example"\n', "utf-8")
    assert completed("harvest ") == ["mine", "openchat"]


@pytest.mark.parametrize("instruction", ["tcsh_complete", "bash_source", "bash", ""])
def test_what_is_no_question_of_a_shell_gets_no_answer(instruction: str) -> None:
    assert answer(instruction) == ""


def test_an_answer_that_a_shell_does_not_get_is_an_error() -> None:
    words = f'exec "{sys.executable}" -m aura_browser >/dev/full'
    asked = os.environ | {"_AURA_BROWSER_COMPLETE": "bash_complete", "COMP_WORDS": "aura-browser s", "COMP_CWORD": "1"}
    done = subprocess.run(
        ["/bin/sh", "-c", words], env=asked, stderr=subprocess.PIPE, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("Error: standard output can't be written: ")
