"""What the doctor says of what is reached over a network, and of its own harvest there."""

import asyncio
import base64
import os
import re
import socket
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import web

from aura_browser.doctor import Finding, connections, examination, sessions, trial
from aura_browser.doctor.connections import inspect_attached, inspect_everyday, inspect_grid, inspect_proxy
from aura_browser.doctor.page import LocalPage, serve_page
from aura_browser.doctor.sessions import inspect_sessions
from aura_browser.doctor.trial import try_harvest
from aura_browser.engine import Attach, AttachChrome, Chrome, Engine, Grid
from aura_browser.errors import AttachRefused, AuraError, PageFailed, StoreError
from aura_browser.keeping.manager import SessionManager
from aura_browser.session import Session
from aura_browser.store import MemoryStore
from tests.parts.ports import free_port
from tests.parts.programs import program
from tests.parts.proxy_servers import Microsocks
from tests.parts.servers import serving_in_thread
from tests.parts.sessions import make_session
from tests.parts.stream_server import stream_server

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
    assert (found.name, found.verdict, found.stops) == ("proxy", "problem", True)
    assert found.command == "export AURA_BROWSER_PROXY=http://HOST:PORT"
    [refused] = inspect_grid(Grid("http://127.0.0.1:9"), "http://me:s3cret@proxy.example.com:3128")
    assert (refused.verdict, refused.stops, refused.command) == ("problem", True, found.command)


@pytest.mark.parametrize(
    ("url", "found", "command"),
    [
        (
            "http://me:s3cret@127.0.0.1",
            "the proxy refused the user and password in its URL, or requires them (407)",
            "http://USER:PASSWORD@",
        ),
        ("http://127.0.0.1", "it answers (302 for a page of this machine)", None),
    ],
)
async def test_what_a_proxy_answers_is_said_and_not_followed(url: str, found: str, command: str | None) -> None:
    async def respond(request: web.BaseRequest) -> web.StreamResponse:
        if "Proxy-Authorization" in request.headers:
            return web.Response(status=407)
        return web.Response(status=302, headers={"Location": "/other", "X-Doctor": "another"})

    with serving_in_thread(respond) as (server, origin):
        place = origin.removeprefix("http://")
        given = url.replace("127.0.0.1", place)
        [told] = await inspect_proxy(given, LocalPage("http://127.0.0.1:9/", "mark"))
    assert told.name == "proxy"
    assert told.found.endswith(f"{place}: {found}")
    assert told.command == (command and f"export AURA_BROWSER_PROXY={command}{place}")
    assert len(server.seen) == 1


def test_a_proxy_without_a_user_can_be_used_on_a_grid() -> None:
    [found] = inspect_grid(Grid(f"http://127.0.0.1:{free_port()}"), "http://proxy.example.com:3128")
    assert (found.name, found.stops) == ("grid", True)


def test_a_grid_is_asked_with_its_password_which_is_not_shown() -> None:
    with serving_in_thread(answer_as_grid) as (server, origin):
        place = origin.removeprefix("http://")
        [found] = inspect_grid(Grid(f"http://me:s3cret@{place}"), None)
        assert (found.name, found.verdict, found.found) == ("grid", "ok", f"{origin} has Chrome")
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
        ("redis://localhost:{port}/0", "redis-server --port {port}"),
        ("redis://[::1]:{port}/0", "redis-server --port {port}"),
        ("redis://127.0.0.2:{port}/0", "redis-cli -h 127.0.0.2 -p {port} ping"),
        ("unix:///nowhere/redis.sock", "redis-cli -s /nowhere/redis.sock ping"),
    ],
)
async def test_a_redis_that_is_away_is_started_or_asked(store: str, command: str) -> None:
    port = free_port()
    [found] = await inspect_sessions(store.format(port=port))
    assert (found.name, found.verdict, found.stops) == ("sessions", "problem", True)
    assert found.command == command.format(port=port)


async def test_a_redis_whose_address_has_no_port_is_asked_at_the_usual_one(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = []

    class Away(MemoryStore):
        async def slugs(self) -> tuple[str, ...]:
            raise StoreError("redis://cache.example.com", "no answer in time")

        async def aclose(self) -> None:
            closed.append(self)

    monkeypatch.setattr(sessions, "open_store", lambda _place: Away())
    [found] = await inspect_sessions("redis://me:s3cret@cache.example.com/0")
    assert (found.command, len(closed)) == ("redis-cli -h cache.example.com -p 6379 ping", 1)


def test_where_there_is_no_checkout_docker_starts_a_grid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "__file__", str(tmp_path / "site-packages" / "aura_browser" / "doctor" / "x.py"))
    port = free_port()
    [found] = inspect_grid(Grid(f"http://127.0.0.1:{port}"), None)
    assert found.command == f"docker run -d -p {port}:4444 --shm-size=2g selenium/standalone-chromium"


