"""The command, as people run it: in a process of its own, with a real Chrome where it needs one."""

import errno
import json
import os
import shlex
import signal
import stat
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from aura_browser import Session
from aura_browser.playground import Playground
from tests.parts.command import PROGRAM, Terminal, choose_program, run, run_here
from tests.parts.command_lines import parse_command
from tests.parts.programs import Started
from tests.parts.sessions import make_session
from tests.parts.waiting import until

Start = Callable[..., Playground]


@pytest.fixture
def playground() -> Iterator[Start]:
    from contextlib import ExitStack

    from aura_browser.playground import serve_in_thread

    with ExitStack() as exits:
        yield lambda gate="none", **options: exits.enter_context(serve_in_thread(gate, **options))


def with_session(site: Playground, home: Path) -> None:
    """Cache a made-up session for a site without a gate, so that no browser is needed."""
    import asyncio

    from aura_browser import FileStore, SessionKey

    store = FileStore(home / "aura-browser" / "sessions")
    asyncio.run(store.save(SessionKey(site.origin), make_session(site.origin)))


def browsers(site: Playground) -> int:
    """Return how many browsers have been shown the page; the probe of a harvest asks for it too, but not as they do."""
    pages = [request for request in site.requests if (request.path, request.status) == ("/", 200)]
    return sum(request.header("Sec-Fetch-Mode") == "navigate" for request in pages)


def test_help_and_version() -> None:
    for command in ((), ("harvest",), ("chat",), ("demo",), ("doctor",), ("playground",), ("sessions",)):
        shown = run_here(*command, "--help")
        assert shown.returncode == 0
        assert "Usage: aura-browser" in shown.stdout
        assert "\\b" not in shown.stdout
        assert shown.stderr == ""
    assert run_here("--version").stdout == "aura-browser, version 0.1.0\n"


@pytest.mark.parametrize(
    "args",
    [
        ("nothing",),
        ("harvest", "ftp://x"),
        ("harvest", "http://127.0.0.1:1", "--until", "sid"),
        ("harvest", "http://127.0.0.1:1", "--timeout", "0"),
        ("harvest", "http://127.0.0.1:1", "-o", "/nowhere/at/all/x.json"),
        ("harvest", "http://127.0.0.1:1", "--proxy", "socks4://127.0.0.1:1"),
        ("chat", "--max-tokens", "5", "x"),
        ("chat", "--refresh", "always", "x"),
        ("chat", "--url", "http://127.0.0.1:1"),
        ("harvest", "http://127.0.0.1:1", "--timeout", "inf"),
        ("playground", "--gate", "other"),
        ("harvest", "http://127.0.0.1:1", "--grid", "http://127.0.0.1:1", "--profile", "me"),
        ("harvest", "http://127.0.0.1:1", "--attach", "127.0.0.1:1", "--virtual-display"),
        ("harvest", "http://127.0.0.1:1", "--attach", "here"),
        ("harvest", "http://127.0.0.1:1", "--basic"),
        ("harvest", "http://127.1"),
        ("harvest", "http://127.0.0.1:1", "--grid", "ftp://here"),
        ("chat", "--grid", "127.0.0.1:1", "--engine", "undetected", "x"),
        ("chat", "--grid", "http://me:s3cret@127.0.0.1:1", "x"),
        ("request", "http://127.0.0.1:1", "-o", ""),
    ],
)
def test_wrong_usage_is_exit_code_2_and_no_traceback(args: tuple[str, ...]) -> None:
    shown = run_here(*args, text="")
    assert shown.returncode == 2, shown.stderr
    assert "Error" in shown.stderr
    assert "Traceback" not in shown.stderr
    assert "s3cret" not in shown.stderr
    assert shown.stdout == ""


def test_chat_streams_the_answer_to_stdout_alone(playground: Start, state_home: Path) -> None:
    site = playground()
    with_session(site, state_home)
    shown = run("chat", "--url", site.origin, "Привет,", "мир! 👋")
    assert (shown.returncode, shown.stdout, shown.stderr) == (0, "Привет, мир! 👋\n", "")


def test_chat_asks_what_stdin_holds(playground: Start, state_home: Path) -> None:
    site = playground()
    with_session(site, state_home)
    options = ("--system", "Be brief.", "--temperature", "0.2", "--max-tokens", "4096")
    shown = run("chat", "--url", site.origin, *options, text="from a pipe\n")
    assert (shown.returncode, shown.stdout) == (0, "from a pipe\n\n")
    body = json.loads(site.requests[-1].body)
    assert (body["prompt"], body["temperature"]) == ("Be brief.", 0.2)
    assert body["model"]["tokenLimit"] == 4096


