"""The command ``serve``, in a process of its own: what it says, whom it lets in, and how it ends."""

import asyncio
import errno
import json
import os
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from aura_browser import listening
from aura_browser.cli import demo, serve
from aura_browser.gateway.programs import CONFIGURATIONS
from aura_browser.gateway.server import Settings
from aura_browser.playground import Playground, serve_in_thread
from aura_browser.site import OPENCHAT, Site
from tests.parts.cached import cache_session
from tests.parts.command import choose_program, run, run_here
from tests.parts.gateways import gateway_to
from tests.parts.missing import missing
from tests.parts.waiting import until

VARIABLE = "AURA_BROWSER_GATEWAY_TOKEN"
TOKEN = "s3cret-token-of-24-chars"


@contextmanager
def serving(*args: str, **environment: str) -> "Iterator[tuple[subprocess.Popen[str], str]]":
    """Run it until its introduction is printed; yield the process and the introduction."""
    process = subprocess.Popen(
        [*choose_program(os.environ | environment), "serve", *args],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | environment,
    )
    try:
        assert process.stdout is not None
        shown = ""
        while "Stop it with" not in shown:
            line = process.stdout.readline()
            assert line, f"it ended: {process.communicate()}"
            shown += line
        yield process, shown
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def site(state_home: Path) -> Iterator[Playground]:
    with serve_in_thread() as running:
        cache_session(state_home, running.origin)
        yield running


def curl(*args: str) -> str:
    return subprocess.run([find_curl(), "-s", *args], capture_output=True, text=True, check=True).stdout


def find_curl() -> str:
    return shutil.which("curl") or missing("curl is missing; bring it with: apt-get install curl")


def ask(shown: str, text: str) -> "subprocess.Popen[str]":
    """Ask for a streamed answer, and don't wait for it."""
    body = json.dumps({"model": "openchat_3.6", "stream": True, "messages": [{"role": "user", "content": text}]})
    address = f"{base_url(shown)}/chat/completions"
    command = [find_curl(), "-sN", address, "-H", "Content-Type: application/json", "-d", body]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def base_url(shown: str) -> str:
    found = re.search(r"runs at (http://127\.0\.0\.1:\d+/v1)", shown)
    assert found is not None
    return found[1]


def test_its_own_curl_line_gets_an_answer(site: Playground) -> None:
    with serving(site.origin, "--port", "0") as (_, shown):
        command = re.search(r"curl .*?\n    -d '.*?'$", shown, re.MULTILINE | re.DOTALL)
        assert command is not None, shown
        assert "OPENAI_API_KEY=none\n" in shown
        assert ("#token" in shown, "encrypted" in shown) == (False, False)
        answer = subprocess.run(["/bin/sh", "-c", command[0]], capture_output=True, text=True, check=True)
    assert '"content":"Hello!"' in answer.stdout


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_signal_stops_it_when_answers_have_ended(site: Playground, number: int, code: int) -> None:
    with serving(site.origin, "--port", "0") as (process, shown):
        asking = ask(shown, "/slow 0.1 a b c d e f")
        until(lambda: site.answering == 1, "the site is asked")
        process.send_signal(number)
        answer, _ = asking.communicate(timeout=30)
        _, errors = process.communicate(timeout=30)
    assert answer.endswith("data: [DONE]\n\n")
    assert process.returncode == code
    assert "Traceback" not in errors


def test_a_second_signal_does_not_wait_for_answers(site: Playground) -> None:
    with serving(site.origin, "--port", "0") as (process, shown):
        asking = ask(shown, "/silent begun")
        until(lambda: site.answering == 1, "the site is asked")
        process.send_signal(signal.SIGTERM)
        until(lambda: not _listens(base_url(shown)), "it stops listening")
        process.send_signal(signal.SIGTERM)
        answer, _ = asking.communicate(timeout=10)
        process.communicate(timeout=10)
    assert "The gateway is stopping" in answer
    assert process.returncode == 0


def _listens(url: str) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(url.split(":")[2].partition("/")[0]))) == 0


def test_a_port_that_is_taken_names_a_free_one(site: Playground) -> None:
    with serving(site.origin, "--port", "0") as (_, shown):
        port = base_url(shown).split(":")[2].partition("/")[0]
        failed = run("serve", site.origin, "--port", port)
        assert failed.returncode == 1
        assert failed.stdout == ""
        free = re.fullmatch(
            rf"Error: Port {port} is taken .*\. (\d+) is free: aura-browser serve {site.origin} --port \1\n",
            failed.stderr,
        )
        assert free is not None, failed.stderr
        with serving(site.origin, "--port", free[1]):
            pass


