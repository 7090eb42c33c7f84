"""Rows beside the matrix: a harvest as a container's first process, beside a forked child, at a page that downloads."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

import msgspec

from tests.lifecycle.place import Place, place
from tests.lifecycle.site import HeldSite
from tests.parts.waiting import holds_within

ROOT: Final = Path(__file__).parents[2]
GONE_S: Final = 5.0
_ENDED_S: Final = 60.0
_DOWNLOADS: Final = """<!doctype html><title>Downloads</title><script>
for (const address of ['/file', 'data:application/octet-stream,x', 'mailto:a@b.example']) {
  document.documentElement.appendChild(document.createElement('iframe')).src = address;
}
</script>"""
_FORKED: Final = (
    "import asyncio, os, sys, time\n"
    "from aura_browser import Condition, page_site\n"
    "from aura_browser.webdriver.harvest import harvest\n"
    "def fork(*_):\n"
    "    if not forks and not forks.append(os.fork() or os.getpid()) and forks[0] == os.getpid():\n"
    "        time.sleep(120)  # a fork that lives on\n"
    "        os._exit(0)\n"
    "    print('forked', flush=True)\n"
    "forks = []\n"
    "asyncio.run(harvest(page_site(sys.argv[1], (Condition.parse('cookie:never'),)), on_wait=fork))\n"
)


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a row.

    Attributes:
        name: of the row.
        faults: what was left, or went wrong; empty if nothing did.
    """

    name: str
    faults: tuple[str, ...] = ()


def run_rows() -> Iterator[Row]:
    """Run all rows, and yield what became of each."""
    for name, run in _ROWS.items():
        with place() as here:
            faults = tuple(run(here))
            holds_within(GONE_S, lambda here=here: not here.left())  # type: ignore[misc]
            yield Row(name=name, faults=(*faults, *(f"left: {each}" for each in here.left())))


def _harvest_as_first_process(here: Place) -> Iterator[str]:
    with HeldSite() as site:
        command = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child", sys.executable]
        run = subprocess.run(
            [*command, "-m", "tests.edges.init", "is-harvest", site.url],
            cwd=ROOT,
            env=here.environment(),
            capture_output=True,
            text=True,
            timeout=_ENDED_S,
            check=False,
        )
    if run.returncode:
        yield run.stderr.strip().rpartition("\n")[2]
    yield from (f"zombie: {name}" for name in run.stdout.split())


def _kill_beside_forked_child(here: Place) -> Iterator[str]:
    with HeldSite() as site:
        command = [sys.executable, "-c", _FORKED, site.url]
        process = subprocess.Popen(
            command, cwd=ROOT, env=here.environment(), stdout=subprocess.PIPE, start_new_session=True
        )
        with process:
            assert process.stdout is not None
            if process.stdout.readline() != b"forked\n":
                yield "it did not fork"
            process.kill()
    gone_by = time.monotonic() + GONE_S
    while time.monotonic() < gone_by and any("chrom" in each for each in here.left()):
        holds_within(0.1, lambda: False)
    yield from (f"left beside a forked child: {each}" for each in here.left() if "chrom" in each)
    os.killpg(process.pid, signal.SIGKILL)


def _harvest_downloads(here: Place) -> Iterator[str]:
    with HeldSite(page=_DOWNLOADS) as site:
        run = subprocess.run(
            [sys.executable, "-m", "aura_browser", "harvest", site.url, "--until", "js:performance.now() > 1500"],
            cwd=ROOT,
            env=here.environment(),
            capture_output=True,
            text=True,
            timeout=_ENDED_S,
            check=False,
        )
    if run.returncode:
        yield run.stderr.strip().rpartition("\n")[2]


_ROWS: Final[Mapping[str, Callable[[Place], Iterator[str]]]] = {
    "PID 1": _harvest_as_first_process,
    "forked child": _kill_beside_forked_child,
    "downloads": _harvest_downloads,
}
