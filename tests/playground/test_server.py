"""Starting and stopping the site, in a loop, in a thread and by the pytest fixture."""

import asyncio
import gc
import json
import os
import socket
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from aiohttp import ClientSession

from aura_browser import playground
from aura_browser.errors import InvalidInput
from aura_browser.playground import Playground, SeenRequest, serve_in_thread

if TYPE_CHECKING:
    from collections.abc import Callable

_CHAT = {"model": {"id": "openchat_3.6"}, "messages": [{"role": "user", "content": "Hello"}]}


def _chat(site: Playground) -> bytes:
    request = urllib.request.Request(f"{site.origin}/api/chat", json.dumps(_CHAT).encode())  # noqa: S310  # loopback
    with urllib.request.urlopen(request, timeout=5) as response:  # noqa: S310  # loopback
        answer: bytes = response.read()
    return answer


async def test_the_site_is_there_for_as_long_as_the_block_runs() -> None:
    async with Playground() as site, ClientSession() as http:
        async with http.get(site.origin) as page:
            assert (page.status, page.headers["Cache-Control"]) == (200, "no-store")
            assert "Type a message" in await page.text()
        assert site.page_loads == 1
        origin = site.origin
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", int(origin.rpartition(":")[2]))


async def test_a_site_starts_and_stops_more_than_once() -> None:
    site = Playground()
    await site.stop()
    await site.start()
    with pytest.raises(RuntimeError, match="running"):
        await site.start()
    origin = site.origin
    await site.stop()
    await site.stop()
    async with site:
        assert site.origin == origin


async def test_a_taken_port_is_an_error_that_leaves_nothing_behind() -> None:
    async with Playground() as site:
        port = int(site.origin.rpartition(":")[2])
        other, before = Playground(port=port), asyncio.all_tasks()
        with pytest.raises(OSError, match=str(port)):
            await other.start()
        assert asyncio.all_tasks() == before
        await other.stop()


async def test_only_the_newest_requests_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aura_browser.playground.record._MAX_REQUESTS", 3)
    async with Playground() as site, ClientSession() as http:
        for number in range(5):
            async with http.get(f"{site.origin}/{number}") as response:
                assert response.status == 404
        assert [seen.path for seen in site.requests] == ["/2", "/3", "/4"]
        assert [seen.status for seen in site.requests] == [404] * 3


async def test_ten_thousand_requests_are_remembered() -> None:
    async with Playground() as site, ClientSession() as http:
        site.requests.extend([SeenRequest("GET", "/old", [], b"")] * 9_999)
        for number in range(2):
            async with http.get(f"{site.origin}/{number}"):
                assert len(site.requests) == 10_000
    assert [seen.path for seen in site.requests[-3:]] == ["/old", "/0", "/1"]


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"gate": "wall"}, "gate"),
        ({"life": 0}, "life"),
        ({"life": float("inf")}, "life"),
        ({"life": float("nan")}, "life"),
        ({"life": -1}, "life"),
        ({"port": 65_536}, "port"),
        ({"port": -1}, "port"),
        ({"check_delay": float("inf")}, "check_delay"),
        ({"check_delay": -1}, "check_delay"),
        ({"answer": "shout"}, "answer"),
        ({"upstream": "localhost:8080"}, "upstream"),
        ({"upstream": "http://["}, "upstream"),
    ],
)
def test_what_can_not_work_is_refused_at_once(options: dict[str, object], name: str) -> None:
    make: Callable[..., Playground] = Playground
    with pytest.raises(InvalidInput) as refused:
        make(**options)
    assert refused.value.name == name


def test_a_thread_serves_synchronous_code() -> None:
    with serve_in_thread(answer="echo served") as site:
        assert _chat(site) == b"served"
        assert (site.chats, site.requests[0].status) == (1, 200)
        assert any(thread.name == "aura-playground" and thread.daemon for thread in threading.enumerate())
        site.revoke_all()
    with pytest.raises(OSError, match="refused"):
        _chat(site)


def test_the_thread_ends_with_the_block_even_when_that_fails() -> None:
    origins = []

    def fail() -> None:
        with serve_in_thread() as site:
            origins.append(site.origin)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with serve_in_thread(port=int(origins[0].rpartition(":")[2])) as again:
        assert origins == [again.origin]


def test_a_client_that_does_not_read_keeps_nothing_open() -> None:
    # One token of white space, larger than the kernel's buffers, so that the site can't send it all.
    asked = {**_CHAT, "messages": [{"role": "user", "content": " " * 12_000_000}]}
    body = json.dumps(asked).encode()
    with socket.socket() as client:
        with serve_in_thread() as site:
            host = site.origin.removeprefix("http://")
            client.connect(("127.0.0.1", int(host.rpartition(":")[2])))
            head = f"POST /api/chat HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\n\r\n"
            client.sendall(head.encode() + body)
            assert client.recv(1)
        # A socket that the site left open is a warning here, and so a failure.
        gc.collect()


def test_a_thread_tells_why_it_could_not_start() -> None:
    with (
        serve_in_thread() as site,
        pytest.raises(OSError, match="in use"),
        serve_in_thread(port=int(site.origin.rpartition(":")[2])),
    ):
        pytest.fail("a port was served twice")


def test_the_package_knows_its_names_and_no_others() -> None:
    assert all(hasattr(playground, name) for name in playground.__all__)
    assert not hasattr(playground, "Nothing")


def _python(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    root = str(Path(playground.__file__).parents[2])
    # Without the other plugins the run is the same whether the entry point is installed or not.
    environment = {**os.environ, "PYTHONPATH": root, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_the_plugin_loads_no_server(tmp_path: Path) -> None:
    told = "import sys, aura_browser.playground.pytest_plugin; print('aiohttp.web' in sys.modules)"
    assert _python("-c", told, cwd=tmp_path).stdout == "False\n"


def test_the_fixture_starts_sites_for_both_kinds_of_test(tmp_path: Path) -> None:
    tmp_path.joinpath("test_it.py").write_text(
        """
import asyncio, threading, urllib.request

def test_sync(aura_playground):
    one, two = aura_playground(), aura_playground("login-401", life=5)
    assert one.origin != two.origin
    with urllib.request.urlopen(one.origin) as page:
        assert page.status == 200

def test_async(aura_playground):
    async def connect():
        port = aura_playground().origin.rpartition(":")[2]
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()
    asyncio.run(connect())

def test_nothing_is_left():
    assert threading.active_count() == 1
""",
        "utf-8",
    )
    run = _python("-m", "pytest", "-q", "-p", "aura_browser.playground.pytest_plugin", cwd=tmp_path)
    assert "3 passed" in run.stdout, run.stdout + run.stderr
