"""``aura-browser sites learn``, with a real Chrome: a person logs in, and the definition works unedited."""

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web

from tests.parts.command import Terminal, run
from tests.parts.person import Person, screen
from tests.parts.servers import serving_in_thread

SECRET = "s3cret-of-a-person"
_APP = """<!doctype html><title>App</title><main id=app></main><script>
fetch('/api/me').then((answer) => answer.json()).then((me) => { app.textContent = me.username });
</script>"""
_LOGIN = """<!doctype html><form method=post action=/login>
<input name=username><input name=password type=password><button>Log in</button></form>"""


async def answer(request: web.BaseRequest) -> web.StreamResponse:
    """Answer as an app does that has a login page."""
    if (request.method, request.path) == ("POST", "/login"):
        headers = {"Set-Cookie": f"sid={SECRET}; Path=/; HttpOnly", "Location": "/app"}
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
    assert SECRET not in shown + await asyncio.to_thread(file.read_text)
    monkeypatch.delenv("AURA_BROWSER_CHROME")
    monkeypatch.delenv("DISPLAY")
    tried = await asyncio.to_thread(run, "sites", "test", "mine")
    assert tried.returncode == 0, tried.stdout + tried.stderr
    got = await asyncio.to_thread(run, "harvest", "mine")
    assert json.loads(got.stdout)["proof"] == "distinguished", got.stderr


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