def test_an_address_that_this_machine_does_not_have_is_named() -> None:
    words = ("serve", "http://127.0.0.1:9", "--host", "192.0.2.1", "--port", "0")
    failed = run_here(*words, AURA_BROWSER_GATEWAY_TOKEN=TOKEN)
    assert (failed.returncode, failed.stdout) == (1, "")
    assert f"Error: Can't listen at 192.0.2.1: {os.strerror(errno.EADDRNOTAVAIL)}" in failed.stderr


def test_others_are_let_in_with_a_token_only(site: Playground, tmp_path: Path) -> None:
    refused = run("serve", site.origin, "--host", "0.0.0.0", "--port", "0")  # noqa: S104 - that is what is tested
    assert (refused.returncode, "a token is needed" in refused.stderr) == (2, True)
    short = run("serve", site.origin, "--host", "0.0.0.0", "--port", "0", AURA_BROWSER_GATEWAY_TOKEN="short")  # noqa: S104
    assert (short.returncode, "at least 16 characters" in short.stderr) == (78, True)
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    file.chmod(0o644)
    readable = run("serve", site.origin, "--token-file", str(file), "--port", "0")
    assert (readable.returncode, "chmod 600" in readable.stderr) == (2, True)
    file.chmod(0o600)
    host = ("--host", "0.0.0.0")  # noqa: S104 - that is what is tested
    with serving(site.origin, *host, "--token-file", str(file), "--port", "0") as (process, shown):
        assert "not encrypted" in shown
        assert ("OPENAI_API_KEY=TOKEN\n" in shown, "/#token=TOKEN\n" in shown) == (True, True)
        assert '-H "Authorization: Bearer TOKEN" \\\n' in shown
        assert TOKEN not in shown
        assert TOKEN not in " ".join(Path(f"/proc/{process.pid}/cmdline").read_text("utf-8").split("\0"))
        url = f"{base_url(shown)}/models"
        codes = [
            curl("-o", "/dev/null", "-w", "%{http_code}", url, "-H", f"Authorization: Bearer {token}")
            for token in (TOKEN, TOKEN[:-1] + "x")
        ]
    assert codes == ["200", "401"]


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--alias", "gpt-4o"), "NAME=MODEL"),
        (("--max-streams", "0"), "max-streams"),
        (("--port", "65536"), "port"),
        (("--token-file", "/nowhere/token"), "does not exist"),
        (("ftp://example.com",), "http"),
    ],
)
def test_wrong_usage_starts_nothing(args: tuple[str, ...], words: str) -> None:
    failed = run("serve", *args)
    assert failed.returncode == 2
    assert words in failed.stderr
    assert failed.stdout == ""


def test_an_alias_is_taken(site: Playground) -> None:
    with serving(site.origin, "--port", "0", "--alias", "gpt-4o=openchat_3.6") as (_, shown):
        assert '"id":"gpt-4o"' in curl(f"{base_url(shown)}/models")


