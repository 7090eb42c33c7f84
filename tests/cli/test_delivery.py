"""How an answer is written: as text of its own encoding on a terminal, and what is said where it can't be written."""

import errno
import os
import pty
import re
import subprocess
import sys
import time
import tty
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from io import StringIO
from pathlib import Path
from typing import Final

import click
import pytest
import rich.progress  # noqa: F401 - the event loop of a test can't wait for it
from aiohttp import web
from yarl import URL

from aura_browser.assembly import assemble_transport
from aura_browser.cli.blocking import ThreadWriter
from aura_browser.cli.output import Output
from aura_browser.cli.request.delivery import Delivery, deliver, note_answer
from aura_browser.errors import AuraError, ConnectionFailed, SiteFailed
from aura_browser.request import Request, Response
from aura_browser.site import site_at
from tests.parts.cached import cache_session
from tests.parts.command import choose_program, make_terminal, run_here
from tests.parts.echo_site import CONTENT, EchoSite, serving_echo
from tests.parts.servers import serving_in_thread

KINDS: Final = {
    "/latin-1": ("text/html; charset=ISO-8859-1", "café".encode("latin-1")),
    "/quoted": ('application/problem+json; charset="utf-16"; v=1', "café".encode("utf-16")),
    "/unknown": ("text/plain; charset=no-such-thing", "café".encode()),
    "/no-text": ("text/plain; charset=rot13", "café".encode()),
    "/surrogate": ("text/plain; charset=\udcff", "café".encode()),
    "/broken": ("", b"caf\xc3\xa9 \xff end\xc3"),
    "/order": ("text/plain; charset=utf-16", "café".encode("utf-16-le")),
    "/undefined": ("text/plain; charset=undefined", b"cafe"),
}
Capture = pytest.CaptureFixture[str]
PLAIN: Final = Delivery(output=None, head=False, offset=None, fail=False)


@pytest.fixture
def site(state_home: Path) -> Iterator[EchoSite]:
    with serving_echo() as served:
        cache_session(state_home, served.origin)
        yield served


@pytest.fixture
def origin(state_home: Path) -> Iterator[str]:
    """Serve what the paths of KINDS name, by halves of characters; ``/error`` has a status with a reason."""

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/error":
            return web.Response(status=418, reason="I am a teapot", text="no")
        kind, data = KINDS[request.path]
        response = web.StreamResponse(headers={"Content-Type": kind})
        await response.prepare(request)
        for at in range(len(data)):
            await response.write(data[at : at + 1])
        return response

    with serving_in_thread(answer) as (_, served):
        cache_session(state_home, served)
        yield served


@contextmanager
def on_terminal() -> Iterator[Callable[[], str]]:
    """Make the output and the errors of this process a terminal; yield a function that reads what it shows."""
    reader, writer = pty.openpty()
    tty.setraw(writer)
    streams = sys.stdout, sys.stderr

    def read_all() -> str:
        os.write(writer, b"\0")  # what was shown before this comes before it, perhaps in pieces
        data = b""
        while not data.endswith(b"\0"):
            data += os.read(reader, 65536)
        return data[:-1].decode()

    with open(writer, "w", encoding="utf-8") as screen:  # noqa: PTH123 - a descriptor
        sys.stdout = sys.stderr = screen
        try:
            yield read_all
        finally:
            sys.stdout, sys.stderr = streams
    os.close(reader)


@asynccontextmanager
async def asking(url: str) -> AsyncIterator[Response]:
    transport, _ = assemble_transport(site_at(str(URL(url).origin())), refresh="never")
    await transport.open()
    try:
        async with transport.send(Request("GET", url, {})) as response:
            yield response
    finally:
        await transport.aclose()


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/latin-1", "café"),
        ("/quoted", "café"),
        ("/unknown", "café"),
        ("/no-text", "café"),
        ("/surrogate", "café"),
        ("/broken", "café \ufffd end\ufffd"),
    ],
)
async def test_a_terminal_shows_text_of_its_own_encoding(path: str, text: str, origin: str) -> None:
    with on_terminal() as shown:
        async with asking(f"{origin}{path}") as response:
            await deliver(response, PLAIN)
        assert shown() == text


