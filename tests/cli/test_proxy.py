"""A proxy's URL on the command line and in the environment: where a password may stand, and where it never shows."""

import asyncio
from pathlib import Path

import pytest

from aura_browser import FileStore, SessionKey
from aura_browser.playground import serve_in_thread
from tests.parts.command import run
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
