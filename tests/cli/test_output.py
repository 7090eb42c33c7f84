"""Where ``-o`` writes, and how a terminal is written to."""

import logging
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from pathlib import Path

import click
import pytest

from aura_browser.cli import log as cli_log
from aura_browser.cli import output
from aura_browser.cli.log import set_up_log
from aura_browser.cli.output import open_output
from aura_browser.cli.screen import Screen
from aura_browser.cli.sessions.catalogue import Entry
from aura_browser.cli.sessions.view import print_list
from aura_browser.errors import StoreError
from aura_browser.playground import Playground, serve_in_thread
from tests.parts.cached import cache_session
from tests.parts.command import PROGRAM, make_terminal
from tests.parts.mounts import mounted
from tests.parts.sessions import make_session

DATA = b'{"made": "up"}\n' * 20_000


@pytest.fixture
def site(state_home: Path) -> Iterator[Playground]:
    with serve_in_thread() as playground:
        yield playground


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_is_made_or_replaced_and_private(tmp_path: Path) -> None:
    path = tmp_path / "me.json"
    for _ in range(2):
        open_output(str(path)).write(DATA)
        assert (path.read_bytes(), mode_of(path)) == (DATA, 0o600)
        path.chmod(0o644)
    assert [each.name for each in tmp_path.iterdir()] == ["me.json"]


def test_nothing_is_touched_before_there_is_something_to_write(tmp_path: Path) -> None:
    path = tmp_path / "me.json"
    path.write_text("old")
    open_output(str(path))
    assert path.read_text() == "old"


def test_a_link_stays_and_its_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    path, link = tmp_path / "real" / "me.json", tmp_path / "link.json"
    path.write_text("old")
    link.symlink_to(path)
    open_output(str(link)).write(DATA)
    assert link.is_symlink()
    assert (path.read_bytes(), mode_of(path)) == (DATA, 0o600)


def test_a_link_of_somebody_else_is_refused(tmp_path: Path) -> None:
    if os.geteuid():
        pytest.skip("only root can make another user's link")
    path, link = tmp_path / "mine.json", tmp_path / "link.json"
    path.write_text("old")
    link.symlink_to(path)
    os.lchown(link, 12345, 12345)
    with pytest.raises(click.BadParameter, match="another user"):
        open_output(str(link))
    assert path.read_text() == "old"


