"""A proxy's URL on the command line and in the environment: where a password may stand, and where it never shows."""

import asyncio
from pathlib import Path

import pytest

from aura_browser import FileStore, SessionKey
from aura_browser.cli import proxy as cli_proxy
from aura_browser.playground import serve_in_thread
from tests.parts.command import run, run_here
from tests.parts.proxy_servers import Microsocks, ProxyServer, Tinyproxy
from tests.parts.sessions import make_session

SECRET = "http://me:s3cret@127.0.0.1:9"
COMMANDS = [("harvest", "http://127.0.0.1:9"), ("chat", "--url", "http://127.0.0.1:9", "hello")]


def with_session(origin: str, home: Path, proxy: str) -> None:
    """Cache a made-up session, so that no browser is needed."""
    store = FileStore(home / "aura-browser" / "sessions")
    asyncio.run(store.save(SessionKey(origin, proxy=proxy), make_session(origin, proxy=proxy)))


@pytest.mark.parametrize("command", COMMANDS)
def test_a_password_on_the_command_line_is_refused(command: tuple[str, ...]) -> None:
    shown = run(*command, "--proxy", SECRET)
    assert shown.returncode == 2
    assert shown.stdout == ""
    [line] = [line for line in shown.stderr.splitlines() if line.startswith("Error")]
    assert "AURA_BROWSER_PROXY" in line
    assert "s3cret" not in shown.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_an_unfit_proxy_in_the_environment_is_a_bad_setting(command: tuple[str, ...]) -> None:
    shown = run(*command, AURA_BROWSER_PROXY="socks4://me:s3cret@127.0.0.1:9")
    assert shown.returncode == 78
    assert "SOCKS4" in shown.stderr
    assert "s3cret" not in shown.stderr


def test_the_command_that_a_person_is_told_to_run_has_no_password() -> None:
    command = ("chat", "--url", "http://127.0.0.1:9", "--refresh", "never", "hello")
    shown = run(*command, AURA_BROWSER_PROXY=SECRET)
    assert shown.returncode == 77
    assert "AURA_BROWSER_PROXY" in shown.stderr
    assert "--proxy" not in shown.stderr
    assert "s3cret" not in shown.stderr
    shown = run(*command, "--proxy", "http://127.0.0.1:9")
    assert "--proxy http://127.0.0.1:9" in shown.stderr
    assert "AURA_BROWSER_PROXY" not in shown.stderr


@pytest.mark.parametrize("kind", [Tinyproxy, Microsocks])
def test_a_chat_goes_through_the_proxy_in_the_environment(
    kind: type[ProxyServer], tmp_path: Path, state_home: Path
) -> None:
    with kind(tmp_path, user="me", password="s3cret") as proxy, serve_in_thread() as site:
        with_session(site.origin, state_home, proxy.url)
        shown = run("chat", "--url", site.origin, "--refresh", "never", "hello", AURA_BROWSER_PROXY=proxy.url)
        assert (shown.returncode, shown.stdout) == (0, "hello\n"), shown.stderr
        assert proxy.targets()
        # Of the session itself, without the variable.
        asked = len(proxy.targets())
        shown = run("sessions", "check")
        assert shown.returncode == 0, shown.stdout
        assert len(proxy.targets()) > asked
        for command in (("list",), ("show", "127"), ("check",)):
            shown = run("sessions", *command)
            assert "s3cret" not in shown.stdout + shown.stderr
    names = [str(path) for path in state_home.rglob("*")]
    assert names
    assert "s3cret" not in "\n".join(names)


def test_debugging_shows_no_password(tmp_path: Path, state_home: Path) -> None:
    with Tinyproxy(tmp_path, user="me", password="other") as proxy, serve_in_thread() as site:
        url = proxy.url_with("me", "s3cret")
        with_session(site.origin, state_home, url)
        shown = run("chat", "--debug", "--url", site.origin, "--refresh", "never", "hello", AURA_BROWSER_PROXY=url)
        assert shown.returncode == 75
        assert "Traceback" in shown.stderr
        assert "s3cret" not in shown.stderr + shown.stdout


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, str]]:
    """Return the port and the token of each proxy that would be served."""
    given: list[tuple[int, str]] = []

    async def keep(_target: object, port: int, token: str, _options: object) -> None:
        given.append((port, token))

    monkeypatch.setattr(cli_proxy, "_serve", keep)
    return given


@pytest.mark.parametrize(
    ("token", "is_one"),
    [("x" * 15, False), ("x" * 16, True), ("aZ09._~-" * 25, True), ("x" * 201, False), ("x" * 16 + "!", False)],
)
def test_a_token_of_ones_own_is_long_enough_and_fits_an_address(
    token: str, *, is_one: bool, served: list[tuple[int, str]]
) -> None:
    shown = run_here("proxy", "http://127.0.0.1:9", AURA_BROWSER_PROXY_TOKEN=token)
    if is_one:
        assert (shown.returncode, served) == (0, [(8788, token)])
    else:
        assert (shown.returncode, served) == (78, [])
        said = "AURA_BROWSER_PROXY_TOKEN must be of 16 to 200 letters, digits and . _ ~ -"
        assert shown.stderr.endswith(f"Error: Invalid value: {said}\n")
        assert token not in shown.stderr


def test_a_token_is_new_each_time_unless_there_is_to_be_none(served: list[tuple[int, str]]) -> None:
    for words in ((), ("--port", "0"), ("--no-token",)):
        assert run_here("proxy", "http://127.0.0.1:9", *words).returncode == 0
    (port, first), (other_port, second), (_, none) = served
    assert (port, other_port, len(first), len(second), first == second, none) == (8788, 0, 32, 32, False, "")