@pytest.mark.parametrize(
    ("answer", "version"),
    [
        ('{"Browser": "Chrome/140.0.1.2"}', "140.0.1.2"),
        ('{"Browser": "Chrome/140.0.1.2"}'.ljust(2**16), "140.0.1.2"),
        ('{"Browser": "Chrome/140.0.1.2"'.ljust(2**16) + "}", None),  # longer than any that Chrome gives
        ("Chrome/140.0.1.2", None),
        ("{}", None),
        ("[]", None),
        ("[" * 2**16, None),
    ],
)
async def test_what_answers_as_a_chrome_is_one_and_nothing_else(answer: str, version: str | None) -> None:
    async def respond(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(text=answer)

    with serving_in_thread(respond) as (server, origin):
        place = origin.removeprefix("http://")
        found, told = await inspect_attached(Attach(place))
    assert ([request.path for request in server.seen], told) == (["/json/version"], version)
    good = ("attach", "ok", f"Chrome/140.0.1.2 at {place}")
    bad = ("attach", "problem", f"no Chrome listens for remote debugging at {place}")
    assert (found.name, found.verdict, found.found) == (good if version else bad)


@pytest.mark.parametrize("is_silent", [True, False])
async def test_what_says_nothing_or_hangs_up_is_no_chrome(*, is_silent: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_TIMEOUT_S", 0.2)

    async def serve(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if is_silent:
            await reader.read()

    async with stream_server(serve) as port, asyncio.timeout(20):
        found, version = await inspect_attached(Attach(f"127.0.0.1:{port}"))
    assert (found.name, found.verdict, found.stops, version) == ("attach", "problem", True, None)


async def test_what_is_asked_has_less_time_than_its_check() -> None:
    assert 0 < connections._TIMEOUT_S < examination._CHECK_TIMEOUT_S


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
    assert (found.name, found.stops) == ("attach", True)
    assert found.command == "aura-browser doctor --attach chrome:beta"
    assert str(folder) in found.found
    folder.mkdir()
    (folder / "Local State").write_text("{}")
    [found] = inspect_everyday(engine)
    assert (found.name, found.stops) == ("attach", True)
    assert found.command == "aura-browser doctor --attach chrome:beta"
    assert found.found == f"your Chrome ({folder}): it is not running; start it, and try again"
    with socket.create_server(("127.0.0.1", 0)) as listening:
        (folder / "DevToolsActivePort").write_text(f"{listening.getsockname()[1]}\n/devtools/browser/1-a\n")
        [found] = inspect_everyday(engine)
    assert (found.name, found.verdict, found.command) == ("attach", "ok", None)
    assert found.found == f"your Chrome ({folder}) lets programs connect, and asks you each time"


@pytest.mark.parametrize("engine", [Grid("http://grid.example.com:4444"), Attach("192.0.2.7:9222")])
async def test_a_browser_of_another_machine_is_not_sent_to_a_page_of_this_one(engine: Engine) -> None:
    [found] = await try_harvest(engine, None, "http://127.0.0.1:9/")
    assert (found.name, found.verdict, found.stops) == ("harvest", "note", False)
    assert found.found.startswith("not tried: ")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
async def test_a_browser_of_this_machine_is_tried(host: str) -> None:
    [found] = await try_harvest(Grid(f"http://{host}:{free_port()}"), None, "http://127.0.0.1:9/")
    assert (found.name, found.verdict, found.stops) == ("harvest", "problem", True)
    assert "No browser from the Selenium Grid" in found.found


class MadeUpHarvest:
    """What a browser gives or raises. The folders of real browsers have the real ones, such as a person's answer."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, result: Session | AuraError) -> None:
        self.options: dict[str, object] = {}
        self._result = result
        monkeypatch.setattr(trial, "browser_harvest", self._make)

    def _make(self, _site: object, **options: object) -> Callable[[], Awaitable[Session]]:
        self.options = options
        return self._harvest

    async def _harvest(self) -> Session:
        if isinstance(self._result, AuraError):
            raise self._result
        return self._result


_REFUSED = AttachRefused("nobody answered it within 30 s")
_NO_PAGE = PageFailed("http://127.0.0.1:9/", "ERR_CONNECTION_REFUSED")


@pytest.mark.parametrize(
    ("engine", "error", "found", "command"),
    [
        (
            AttachChrome("beta"),
            _REFUSED,
            f"waiting for Allow: {_REFUSED.reason}",
            "aura-browser doctor --attach chrome:beta",
        ),
        (AttachChrome("beta"), _NO_PAGE, str(_NO_PAGE), "aura-browser doctor --debug"),
        (Attach("127.0.0.1:9222"), _REFUSED, str(_REFUSED), "aura-browser doctor --debug"),
        (Chrome(), _NO_PAGE, str(_NO_PAGE), "aura-browser doctor --debug"),
    ],
)
async def test_what_keeps_a_harvest_from_working_is_said_with_what_to_do(
    engine: Engine, error: AuraError, found: str, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    MadeUpHarvest(monkeypatch, error)
    assert await try_harvest(engine, None, "http://127.0.0.1:9/") == [
        Finding("harvest", "problem", found, command, stops=True)
    ]


async def test_a_browser_elsewhere_that_can_not_open_this_page_is_no_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    MadeUpHarvest(monkeypatch, _NO_PAGE)
    found = "the browser there works, but can't open a page of this machine: ERR_CONNECTION_REFUSED"
    for engine in (Attach("127.0.0.1:9222"), Grid("http://127.0.0.1:4444")):
        assert await try_harvest(engine, None, "http://127.0.0.1:9/") == [Finding("harvest", "note", found)]


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def test_a_trial_keeps_nothing_and_ends_before_its_check_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = []

    class Closing(SessionManager):
        async def aclose(self) -> None:
            await super().aclose()
            closed.append(self)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("aura_browser.assembly.SessionManager", Closing)
    async with serve_page() as page:
        made_up = MadeUpHarvest(monkeypatch, make_session(page.url.rstrip("/"), url=page.url, harvested_at=time.time()))
        [found] = await try_harvest(Chrome(profile="me"), "http://proxy.example.com:1", page.url)
    assert (found.name, found.verdict) == ("harvest", "ok")
    assert re.fullmatch(r"of a page on this machine, with chrome 1\.2\.3, verified: \d\.\d\d s", found.found)
    assert (made_up.options["engine"], made_up.options["proxy"]) == (Chrome(), "http://proxy.example.com:1")
    assert 0 < 2 * made_up.options["timeout_s"] <= examination._TRIAL_TIMEOUT_S  # type: ignore[operator]
    assert (names_in(tmp_path), len(closed)) == ([], 1)


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
