"""``aura-browser request`` on a cached session, beside scripts with aiohttp that have the cookies."""

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from aura_browser.playground import serve_in_thread
from tests.bench.cached import check_no_browser, keep, logged_in, write_headers
from tests.bench.measure import Effort, alternate
from tests.bench.processes import COMMAND, ROOT, CommandFailed, environment, first_byte_ms
from tests.bench.raw import made_session
from tests.bench.results import Goal, Result, make_row
from tests.bench.server import Answer, serve

NAME: Final = "sending"
_ASKING: Final = Path(__file__).with_name("cached_script.py")
_FETCHING: Final = Path(__file__).with_name("fetching_script.py")
_QUESTION: Final = {
    "model": {"id": "openchat_3.6", "name": "OpenChat", "maxLength": 24576, "tokenLimit": 8192},
    "messages": [{"role": "user", "content": "hello"}],
    "key": "",
    "prompt": "",
    "temperature": 0.5,
}
_CHUNK_BYTES: Final = 60_000
_SLOWEST: Final = 1 / 0.9  # nine tenths of the other's speed


def run(effort: Effort) -> list[Result]:
    """Measure a short answer to its first byte, and a gigabyte to its end."""
    return [_measure_start(effort), _measure_stream(effort)]


def _measure_start(effort: Effort) -> Result:
    with serve_in_thread("login-401") as site, tempfile.TemporaryDirectory(prefix="bench-") as folder:
        session = asyncio.run(logged_in(site))
        asyncio.run(keep(session, folder))
        facts = write_headers(session, folder)
        words = [COMMAND, "request", f"{site.origin}/api/chat", "--json", json.dumps(_QUESTION)]
        pairs = alternate(
            lambda: first_byte_ms(words, {"XDG_STATE_HOME": folder}),
            lambda: first_byte_ms([sys.executable, str(_ASKING), site.origin, str(facts)], {}),
            effort.of(25),
        )
        check_no_browser(site, 2 * (len(pairs) + (len(pairs) > 1)))
    versus = "aiohttp script with the cookies"
    return make_row(NAME, "request: start to first byte", versus, "ms", pairs, goal=Goal("ratio", 1.2))


def _measure_stream(effort: Effort) -> Result:
    answer = Answer(chunk="x" * 100, repeat=_CHUNK_BYTES // 100, chunks=effort.of(17_000, 200), per_write=1)
    with serve(answer) as origin, tempfile.TemporaryDirectory(prefix="bench-") as folder:
        session = made_session(origin)
        asyncio.run(keep(session, folder))
        facts = write_headers(session, folder)
        pairs = alternate(
            lambda: _read_all([COMMAND, "request", "POST", f"{origin}/"], answer, {"XDG_STATE_HOME": folder}),
            lambda: _read_all([sys.executable, str(_FETCHING), origin, str(facts)], answer, {}),
            effort.of(5),
        )
    name = f"request: {answer.characters / 1e9:.2g} GB through a pipe"
    return make_row(NAME, name, "aiohttp script that writes chunks", "s", pairs, goal=Goal("ratio", _SLOWEST))


def _read_all(command: Sequence[str], answer: Answer, env: Mapping[str, str]) -> float:
    """Return the seconds until all of the answer came through a pipe."""
    began, length = time.perf_counter(), 0
    with subprocess.Popen(command, cwd=ROOT, env=environment(env), stdout=subprocess.PIPE, bufsize=0) as process:
        assert process.stdout is not None
        while data := process.stdout.read(2**20):
            length += len(data)
    if process.returncode or length != answer.characters:
        raise CommandFailed(f"{command[0]} gave {length} bytes (exit code {process.returncode})")
    return time.perf_counter() - began
