"""The person's everyday Chrome at its edges: where it is looked for, and a WebSocket that does what no Chrome does.

The Chrome is a stand-in here: a server on loopback that accepts the connection without a person, and then says or
leaves what each test needs.
"""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from aiohttp import WSMsgType, web

from aura_browser import AttachChrome, page_site
from aura_browser.errors import AttachRefused, BrowserDied, BrowserNotFound
from aura_browser.webdriver import everyday as finding
from aura_browser.webdriver.browsers import everyday as everyday_module
from aura_browser.webdriver.everyday import find_everyday, inspect_folder, list_folders
from aura_browser.webdriver.harvest import harvest
from tests.parts.servers import serving
from tests.parts.waiting import eventually

Talk = Callable[[web.WebSocketResponse], Awaitable[None]]

_PATH = "/devtools/browser/00000000-0000-4000-8000-000000000000"
_SITE = page_site("http://127.0.0.1:1/")
_ME = {"Browser.getVersion": {"product": "Chrome/1.2.3"}}


def make_profile(folder: Path, port: int | None, *, lock: str | None = None, state: str | None = None) -> Path:
    """Write what a Chrome leaves in its folder."""
    folder.mkdir(parents=True)
    usual = json.dumps({"devtools": {"remote_debugging": {"user-enabled": True}}})
    (folder / "Local State").write_text(usual if state is None else state, "utf-8")
    (folder / "SingletonLock").symlink_to(lock or f"host-{os.getpid()}")
    if port is not None:
        (folder / "DevToolsActivePort").write_text(f"{port}\n{_PATH}", "ascii")
    return folder


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which a person's Chrome is looked for."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "config"


@asynccontextmanager
async def stand_in(config: Path, talk: Talk) -> AsyncIterator[None]:
    """Accept connections as that Chrome does once the person has allowed them."""

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        ws = web.WebSocketResponse(max_msg_size=0)
        await ws.prepare(request)
        await talk(ws)
        return ws

    async with serving(handle) as (_server, origin):
        make_profile(config / "google-chrome", int(origin.rpartition(":")[2]))
        yield
    await eventually(lambda: not holders(), 10)


def holders() -> list[int]:
    """Return the processes of this one's that hold a connection."""
    children = psutil.Process().children(recursive=True)
    return [each.pid for each in children if _is_holder(each)]


def _is_holder(process: psutil.Process) -> bool:
    try:
        return any(word.endswith("cdp/holder.py") for word in process.cmdline())
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return False


async def answer(ws: web.WebSocketResponse, answers: dict[str, Any], heard: list[str]) -> None:
    """Answer these commands, until another one comes."""
    async for message in ws:
        command = json.loads(message.data)
        heard.append(command["method"])
        if command["method"] not in answers:
            return
        await ws.send_json({"id": command["id"], "result": answers[command["method"]]})


async def test_a_chrome_that_ends_the_connection_before_the_tab_is_open_is_said(config: Path) -> None:
    heard: list[str] = []

    async def talk(ws: web.WebSocketResponse) -> None:
        await answer(ws, {"Target.getTargets": {"targetInfos": []}, **_ME}, heard)

    async with stand_in(config, talk):
        with pytest.raises(BrowserDied, match="your Chrome ended the connection"):
            await harvest(_SITE, engine=AttachChrome(), timeout_s=20)
    assert heard == ["Target.getTargets", "Browser.getVersion", "Target.createTarget"]


async def test_what_is_no_chrome_at_that_port_is_refused_with_what_happened(config: Path) -> None:
    async def handle(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=404)

    async with serving(handle) as (_server, origin):
        make_profile(config / "google-chrome", int(origin.rpartition(":")[2]))
        with pytest.raises(AttachRefused, match="Chrome ended the connection"):
            await harvest(_SITE, engine=AttachChrome(), timeout_s=20)
    await eventually(lambda: not holders(), 10)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("targets", "context"),
    [
        ([{"url": "http://127.0.0.1:1/else", "browserContextId": "one"}], "one"),
        (
            [
                {"url": "http://127.0.0.1:2/", "browserContextId": "near"},
                {"url": "http://127.0.0.1:1/", "browserContextId": "nearest"},
            ],
            "nearest",
        ),
        ([{"url": "http://127.0.0.1:2/", "browserContextId": "near"}], "near"),
        ([{"url": "http://127.0.0.1:99999/", "browserContextId": "no address"}, "nothing", {"url": 1}], None),
        ([{"url": "chrome://newtab/", "browserContextId": "one"}], None),
        ("nothing", None),
    ],
)
async def test_the_tab_is_opened_in_the_profile_that_is_at_the_site(
    config: Path, targets: object, context: str | None
) -> None:
    asked: list[dict[str, Any]] = []

    async def talk(ws: web.WebSocketResponse) -> None:
        async for message in ws:
            command = json.loads(message.data)
            if command["method"] == "Target.createTarget":
                asked.append(command["params"])
                return
            result = {"targetInfos": targets} if command["method"] == "Target.getTargets" else {}
            await ws.send_json({"id": command["id"], "result": result})

    async with stand_in(config, talk):
        with pytest.raises(BrowserDied):
            await harvest(_SITE, engine=AttachChrome(), timeout_s=20)
    assert [params.get("browserContextId") for params in asked] == [context]