def test_a_pipe_gets_it_and_stays(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(click.BadParameter, match="start its reader first"):
        open_output(str(pipe))
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        open_output(str(pipe)).write(DATA[:1000])
        assert os.read(reader, 2000) == DATA[:1000]
    finally:
        os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_device_stays_a_device() -> None:
    open_output("/dev/null").write(DATA)
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


@pytest.mark.parametrize("form", ["/dev/fd/{}", "/proc/self/fd/{}"])
def test_an_open_file_is_written_to_where_it_stands(tmp_path: Path, form: str) -> None:
    path = tmp_path / "out"
    with path.open("wb", buffering=0) as file:
        file.write(b"first ")
        open_output(form.format(file.fileno())).write(DATA)
    assert path.read_bytes() == b"first " + DATA


@pytest.mark.parametrize("kind", ["folder", "socket", "dangling", "nowhere", "closed"])
def test_what_cannot_be_written_to_is_refused_before_the_harvest(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "out"
    if kind == "folder":
        path.mkdir()
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(str(path))
    elif kind == "dangling":
        path.symlink_to(tmp_path / "nothing")
    elif kind == "nowhere":
        path = path / "x.json"
    else:
        path = Path("/dev/fd/999")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(click.BadParameter, match=r"out|999"):
        open_output(str(path))
    assert sorted(tmp_path.iterdir()) == before


def test_a_full_disk_is_said_with_what_is_kept(tmp_path: Path) -> None:
    with pytest.raises(click.FileError) as device:
        open_output("/dev/full").write(DATA)
    assert (device.value.ui_filename, device.value.message) == (
        "/dev/full",
        "No space left on device. The session is cached; run the command again.",
    )
    with mounted(tmp_path / "full", "size=4k"):
        path = tmp_path / "full" / "me.json"
        path.write_text("old")
        with pytest.raises(click.FileError, match="No space left on device"):
            open_output(path).write(DATA)
        assert [(each.name, each.read_text()) for each in path.parent.iterdir()] == [("me.json", "old")]


def test_a_place_that_can_not_even_be_looked_at_is_refused(tmp_path: Path) -> None:
    with pytest.raises(click.BadParameter, match="File name too long"):
        open_output(tmp_path / ("x" * 300))
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(click.BadParameter, match="loop"):
        open_output(tmp_path / "loop")


@pytest.mark.parametrize("place", ["-", "/dev/stdout", "/dev/fd/1", ">(cat)", "pipe"])
def test_the_command_writes_through(site: Playground, state_home: Path, tmp_path: Path, place: str) -> None:
    cache_session(state_home, site.origin)
    words = " ".join([*PROGRAM, "harvest", site.origin, "-o", place])
    script = f"{words}; wait" if place != "pipe" else f"mkfifo pipe; cat pipe & {words}; wait"
    shown = subprocess.run(
        ["/bin/bash", "-c", script],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=tmp_path,
        env=os.environ,
    )
    assert f'"origin": "{site.origin}"' in shown.stdout, shown.stderr


class Shown(StringIO):
    """A terminal that keeps what is shown on it."""

    def isatty(self) -> bool:
        """Return that it is a terminal."""
        return True


@pytest.mark.parametrize("style", ["good", "note", "bad", "name", "command", "quiet", ""])
@pytest.mark.parametrize("kind", [Shown, StringIO])
def test_a_part_of_each_style_is_shown_whole(style: str, kind: type[StringIO]) -> None:
    stream = kind()
    Screen(stream).print((f"as {style}", style), (" ", ""))
    assert stream.getvalue().endswith("\n")
    assert click.unstyle(stream.getvalue()).splitlines()[-1] == f"as {style}".rstrip()


@pytest.mark.parametrize(
    ("parts", "width", "shown"),
    [
        ((), 50, ["a bird flew over the small house and the garden", "with its trees"]),
        ((("  it  ", "name"),), 50, ["  it  a bird flew over the small house and the", "      garden with its trees"]),
        (
            (("  ", ""), ("a long name", "name")),
            45,
            ["  a long name", "  a bird flew over the small house and the", "  garden with its trees"],
        ),
        ((), None, ["a bird flew over the small house and the garden with its trees"]),
    ],
)
def test_a_long_text_goes_on_below_its_first_word(
    parts: tuple[tuple[str, str], ...], width: int | None, shown: list[str]
) -> None:
    stream = StringIO()
    screen = Screen(stream)
    screen.width = width
    screen.print_wrapped(*parts, text="a bird flew over the small house and the garden with its trees")
    assert stream.getvalue().splitlines() == shown


@pytest.mark.parametrize("width", [200, 40])
def test_sessions_that_are_over_or_unreadable_are_listed_on_a_terminal_too(width: int) -> None:
    over = make_session("https://a.example", expires_at=10.0)
    entries = [
        Entry("a", b"", over),
        Entry("b", problem="it is no JSON"),
        Entry("c", b"", make_session("https://c.example")),
    ]
    stream = Shown()
    screen = Screen(stream)
    screen.width = width
    print_list(screen, entries, now=20.0)
    shown = " ".join(click.unstyle(stream.getvalue()).split())
    for words in ("https://a.example", "expired", "can't be read: it is no JSON", "https://c.example"):
        assert words in shown


def test_a_message_goes_where_stderr_is_by_then(monkeypatch: pytest.MonkeyPatch) -> None:
    """A spinner puts its own stream there, and writes what is logged above its line."""
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    set_up_log(debug=False)
    shown = StringIO()
    monkeypatch.setattr(sys, "stderr", shown)
    logging.getLogger("aura_browser").warning("Above the spinner.")
    assert shown.getvalue() == "WARNING: Above the spinner.\n"


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[logging.Logger]:
    """Return the package's log, of which nothing has been shown yet."""
    own = logging.getLogger("aura_browser")
    level = own.level
    monkeypatch.setattr(cli_log, "_seen", set())
    monkeypatch.setattr(cli_log, "_store_faults", set())
    yield own
    own.setLevel(level)


def test_a_warning_is_shown_once_and_what_is_below_it_only_to_who_asks(
    log: logging.Logger, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    for is_debugging in (False, True):
        set_up_log(debug=is_debugging)
        for _ in range(2):
            log.warning("Beware of %s.", "the dog")
            log.info("It barks.")
            log.info("It says %(what)s.", {"what": "woof"})
    logging.getLogger("selenium").info("s3cret")
    talk = "INFO: It barks.\nINFO: It says woof.\n"
    assert capsys.readouterr() == ("", f"WARNING: Beware of the dog.\n{talk}{talk}")


def test_the_first_fault_of_a_store_is_shown_for_all(
    log: logging.Logger, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    set_up_log(debug=False)
    assert not cli_log.store_has_failed()
    for text in ("No space.", "Read-only."):
        log.warning("%s It is lost: %s", "Ah.", StoreError("/x", text))
    assert cli_log.store_has_failed()
    said = f"WARNING: {StoreError('/x', 'No space.')} This goes on without it, and keeps nothing there.\n"
    assert capsys.readouterr() == ("", said)


@pytest.mark.parametrize(
    ("parts", "shown"),
    [
        ([("12 of 34", "")], "12 of 34\n"),
        ([("all is well", "good")], "\x1b[32mall is well\x1b[0m\n"),
        ([("look here", "note")], "\x1b[33mlook here\x1b[0m\n"),
        ([("broken", "bad")], "\x1b[1;31mbroken\x1b[0m\n"),
        ([("it", "name"), (" ", "")], "\x1b[1mit\x1b[0m\n"),
        ([("ls", "command")], "\x1b[36mls\x1b[0m\n"),
        ([("by the way", "quiet")], "\x1b[2mby the way\x1b[0m\n"),
        ([("x" * 150, "")], f"{'x' * 150}\n"),
    ],
)
def test_colours_mean_something_and_no_line_is_broken(
    parts: list[tuple[str, str]], shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = make_terminal(monkeypatch, "stderr")
    Screen(stream).print(*parts)
    assert stream.getvalue() == shown


@pytest.mark.parametrize(
    ("width", "lines"),
    [(46, ["  it  a bird"]), (45, ["  it", "  a bird"]), (1, ["  it", "  a", "  bird"])],
)
def test_forty_columns_beside_the_name_are_room_enough(width: int, lines: list[str]) -> None:
    stream = StringIO()
    screen = Screen(stream)
    screen.width = width
    screen.print_wrapped(("  ", ""), ("it  ", "name"), text="a bird")
    assert stream.getvalue().splitlines() == lines


def test_without_a_text_the_name_is_shown_and_long_words_are_whole() -> None:
    stream = StringIO()
    screen = Screen(stream)
    screen.width = 50
    screen.print_wrapped(("it", "name"), text="")
    screen.print_wrapped(text=f"{'x' * 30}-{'y' * 30} {'z' * 60}")
    assert stream.getvalue().splitlines() == ["it", f"{'x' * 30}-{'y' * 30}", "z" * 60]


def test_standard_error_is_a_place_too(capfd: pytest.CaptureFixture[str]) -> None:
    open_output("/dev/stderr").write(b"to it")
    open_output("-").write(b"and out")
    open_output("/dev/stdout").write(b" of here")
    assert capfd.readouterr() == ("and out of here", "to it")


def test_a_descriptor_that_is_only_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "in").write_text("")
    with (tmp_path / "in").open("rb") as file:
        place = f"/dev/fd/{file.fileno()}"
        with pytest.raises(click.BadParameter) as caught:
            open_output(place)
    assert caught.value.format_message() == f"Invalid value for '-o': {place}: Bad file descriptor."


def test_a_pipe_gets_more_than_it_holds(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    held = os.open(pipe, os.O_RDWR)  # nobody has to be waited for, and it ends when all is written

    def write() -> None:
        with os.fdopen(held):
            open_output(pipe).write(DATA)

    with (
        subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE) as reading,  # noqa: S607 - the one on the path
        ThreadPoolExecutor(1) as pool,
    ):
        writing = pool.submit(write)
        assert reading.communicate(timeout=30)[0] == DATA
        writing.result(30)


def test_a_file_of_another_user_is_replaced_where_no_link_leads_to_it(tmp_path: Path) -> None:
    if os.geteuid():
        pytest.skip("only root can make another user's file")
    path, link = tmp_path / "theirs.json", tmp_path / "link.json"
    path.touch()
    os.chown(path, 12345, 12345)
    link.symlink_to(path)
    with pytest.raises(click.BadParameter, match="another user"):
        open_output(link)
    assert open_output(path).path == path


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("socket", "it is not a file, a pipe or a terminal; name a file of your own."),
        ("dangling", "it is a link to a file that does not exist; remove it with: rm '{}'."),
        ("nowhere", "the folder {} does not exist."),
    ],
)
def test_why_a_place_is_refused_is_said(tmp_path: Path, kind: str, said: str) -> None:
    path = tmp_path / "my out"
    if kind == "socket":
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(str(path))
    elif kind == "dangling":
        path.symlink_to(tmp_path / "nothing")
    place = path / "x.json" if kind == "nowhere" else path
    with pytest.raises(click.BadParameter) as caught:
        open_output(place)
    assert caught.value.format_message() == f"Invalid value for '-o': {place}: {said.format(path)}"


def test_what_is_not_kept_either_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "store_has_failed", lambda: True)
    with pytest.raises(click.FileError) as caught:
        open_output("/dev/full").write(DATA)
    assert caught.value.message == "No space left on device. Nothing was kept."