@pytest.mark.parametrize(
    "ask",
    [lambda url: asyncio.to_thread(demo._ask_with_openai, url), lambda url: demo._ask_with_curl(find_curl(), url)],
)
async def test_the_demos_other_programs_get_their_answer(
    ask: Callable[[str], Awaitable[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    async with Playground() as site, gateway_to(site) as gateway:
        assert await ask(gateway.base_url) == demo._THIRD_QUESTION


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--allow-origin", "null", "any page on the web can send the origin null"),
        ("--allow-origin", "https://example.com/", "is not a page's origin"),
        ("--allow-host", "http://example.com", "is not a host's name"),
    ],
)
def test_what_would_let_everybody_or_nobody_in_is_refused(option: str, value: str, said: str) -> None:
    done = run_here("serve", "http://127.0.0.1:9", "--port", "0", option, value)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_of_a_site_whose_requests_are_carried_no_model_is_named(state_home: Path) -> None:
    assert run_here("sites", "add", "ours", "--like", "open-webui", "--url", "http://127.0.0.1:9/").returncode == 0
    with serving("ours", "--port", "0") as (_, shown):
        assert f"curl {base_url(shown)}/models\n" in shown
    assert "openchat" not in shown
    assert "MODEL" in run_here("serve", "ours", "--print-config", "aider").stdout


def test_a_configuration_needs_a_port_that_stays() -> None:
    shown = run_here("serve", "--port", "0", "--print-config", "aider")
    assert (shown.returncode, shown.stdout) == (2, "")
    assert "--port 8787" in shown.stderr


@pytest.mark.parametrize("text", ["", "\n", "two words of a token", "x" * 5000])
def test_a_file_without_a_usable_token_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "token"
    file.write_text(text)
    file.chmod(0o600)
    shown = run_here("serve", "--print-config", "openai", "--token-file", str(file))
    assert (shown.returncode, shown.stdout) == (2, "")
    assert "token" in shown.stderr


def test_each_option_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Settings] = []

    async def keep(_site: object, settings: Settings, _options: object) -> None:
        given.append(settings)

    monkeypatch.setattr(serve, "_serve", keep)
    words = ("--max-streams", "7", "--upstream-concurrency", "2", "--allow-host", "nas", "--allow-origin", "app://x.md")
    shown = run_here("serve", "http://127.0.0.1:9", "--port", "18787", "--alias", "fast=m", *words)
    assert shown.returncode == 0, shown.stderr
    (settings,) = given
    assert (settings.port, settings.max_streams, settings.upstream_concurrency) == (18787, 7, 2)
    assert (set(settings.hosts), set(settings.origins)) == ({"nas"}, {"app://x.md"})
    assert settings.aliases == {"fast": "m"}


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """Return the settings of each gateway that would run."""
    given: list[Settings] = []

    async def keep(_site: object, settings: Settings, _options: object) -> None:
        given.append(settings)

    monkeypatch.setattr(serve, "_serve", keep)
    return given


@pytest.mark.parametrize("host", ["", "127.0.0.1", "::1", "localhost"])
def test_on_this_machine_no_token_is_needed(host: str, started: list[Settings]) -> None:
    assert run_here("serve", "http://127.0.0.1:9", "--host", host).returncode == 0
    (settings,) = started
    assert (settings.host, settings.port, settings.token, settings.aliases) == ("", 8787, "", {})
    assert (settings.max_streams, settings.upstream_concurrency) == (64, 4)


@pytest.mark.parametrize(
    ("token", "said"),
    [
        ("x" * 16, ""),
        ("x" * 15, f"Error: {VARIABLE}: the token has to have at least 16 characters for --host 192.0.2.1"),
        ("two words of a token", f"Error: {VARIABLE}: the token has to be one line of printable ASCII, without spaces"),
        (
            "s3cret-of-an-\u00fc-o",
            f"Error: {VARIABLE}: the token has to be one line of printable ASCII, without spaces",
        ),
        (
            "a-token\tof-two-parts",
            f"Error: {VARIABLE}: the token has to be one line of printable ASCII, without spaces",
        ),
        ("", f"Error: --host: others can connect to 192.0.2.1, so a token is needed: --token-file, or {VARIABLE}"),
    ],
)
def test_others_need_a_token_that_is_not_easy_to_guess(token: str, said: str, started: list[Settings]) -> None:
    shown = run_here("serve", "http://127.0.0.1:9", "--host", "192.0.2.1", AURA_BROWSER_GATEWAY_TOKEN=token)
    assert [(each.host, each.token) for each in started] == ([] if said else [("192.0.2.1", token)])
    assert (shown.returncode == 0) == (not said)
    assert shown.stderr.startswith(said)


def test_an_empty_token_is_refused(started: list[Settings]) -> None:
    shown = run_here("serve", "http://127.0.0.1:9", AURA_BROWSER_GATEWAY_TOKEN="")
    assert (shown.returncode, started) == (78, [])
    assert f"{VARIABLE}: is empty" in shown.stderr