async def test_a_terminal_gets_the_head_of_what_is_no_text(site: EchoSite) -> None:
    with on_terminal() as shown:
        async with asking(f"{site.origin}/file") as response:
            with pytest.raises(click.ClickException, match="the answer is application/octet-stream, not text"):
                await deliver(response, replace(PLAIN, head=True))
        head = shown()
    assert head.startswith("HTTP/1.1 200 OK")
    assert f"Content-Length: {len(CONTENT)}" in head


async def test_a_person_is_told_of_an_error(origin: str) -> None:
    with on_terminal() as shown:
        async with asking(f"{origin}/error") as response:
            await note_answer(response, follows=False)
        assert shown() == f"{origin}/error answered 418 I am a teapot.\n"


def test_a_program_is_told_of_an_error_by_its_answer_alone(origin: str) -> None:
    done = run_here("request", "--refresh", "never", f"{origin}/error")
    assert (done.returncode, done.stdout, done.stderr) == (0, "no", "")


def test_a_full_disk_is_one_clear_line(site: EchoSite) -> None:
    done = run_here("request", "--refresh", "never", f"{site.origin}/file", "-o", "/dev/full")
    assert (done.returncode, done.stdout) == (1, "")
    assert "/dev/full': No space left on device. The answer was not written whole." in done.stderr
    assert "Traceback" not in done.stderr
    with Path("/dev/full").open("wb") as full:
        command = [*choose_program(), "request", "--refresh", "never", f"{site.origin}/file"]
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert "standard output': No space left on device. The answer was not written whole." in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_file_that_became_a_link_is_not_followed(site: EchoSite, tmp_path: Path) -> None:
    """Between the look at the place and the answer, another program may have put a link there."""
    place, mine = tmp_path / "out", tmp_path / "mine"
    mine.write_text("mine")

    async def answer(_request: web.BaseRequest) -> web.StreamResponse:
        place.symlink_to(mine)
        return web.Response(text="theirs")

    with serving_in_thread(answer) as (_, origin):
        cache_session(Path(os.environ["XDG_STATE_HOME"]), origin)
        done = run_here("request", "--refresh", "never", f"{origin}/", "-o", str(place))
    assert done.returncode == 1
    assert "The answer was not written whole." in done.stderr
    assert mine.read_text() == "mine"


def test_a_file_with_a_head_in_it_is_not_said_to_be_continued(site: EchoSite, tmp_path: Path) -> None:
    file = tmp_path / "one.bin"
    done = run_here("request", "--refresh", "never", "-i", f"{site.origin}/cut", "-o", str(file))
    assert (done.returncode, done.stdout) == (75, "")
    assert file.read_bytes().startswith(b"HTTP/1.1 200 OK")
    assert "-C" not in done.stderr


@pytest.mark.parametrize(("path", "encoding"), [("/order", "utf-16"), ("/undefined", "undefined")])
async def test_what_is_not_text_of_its_own_encoding_is_one_clear_line(path: str, encoding: str, origin: str) -> None:
    with on_terminal():
        async with asking(f"{origin}{path}") as response:
            with pytest.raises(click.ClickException) as caught:
                await deliver(response, PLAIN)
    assert caught.value.message == f"the answer is not text in {encoding}; write it to a file with -o FILE."


@pytest.mark.parametrize(
    ("kind", "is_text"),
    [
        *(
            (f"application/{name}", True)
            for name in ("json", "xml", "javascript", "x-ndjson", "atom+xml", "a.b-1+json")
        ),
        *(("application/x-www-form-urlencoded", True), (" Text/CSV ; a=b", True), ("", True)),
        *(("application/pdf", False), ("image/svg", False)),
    ],
)
async def test_a_terminal_gets_what_its_type_calls_text(kind: str, *, is_text: bool, origin: str) -> None:
    KINDS["/kind"] = (kind, b"shown")
    with on_terminal() as shown:
        async with asking(f"{origin}/kind") as response:
            if is_text:
                await deliver(response, PLAIN)
                assert shown() == "shown"
            else:
                with pytest.raises(click.ClickException, match=f"the answer is {re.escape(kind)}, not text"):
                    await deliver(response, PLAIN)