def test_an_address_before_the_question_is_not_part_of_it(playground: Start) -> None:
    site = playground()
    shown = run("chat", site.origin, "how", "are you?")
    assert shown.returncode == 2
    command = f"aura-browser chat --url {site.origin} 'how are you?'"
    assert f"The address of a chat site goes to --url: {command}" in " ".join(shown.stderr.split())
    assert site.chats == 0
    assert run(*shlex.split(command)[1:]).returncode == 0


def test_a_pipe_beside_a_question_is_not_read_and_that_is_said(playground: Start) -> None:
    site = playground()
    said = "Standard input is not read, as a question is given; --system takes the question instead."
    for text, is_said in (("the diff", True), ("", False)):
        shown = run("chat", "--url", site.origin, "Review this", text=text)
        assert shown.returncode == 0
        assert (said in shown.stderr) is is_said


@pytest.mark.parametrize(
    ("question", "line", "code"),
    [
        ("/error Slow down please", "answered 500: Slow down please", 1),
        ("/limit 5", "Wait 5 s", 75),
        ("/empty", "no text at all", 1),
        ("/dropped half", "broke off after", 1),
    ],
)
def test_a_failure_is_one_clear_line_and_an_exit_code(
    playground: Start, state_home: Path, question: str, line: str, code: int
) -> None:
    site = playground()
    with_session(site, state_home)
    shown = run("chat", "--url", site.origin, question)
    assert shown.returncode == code
    assert line in shown.stderr
    assert shown.stderr.startswith("Error: ")
    assert shown.stderr.count("\n") == 1
    debug = run("chat", "--url", site.origin, "--debug", question)
    assert "Traceback" in debug.stderr


def test_a_named_session_in_a_store_of_ones_own(playground: Start, tmp_path: Path) -> None:
    import asyncio

    from aura_browser import FileStore, SessionKey

    site = playground()
    asyncio.run(FileStore(tmp_path / "mine").save(SessionKey(site.origin, "work"), make_session(site.origin)))
    place = ("--store", str(tmp_path / "mine"))
    mine = run("chat", "--url", site.origin, "--session", "work", *place, "--refresh", "never", "hello")
    assert (mine.returncode, mine.stdout) == (0, "hello\n")
    other = run("chat", "--url", site.origin, "--session", "home", *place, "--refresh", "never", "hello")
    assert f"--session home --store {tmp_path / 'mine'}" in other.stderr


def test_the_gates_that_can_be_named_are_the_playgrounds() -> None:
    from aura_browser.playground.gates import GATES

    assert all(gate in run_here("playground", "--help").stdout for gate in GATES)


def test_refresh_never_opens_no_browser_and_names_the_command(playground: Start) -> None:
    site = playground("login-401")
    shown = run("chat", "--url", site.origin, "--refresh", "never", "x")
    assert shown.returncode == 77
    assert f"Run: aura-browser harvest {site.origin} --interactive --until" in shown.stderr


def test_a_reader_that_goes_away_is_no_traceback(playground: Start, state_home: Path) -> None:
    site = playground()
    with_session(site, state_home)
    command = f"{' '.join(PROGRAM)} chat --url {site.origin} '/long 100000' | head -c 20"
    shown = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert len(shown.stdout) == 20
    assert "Traceback" not in shown.stderr
    assert "Exception" not in shown.stderr


