"""A site that asks for a user and a password with HTTP basic authentication: no browser is opened."""

import base64
import json
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web

from aura_browser import SiteClient, page_site
from aura_browser.errors import InteractionRequired
from aura_browser.harvests import basic_harvest
from tests.parts.command import Terminal, choose_program, run_here
from tests.parts.missing import need_program
from tests.parts.servers import serving, serving_in_thread

PASSWORD = "s3cret-pass"


async def answer(request: web.BaseRequest) -> web.StreamResponse:
    """Answer as MLflow does."""
    given = base64.b64encode(f"boss:{PASSWORD}".encode()).decode()
    if request.headers.get("Authorization") != f"Basic {given}":
        return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="mlflow"'}, text="Who are you?")
    return web.json_response({"user": {"username": "boss"}})


def define(folder: Path, origin: str) -> None:
    folder.mkdir()
    probe = '{ get = "/api/users/current", good = "200", dropped = "401" }'
    (folder / "sites.toml").write_text(
        f'[tracking]\nurl = "{origin}/"\nlogin = "basic"\ndialect = "openchat-ui"\nprobe = {probe}\n'
    )


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("AURA_BROWSER_CONFIG", str(tmp_path / "mine"))
    monkeypatch.setenv("AURA_BROWSER_CHROME", "/nowhere/chrome")
    with serving_in_thread(answer) as (_, origin):
        define(tmp_path / "mine", origin)
        yield origin


def test_without_a_password_a_person_is_needed(site: str) -> None:
    done = run_here("harvest", "tracking")
    assert done.returncode == 77, done.stderr
    assert "Run: aura-browser harvest tracking --basic" in done.stderr


def test_a_password_from_the_environment_is_the_session(site: str) -> None:
    done = run_here("harvest", "tracking", AURA_BROWSER_BASIC=f"boss:{PASSWORD}")
    assert done.returncode == 0, done.stderr
    session = json.loads(done.stdout)
    assert (session["proof"], session["is_login"], session["browser"]["name"]) == ("distinguished", True, "none")
    assert PASSWORD not in done.stderr
    again = run_here("harvest", "tracking")
    assert again.returncode == 0, again.stderr
    assert run_here("sites", "test", "tracking").returncode == 0
    shown = run_here("sessions", "show", "127.0.0.1")
    assert PASSWORD not in shown.stdout + shown.stderr


def test_a_wrong_password_keeps_nothing(site: str) -> None:
    done = run_here("harvest", "tracking", AURA_BROWSER_BASIC="boss:wrong")
    assert done.returncode == 77, done.stderr
    assert json.loads(run_here("sessions", "list", "--json").stdout) == []


def test_a_variable_without_a_colon_is_named_and_not_shown(site: str) -> None:
    done = run_here("harvest", "tracking", "--basic", AURA_BROWSER_BASIC=PASSWORD)
    assert (done.returncode, done.stdout) == (78, "")
    assert "AURA_BROWSER_BASIC: must be user:password" in done.stderr
    assert PASSWORD not in done.stderr


def test_a_person_is_asked_on_a_terminal(site: str) -> None:
    with Terminal("harvest", "tracking", "-o", "/dev/null") as terminal:
        terminal.read_until("User")
        terminal.type("boss\n")
        terminal.read_until("Password")
        terminal.type(f"{PASSWORD}\n")
        shown = terminal.read_until("use it")
        assert PASSWORD not in shown
        assert terminal.process.wait(30) == 0


async def test_a_program_takes_the_password_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AURA_BROWSER_CONFIG", str(tmp_path / "mine"))
    async with serving(answer) as (_, origin):
        define(tmp_path / "mine", origin)
        async with SiteClient("tracking", store="memory") as client:
            with pytest.raises(InteractionRequired, match="AURA_BROWSER_BASIC"):
                await client.session()
        monkeypatch.setenv("AURA_BROWSER_BASIC", f"boss:{PASSWORD}")
        async with SiteClient("tracking", store="memory") as client, client.get("/") as response:
            assert await response.json() == {"user": {"username": "boss"}}


@pytest.mark.parametrize(
    "words",
    [
        ("request", "tracking/api/users/current"),
        ("exec", "tracking", "--", "true"),
        ("proxy", "tracking", "--port", "0"),
        ("chat", "--url", "tracking", "Hello"),
    ],
    ids=lambda words: words[0],
)
def test_no_command_opens_a_browser_there(site: str, words: tuple[str, ...]) -> None:
    done = run_here(*words)
    assert done.returncode == 77, done.stderr
    assert "AURA_BROWSER_BASIC" in done.stderr
    assert "Run: aura-browser harvest tracking --basic" in done.stderr


def test_a_gateway_opens_no_browser_there(site: str) -> None:
    command = [*choose_program(), "serve", "tracking", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as gateway:
        try:
            assert gateway.stdout is not None
            address = gateway.stdout.readline().rpartition(" at ")[2].strip()
            body = json.dumps({"model": "any", "messages": [{"role": "user", "content": "Hello"}]}).encode()
            headers = {"Content-Type": "application/json"}
            question = urllib.request.Request(f"{address}/chat/completions", body, headers)  # noqa: S310 - loopback
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(question, timeout=30)  # noqa: S310 - loopback
            with refused.value as answer:
                assert "aura-browser harvest tracking --basic" in answer.read().decode()
        finally:
            gateway.kill()


def test_a_request_takes_the_password_from_the_environment(site: str) -> None:
    need_program("curl")
    done = run_here("request", "tracking/api/users/current", AURA_BROWSER_BASIC=f"boss:{PASSWORD}")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"user": {"username": "boss"}}
    again = run_here("exec", "tracking", "--", "sh", "-c", 'curl -s --config {curl} "$AURA_ORIGIN/api/users/current"')
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout) == {"user": {"username": "boss"}}


@pytest.mark.parametrize("given", [None, "", "boss"])
async def test_without_a_user_and_a_password_the_command_asks_for_them_of_any_site(given: str | None) -> None:
    harvest = basic_harvest(page_site("https://a.example/"), ask=lambda: given, command_options=("--session", "work"))
    with pytest.raises(InteractionRequired) as caught:
        await harvest()
    assert caught.value.command == "aura-browser harvest https://a.example/ --basic --session work"


def test_what_is_asked_on_a_terminal_does_not_stand_in_the_output(site: str, tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb") as output, Terminal("harvest", "tracking", output=output) as terminal:
        terminal.read_until("User: ")
        terminal.type("boss\n")
        terminal.read_until("Password: ")
        terminal.type(f"{PASSWORD}\n")
        assert terminal.process.wait(30) == 0
    assert json.loads((tmp_path / "out").read_text())["proof"] == "distinguished"


def test_who_answers_nothing_ends_it_as_ctrl_c_does(site: str) -> None:
    words = ("sites", "learn", f"{site}/api/users/current", "--name", "other")
    done = run_here(*words, text="", AURA_BROWSER_BASIC=f"boss:{PASSWORD}")
    assert done.returncode == 130, done.stderr
    assert "Write [other] to sites.toml? [Y/n]: " in done.stderr
    assert done.stdout.startswith("[other]\n")
