"""What a newcomer types: near misses get a hint, a conversation is one, and what is kept is said."""

import json
import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from aura_browser import FileStore, SessionKey
from aura_browser.cli.hints import suggest_command
from aura_browser.playground import Playground, serve_in_thread
from tests.parts.cached import cache_session
from tests.parts.command import PROGRAM, Terminal, choose_program, run, run_here
from tests.parts.command_lines import parse_command, split_commands
from tests.parts.hurry import Hurry
from tests.parts.sessions import make_session

Start = Callable[..., Playground]
LOGIN_HINT = "To log in to a site, run: aura-browser harvest URL --interactive --until cookie:NAME"
COMMANDS = ["harvest", "chat", "sessions", "doctor", "demo", "playground"]


@pytest.fixture
def playground(state_home: Path) -> Iterator[Start]:
    with ExitStack() as exits:

        def start(gate: str = "none", **options: object) -> Playground:
            site = exits.enter_context(serve_in_thread(gate, **options))  # type: ignore[arg-type]
            cache_session(state_home, site.origin)
            return site

        yield start


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("harvset", "Did you mean: harvest?"),
        ("session", "Did you mean: sessions?"),
        ("login", LOGIN_HINT),
        ("https://example.com/app", "To open a site, run: aura-browser harvest https://example.com/app"),
        ("example.com", "To open a site, run: aura-browser harvest example.com"),
        ("localhost:8765", "To open a site, run: aura-browser harvest localhost:8765"),
        ("EXAMPLE.com:8443/app", "To open a site, run: aura-browser harvest EXAMPLE.com:8443/app"),
        ("HARVSET", "Did you mean: harvest?"),
        ("sesion", "Did you mean: sessions?"),
        *((word, LOGIN_HINT) for word in ("Log-In", "logon", "signin", "sign-in", "auth")),
        ("xyzzy", "The commands are: harvest, chat, sessions, doctor, demo, playground."),
    ],
)
def test_a_word_that_is_no_command_gets_a_hint(word: str, hint: str) -> None:
    assert suggest_command(word, COMMANDS) == hint
    for words in split_commands(hint.partition("run: ")[2] or "aura-browser"):
        if words[1:]:
            parse_command([each.replace("URL", "https://example.com") for each in words])


def test_of_several_near_commands_two_are_named() -> None:
    assert suggest_command("test2", ["test", "test1", "test3"]) == "Did you mean: test or test3?"


def test_the_hint_is_shown() -> None:
    shown = run_here("harvset")
    assert shown.returncode == 2
    assert shown.stderr.endswith("Error: No such command 'harvset'. Did you mean: harvest?\n")
    assert f"No such command '{'x' * 60}'. " in run_here("x" * 60).stderr
    assert f"No such command '{'x' * 59}…'. " in run_here("x" * 61).stderr
    assert "No such command '--harvest'. Did you mean: harvest?" in run_here("--", "--harvest").stderr


@pytest.mark.parametrize(
    ("args", "text", "hint"),
    [
        (("chat", "--temperature", "hot", "x"), "", "'hot' is not a number from 0 up, such as 0.5"),
        *((("chat", "--temperature", text, "x"), "", "is not a number from 0 up") for text in ("nan", "inf", "-0.1")),
        (("chat", "--url", "http://127.0.0.1:1"), " \n", "standard input: is empty"),
        (("chat", "--url", "http://127.0.0.1:1"), "", 'is empty; ask with: aura-browser chat "Why is the sky blue?"'),
        (("harvest", "open chat.team"), "", "has a blank inside; write one address"),
    ],
)
def test_a_wrong_value_gets_a_hint(args: tuple[str, ...], text: str, hint: str) -> None:
    shown = run_here(*args, text=text)
    assert shown.returncode == 2
    assert hint in shown.stderr


