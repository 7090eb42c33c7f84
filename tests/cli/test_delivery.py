"""How an answer is written: as text of its own encoding on a terminal, and what is said where it can't be written."""

import os
import pty
import subprocess
import sys
import tty
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import click
import pytest
from aiohttp import web
from yarl import URL

from aura_browser.assembly import assemble_transport
from aura_browser.cli.request.delivery import Delivery, deliver, note_answer
from aura_browser.request import Request, Response
from aura_browser.site import site_at
from tests.parts.cached import cache_session
from tests.parts.command import PROGRAM, run_here
from tests.parts.echo_site import CONTENT, EchoSite, serving_echo
from tests.parts.servers import serving_in_thread

KINDS: Final = {
    "/latin-1": ("text/html; charset=ISO-8859-1", "café".encode("latin-1")),
    "/quoted": ('application/problem+json; charset="utf-16"; v=1', "café".encode("utf-16")),
    "/unknown": ("text/plain; charset=no-such-thing", "café".encode()),
    "/no-text": ("text/plain; charset=rot13", "café".encode()),
    "/broken": ("", b"caf\xc3\xa9 \xff end\xc3"),
}
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
    os.set_blocking(reader, False)
    streams = sys.stdout, sys.stderr
    with open(writer, "w", encoding="utf-8") as screen:  # noqa: PTH123 - a descriptor
        sys.stdout = sys.stderr = screen
        try:
            yield lambda: os.read(reader, 65536).decode()
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
        command = [*PROGRAM, "request", "--refresh", "never", f"{site.origin}/file"]
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
