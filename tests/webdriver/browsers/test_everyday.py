"""The person's everyday Chrome: found, asked for, allowed and refused; with a real Chrome, its question and clicks."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from aura_browser import AttachChrome, AuraClient, Condition, page_site
from aura_browser.doctor.connections import inspect_everyday
from aura_browser.engine import Attach, parse_attach
from aura_browser.errors import AttachRefused, BrowserDied, BrowserNotFound, InteractionRequired, InvalidInput
from aura_browser.webdriver.everyday import find_everyday, list_folders
from aura_browser.webdriver.harvest import harvest
from tests.parts.everyday import ALLOW, CANCEL, EverydayChrome, everyday_chrome
from tests.parts.pages import ROOT
from tests.parts.servers import page, serving, serving_in_thread
from tests.parts.waiting import holds_within, until

UUID = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which a person's Chrome is looked for; it is empty."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "config"


def make_profile(config: Path, *, is_on: bool = True, port: int | None = None, runs: bool = True) -> Path:
    """Write what a Chrome leaves in its folder."""
    folder = config / "google-chrome"
    folder.mkdir(parents=True)
    state = {"devtools": {"remote_debugging": {"user-enabled": is_on}}}
    (folder / "Local State").write_text(json.dumps(state), "utf-8")
    if runs:
        (folder / "SingletonLock").symlink_to(f"host-{os.getpid()}")
    if port is not None:
        (folder / "DevToolsActivePort").write_text(f"{port}\n/devtools/browser/{UUID}", "ascii")
    return folder


@pytest.mark.parametrize(
    ("text", "engine"),
    [
        ("chrome", AttachChrome()),
        ("chrome:beta", AttachChrome("beta")),
        ("chrome:9222", Attach("chrome:9222")),
        ("127.0.0.1:9222", Attach("127.0.0.1:9222")),
    ],
)
def test_what_the_option_names(text: str, engine: Attach | AttachChrome) -> None:
    assert parse_attach(text) == engine
    assert not isinstance(engine, AttachChrome) or engine.option == text


def test_a_channel_that_does_not_exist_is_said() -> None:
    with pytest.raises(InvalidInput, match="stable, beta, dev, canary"):
        parse_attach("chrome:nightly")


def test_no_folder_of_a_chrome(config: Path) -> None:
    with pytest.raises(BrowserNotFound, match=f"{config}/google-chrome.*Start Chrome"):
        find_everyday("stable")


@pytest.mark.parametrize(
    ("system", "base", "of_channels"),
    [
        (
            "linux",
            "config",
            "google-chrome chromium, google-chrome-beta, google-chrome-unstable, google-chrome-canary",
        ),
        (
            "darwin",
            "Library/Application Support",
            "Google/Chrome Chromium, Google/Chrome_Beta, Google/Chrome_Dev, Google/Chrome_Canary",
        ),
        (
            "win32",
            "AppData/Local",
            "Google/Chrome/X Chromium/X, Google/Chrome_Beta/X, Google/Chrome_Dev/X, Google/Chrome_SxS/X",
        ),
    ],
)
def test_where_each_channel_is(
    system: str, base: str, of_channels: str, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in https://chromium.googlesource.com/chromium/src/+/HEAD/docs/user_data_dir.md."""
    monkeypatch.setattr(sys, "platform", system)
    home = config.parent
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("LOCALAPPDATA", raising=False)
    for channel, names in zip(("stable", "beta", "dev", "canary"), of_channels.split(", "), strict=True):
        assert list_folders(channel) == [
            home / base / name.replace("_", " ").replace("/X", "/User Data") for name in names.split()
        ]


@pytest.mark.parametrize(
    ("is_on", "port", "runs", "said"),
    [
        (True, None, False, "it is not running"),
        (False, None, True, "its switch for programs is off: open chrome://inspect/#remote-debugging"),
        (True, 1, True, "names a port at which it does not listen"),
        (True, 1, False, "it is not running"),
    ],
)
def test_what_is_missing_is_named(config: Path, is_on: bool, port: int | None, runs: bool, said: str) -> None:  # noqa: FBT001
    make_profile(config, is_on=is_on, port=port, runs=runs)
    [finding] = inspect_everyday(AttachChrome())
    assert finding.stops
    assert said in finding.found
    assert finding.command == "aura-browser doctor --attach chrome"


