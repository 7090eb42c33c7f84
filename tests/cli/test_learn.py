"""``aura-browser sites learn``, with a real Chrome: a person logs in, and the definition works unedited."""

import asyncio
import base64
import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess

import pytest
import tomlkit
from aiohttp import web

from aura_browser import FileStore, SessionKey, page_site
from aura_browser.cli.sites import learning
from aura_browser.engine import Attach, DefaultEngine
from aura_browser.errors import InteractionRequired, NotReady
from aura_browser.site import Site
from aura_browser.webdriver import watching
from aura_browser.webdriver.watching import watch
from tests.parts.command import Terminal, run, run_here
from tests.parts.hurry import Hurry
from tests.parts.open_chrome import open_chrome
from tests.parts.person import Person, screen
from tests.parts.servers import serving, serving_in_thread

SECRET = "s3cret-of-a-person"
_APP = """<!doctype html><title>App</title><main id=app></main>
<form method=post><input type=hidden name=sectok value=0123456789abcdef></form><script>
fetch('/api/me').then((answer) => answer.json()).then((me) => { app.textContent = me.username });
</script>"""
_LOGIN = """<!doctype html><form method=post action=/login><input type=hidden name=sectok value="">
<input name=username><input name=password type=password><button>Log in</button></form>"""


async def answer(request: web.BaseRequest) -> web.StreamResponse:
    """Answer as an app does that has a login page."""
    if (request.method, request.path) == ("POST", "/login"):
        headers = {"Set-Cookie": f"sid={SECRET}; Path=/; HttpOnly; Max-Age=3600", "Location": "/app"}
        return web.Response(status=303, headers=headers)
    if request.path == "/login":
        return web.Response(text=_LOGIN, content_type="text/html")
    is_member = f"sid={SECRET}" in request.headers.get("Cookie", "")
    if request.path == "/api/me":
        return web.json_response({"username": "demo"} if is_member else {}, status=200 if is_member else 401)
    if not is_member:
        return web.Response(status=302, headers={"Location": "/login"})
    return web.Response(text=_APP, content_type="text/html")


@pytest.fixture
def app() -> Iterator[str]:
    with serving_in_thread(answer) as (_, origin):
        yield origin


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AURA_BROWSER_CONFIG", str(tmp_path / "mine"))
    return tmp_path / "mine" / "sites.toml"


