"""The cells: which engine meets which end at which moment, and what its process has to say then."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from typing import Final, Literal, get_args

import msgspec

Engine = Literal["selenium", "chrome", "display", "profile", "undetected", "grid", "attach", "everyday", "page"]
"""``display`` is selenium with a window on a virtual display, ``profile`` selenium with a profile that is kept,
``everyday`` a tab in the person's own Chrome. ``page`` is no harvest but a request that is sent by a page.
"""

Moment = Literal["launch", "navigation", "reading"]
"""Where a harvest is stopped: before Chrome (for ``attach``: ChromeDriver) runs, while the site has got the request for
the page and not answered, and while the page is being read (for ``page``: while the response is waited for)."""

End = Literal["ok", "error", "time-out", "cancel", "SIGINT", "SIGTERM", "SIGKILL", "chrome", "driver"]
"""``chrome`` and ``driver`` is the death of that process."""

ENGINES: Final = get_args(Engine)
MOMENTS: Final = get_args(Moment)
ENDS: Final = get_args(End)
SIGNALS: Final = ("SIGINT", "SIGTERM", "SIGKILL")

_OF_A_REQUEST: Final[Mapping[object, str]] = {
    "ok": "answer",
    "cancel": "CancelledError",
    "time-out": "TimeoutError",
    ("navigation", "error"): "ConnectionFailed",
    ("navigation", "chrome"): "BrowserDied",
    ("reading", "error"): "SiteFailed",
    ("reading", "chrome"): "StreamInterrupted",
}
_EXITS: Final = {"SIGINT": "exit 130", "SIGTERM": "exit 143", "SIGKILL": "exit -9"}


class Cell(msgspec.Struct, frozen=True, order=True):
    """One way for one harvest to end."""

    engine: Engine
    moment: Moment
    end: End

    def __str__(self) -> str:
        return f"{self.engine}-{self.moment}-{self.end}"


def senseless(cell: Cell) -> str | None:
    """Return why *cell* can't be made true, or None if it can."""
    if cell.end == "driver" and cell.engine in {"chrome", "everyday", "page"}:
        return "there is no ChromeDriver that could end"
    if (cell.engine, cell.moment) == ("everyday", "launch"):
        return "nothing is started; webdriver/browsers/test_everyday.py has what happens to Chrome's question"
    if (cell.engine, cell.moment) == ("grid", "launch") and cell.end in {"error", "chrome"}:
        return (
            "the node's own ChromeDriver waits 60 s for a Chrome that ended while it started, the Grid shows its slot "
            "as reserved until then, and no client can end that"
        )
    return None


def proviso(cell: Cell) -> str | None:
    """Return what is not asked of *cell*, and why; None if all is."""
    if (cell.engine, cell.end) == ("grid", "driver"):
        return (
            "of a ChromeDriver that was killed on a node, the Grid shows the session until its idle time-out (it "
            "answers DELETE with a connection error), and the profile stays on the node: both are out of our reach"
        )
    return None


def parse(text: str) -> Cell:
    """Return the cell that prints as *text*."""
    engine, moment, end = text.split("-", 2)
    return msgspec.convert({"engine": engine, "moment": moment, "end": end}, Cell)


def cells(engines: Iterable[Engine] = ENGINES) -> Iterator[Cell]:
    """Return all cells, the engines taking turns: a Grid serves one at a time."""
    yield from (Cell(engine, moment, end) for end, moment, engine in product(ENDS, MOMENTS, engines))


def expected(cell: Cell) -> set[str]:
    """Return what the process may say: ``session``, an error's name, or how it exited."""
    if cell.end in _EXITS:
        return {_EXITS[cell.end]}
    if cell.engine == "page":
        return {_OF_A_REQUEST.get((cell.moment, cell.end), _OF_A_REQUEST.get(cell.end, "LaunchFailed"))}
    if cell.end in {"ok", "cancel"}:
        return {"session" if cell.end == "ok" else "CancelledError"}
    if cell.moment == "launch":
        return {"GridFailed" if cell.engine == "grid" else "LaunchFailed"}
    if cell.end == "time-out":
        return {"NotReady"}
    return {"PageFailed" if cell.end == "error" else "BrowserDied"}
