"""What this machine lets a harvest do: take over sockets, show windows, start Chrome with its sandbox and limits."""

import logging
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from aura_browser.engine import Chrome
from aura_browser.webdriver.browsers.launch import prepare_launch
from aura_browser.webdriver.deadline import Deadline
from aura_browser.webdriver.options import BrowserOptions
from aura_browser.webdriver.process import control
from aura_browser.webdriver.process.control import (
    Intruded,
    Listeners,
    connect_to,
    count_strangers,
    explain_refusal,
    open_output,
    read_output,
    shut_all_but,
    wait_for_listeners,
)
from aura_browser.webdriver.process.display import has_display
from aura_browser.webdriver.process.limits import find_low_limit
from aura_browser.webdriver.process.sockets import ControlRefused, copy_sockets
from aura_browser.webdriver.process.workspace import open_workspace
from tests.parts.other_user import as_other_user, find_python, package_path
from tests.parts.ports import free_port

_ECHO = """
import socket
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
ours, strange = server.accept()[0], server.accept()[0]
print("accepted", flush=True)
while data := ours.recv(100):
    ours.sendall(data)
"""
_ONLY_TALKS = "print('hello', flush=True); input()"
_SOON_S = 10.0


@contextmanager
def running(code: str, stdout: int) -> "Iterator[subprocess.Popen[bytes]]":
    """Run a program of the standard library while the context lasts; its input is a pipe that stays open."""
    command = [sys.executable, "-IS", "-c", code]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=stdout) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Listen as a ChromeDriver does, which never blocks."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)  # noqa: FBT003 - its signature
        yield server


def test_the_only_connection_is_ours_and_whoever_came_earlier_or_comes_later_gets_none(
    listener: socket.socket,
) -> None:
    address = listener.getsockname()
    with socket.create_connection(address, _SOON_S) as early:
        connection = Listeners([listener]).connect()
        assert connection is not None
        assert early.recv(1) == b""
    with connection:
        with pytest.raises(OSError, match=r"refused|timed out"):
            socket.create_connection(address, 0.2)
        accepted, peer = listener.accept()
        with accepted:
            assert peer == connection.getsockname()
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_a_stranger_at_the_same_moment_is_noticed_and_our_connection_is_closed(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ExitStack() as exits:
        ours: list[socket.socket] = []

        def connect_second(connection: socket.socket, port: int) -> None:
            exits.enter_context(socket.create_connection(("127.0.0.1", port), _SOON_S))
            ours.append(connection)
            real(connection, port)

        real = control._connect
        monkeypatch.setattr(control, "_connect", connect_second)
        with pytest.raises(Intruded, match=r"another program .* Find out which program looks for open ports"):
            Listeners([listener]).connect()
        assert ours[0].fileno() == -1


def test_a_socket_that_can_not_be_closed_for_others_is_refused(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "_SO_BINDTOIFINDEX", 0xFFFF)  # as an old system does not know it
    with pytest.raises(ControlRefused, match="SO_BINDTOIFINDEX: Protocol not available"):
        Listeners([listener]).connect()


def test_of_a_driver_that_accepts_already_all_others_are_disconnected() -> None:
    with running(_ECHO, subprocess.PIPE) as process, ExitStack() as exits:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        ours = exits.enter_context(closing(connect_to(port)))
        strange = exits.enter_context(socket.create_connection(("127.0.0.1", port), _SOON_S))
        assert process.stdout.readline() == b"accepted\n"
        assert count_strangers(ours) == 1
        assert shut_all_but(ours, process.pid) == 1
        assert strange.recv(1) == b""
        ours.settimeout(_SOON_S)
        ours.sendall(b"still")
        assert ours.recv(5) == b"still"
        with pytest.raises(ConnectionRefusedError):
            connect_to(port)


def test_where_nothing_listens_there_is_no_connection() -> None:
    with pytest.raises(ConnectionRefusedError):
        connect_to(free_port())


def test_a_program_that_talks_and_never_listens_is_waited_for_until_the_time_is_over() -> None:
    reader, writer = open_output()
    with running(_ONLY_TALKS, writer) as process:
        os.close(writer)
        found = wait_for_listeners(process.pid, reader, Deadline(0.2))
        assert found.connect() is None
        assert read_output(reader, Deadline(_SOON_S)) == b"hello\n"
        assert read_output(reader, Deadline(0.05)) == b""
    assert read_output(reader, Deadline(_SOON_S)) == b""
    os.close(reader)


def test_a_program_that_has_ended_has_no_sockets() -> None:
    with running("", subprocess.DEVNULL) as process:
        process.wait(_SOON_S)
        assert list(copy_sockets(process.pid)) == []


def test_another_users_sockets_can_not_be_taken_over() -> None:
    code = (
        "import os, sys; from aura_browser.webdriver.process import sockets\n"
        "try: list(sockets.copy_sockets(int(sys.argv[1])))\n"
        "except sockets.ControlRefused as error: print(error)"
    )
    command = as_other_user("env", "-i", f"PYTHONPATH={package_path()}", find_python(), "-c", code, str(os.getpid()))
    run = subprocess.run(command, capture_output=True, check=True, text=True, cwd="/", timeout=60)
    assert run.stdout == f"/proc/{os.getpid()}/fd: Permission denied\n"


def test_on_another_system_no_socket_is_taken_over_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    assert explain_refusal() is None
    monkeypatch.setattr(sys, "platform", "darwin")
    assert explain_refusal() == "darwin has no pidfd_getfd"
    reader, writer = open_output()
    os.write(writer, b"two")
    os.write(writer, b" messages")
    os.close(writer)
    assert wait_for_listeners(1, reader, Deadline(_SOON_S)).connect() is None
    assert read_output(reader, Deadline(_SOON_S)) == b"two messages"
    os.close(reader)


@pytest.fixture
def no_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)