@pytest.mark.parametrize(
    ("options", "said"), [((), "aura-browser serve http"), (("--token-file", "t"), "run the same command with --port")]
)
def test_with_other_options_a_free_port_is_named_for_the_same_command(
    options: tuple[str, ...], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("t").touch(mode=0o600)
    Path("t").write_text("a-token-of-24-characters")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        shown = run_here("serve", "http://127.0.0.1:9", "--port", port, *options)
    assert shown.returncode == 1
    assert f"is free: {said}" in shown.stderr


@pytest.mark.parametrize(("length", "is_one"), [(4095, True), (4096, False)])
def test_a_token_in_a_file_has_at_most_4096_bytes_with_its_line_end(
    length: int, *, is_one: bool, tmp_path: Path, started: list[Settings]
) -> None:
    file = tmp_path / "my token"
    file.write_text("x" * length + "\n")
    file.chmod(0o600)
    shown = run_here("serve", "http://127.0.0.1:9", "--token-file", str(file))
    assert [each.token for each in started] == (["x" * length] if is_one else [])
    if not is_one:
        assert shown.stderr.strip() == f"Error: --token-file: {file} has to hold one line: the token"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601])
def test_a_token_that_others_can_get_at_is_refused(mode: int, tmp_path: Path, started: list[Settings]) -> None:
    file = tmp_path / "my token"
    file.write_text(TOKEN)
    file.chmod(mode)
    shown = run_here("serve", "http://127.0.0.1:9", "--token-file", str(file))
    said = f"Error: --token-file: others can read {file}; run: chmod 600 '{file}'"
    assert (shown.returncode, shown.stderr.strip(), started) == (2, said, [])


@pytest.mark.parametrize("alias", ["gpt-4o", "=m", "gpt-4o=", "="])
def test_an_alias_has_a_name_and_a_model(alias: str, started: list[Settings]) -> None:
    shown = run_here("serve", "http://127.0.0.1:9", "--alias", alias)
    assert (shown.returncode, started) == (2, [])
    assert f"'--alias': {alias!r} is not NAME=MODEL, such as gpt-4o=openchat_3.6" in shown.stderr


@pytest.mark.parametrize("name", ["open-webui", "openwebui", "Open-WebUI"])
def test_a_program_is_known_by_each_way_to_write_its_name(name: str) -> None:
    shown = run_here("serve", "--print-config", name)
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout == run_here("serve", "--print-config", "open-webui").stdout
    assert shown.stdout.endswith("\n")
    assert not shown.stdout.endswith("\n\n")


def test_an_unknown_program_lists_those_that_are_known() -> None:
    shown = run_here("serve", "--print-config", "word")
    assert shown.returncode == 2
    assert f"'word' is not one of {', '.join(CONFIGURATIONS)}" in shown.stderr


def test_a_configuration_names_the_token_and_does_not_show_it() -> None:
    with_token = run_here("serve", "--print-config", "openai", AURA_BROWSER_GATEWAY_TOKEN=TOKEN).stdout
    without = run_here("serve", "--print-config", "openai", "--port", "8789").stdout
    assert ("TOKEN" in with_token, TOKEN in with_token, "8787" in with_token) == (True, False, True)
    assert ("TOKEN" in without, "none" in without, "8789" in without) == (False, True, True)


def test_an_alias_of_a_site_whose_requests_are_carried_is_refused(state_home: Path, started: list[Settings]) -> None:
    assert run_here("sites", "add", "ours", "--like", "open-webui", "--url", "http://127.0.0.1:9/").returncode == 0
    shown = run_here("serve", "ours", "--alias", "a=b")
    said = "Error: --alias: can't be used: requests to http://127.0.0.1:9 are carried as they are"
    assert (shown.returncode, shown.stderr.strip(), started) == (2, said, [])
    assert run_here("serve", "ours").returncode == 0


TAKEN = "Port 9 is taken by another program. 10 is free: aura-browser serve"


@pytest.mark.parametrize(
    ("number", "host", "url", "said"),
    [
        (errno.EADDRINUSE, "", OPENCHAT.url, f"{TAKEN} --port 10"),
        (errno.EADDRINUSE, "", "http://127.0.0.1:9/?a=1&b", f"{TAKEN} 'http://127.0.0.1:9/?a=1&b' --port 10"),
        (errno.EACCES, "", OPENCHAT.url, "Can't listen at this machine: Permission denied."),
        (errno.EACCES, "nas", OPENCHAT.url, "Can't listen at nas: Permission denied."),
    ],
)
def test_why_it_does_not_listen_is_said(
    number: int, host: str, url: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "find_free_port", lambda port: port + 1)
    error = OSError(number, os.strerror(number))
    assert serve._describe_failure(error, Site(url), Settings(host=host, port=9)).message == said
