"""What the doctor says of what is reached over a network, and of its own harvest there."""

import base64
import os
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import web

from aura_browser.doctor import connections, trial
from aura_browser.doctor.connections import inspect_attached, inspect_everyday, inspect_grid, inspect_proxy
from aura_browser.doctor.page import LocalPage
from aura_browser.doctor.sessions import inspect_sessions
from aura_browser.doctor.trial import try_harvest
from aura_browser.engine import Attach, AttachChrome, Chrome, Engine, Grid
from aura_browser.errors import AttachRefused
from aura_browser.session import Session
from tests.parts.programs import program
from tests.parts.proxy_servers import Microsocks
from tests.parts.server_process import free_port
from tests.parts.servers import serving_in_thread

_ALLOWED = f"Basic {base64.b64encode(b'me:s3cret').decode()}"


async def answer_as_grid(request: web.BaseRequest) -> web.StreamResponse:
    """Answer as a Grid with one node does, which asks for a user and a password."""
    if request.headers.get("Authorization") != _ALLOWED:
        return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="grid"'})
    slot = {"stereotype": {"browserName": "chrome"}}
    return web.json_response({"value": {"nodes": [{"availability": "UP", "slots": [slot]}]}})


async def test_a_proxy_that_can_not_reach_this_machine_is_no_problem(tmp_path: Path) -> None:
    with Microsocks(tmp_path) as server:
        [found] = await inspect_proxy(server.url, LocalPage(f"http://127.0.0.1:{free_port()}/", "mark"))
    assert (found.verdict, found.found) == (
        "ok",
        f"{server.url}: it answers, but can't reach a page of this machine",
    )


async def test_of_a_proxy_that_does_not_answer_the_command_names_what_to_give_instead() -> None:
    [found] = await inspect_proxy(f"http://127.0.0.1:{free_port()}", LocalPage("http://127.0.0.1:9/", "mark"))
    assert (found.verdict, found.stops) == ("problem", True)
    assert found.command == "export AURA_BROWSER_PROXY=http://HOST:PORT"
    [refused] = inspect_grid(Grid("http://127.0.0.1:9"), "http://me:s3cret@proxy.example.com:3128")
    assert (refused.verdict, refused.stops, refused.command) == ("problem", True, found.command)


def test_a_grid_is_asked_with_its_password_which_is_not_shown() -> None:
    with serving_in_thread(answer_as_grid) as (server, origin):
        place = origin.removeprefix("http://")
        [found] = inspect_grid(Grid(f"http://me:s3cret@{place}"), None)
        assert (found.verdict, found.found) == ("ok", f"{origin} has Chrome")
        [refused] = inspect_grid(Grid(f"http://me:s3cret-other@{place}"), None)
    assert (refused.verdict, refused.stops) == ("problem", True)
    assert "it requires another user and password" in refused.found
    assert refused.command == f"export AURA_BROWSER_GRID=http://USER:PASSWORD@{place}"
    assert "s3cret" not in refused.found
    assert {request.path for request in server.seen} == {"/status"}


@pytest.mark.parametrize(
    ("store", "command"),
    [
        ("redis://127.0.0.1:{port}/0", "redis-server --port {port}"),
        ("redis://127.0.0.2:{port}/0", "redis-cli -h 127.0.0.2 -p {port} ping"),
        ("unix:///nowhere/redis.sock", "redis-cli -s /nowhere/redis.sock ping"),
    ],
)
async def test_a_redis_that_is_away_is_started_or_asked(store: str, command: str) -> None:
    port = free_port()
    [found] = await inspect_sessions(store.format(port=port))
    assert (found.verdict, found.stops, found.command) == ("problem", True, command.format(port=port))


def test_where_there_is_no_checkout_docker_starts_a_grid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "__file__", str(tmp_path / "site-packages" / "aura_browser" / "doctor" / "x.py"))
    port = free_port()
    [found] = inspect_grid(Grid(f"http://127.0.0.1:{port}"), None)
    assert found.command == f"docker run -d -p {port}:4444 --shm-size=2g selenium/standalone-chromium"


