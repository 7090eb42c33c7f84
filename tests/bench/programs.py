"""What ``aura-browser exec`` adds to a program, with a session that is cached and was proven a moment ago."""

import asyncio
import tempfile
import time
from typing import Final

import msgspec

from tests.bench.cached import keep
from tests.bench.measure import Effort, alternate
from tests.bench.processes import COMMAND, first_byte_ms
from tests.bench.raw import made_session
from tests.bench.results import Goal, Result, make_row

NAME: Final = "exec"
_ORIGIN: Final = "http://127.0.0.1:9"
_PROGRAM: Final = ("echo", "done")


def run(effort: Effort) -> list[Result]:
    """Measure the time to the program's first byte: no site is asked, and none is there."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        session = msgspec.structs.replace(made_session(_ORIGIN, cookies=20), verified_at=time.time())
        asyncio.run(keep(session, folder))
        state = {"XDG_STATE_HOME": folder}
        pairs = alternate(
            lambda: first_byte_ms((COMMAND, "exec", _ORIGIN, "--", *_PROGRAM), state),
            lambda: first_byte_ms(_PROGRAM, state),
            effort.of(25),
        )
    return [make_row(NAME, "exec -- echo done", "echo done", "ms", pairs, goal=Goal("difference", 150))]