@dataclass
class Played:
    """An answer that is made up; its headers are a plain dict, as a page brings them."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    chunks: tuple[bytes, ...] = ()
    reason: str = "OK"
    error: AuraError | None = None
    url: str = "http://127.0.0.1/"

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self.chunks:
            yield chunk
        if self.error:
            raise self.error

    def raise_for_status(self) -> None:
        """Fail, as for a status from 400 up."""
        raise SiteFailed(self.url, self.status, "")


AWAY = {"Location": "http://b.example/?key=s3cret"}


@pytest.mark.parametrize(
    ("status", "headers", "follows", "is_told"),
    [
        (300, AWAY, True, True),
        (399, AWAY, True, True),
        (299, AWAY, True, False),
        (400, AWAY, True, False),
        (302, AWAY, False, False),
        (302, {}, True, False),
    ],
)
async def test_a_redirect_that_leads_away_is_told_on_stderr(
    status: int, headers: dict[str, str], *, follows: bool, is_told: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    await note_answer(Played(status, headers), follows=follows)
    out, err = capfd.readouterr()
    assert (out, "s3cret" in err) == ("", False)
    assert err.startswith("It redirects to http://b.example/") is is_told
    assert bool(err) is is_told


def set_streams(monkeypatch: pytest.MonkeyPatch) -> tuple[StringIO, StringIO]:
    """Return what this process prints from now on, and what it says on a terminal."""
    printed = StringIO()
    monkeypatch.setattr(sys, "stdout", printed)
    return printed, make_terminal(monkeypatch, "stderr")


@pytest.mark.parametrize(("status", "said"), [(399, ""), (400, "http://127.0.0.1/ answered 400.\n")])
async def test_a_person_is_told_of_an_error_without_a_reason(
    status: int, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    streams = set_streams(monkeypatch)
    await note_answer(Played(status, reason=""), follows=True)
    assert [stream.getvalue() for stream in streams] == ["", said]


CANNOT = "the site can't continue a download. The file is unchanged; run it without -C."


@pytest.mark.parametrize(
    ("status", "place", "said"),
    [
        (206, "bytes 3-5/6", ""),
        (206, "bytes 3-5/*", ""),
        (206, "Bytes 3-5/6", ""),
        (206, "bytes 2-5/6", CANNOT),
        (206, "bytes 3-5/6 or so", CANNOT),
        (206, "", CANNOT),
        (200, "bytes 3-5/6", CANNOT),
        (399, "", CANNOT),
        (416, "bytes */2", "the file has 3 bytes, but there are only 2; it is another one."),
        (416, "bytes */33", "the file has 3 bytes, but there are only 33; it is another one."),
        (416, "", "answered 416"),
        (400, "bytes */3", "answered 400"),
    ],
)
async def test_only_what_begins_where_a_file_ends_continues_it(
    status: int, place: str, said: str, tmp_path: Path
) -> None:
    file = tmp_path / "out"
    file.write_bytes(b"abc")
    delivery = Delivery(Output("out", path=file), head=False, offset=3, fail=False)
    answer = Played(status, {"Content-Range": place} if place else {}, (b"d", b"ef"))
    if said:
        with pytest.raises((click.ClickException, SiteFailed)) as caught:
            await deliver(answer, delivery)
        assert said in str(caught.value)
    else:
        await deliver(answer, delivery)
    assert file.read_bytes() == (b"abc" if said else b"abcdef")


async def test_a_part_that_ends_before_the_file_does_is_kept_and_no_success(tmp_path: Path) -> None:
    """As a site may answer (RFC 9110, section 15.3.7)."""
    file = tmp_path / "out"
    file.write_bytes(b"abc")
    answer = Played(206, {"Content-Range": "bytes 3-5/9"}, (b"d", b"ef"))
    with pytest.raises(click.ClickException, match=r"6 of 9 bytes are here\. Run it again"):
        await deliver(answer, Delivery(Output("out", path=file), head=False, offset=3, fail=False))
    assert file.read_bytes() == b"abcdef"


async def test_a_file_that_is_complete_stays(tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(b"abc")
    answer = Played(416, {"Content-Range": "bytes */3"}, (b"d",))
    await deliver(answer, Delivery(Output("out", path=tmp_path / "out"), head=False, offset=3, fail=False))
    assert (tmp_path / "out").read_bytes() == b"abc"


@pytest.mark.parametrize(("status", "is_failure"), [(399, False), (400, True)])
async def test_an_error_is_a_status_from_400_up(status: int, *, is_failure: bool, tmp_path: Path) -> None:
    delivery = Delivery(Output("out", path=tmp_path / "out"), head=True, offset=None, fail=True)
    if is_failure:
        with pytest.raises(SiteFailed):
            await deliver(Played(status, {"X-A": "1"}, (b"text",), ""), delivery)
        assert not (tmp_path / "out").exists()
    else:
        await deliver(Played(status, {"X-A": "1"}, (b"text",), ""), delivery)
        assert (tmp_path / "out").read_bytes() == b"HTTP/1.1 399\r\nX-A: 1\r\n\r\ntext"


@pytest.mark.parametrize(
    ("offset", "chunks", "has_path", "said"),
    [
        (None, (b"abc", b"de"), True, "out holds the first 5 bytes. To get the rest, add: -C -\n"),
        (2, (b"abc",), True, "out holds the first 5 bytes. To get the rest, add: -C -\n"),
        (2, (), True, "out holds the first 2 bytes. To get the rest, add: -C -\n"),
        (None, (), True, ""),
        (None, (b"abc",), False, ""),
    ],
)
async def test_of_a_file_that_is_cut_short_it_is_said_how_much_there_is(
    offset: int | None, chunks: tuple[bytes, ...], said: str, *, has_path: bool, tmp_path: Path, capfd: Capture
) -> None:
    file = tmp_path / "out"
    file.write_bytes(b"ab")
    place = Output("out", path=file) if has_path else Output("out", handle=os.open(file, os.O_WRONLY))
    headers = {"Content-Range": f"bytes {offset}-9/10"}
    answer = Played(206 if offset else 200, headers, chunks, error=ConnectionFailed("http://127.0.0.1/", "gone"))
    with pytest.raises(ConnectionFailed):
        await deliver(answer, Delivery(place, head=False, offset=offset, fail=False))
    assert capfd.readouterr() == ("", said)


async def test_what_came_before_an_interruption_is_written_before_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Capture
) -> None:
    write_all, said = ThreadWriter._write_all, []

    def write_slowly(writer: ThreadWriter, data: bytes) -> None:
        time.sleep(0.1)  # a slow disk
        said.append(capfd.readouterr().err)
        write_all(writer, data)

    monkeypatch.setattr(ThreadWriter, "_write_all", write_slowly)
    answer = Played(chunks=(b"abc", b"de"), error=ConnectionFailed("http://127.0.0.1/", "gone"))
    with pytest.raises(ConnectionFailed):
        await deliver(answer, Delivery(Output("out", path=tmp_path / "out"), head=False, offset=None, fail=False))
    assert (tmp_path / "out").read_bytes() == b"abcde"
    assert said == ["", ""]
    assert "holds the first 5 bytes" in capfd.readouterr().err


async def test_of_an_interrupted_answer_that_is_not_written_nothing_is_said_to_be_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Capture
) -> None:
    def fill_up(writer: ThreadWriter, _data: bytes) -> None:
        writer._error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(ThreadWriter, "_write_all", fill_up)
    answer = Played(chunks=(b"abc",), error=ConnectionFailed("http://127.0.0.1/", "gone"))
    with pytest.raises(click.FileError, match="No space left on device"):
        await deliver(answer, Delivery(Output("out", path=tmp_path / "out"), head=False, offset=None, fail=False))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("headers", "offset", "said"),
    [
        ({"Content-Length": "7"}, None, "5/7 bytes"),
        ({"Content-Length": "7", "Content-Range": "bytes 3-9/10"}, 3, "8/10 bytes"),
        ({"Content-Length": "7", "Content-Encoding": "gzip"}, None, "5/? bytes"),
        ({"Content-Length": "²"}, None, "5/? bytes"),
        ({}, None, "5/? bytes"),
    ],
)
async def test_a_person_sees_how_much_of_a_file_has_come_until_it_is_there(
    headers: dict[str, str], offset: int | None, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "out").write_bytes(b"abc")
    delivery = Delivery(Output("files/[b]out", path=tmp_path / "out"), head=False, offset=offset, fail=False)
    streams = set_streams(monkeypatch)
    await deliver(Played(206 if offset else 200, headers, (b"de", b"fgh")), delivery)
    printed, text = (stream.getvalue() for stream in streams)
    assert (printed, said in text) == ("", True)
    assert "[b]out " in text
    assert "files" not in text
    assert text.endswith("\x1b[2K"), "it is wiped away at the end"