async def test_the_command_that_starts_a_chrome_to_attach_to_names_one_that_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chrome = program(tmp_path / "my programs", "chrome")
    port = free_port()
    commands = []
    for named in (str(chrome), "/nowhere/chrome"):
        monkeypatch.setenv("AURA_BROWSER_CHROME", named)
        found, version = await inspect_attached(Attach(f"127.0.0.1:{port}"))
        assert (found.stops, version) == (True, None)
        commands.append((found.command or "").partition(f" --remote-debugging-port={port} --user-data-dir=")[0])
    assert commands == [f"'{chrome}'", "google-chrome"]


def test_the_everyday_chrome_is_found_and_what_is_missing_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    folder = tmp_path / "google-chrome-beta"
    engine = AttachChrome("beta")
    [found] = inspect_everyday(engine)
    assert (found.stops, found.command) == (True, "aura-browser doctor --attach chrome:beta")
    assert str(folder) in found.found
    folder.mkdir()
    (folder / "Local State").write_text("{}")
    [found] = inspect_everyday(engine)
    assert (found.stops, found.command) == (True, "aura-browser doctor --attach chrome:beta")
    assert found.found == f"your Chrome ({folder}): it is not running; start it, and try again"
    with socket.create_server(("127.0.0.1", 0)) as listening:
        (folder / "DevToolsActivePort").write_text(f"{listening.getsockname()[1]}\n/devtools/browser/1-a\n")
        [found] = inspect_everyday(engine)
    assert (found.verdict, found.command) == ("ok", None)
    assert found.found == f"your Chrome ({folder}) lets programs connect, and asks you each time"


@pytest.mark.parametrize("engine", [Grid("http://grid.example.com:4444"), Attach("192.0.2.7:9222")])
async def test_a_browser_of_another_machine_is_not_sent_to_a_page_of_this_one(engine: Engine) -> None:
    [found] = await try_harvest(engine, None, "http://127.0.0.1:9/")
    assert (found.verdict, found.stops) == ("note", False)
    assert found.found.startswith("not tried: ")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
async def test_a_browser_of_this_machine_is_tried(host: str) -> None:
    [found] = await try_harvest(Grid(f"http://{host}:{free_port()}"), None, "http://127.0.0.1:9/")
    assert (found.verdict, found.stops) == ("problem", True)
    assert "No browser from the Selenium Grid" in found.found


async def test_a_person_who_did_not_allow_it_is_told_to_try_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A person's answer: ``webdriver/browsers/test_everyday.py`` has a real one."""

    def make_harvest(*_: object, **__: object) -> Callable[[], Awaitable[Session]]:
        async def harvest() -> Session:
            raise AttachRefused("nobody answered it within 30 s")

        return harvest

    monkeypatch.setattr(trial, "browser_harvest", make_harvest)
    [found] = await try_harvest(AttachChrome("beta"), None, "http://127.0.0.1:9/")
    assert (found.verdict, found.stops) == ("problem", True)
    assert found.found == "waiting for Allow: nobody answered it within 30 s"
    assert found.command == "aura-browser doctor --attach chrome:beta"


@pytest.mark.parametrize(
    ("said", "command"),
    [("No usable sandbox!", "aura-browser doctor --no-sandbox"), ("Segmentation fault", "aura-browser doctor --debug")],
)
async def test_a_chrome_that_does_not_start_for_want_of_a_sandbox_gets_the_command_for_that(
    said: str, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)  # who has no sandbox to repair
    chrome = program(tmp_path, "chrome", f"#!/bin/sh\necho '{said}' >&2\nexit 1\n")
    [found] = await try_harvest(Chrome(chrome_path=chrome), None, "http://127.0.0.1:9/")
    assert (found.verdict, found.stops, found.command) == ("problem", True, command)
    assert said in found.found
