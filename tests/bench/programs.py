"""What ``aura-browser exec`` adds to a program, with a session that is cached and was proven a moment ago."""

import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from typing import Final

import msgspec

from aura_browser.playground import serve_in_thread
from tests.bench.cached import SCRIPT, keep, logged_in, write_headers
from tests.bench.measure import Effort, alternate
from tests.bench.processes import COMMAND, first_byte_ms
from tests.bench.results import Goal, Result, make_row

NAME: Final = "exec"
_PROGRAM: Final = ("echo", "done")


def run(effort: Effort) -> list[Result]:
    """Measure the time to the program's first byte, beside the program alone and beside a script of one's own."""
    with serve_in_thread("login-401") as site, tempfile.TemporaryDirectory(prefix="bench-") as folder:
        session = msgspec.structs.replace(asyncio.run(logged_in(site)), verified_at=time.time())
        asyncio.run(keep(session, folder))
        script = (sys.executable, str(SCRIPT), site.origin, str(write_headers(session, folder)))

        def measure(versus: str, other: Sequence[str], goal: Goal) -> Result:
            state = {"XDG_STATE_HOME": folder}
            ours = partial(first_byte_ms, (COMMAND, "exec", site.origin, "--", *_PROGRAM), state)
            pairs = alternate(ours, partial(first_byte_ms, other, state), effort.of(25))
            return make_row(NAME, "exec -- echo done", versus, "ms", pairs, goal=goal)

        return [
            measure("echo done", _PROGRAM, Goal("difference", 150)),
            measure("aiohttp script with the cookies", script, Goal("ratio", 1.2)),
        ]
