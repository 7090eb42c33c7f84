"""Makes a cell true: starts its process, stops it at the moment, brings about the end, and looks at what is left."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import msgspec

from tests.lifecycle.grid import HeldGrid
from tests.lifecycle.matrix import SIGNALS, Cell, expected
from tests.lifecycle.place import Place, place
from tests.lifecycle.site import HeldSite
from tests.lifecycle.stands import Stand, stand
from tests.parts.waiting import holds_within

ROOT: Final = Path(__file__).parents[2]
GONE_S: Final = 5.0
"""How long after the end of its process something of a harvest may still be there."""

_REACHED_S: Final = 60.0
_ENDED_S: Final = 25.0
_TIMEOUT_S: Final = 90.0
# For cells that end by their time-out: enough to get to the moment on a busy machine.
_SHORT_S: Final = {"launch": 4.0, "navigation": 8.0, "reading": 8.0}


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a cell.

    Attributes:
        cell: which.
        faults: what was not as it has to be; empty if all was.
        undone: why it was not made true, if it was not.
        said: how the process said that it ended.
        end_s: seconds from the end that was brought about until the process had ended.
        gone_s: and from then (on a Grid: from when it starts no Chrome any more) until nothing was left.
        took_s: seconds for all of it.
    """

    cell: Cell
    faults: tuple[str, ...] = ()
    undone: str = ""
    said: str = ""
    end_s: float = 0.0
    gone_s: float = 0.0
    took_s: float = 0.0


def run_cell(cell: Cell, grid: HeldGrid | None) -> Result:
    """Make *cell* true.

    Args:
        cell: which.
        grid: for a cell that is on one.
    """
    began = time.monotonic()
    with place() as here:
        gate = here.folder / "gate"
        gate.mkdir()
        held = None if cell.moment == "launch" else cell.moment
        with stand(cell, gate, grid) as engine, HeldSite(held) as site:
            result = _Run(cell, here, engine, site).result()
    return msgspec.structs.replace(result, took_s=round(time.monotonic() - began, 2))


class _Run:
    def __init__(self, cell: Cell, here: Place, engine: Stand, site: HeldSite) -> None:
        self._cell = cell
        self._place = here
        self._engine = engine
        self._site = site
        self._said = here.folder / "said"
        self._stderr = here.folder / "stderr"

    def result(self) -> Result:
        if self._cell.moment == "launch":
            self._engine.gate.hold()
        environment = self._place.environment(self._engine.variables)
        with (
            self._said.open("wb") as said,
            self._stderr.open("wb") as stderr,
            subprocess.Popen(
                self._command(), cwd=ROOT, env=environment, stdout=said, stderr=stderr, start_new_session=True
            ) as process,
        ):
            try:
                return self._judged(process)
            finally:
                if process.poll() is None:
                    process.kill()

    def _judged(self, process: "subprocess.Popen[bytes]") -> Result:
        holds_within(_REACHED_S, lambda: self._is_reached() or process.poll() is not None)
        if not self._is_reached():
            return Result(cell=self._cell, faults=(f"{self._cell.moment} was not reached: {self._last_words()}",))
        self._place.processes()
        began = time.monotonic()
        self._bring_about(process)
        if not holds_within(_ENDED_S, lambda: process.poll() is not None):
            return Result(cell=self._cell, faults=(f"its process did not end within {_ENDED_S:.0f} s",))
        ended = time.monotonic()
        self._let_grid_go_on()
        self._engine.settle()
        settled = time.monotonic()
        holds_within(GONE_S, lambda: not self._left())
        gone = time.monotonic()
        said, why = self._outcome(process.returncode)
        faults = [f"left: {each}" for each in self._left()]
        if said not in expected(self._cell):
            faults.append(f"it said {said} ({why}), not {' or '.join(expected(self._cell))}")
        return Result(
            cell=self._cell,
            faults=tuple(faults),
            said=said,
            end_s=round(ended - began, 2),
            gone_s=round(gone - settled, 2),
        )

    def _command(self) -> list[str]:
        timeout = _SHORT_S[self._cell.moment] if _ends_by_time_out(self._cell) else _TIMEOUT_S
        words = self._engine.list_words(self._site.url, timeout, is_command=self._cell.end in SIGNALS)
        return [sys.executable, "-m", *words]

    def _is_reached(self) -> bool:
        return self._engine.gate.pid is not None if self._cell.moment == "launch" else self._site.reached.is_set()

    def _bring_about(self, process: "subprocess.Popen[bytes]") -> None:
        match self._cell.end:
            case "ok" | "error" as end:
                held = self._engine.gate if self._cell.moment == "launch" else self._site
                held.release(refuse=end == "error")
            case "cancel":
                process.send_signal(signal.SIGUSR1)
            case "SIGINT":
                os.killpg(process.pid, signal.SIGINT)  # as a terminal does
            case "SIGTERM" | "SIGKILL" as end:
                process.send_signal(signal.Signals[end])
            case "chrome":
                self._engine.kill_chrome()
            case "driver":
                self._engine.kill_driver()
        if self._cell.end != "time-out":
            self._let_grid_go_on()

    def _let_grid_go_on(self) -> None:
        if self._engine.starts_by_itself and self._engine.gate.is_held:
            self._engine.gate.release()

    def _left(self) -> list[str]:
        return [*self._place.left(), *self._engine.left()]

    def _outcome(self, code: int) -> tuple[str, str]:
        if self._cell.end in SIGNALS or code:
            return f"exit {code}", self._last_words()
        told = json.loads(self._said.read_bytes())
        return told["outcome"], told["why"]

    def _last_words(self) -> str:
        lines = self._stderr.read_text("utf-8").strip().splitlines()
        return lines[-1] if lines else "it said nothing"


def _ends_by_time_out(cell: Cell) -> bool:
    # ChromeDriver looks 60 s for the Chrome that it is to attach to.
    return cell.end == "time-out" or cell == Cell("attach", "launch", "chrome")