async def test_of_two_profiles_at_the_site_the_one_is_taken_that_chrome_opens_a_tab_in(config: Path) -> None:
    asked: list[str] = []
    targets = [{"url": "http://127.0.0.1:1/", "browserContextId": context} for context in ("one", "other", "one")]

    async def talk(ws: web.WebSocketResponse) -> None:
        async for message in ws:
            command = json.loads(message.data)
            answer: dict[str, Any] = {"result": {"targetInfos": targets}}
            if command["method"] == "Target.createTarget":
                asked.append(command["params"]["browserContextId"])
                if asked[-1] == "other":
                    return
                answer = {"error": {"code": -32000, "message": "Failed to find browser context with id one"}}
            await ws.send_json({"id": command["id"], **answer})

    async with stand_in(config, talk):
        with pytest.raises(BrowserDied, match="your Chrome ended the connection"):
            await harvest(_SITE, engine=AttachChrome(), timeout_s=20)
    assert asked == ["one", "other"]


async def test_a_tab_that_opens_as_the_harvest_ends_is_closed_before_the_connection_is(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[str] = []
    is_asked, may_open, loop = asyncio.Event(), asyncio.Event(), asyncio.get_running_loop()

    def close(holder: everyday_module._Holder) -> None:
        """Close it as it does; the tab opens while its end is waited for."""

        def wait(timeout: float | None = None) -> int:
            loop.call_soon_threadsafe(may_open.set)
            return real_wait(timeout)

        real_wait = holder.process.wait
        monkeypatch.setattr(holder.process, "wait", wait)
        real_close(holder)

    real_close = everyday_module._Holder.close
    monkeypatch.setattr(everyday_module._Holder, "close", close)

    async def talk(ws: web.WebSocketResponse) -> None:
        async for message in ws:
            assert message.type is WSMsgType.TEXT
            command = json.loads(message.data)
            result: dict[str, Any] = {}
            if command["method"] == "Target.createTarget":
                is_asked.set()
                await may_open.wait()
                result = {"targetId": "late"}
            elif command["method"] == "Target.closeTarget":
                closed.append(command["params"]["targetId"])
            await ws.send_json({"id": command["id"], "result": result})

    async with stand_in(config, talk):
        harvesting = asyncio.ensure_future(harvest(_SITE, engine=AttachChrome(), timeout_s=20))
        await is_asked.wait()
        harvesting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await harvesting
    assert closed == ["late"]


async def test_a_cancelled_harvest_does_not_wait_for_a_chrome_that_hangs(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(everyday_module, "_END_TIMEOUT_S", 0.1)
    is_asked = asyncio.Event()

    async def talk(ws: web.WebSocketResponse) -> None:
        async for _message in ws:
            is_asked.set()  # and nothing is answered

    async with stand_in(config, talk):
        harvesting = asyncio.ensure_future(harvest(_SITE, engine=AttachChrome(), timeout_s=20))
        await is_asked.wait()
        harvesting.cancel()
        ended, _ = await asyncio.wait([harvesting], timeout=10)
        assert ended
        assert harvesting.cancelled()


async def test_a_connection_that_does_not_end_in_time_is_ended_and_that_is_said(
    config: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(everyday_module, "_END_TIMEOUT_S", 0.3)
    is_asked = asyncio.Event()

    async def talk(ws: web.WebSocketResponse) -> None:
        async for message in ws:
            command = json.loads(message.data)
            if command["method"] == "Target.createTarget":
                is_asked.set()  # and nothing is answered any more
            elif not is_asked.is_set():
                await ws.send_json({"id": command["id"], "result": {}})

    async with stand_in(config, talk):
        harvesting = asyncio.ensure_future(harvest(_SITE, engine=AttachChrome(), timeout_s=20))
        await is_asked.wait()
        harvesting.cancel()
        ended, _ = await asyncio.wait([harvesting], timeout=4)  # by itself it would end after 5 s
        assert ended
        assert harvesting.cancelled()
    assert "did not end in time; a tab may be left open there" in caplog.text


async def test_who_waits_for_another_harvests_connection_says_so_at_the_end(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(everyday_module, "_END_TIMEOUT_S", 0.1)
    is_asked = asyncio.Event()

    async def talk(ws: web.WebSocketResponse) -> None:
        async for _message in ws:
            is_asked.set()  # and nothing is answered

    async with stand_in(config, talk):
        first = asyncio.ensure_future(harvest(_SITE, engine=AttachChrome(), timeout_s=20))
        await is_asked.wait()
        with pytest.raises(AttachRefused, match="another harvest is connected to it"):
            await harvest(_SITE, engine=AttachChrome(), timeout_s=0.4)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first


@pytest.mark.parametrize(
    ("platform", "variables", "first"),
    [
        ("linux", {"HOME": "/home/ann", "XDG_CONFIG_HOME": "relative"}, "/home/ann/.config/google-chrome"),
        ("linux", {"XDG_CONFIG_HOME": "/c"}, "/c/google-chrome"),
        ("darwin", {"HOME": "/Users/ann"}, "/Users/ann/Library/Application Support/Google/Chrome"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/Google/Chrome/User Data"),
        ("win32", {"LOCALAPPDATA": "", "HOME": "/ann"}, "/ann/AppData/Local/Google/Chrome/User Data"),
    ],
)
def test_where_a_chrome_is_looked_for(
    platform: str, variables: dict[str, str], first: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", platform)
    assert str(list_folders("stable")[0]) == first


def test_without_a_home_or_on_an_unknown_system_there_is_no_chrome_of_the_persons(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CONFIG_HOME")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "home", no_home)
        with pytest.raises(BrowserNotFound, match="no known folder"):
            find_everyday("stable")
    monkeypatch.setattr(sys, "platform", "sunos5")
    with pytest.raises(BrowserNotFound, match="no known folder on sunos5"):
        find_everyday("stable")


@pytest.mark.parametrize("lock", ["nothing", "host-x", "host-999999999"])
def test_a_lock_that_names_no_process_is_no_chrome_that_runs(tmp_path: Path, lock: str) -> None:
    found = inspect_folder(make_profile(tmp_path / "profile", None, lock=lock))
    assert found.problem == "it is not running; start it, and try again"


def test_a_chrome_of_another_user_runs_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_pid: int, _signal: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "kill", refuse)
    found = inspect_folder(make_profile(tmp_path / "profile", 1))
    assert "names a port at which it does not listen" in found.problem


@pytest.mark.parametrize("state", ["", "[]", "{}", '{"devtools": {"remote_debugging": []}}', '{"devtools": 1}'])
def test_settings_that_say_nothing_of_the_switch_are_those_of_one_that_is_off(tmp_path: Path, state: str) -> None:
    found = inspect_folder(make_profile(tmp_path / "profile", None, state=state))
    assert "its switch for programs is off" in found.problem


@pytest.mark.parametrize(
    ("file", "open_ports", "url", "problem"),
    [
        (None, {9222}, "ws://127.0.0.1:9222/devtools/browser", ""),
        (None, set(), None, "its file DevToolsActivePort is missing; restart Chrome"),
        (f"5{_PATH}", {5, 9222}, "ws://127.0.0.1:9222/devtools/browser", ""),
        (
            f"5\n{_PATH}",
            {9222},
            None,
            "its file DevToolsActivePort names a port at which it does not listen; restart Chrome",
        ),
        (f"1\n{_PATH}\n", {1, 9222}, f"ws://127.0.0.1:1{_PATH}", ""),
        (f"65535\n{_PATH}", {65535}, f"ws://127.0.0.1:65535{_PATH}", ""),
        (f"0\n{_PATH}", {0}, None, "its file DevToolsActivePort is missing; restart Chrome"),
        (f"65536\n{_PATH}", {65536}, None, "its file DevToolsActivePort is missing; restart Chrome"),
    ],
)
def test_where_a_chrome_is_connected_to(
    file: str | None,
    open_ports: set[int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    url: str | None,
    problem: str,
) -> None:
    monkeypatch.setattr(finding, "_listens", open_ports.__contains__)
    folder = make_profile(tmp_path / "profile", None)
    if file is not None:
        (folder / "DevToolsActivePort").write_text(file, "ascii")
    found = inspect_folder(folder)
    assert (found.folder, found.url, found.problem) == (folder, url, problem)


def test_of_two_chromes_the_one_that_can_be_connected_to_is_the_persons(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "_listens", {5}.__contains__)
    first = make_profile(config / "google-chrome", None)
    assert find_everyday("stable").folder == first
    second = make_profile(config / "chromium", 5)
    assert find_everyday("stable").folder == second
    (second / "Local State").unlink()
    assert find_everyday("stable").folder == first


def test_on_windows_another_file_tells_that_a_chrome_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_profile(tmp_path / "profile", None, state="{}")
    monkeypatch.setattr(sys, "platform", "win32")
    assert inspect_folder(folder).problem == "it is not running; start it, and try again"
    (folder / "lockfile").touch()
    assert "its switch for programs is off" in inspect_folder(folder).problem