def test_a_port_that_is_open_is_used_as_the_file_says(config: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        folder = make_profile(config, port=port)
        assert find_everyday("stable").url == f"ws://127.0.0.1:{port}/devtools/browser/{UUID}"
        for text in (
            "",
            "9222",
            f"{port}\n/json/version",
            f"{port}\n/devtools/browser/../x",
            f"x{port}\n/devtools/browser",
        ):
            (folder / "DevToolsActivePort").write_text(text, "ascii")
            assert find_everyday("stable").url in {None, "ws://127.0.0.1:9222/devtools/browser"}


async def test_without_a_person_nothing_asks(config: Path) -> None:
    async with AuraClient("http://127.0.0.1:9", engine=AttachChrome(), store="memory") as client:
        with pytest.raises(InteractionRequired, match="your click in your Chrome") as caught:
            await client.session()
    assert "--attach chrome" in caught.value.command


@pytest.fixture(scope="module")
def everyday() -> Iterator[tuple[EverydayChrome, Path]]:
    with everyday_chrome() as running:
        yield running


@pytest.fixture
def chrome(everyday: tuple[EverydayChrome, Path], monkeypatch: pytest.MonkeyPatch) -> EverydayChrome:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(everyday[1]))
    everyday[0].wait_for_rest()
    return everyday[0]


ALIVE = "<script>setInterval(() => fetch('/alive'), 100)</script>"
QUIET_S = 2.5  # a page in the background may ask once a second
COOKIE = {"Set-Cookie": "sid=1; Path=/; HttpOnly"}


@pytest.mark.alone
@pytest.mark.chrome
async def test_allowed_after_a_while_it_brings_the_session(chrome: EverydayChrome) -> None:
    missing: list[tuple[str, ...]] = []
    async with serving(page("<p>plain", headers=COOKIE)) as (server, origin):
        harvesting = asyncio.ensure_future(
            harvest(page_site(origin), engine=AttachChrome(), on_wait=lambda _left, what: missing.append(what))
        )
        await asyncio.to_thread(chrome.wait_for_question)
        allowed = asyncio.ensure_future(asyncio.to_thread(chrome.click, ALLOW, harvesting.done))
        session = await harvesting
        await allowed
    assert [cookie.name for cookie in session.cookies] == ["sid"]
    assert "Headless" not in session.user_agent
    assert any("Allow" in what[0] for what in missing)
    assert [request.path for request in server.seen].count("/") == 1
    for path in ("/json/version", "/json/list"):
        with pytest.raises(urllib.error.HTTPError, match="404") as refused:
            await asyncio.to_thread(urllib.request.urlopen, f"http://127.0.0.1:{port_of(chrome)}{path}", timeout=5)
        refused.value.close()


@pytest.mark.alone
@pytest.mark.chrome
async def test_refused_it_says_so_at_once(chrome: EverydayChrome) -> None:
    harvesting = asyncio.ensure_future(harvest(page_site("http://127.0.0.1:9"), engine=AttachChrome()))
    await asyncio.to_thread(chrome.click, CANCEL, harvesting.done)
    with pytest.raises(AttachRefused, match='"Cancel" was clicked'):
        await harvesting


@pytest.mark.alone
@pytest.mark.chrome
async def test_without_an_answer_it_ends_in_time_and_the_next_is_asked_for_again(chrome: EverydayChrome) -> None:
    with pytest.raises(AttachRefused, match="nobody answered within 2 s"):
        await harvest(page_site("http://127.0.0.1:9"), engine=AttachChrome(), timeout_s=2)
    again = asyncio.ensure_future(harvest(page_site("http://127.0.0.1:9"), engine=AttachChrome()))
    await asyncio.to_thread(chrome.click, CANCEL, again.done)  # the old question, then the new one
    with pytest.raises(AttachRefused, match='"Cancel" was clicked'):
        await again