def test_ctrl_c_is_130_with_one_line(playground: Start, state_home: Path) -> None:
    site = playground()
    with_session(site, state_home)
    with Started(
        [*choose_program(), "chat", "--url", site.origin, "/silent x"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.read(1) == "x"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert errors == "Interrupted.\n"


@pytest.mark.chrome
@pytest.mark.parametrize(
    "number",
    [
        signal.SIGINT,
        signal.SIGKILL,
        *(pytest.param(each, marks=pytest.mark.soak) for each in (signal.SIGTERM, signal.SIGHUP)),
    ],
)
def test_a_signal_during_a_harvest_leaves_nothing_behind(playground: Start, number: int) -> None:
    site = playground()
    folder = Path(tempfile.mkdtemp())  # its path is short, as Chrome needs it
    command = [*PROGRAM, "harvest", site.origin, "--until", "cookie:never"]
    with Started(command, stderr=subprocess.PIPE, text=True, env=os.environ | {"TMPDIR": str(folder)}) as process:
        until(lambda: browsers(site) > 0, "a browser is at the site", 30)
        started = psutil.Process(process.pid).children(recursive=True)
        assert len(started) > 3
        process.send_signal(number)
        _, errors = process.communicate(timeout=30)
    if number == signal.SIGKILL:
        assert process.returncode == -number
        until(lambda: not any(folder.iterdir()), "the folder is empty", 20)
    else:
        assert process.returncode == 128 + number
        assert errors.endswith("Interrupted.\n")
    _, alive = psutil.wait_procs(started, timeout=20)
    assert [child for child in alive if child.status() != psutil.STATUS_ZOMBIE] == []
    folder.rmdir()


def test_a_conversation_keeps_its_history(playground: Start, state_home: Path) -> None:
    site = playground()
    with_session(site, state_home)
    with Terminal("chat", "--url", site.origin, "--system", "Be kind.") as terminal:
        terminal.read_until("you:  ")
        terminal.type("first\n")
        terminal.read_until("first.*first.*you:  ".replace(".*", r"[\s\S]*"))
        terminal.type("/error Out of order\n")
        terminal.read_until(r"answered 500: Out of order[\s\S]*you:  ")
        terminal.type("/silent hm\n")
        terminal.read_until(r"hm[\s\S]*hm")
        os.killpg(terminal.process.pid, signal.SIGINT)
        terminal.read_until(r"\(stopped\)[\s\S]*you:  ")
        terminal.type("second\n")
        terminal.read_until(r"second[\s\S]*second[\s\S]*you:  ")
        terminal.type("\x04")
        assert terminal.process.wait(20) == 0
    body = json.loads(site.requests[-1].body)
    assert body["prompt"] == "Be kind."
    assert [message["content"] for message in body["messages"]] == ["first", "first", "second"]


def test_an_answer_cannot_steer_the_terminal(playground: Start, state_home: Path) -> None:
    site = playground()
    with_session(site, state_home)
    with Terminal("chat", "--url", site.origin, "red \x1b[31m bell \x07 end") as terminal:
        shown = terminal.read_until("end")
    assert "\x1b[31m" not in shown
    assert "\x07" not in shown


@pytest.mark.usefixtures("shared_chrome")
@pytest.mark.chrome
@pytest.mark.parametrize("gate", ["none", "check-503", "check-403"])
def test_harvest_and_chat_through_each_gate_that_needs_no_person(playground: Start, gate: str) -> None:
    site = playground(gate, check_delay=0.2)
    harvested = run_here("harvest", site.origin, "--until", "selector:textarea")
    assert harvested.returncode == 0, harvested.stderr
    session = Session.from_json(harvested.stdout)
    assert session.origin == site.origin
    for question in ("one", "two"):
        shown = run("chat", "--url", site.origin, question)
        assert (shown.returncode, shown.stdout) == (0, f"{question}\n"), shown.stderr
    assert browsers(site) == 1
    site.revoke_all()
    assert run_here("chat", "--url", site.origin, "three").stdout == "three\n"
    assert browsers(site) == (1 if gate == "none" else 2)


@pytest.mark.usefixtures("shared_chrome")
@pytest.mark.chrome
def test_harvest_prints_the_cached_session_unless_it_is_to_be_fresh(playground: Start, tmp_path: Path) -> None:
    site = playground("check-503", check_delay=0.2)
    file = tmp_path / "session.json"
    file.touch(mode=0o644)
    first = run_here("harvest", site.origin, "--until", "cookie:clearance", "-o", str(file))
    assert (first.returncode, first.stdout) == (0, ""), first.stderr
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    cached = run_here("harvest", site.origin)
    assert (cached.returncode, cached.stderr) == (0, "")  # a chat site that needs no login: no warning
    before, now = Session.from_json(file.read_text()), Session.from_json(cached.stdout)
    assert (now.fingerprint, now.proof) == (before.fingerprint, "unproven")
    fresh = run_here("harvest", site.origin, "--fresh", "--until", "cookie:clearance")
    assert fresh.stdout != cached.stdout
    assert browsers(site) == 2


@pytest.mark.usefixtures("shared_chrome")
@pytest.mark.chrome
def test_a_site_that_is_not_ready_is_one_clear_line(playground: Start) -> None:
    site = playground("login-redirect")
    shown = run_here("harvest", site.origin, "--until", "selector:textarea", "--session", "work", "--timeout", "50")
    assert shown.returncode not in {0, 2}
    [line] = [line for line in shown.stderr.splitlines() if not line.startswith("WARNING: Running as root")]
    before, _, command = line.partition(" Log in yourself: ")
    assert before == f"Error: {site.origin}/login asks for a login (a password field)."
    words = [
        "aura-browser",
        "harvest",
        site.origin,
        "--interactive",
        "--until",
        "selector:textarea",
        "--session",
        "work",
    ]
    assert shlex.split(command) == words
    parse_command(words)
    assert shown.stdout == ""


@pytest.mark.chrome
def test_progress_is_shown_on_a_terminal_and_the_warning_too(playground: Start) -> None:
    site = playground()
    with Terminal("harvest", site.origin) as terminal:
        assert "\x1b[32m" in terminal.read_until(f"Chrome is at {site.origin}"), "what turns is green"
        shown = terminal.read_until("anybody can act as you")
        assert terminal.process.wait(20) == 0
    assert '"version": 2' in shown
    assert "cookies" in shown


def test_a_port_that_is_taken_is_one_clear_line(playground: Start) -> None:
    site = playground()
    port = site.origin.rpartition(":")[2]
    for words in (("playground",), ("proxy", f"http://127.0.0.1:{port}", "--store", "memory")):
        shown = run(*words, "--port", port)
        assert shown.returncode == 2
        assert f"can't listen on {port} (Address already in use); 0 picks a free port" in shown.stderr
    assert site.page_loads == 0, "a browser was started for nothing"


def test_a_background_job_of_a_script_ends_with_sigterm_though_it_ignores_ctrl_c() -> None:
    program = " ".join(PROGRAM)
    script = f"{program} playground --port 0 & read -r go; kill $!; wait $!; echo $?"
    with Started(["/bin/sh", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as shell:
        assert shell.stdin is not None
        assert shell.stdout is not None
        assert shell.stdout.readline().startswith("http://127.0.0.1:")
        assert shell.communicate("go\n", timeout=30)[0].strip() == "143"


def test_what_nohup_starts_outlives_its_terminal() -> None:
    command = ["/bin/sh", "-c", f"trap '' HUP; exec {' '.join(PROGRAM)} playground --port 0"]
    with Started(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        origin = process.stdout.readline().strip()
        process.send_signal(signal.SIGHUP)
        assert run("chat", "--url", origin, "--refresh", "never", "x").returncode == 77
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=20)[1] == "Interrupted.\n"
    assert process.returncode == 143


def test_the_playground_serves_until_ctrl_c() -> None:
    with Started(
        [*choose_program(), "playground", "--port", "0", "--gate", "login-401", "--life", "60", "--sliding"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        origin = process.stdout.readline().strip()
        shown = run("chat", "--url", origin, "--refresh", "never", "x")
        assert "InteractionRequired" not in shown.stderr
        assert shown.returncode == 77
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130


@pytest.mark.parametrize(
    ("words", "options"),
    [
        ((), ("none", 8765, None, False, None, None)),
        (
            ("--gate", "script", "--port", "0", "--life", "60", "--sliding", "--upstream", "http://127.0.0.1:9/v1"),
            ("script", 0, 60.0, True, "http://127.0.0.1:9/v1", "s3cret"),
        ),
    ],
)
def test_the_playground_is_as_the_options_say(
    words: tuple[str, ...], options: tuple[object, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[tuple[object, ...]] = []

    class Taken:
        """A site whose port is taken."""

        def __init__(self, gate: str, **given: object) -> None:
            built.append((gate, *(given[name] for name in ("port", "life", "sliding", "upstream", "upstream_key"))))

        async def start(self) -> None:
            raise OSError(errno.EACCES, "a whole sentence")

    monkeypatch.setattr("aura_browser.playground.Playground", Taken)
    shown = run_here("playground", *words, **({"AURA_BROWSER_UPSTREAM_KEY": "s3cret"} if words else {}))
    said = f"Error: --port: can't listen on {options[1]} (Permission denied); 0 picks a free port"
    assert (shown.returncode, shown.stdout, shown.stderr.strip()) == (2, "", said)
    assert built == [options]