@pytest.mark.parametrize(
    ("data", "hint"),
    [
        (b"SQLite format 3\0", "a browser's database of cookies: Chrome encrypts the values. Use that browser itself"),
        (b"\x80\x04s3cret", "a pickle: reading it would run whatever code is in it. In the program that wrote it, use"),
        (b"", "This file: it is empty. It may be what harvest wrote, a cookies.txt, a HAR"),
        (b"s3cret", "This file: it is of no known form. It may be"),
        (b"sid=s3cret", "a Cookie header: it does not say which site it is for. Give the page's address with --url"),
    ],
)
def test_a_file_that_is_no_session_is_named(data: bytes, hint: str, tmp_path: Path) -> None:
    (tmp_path / "cookies.txt").write_bytes(data)
    shown = run_here("sessions", "import", str(tmp_path / "cookies.txt"))
    assert (shown.returncode, shown.stderr.count("\n")) == (1, 1)
    assert hint in shown.stderr
    assert "s3cret" not in shown.stderr


def test_a_model_that_the_site_does_not_know_is_said_with_those_that_it_knows(playground: Start) -> None:
    shown = run("chat", "--url", playground().origin, "--model", "gpt-9", "hello")
    assert shown.returncode == 2
    assert re.search(r"the site has no model 'gpt-9'; choose one of: \w+", shown.stderr)


def test_a_conversation_on_a_terminal(playground: Start) -> None:
    site = playground()
    with Terminal("chat", "--url", site.origin, program=PROGRAM) as terminal:
        begin = terminal.read_until("you:  ")
        assert f"A conversation with {site.origin}" in begin
        assert "model openchat_3.6" in begin
        assert "Ctrl-D at an empty prompt ends" in begin
        terminal.wait_for_input()
        os.killpg(terminal.process.pid, signal.SIGINT)
        terminal.read_until(r"\(Ctrl-D ends the conversation\)[\s\S]*you:  ")
        terminal.type("first\n")
        terminal.read_until(r"site: [\s\S]*first[\s\S]*you:  ")
        terminal.type("\x1b[A again\n")  # the last question once more, changed
        terminal.read_until(r"site: [\s\S]*first again[\s\S]*you:  ")
        terminal.type("\x1b[200~line one\rline two\x1b[201~")  # as a terminal sends what is pasted
        terminal.type("\n")
        terminal.read_until(r"site: [\s\S]*line two[\s\S]*you:  ")
        terminal.type("\x04")
        assert terminal.process.wait(20) == 0
    asked = [message["content"] for message in json.loads(site.requests[-1].body)["messages"]]
    assert asked == ["first", "first", "first again", "first again", "line one\nline two"]