@pytest.mark.soak
@pytest.mark.chrome
@pytest.mark.parametrize("how", ["SIGKILL", "SIGTERM"])
def test_killed_it_leaves_no_tab(chrome: EverydayChrome, how: str) -> None:
    never = ["--until", "cookie:never", "--fresh"]
    with serving_in_thread(page(ALIVE)) as (server, origin):
        command = [sys.executable, "-m", "aura_browser", "harvest", origin, "--attach", "chrome", *never]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with process:
            chrome.click(ALLOW, lambda: server.seen)
            until(lambda: len(server.seen) > 2, "the page goes on asking")
            process.send_signal(signal.Signals[how])
        assert holds_within(10, lambda: holders() == []), holders()

        def is_quiet() -> bool:
            before = len(server.seen)
            return not holds_within(QUIET_S, lambda: len(server.seen) > before)

        assert holds_within(10, is_quiet), "the tab is still open"


@pytest.mark.alone
@pytest.mark.chrome
async def test_two_harvests_at_once_ask_one_after_the_other(chrome: EverydayChrome) -> None:
    async with serving(page("<p>plain", headers=COOKIE)) as (server, origin):
        both = [asyncio.ensure_future(harvest(page_site(origin), engine=AttachChrome())) for _ in range(2)]

        def is_one_done() -> bool:
            return any(each.done() for each in both)

        await asyncio.to_thread(chrome.click, ALLOW, is_one_done)
        assert [request.path for request in server.seen].count("/") == 1, "the other one has not asked yet"
        await asyncio.to_thread(chrome.click, ALLOW, lambda: all(each.done() for each in both))
        sessions = await asyncio.gather(*both)
    assert [[cookie.name for cookie in session.cookies] for session in sessions] == [["sid"], ["sid"]]


@pytest.mark.alone
@pytest.mark.chrome
async def test_at_another_port_and_closed_in_the_middle(monkeypatch: pytest.MonkeyPatch) -> None:
    with ExitStack() as exits:
        with suppress(OSError):  # then it is taken already
            exits.enter_context(socket.create_server(("127.0.0.1", 9222)))
        chrome, base = exits.enter_context(everyday_chrome())
        monkeypatch.setenv("XDG_CONFIG_HOME", str(base))
        assert port_of(chrome) != 9222
        async with serving(page(ALIVE)) as (server, origin):
            never = page_site(origin, (Condition.parse("cookie:never"),))
            harvesting = asyncio.ensure_future(harvest(never, engine=AttachChrome()))
            await asyncio.to_thread(chrome.click, ALLOW, lambda: len(server.seen) > 2)
            os.killpg(chrome.process.pid, signal.SIGKILL)
            with pytest.raises(BrowserDied):
                await harvesting
        assert holds_within(10, lambda: holders() == []), holders()


@pytest.mark.alone
@pytest.mark.chrome
async def test_closed_while_it_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    with everyday_chrome() as (chrome, base):
        monkeypatch.setenv("XDG_CONFIG_HOME", str(base))
        harvesting = asyncio.ensure_future(harvest(page_site("http://127.0.0.1:9"), engine=AttachChrome()))
        await asyncio.to_thread(chrome.wait_for_question)
        os.killpg(chrome.process.pid, signal.SIGKILL)
        with pytest.raises(AttachRefused, match="Chrome ended the connection"):
            await harvesting
    assert holds_within(10, lambda: holders() == []), holders()


def port_of(chrome: EverydayChrome) -> int:
    return int((chrome.folder / "DevToolsActivePort").read_text("ascii").split("\n")[0])


def holders() -> list[str]:
    import psutil

    return [
        " ".join(each.info["cmdline"])
        for each in psutil.process_iter(["cmdline"])
        if any(word.endswith("cdp/holder.py") for word in each.info["cmdline"] or ())
    ]


def test_a_port_of_another_user_is_not_the_persons_chrome(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        make_profile(config, port=server.getsockname()[1])
        assert find_everyday("stable").url is not None
        monkeypatch.setattr(os, "getuid", lambda: 4_000_000)
        assert find_everyday("stable").url is None