@contextmanager
def unix_server(path: Path) -> Iterator[None]:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        yield


@pytest.mark.usefixtures("no_screen")
def test_a_wayland_screen_is_one_as_long_as_it_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYLAND_DISPLAY", "w-0")
    assert not has_display()  # no folder to look in
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    with unix_server(tmp_path / "w-0"):
        assert has_display()
        monkeypatch.delenv("XDG_RUNTIME_DIR")
        monkeypatch.setenv("WAYLAND_DISPLAY", str(tmp_path / "w-0"))
        assert has_display()
    assert not has_display()


@pytest.mark.usefixtures("no_screen")
def test_a_screen_at_a_socket_of_any_name_or_over_the_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", str(tmp_path / "x"))
    assert not has_display()
    with unix_server(tmp_path / "x"):
        assert has_display()
    with socket.create_server(("127.0.0.1", 0)) as server:
        number = server.getsockname()[1] - 6000
        monkeypatch.setenv("DISPLAY", f"127.0.0.1:{number}.0")
        assert has_display()
    assert not has_display()


@pytest.mark.skipif(sys.platform != "linux", reason="has a screen always")
@pytest.mark.parametrize("system", ["darwin", "win32"])
@pytest.mark.usefixtures("no_screen")
def test_a_mac_and_windows_have_a_screen_always(system: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not has_display()
    monkeypatch.setattr(sys, "platform", system)
    assert has_display()


@pytest.mark.usefixtures("no_screen")
def test_a_screen_over_ip_version_6_and_one_of_each_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        server = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("this machine has no IPv6")
    with server:
        monkeypatch.setenv("DISPLAY", f"[::1]:{server.getsockname()[1] - 6000}")
        assert has_display()
        monkeypatch.setenv("WAYLAND_DISPLAY", str(tmp_path / "away"))
        assert has_display()


@pytest.mark.parametrize(
    ("user", "sandbox", "is_off", "is_said"),
    [(0, None, True, True), (0, False, True, False), (1000, None, False, False), (0, True, False, False)],
)
def test_chromes_sandbox_is_off_where_it_must_be_and_that_is_said(  # noqa: PLR0917 - a table
    user: int,
    sandbox: bool | None,  # noqa: FBT001 - as above
    is_off: bool,  # noqa: FBT001 - as above
    is_said: bool,  # noqa: FBT001 - as above
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user)
    options = BrowserOptions(Deadline(_SOON_S))
    with (
        caplog.at_level(logging.WARNING),
        open_workspace() as workspace,
        prepare_launch(Chrome(sandbox=sandbox), options, workspace) as launch,
    ):
        assert ("--no-sandbox" in launch.flags) is is_off
    assert ("Running as root" in caplog.text) is is_said


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        ("-n 100", "at most 100 files may be open here, and Chrome needs some hundreds|ulimit -n 4096"),
        ("-S -n 100", ""),  # a soft one is raised
        ("-v 20971520", "at most 20.0 GiB of memory may be addressed here, and Chrome reserves far more|ulimit -v unl"),
    ],
)
def test_a_limit_with_which_chrome_does_not_start_is_named(limit: str, said: str) -> None:
    code = (
        "from aura_browser.webdriver.process.limits import find_low_limit\n"
        "low = find_low_limit()\n"
        "print(f'{low.text}|{low.command}' if low else '', end='')"
    )
    command = ["sh", "-c", f'ulimit {limit}; exec "$@"', "sh", sys.executable, "-c", code]
    run = subprocess.run(command, capture_output=True, check=True, text=True, timeout=60)
    assert run.stdout.startswith(said)
    assert bool(run.stdout) is bool(said)


def test_where_there_are_no_such_limits_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "name", "nt")
    assert find_low_limit() is None