@pytest.mark.chrome
async def test_a_person_logs_in_and_presses_enter(
    app: str, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with screen() as display:
        monkeypatch.setenv("DISPLAY", display)
        async with Person(tmp_path) as person:
            monkeypatch.setenv("AURA_BROWSER_CHROME", str(person.chrome()))
            with Terminal("sites", "learn", f"{app}/app", "--name", "mine") as terminal:
                await asyncio.to_thread(terminal.read_until, "press Enter here")
                await person.log_in()
                async with person._page("/app"):
                    pass
                terminal.type("\n")
                shown = await asyncio.to_thread(terminal.read_until, r"Write \[mine\] to sites.toml\?")
                terminal.type("y\n")
                shown += await asyncio.to_thread(terminal.read_until, "Try: aura-browser sites test mine")
                assert await asyncio.to_thread(terminal.process.wait, 20) == 0
    assert "probe" in shown
    written = await asyncio.to_thread(file.read_text)
    assert SECRET not in shown + written
    assert tomlkit.parse(written)["mine"]["csrf"] == {"field": "sectok", "get": "/app", "input": "sectok"}
    monkeypatch.delenv("AURA_BROWSER_CHROME")
    monkeypatch.delenv("DISPLAY")
    tried = await asyncio.to_thread(run, "sites", "test", "mine")
    assert tried.returncode == 0, tried.stdout + tried.stderr
    got = await asyncio.to_thread(run, "harvest", "mine")
    assert json.loads(got.stdout)["proof"] == "distinguished", got.stderr


@pytest.mark.chrome
async def test_a_kept_profile_is_learned_from_without_a_window(
    app: str, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with screen() as display:
        monkeypatch.setenv("DISPLAY", display)
        async with Person(tmp_path) as person:
            monkeypatch.setenv("AURA_BROWSER_CHROME", str(person.chrome()))
            words = ("harvest", f"{app}/app", "--interactive", "--until", "selector:#app", "--profile", "me")
            logging_in = asyncio.create_task(asyncio.to_thread(run, *words))
            await person.log_in()
            done = await logging_in
            assert done.returncode == 0, done.stderr
    monkeypatch.delenv("AURA_BROWSER_CHROME")
    monkeypatch.delenv("DISPLAY")
    learn = ("sites", "learn", f"{app}/app", "--name", "mine", "--profile", "me", "--headless", "--yes", "--json")
    learned = await asyncio.to_thread(run, *learn)
    assert learned.returncode == 0, learned.stderr
    definition = json.loads(learned.stdout)["definition"]
    assert (definition["probe"]["get"], definition["until"]) == ("/api/me", ["probe"])
    assert SECRET not in learned.stdout + learned.stderr
    tried = await asyncio.to_thread(run, "sites", "test", "mine")
    assert tried.returncode == 0, tried.stdout + tried.stderr


@pytest.mark.chrome
async def test_a_tab_of_a_chrome_that_runs_is_learned_from(app: str, file: Path, tmp_path: Path) -> None:
    """The person logs in in a new tab of it, and presses Enter; the Chrome stays open."""
    with open_chrome(tmp_path / "profile") as address:
        learn = ("sites", "learn", f"{app}/app", "--name", "mine", "--attach", address)
        async with Person(tmp_path, port=int(address.rpartition(":")[2])) as person:
            with Terminal(*learn) as terminal:
                await asyncio.to_thread(terminal.read_until, "press Enter here, or close the tab")
                await person.log_in()
                await person.wait_for("/app", "#app:not(:empty)")
                terminal.type("\n")
                shown = await asyncio.to_thread(terminal.read_until, r"Write \[mine\] to sites.toml\?")
                terminal.type("y\n")
                shown += await asyncio.to_thread(terminal.read_until, "Try: aura-browser sites test mine")
                assert await asyncio.to_thread(terminal.process.wait, 20) == 0
            assert SECRET not in shown + await asyncio.to_thread(file.read_text)
            assert await person.sees_pages()
    tried = await asyncio.to_thread(run, "sites", "test", "mine")
    assert tried.returncode == 0, tried.stdout + tried.stderr


_INDEXED = """<!doctype html><title>App</title><main id=app></main><script>
const opening = indexedDB.open('firebaseLocalStorageDb', 1);
opening.onupgradeneeded = () => {
  const made = opening.result.createObjectStore('users', {autoIncrement: true});
  made.add({stsTokenManager: {accessToken: 'TOKEN'}});
};
opening.onsuccess = () => {
  const users = opening.result.transaction('users').objectStore('users').getAll();
  users.onsuccess = async () => {
    opening.result.close();
    const headers = {Authorization: 'Bearer ' + users.result[0].stsTokenManager.accessToken};
    const answer = await fetch('/api/me', {headers});
    app.textContent = (await answer.json()).username;
  };
};
</script>""".replace("TOKEN", SECRET)


async def answer_to_a_token(request: web.BaseRequest) -> web.StreamResponse:
    """Answer as an app does whose page keeps its token in IndexedDB."""
    if request.path != "/api/me":
        return web.Response(text=_INDEXED, content_type="text/html")
    is_member = request.headers.get("Authorization") == f"Bearer {SECRET}"
    return web.json_response({"username": "demo"} if is_member else {}, status=200 if is_member else 401)


@pytest.mark.chrome
def test_a_token_in_indexed_db_is_taken_from_what_the_page_sends(file: Path) -> None:
    with serving_in_thread(answer_to_a_token) as (_, origin):
        words = ("sites", "learn", f"{origin}/", "--name", "mine", "--profile", "me", "--headless", "--yes", "--json")
        done = run(*words)
        assert done.returncode == 0, done.stderr
        learned = json.loads(done.stdout)
        assert learned["definition"]["auth"] == {"header": "Authorization", "value": "{captured}"}
        told = next(each["found"] for each in learned["findings"] if each["what"] == "auth")
        assert "kept in IndexedDB (firebaseLocalStorageDb); taken from the page's requests" in told
        assert SECRET not in done.stdout + done.stderr + file.read_text()
        got = run("request", "mine/api/me")
        assert json.loads(got.stdout) == {"username": "demo"}, got.stderr


PASSWORD = "s3cret-of-a-user"


async def answer_basic(request: web.BaseRequest) -> web.StreamResponse:
    """Answer as a registry does."""
    given = base64.b64encode(f"boss:{PASSWORD}".encode()).decode()
    if request.headers.get("Authorization") != f"Basic {given}":
        return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="registry"'}, text="Who are you?")
    return web.json_response({"username": "boss"})


@pytest.mark.parametrize("password", [PASSWORD, "wrong"])
def test_a_site_that_asks_for_a_password_is_learned_without_a_browser(
    file: Path, monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    monkeypatch.setenv("AURA_BROWSER_CHROME", "/nowhere/chrome")
    with serving_in_thread(answer_basic) as (server, origin):
        words = ("sites", "learn", f"{origin}/v2/", "--name", "mine", "--yes")
        done = run(*words, AURA_BROWSER_BASIC=f"boss:{password}")
        assert password not in done.stdout + done.stderr
        assert {request.method for request in server.seen} == {"GET"}
        if password != PASSWORD:
            assert done.returncode == 1, done.stderr
            assert "check user and password" in done.stderr
            assert not file.exists()
            return
        assert done.returncode == 0, done.stderr
        table = tomlkit.parse(file.read_text())["mine"]
        assert (table["login"], "until" in table) == ("basic", False)
        assert table["probe"] == {
            "get": "/v2/",
            "good": "200 application/json",
            "dropped": "401",
            "identity": "json:username",
        }
        got = run("request", "mine/v2/")
        assert json.loads(got.stdout) == {"username": "boss"}, got.stderr
        assert PASSWORD not in file.read_text()


def test_a_password_needs_a_terminal_or_the_variable(file: Path) -> None:
    with serving_in_thread(answer_basic) as (_, origin):
        done = run("sites", "learn", origin, "--yes")
    assert done.returncode == 2, done.stderr
    assert "AURA_BROWSER_BASIC" in done.stderr


@pytest.mark.chrome
def test_without_a_login_nothing_is_written(app: str, file: Path) -> None:
    done = run("sites", "learn", f"{app}/app", "--profile", "nobody", "--headless", "--yes", "--json")
    assert done.returncode == 1, done.stderr
    assert json.loads(done.stdout)["definition"] == {"url": f"{app}/app"}
    assert "Nothing was written" in done.stderr
    assert not file.exists()


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("--headless",), "--headless needs --profile"),
        (("--name", "localhost"), "is not a site's name"),
        (("--name", "openchat"), "openchat is taken"),
        (("--proxy", "http://proxy:80"), "--proxy can't be used here"),
    ],
)
def test_what_can_not_work_is_said_before_anything_starts(file: Path, words: tuple[str, ...], problem: str) -> None:
    done = run("sites", "learn", "https://example.com", *words, PATH=os.environ["PATH"])
    assert done.returncode == 2, done.stderr
    assert problem in done.stderr


