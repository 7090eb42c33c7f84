"""What a page can't do to the machine during a harvest: write files, or start programs."""

import asyncio
import os
import subprocess
import sys
import tempfile
from asyncio.subprocess import PIPE
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web

from tests.parts.pages import ROOT
from tests.parts.programs import program
from tests.parts.servers import serving

_PAGE = """<!doctype html><script>
onload = () => {
  const click = (href) => {
    Object.assign(document.body.appendChild(document.createElement('a')), {href, download: 'x'}).click();
  };
  click('/file');
  click(URL.createObjectURL(new Blob(['x'.repeat(100000)])));
  for (const source of ['/attachment', 'mailto:a@b.example', 'news:x', 'tel:1', 'zoommtg://x']) {
    document.body.appendChild(document.createElement('iframe')).src = source;
  }
  setTimeout(() => { document.title = 'done' }, 1500);
}
</script>"""


async def handle(request: web.BaseRequest) -> web.StreamResponse:
    if request.path == "/":
        return web.Response(text=_PAGE, content_type="text/html")
    return web.Response(body=b"y" * 50_000, headers={"Content-Disposition": "attachment; filename=x.bin"})


@pytest.mark.chrome
@pytest.mark.parametrize(
    "options",
    [pytest.param((), id="headless"), pytest.param(("--virtual-display",), marks=pytest.mark.soak, id="window")],
)
async def test_a_page_writes_no_file_and_starts_no_program(options: tuple[str, ...], tmp_path: Path) -> None:
    started = tmp_path / "started"
    for name in ("xdg-open", "xdg-email", "gio", "kde-open"):
        program(tmp_path / "bin", name, f'#!/bin/sh\necho "$0 $*" >> {started}\n')
    home = tmp_path / "home"
    home.mkdir()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
    environment = kept | {"HOME": str(home), "PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    async with serving(handle) as (server, origin):
        command = [sys.executable, "-m", "aura_browser", "harvest", origin, "--until", "js:document.title === 'done'"]
        run = await asyncio.to_thread(
            subprocess.run,
            [*command, "--store", "memory", *options],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            timeout=90,
            check=False,
        )
    assert run.returncode == 0, run.stderr
    assert {"/file", "/attachment"} <= {request.path for request in server.seen}
    assert not started.exists(), started.read_text()
    assert [path for path in home.rglob("*") if path.is_file()] == []


@pytest.fixture
def scratch() -> Iterator[Path]:
    """Give a folder with a path that is short enough for a browser's."""
    with tempfile.TemporaryDirectory(prefix="logs-") as name:
        yield Path(name)


_LOGS = """<!doctype html><script>
setInterval(() => { for (let n = 0; n < 20; n++) console.log('x'.repeat(100000)) }, 1)
</script>"""


@pytest.mark.soak
@pytest.mark.chrome
async def test_a_page_that_logs_without_end_fills_no_disk(scratch: Path) -> None:
    async def log(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(text=_LOGS, content_type="text/html")

    def measure() -> int:
        return sum(file.stat().st_blocks * 512 for file in scratch.glob("aura-browser-*/stderr.txt"))

    largest = 0
    async with serving(log) as (_server, origin):
        command = [sys.executable, "-m", "aura_browser", "harvest", origin, "--until", "js:false", "--timeout", "5"]
        process = await asyncio.create_subprocess_exec(
            *(*command, "--store", "memory"), cwd=ROOT, env=os.environ | {"TMPDIR": str(scratch)}, stderr=PIPE
        )
        said = asyncio.ensure_future(process.communicate())
        while not (await asyncio.wait([said], timeout=0.02))[0]:
            largest = max(largest, measure())
    # The second if Chrome was too busy from the beginning to tell that the page was answered.
    assert process.returncode in {77, 75}, said.result()
    assert 2**20 < largest < 200 * 2**20  # a busy machine looks at it late; without a bound it is 440 and more