def test_a_conversation_has_no_colours_under_no_color(playground: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    with Terminal("chat", "--url", playground().origin) as terminal:
        terminal.read_until("you:  ")
        terminal.type("hello\n")
        assert "\x1b[3" not in terminal.read_until("site: hello")


def test_sigterm_ends_a_conversation_that_waits_for_a_question(playground: Start) -> None:
    with Terminal("chat", "--url", playground().origin, program=PROGRAM) as terminal:
        terminal.read_until("you:  ")
        terminal.wait_for_input()
        terminal.process.send_signal(signal.SIGTERM)
        assert terminal.process.wait(20) == 143


async def test_the_list_of_sessions_fits_a_terminal(state_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FileStore(state_home / "aura-browser" / "sessions")
    for name in ("default", "work"):
        await store.save(SessionKey("https://example.com", name), make_session("https://example.com"))
    (store.folder / "broken.json").write_text("{")
    assert "\x1b" not in run("sessions", "list").stdout
    for columns in (60, 80, 120):
        monkeypatch.setenv("COLUMNS", str(columns))
        with Terminal("sessions", "list") as terminal:
            shown = terminal.read_until(r"example\.com-work[\s\S]*fingerprint \w+|(?i:fingerprint)[\s\S]*work.*\r\n")
            lines = re.sub(r"\x1b\[[0-9;]*m", "", shown).splitlines()
        assert max(map(len, lines)) <= columns, shown
        assert "\x1b[1;31m" in shown, "what can't be read is red"


def test_a_store_that_cannot_be_written_is_one_warning(playground: Start, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    shown = run("chat", "--url", playground().origin, "--store", str(tmp_path / "file"), "--refresh", "never", "x")
    assert shown.stderr.count("can't be used") == 1, shown.stderr


@pytest.mark.chrome
def test_a_harvest_says_what_was_kept_and_the_commands_work(playground: Start, tmp_path: Path) -> None:
    site = playground("check-503", check_delay=0.2)
    file = tmp_path / "me.json"
    with Terminal("harvest", site.origin, "--until", "cookie:clearance", "-o", str(file)) as terminal:
        terminal.read_until("The session of ")
        shown = re.sub(r"\x1b\[[0-9;]*m", "", terminal.read_until(r"see it +\S.*\r\n"))
        assert terminal.process.wait(20) == 0
    assert "1 cookie (clearance), " in shown
    assert str(file) in shown
    assert "sessions/127.0.0.1-default-" in shown
    # Without the session it answers 503, which is no proof.
    assert re.search(r"proof +unproven \(nothing is known that proves it\)", shown)
    command = re.search(r"aura-browser (sessions show \S+)", shown)
    assert command is not None
    assert run_here(*command[1].split()).returncode == 0


@pytest.mark.usefixtures("shared_chrome")
@pytest.mark.chrome
def test_a_condition_that_never_holds_names_the_cookies_that_came(playground: Start, hurry: Hurry) -> None:
    site = playground("check-503", check_delay=0.2)
    hurry.expect("cookie:sid (cookies so far: clearance)")
    shown = run_here("harvest", site.origin, "--until", "cookie:sid")
    assert shown.returncode == 77
    assert "cookie:sid (cookies so far: clearance)" in shown.stderr


@pytest.mark.usefixtures("shared_chrome")
@pytest.mark.chrome
def test_a_person_who_tries_again_is_not_held_back(playground: Start, hurry: Hurry) -> None:
    site = playground("check-503", check_delay=0.2)
    hurry.expect("cookie:nope (cookies so far: clearance)")
    assert run_here("harvest", site.origin, "--until", "cookie:nope").returncode == 77
    held_back = run_here("harvest", site.origin, "--until", "cookie:clearance")
    assert "for another" in held_back.stderr, "a program is"
    with Terminal("harvest", site.origin, "--until", "cookie:clearance") as terminal:
        terminal.read_until("The session of ")


@pytest.mark.usefixtures("shared_chrome")
@pytest.mark.chrome
def test_a_cached_session_that_the_site_refuses_is_renewed(playground: Start) -> None:
    site = playground("check-503", check_delay=0.2)
    first = run_here("harvest", site.origin, "--until", "cookie:clearance")
    cookies = json.loads(first.stdout)["cookies"]
    assert json.loads(run_here("harvest", site.origin).stdout)["cookies"] == cookies
    site.revoke_all()
    second = run_here("harvest", site.origin)
    assert second.returncode == 0
    assert json.loads(second.stdout)["cookies"] != cookies


def test_the_most_predictable_temperature_is_taken() -> None:
    shown = run_here("chat", "--url", "http://127.0.0.1:9", "--refresh", "never", "--temperature", "0", "hello")
    assert shown.returncode == 77, shown.stderr


def test_a_question_that_is_no_text_is_refused() -> None:
    words = [*choose_program(), "chat", "--url", "http://127.0.0.1:9"]
    shown = subprocess.run(words, input=b"caf\xe9", capture_output=True, timeout=60, check=False)
    assert (shown.returncode, shown.stdout) == (2, b"")
    assert shown.stderr == b"Error: standard input: is not UTF-8 text\n"