@pytest.mark.chrome
async def test_another_sites_page_is_never_what_was_watched(hurry: Hurry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "Deadline", hurry.make_deadline)

    async def send_away(request: web.BaseRequest) -> web.StreamResponse:
        if request.host.startswith("localhost"):
            hurry.end(left_s=2.0)
            return web.Response(text="another site", content_type="text/html")
        return web.Response(status=302, headers={"Location": f"http://localhost:{request.url.port}/"})

    async with serving(send_away) as (server, origin):
        with pytest.raises(NotReady, match="a page of the site itself"):
            await watch(page_site(origin), engine=None, interactive=False, timeout_s=60, is_done=lambda: False)
    assert any(request.host.startswith("localhost") for request in server.seen)


def learn_basic(origin: str, *words: str, text: str | None = None) -> CompletedProcess[str]:
    return run_here("sites", "learn", f"{origin}/v2/", *words, text=text, AURA_BROWSER_BASIC=f"boss:{PASSWORD}")


def test_a_person_is_asked_before_anything_is_written_and_may_just_press_enter(file: Path, state_home: Path) -> None:
    with serving_in_thread(answer_basic) as (_, origin):
        asked = learn_basic(origin, text="n\n")
        assert (asked.returncode, file.exists()) == (0, False)
        table = asked.stdout
        assert table.startswith(f'[local]\nurl = "{origin}/v2/"\nlogin = "basic"\n')
        first, *lines = asked.stderr.splitlines()
        assert first == f"{origin}/v2/ asks for a user and a password itself; no browser is needed."
        assert re.fullmatch(r"\w+ +(tested|seen|not found) +\S.*", lines[0])
        assert {line[10:21].strip() for line in lines[:-2]} <= {"tested", "seen", "not found"}
        assert re.fullmatch(r"\d requests were sent\.", lines[-2])
        assert lines[-1] == "Write [local] to sites.toml? [Y/n]: "
        done = learn_basic(origin, text="\n")
        said = f"Wrote [local] to {file}, and kept the session. Try: aura-browser sites test local\n"
        assert (done.returncode, done.stdout, done.stderr.endswith(said)) == (0, table, True)
        assert file.read_text() == table
        session = asyncio.run(FileStore(state_home / "aura-browser" / "sessions").load(SessionKey(origin)))
        assert session is not None
        assert (session.is_login, session.proof) == (True, "distinguished")
        assert learn_basic(origin, "--yes").stdout.startswith("[local-2]\n")


def test_a_program_gets_json_and_is_not_asked(file: Path) -> None:
    with serving_in_thread(answer_basic) as (_, origin):
        shown = learn_basic(origin, "--json")
    facts = json.loads(shown.stdout)
    assert (shown.returncode, file.exists(), shown.stdout) == (0, False, json.dumps(facts, indent=2) + "\n")
    assert list(facts) == ["name", "definition", "findings", "requests"]
    assert (facts["name"], facts["definition"]["login"]) == ("local", "basic")
    assert {tuple(each) for each in facts["findings"]} == {("what", "found", "sureness")}
    assert "Write" not in shown.stderr


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://www.example.co.uk/x", "example"),
        ("https://my_shop.com/", "my-shop"),
        ("https://9gag.com/", "gag"),
        ("https://42.com/", "site"),
        ("https://wiki.example.com/", "example"),
        ("http://intranet/", "intranet"),
        ("http://localhost:3000/", "local"),
        ("http://[::1]:3000/", "local"),
        ("https://taken.com/", "taken-3"),
    ],
)
def test_a_site_is_called_after_its_host(url: str, name: str, file: Path) -> None:
    file.parent.mkdir()
    file.write_text("".join(f'[{each}]\nurl = "https://x.example/"\n' for each in ("taken", "taken-2")))
    assert learning._choose_name(url, None) == name


@pytest.mark.parametrize("words", [(), ("--no-sandbox",), ("--grid", "127.0.0.1:4444"), ("--attach", "127.0.0.1:9222")])
def test_without_a_window_a_profile_is_needed(words: tuple[str, ...], file: Path) -> None:
    shown = run_here("sites", "learn", "https://example.com", "--headless", *words)
    said = "Error: --headless needs --profile, in which you are logged in.\n"
    assert (shown.returncode, shown.stderr.endswith(said)) == (2, True)


@pytest.mark.parametrize(
    ("words", "where", "options"),
    [
        ((), "window", (None, True, 600.0)),
        (("--timeout", "7", "--attach", "127.0.0.1:9"), "tab", (Attach("127.0.0.1:9"), True, 7.0)),
        (("--headless", "--profile", "me"), "", (DefaultEngine(profile="me"), False, 600.0)),
    ],
)
def test_a_person_is_told_what_to_do_in_which_browser(
    words: tuple[str, ...], where: str, options: tuple[object, ...], app: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[tuple[object, ...]] = []

    async def give_up(site: Site, *, engine: object, interactive: bool, timeout_s: float, is_done: object) -> None:
        given.append((site.url, engine, interactive, timeout_s))
        assert callable(is_done)
        assert is_done() is False
        raise InteractionRequired("Nobody is here.", "aura-browser sites learn")

    monkeypatch.setattr(watching, "watch", give_up)
    shown = run_here("sites", "learn", f"{app}/app", *words)
    told = (
        f"Log in in the new {where} at {app}/app, click once where you work, then close the {where}.\n" if where else ""
    )
    assert (shown.returncode, shown.stdout, given) == (77, "", [(f"{app}/app", *options)]), shown.stderr
    assert shown.stderr == f"{told}Error: Nobody is here. Run: aura-browser sites learn\n"


def test_enter_is_noticed_and_the_end_of_the_input_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    with os.fdopen(reader) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        assert learning._was_enter_pressed() is False
        os.write(writer, b"\n")
        assert learning._was_enter_pressed() is True
        os.close(writer)
        assert learning._was_enter_pressed() is False
