"""Nothing is left behind: some cells of the matrix that ``make lifecycle`` runs whole, and many harvests at once."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from aura_browser.playground import serve_in_thread
from aura_browser.webdriver.browsers import grid_session
from aura_browser.webdriver.locate import locate
from tests.bench.made_up import MACHINE
from tests.lifecycle.__main__ import main
from tests.lifecycle.matrix import ENDS, ENGINES, MOMENTS, Cell, Engine, cells, expected, parse, senseless
from tests.lifecycle.needs import missing
from tests.lifecycle.place import Place, place
from tests.lifecycle.report import Report, report_text
from tests.lifecycle.rows import run_rows
from tests.lifecycle.run import GONE_S, ROOT, Result
from tests.lifecycle.running import running
from tests.lifecycle.site import HeldSite
from tests.parts import missing as parts
from tests.parts.namespaces import in_namespaces
from tests.parts.waiting import holds_within

# Each engine, each moment and each end, the likeliest to fail twice.
CHOSEN = [
    parse(name)
    for name in (
        *("selenium-navigation-ok", "selenium-launch-time-out", "selenium-reading-cancel", "selenium-launch-SIGKILL"),
        *("selenium-reading-driver", "display-reading-ok", "display-launch-SIGTERM", "display-navigation-SIGKILL"),
        *("profile-launch-cancel", "profile-reading-SIGKILL", "profile-navigation-driver", "undetected-launch-error"),
        *("undetected-navigation-SIGINT", "undetected-reading-chrome", "grid-launch-cancel", "grid-navigation-error"),
        *("grid-navigation-SIGKILL", "grid-reading-cancel", "grid-reading-driver", "attach-launch-SIGKILL"),
        *("chrome-launch-SIGKILL", "chrome-launch-error", "chrome-navigation-chrome", "chrome-reading-SIGTERM"),
        *("everyday-navigation-SIGKILL", "everyday-reading-SIGINT", "everyday-navigation-chrome"),
        *("page-launch-SIGKILL", "page-navigation-SIGTERM", "page-reading-SIGKILL", "page-reading-chrome"),
        *("page-reading-cancel", "page-navigation-ok", "page-launch-error", "page-reading-time-out"),
        *("attach-navigation-SIGTERM", "attach-reading-error", "attach-launch-driver", "attach-reading-chrome"),
    )
]

_BUSY_S = 0.8
Started = Callable[[Cell], Result]


@pytest.fixture(autouse=True)
def no_blocking_calls() -> None:
    """Nothing is patched here: cells run in threads that outlive a test, and the package in processes of their own."""


@pytest.fixture(scope="module")
def made(request: pytest.FixtureRequest) -> Iterator[Started]:
    """Start all cells that were chosen for this run, and return what gives the result of one."""
    wanted = [cell for item in request.session.items if (cell := _cell_of(item))]
    with running(wanted) as results:
        yield lambda cell: results[cell].result()


def _cell_of(item: pytest.Item) -> Cell | None:
    callspec = getattr(item, "callspec", None)
    cell = callspec.params.get("cell") if callspec else None
    return cell if isinstance(cell, Cell) else None


def need(engine: Engine) -> None:
    """Skip the test if something is missing for *engine*; under CI that is a failure."""
    if reason := missing(engine):
        parts.missing(reason)


@pytest.mark.soak
@pytest.mark.parametrize("cell", CHOSEN, ids=str)
def test_nothing_is_left(cell: Cell, made: Started) -> None:
    need(cell.engine)
    result = made(cell)
    assert not result.faults
    assert result.said in expected(cell)


def test_the_cells_chosen_are_of_every_kind() -> None:
    assert {cell.engine for cell in CHOSEN} == set(ENGINES)
    assert {cell.moment for cell in CHOSEN} == set(MOMENTS)
    assert {cell.end for cell in CHOSEN} == set(ENDS)
    assert not any(map(senseless, CHOSEN))


def test_what_is_left_is_seen() -> None:
    files = 'touch "$HOME/.stranger" "$TMPDIR/file"; mkdir -p "$HOME/.local/state/aura-browser/sessions"'
    with place() as here:
        shell = subprocess.Popen(
            ["/bin/sh", "-c", f"{files}; env -i sleep 60 & read -r _"],
            env=here.environment(),
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        with shell:
            assert holds_within(10, lambda: "sleep" in here.left())
        # Its parent is gone, and its environment was empty from the start.
        assert sorted(here.left()) == ["TMPDIR/file", "sleep", "~/.stranger"]
        here.clear()
        assert holds_within(10, lambda: not here.processes())


def test_a_table_shows_what_failed_and_what_was_not_asked() -> None:
    results = [
        Result(cell=parse("selenium-launch-ok"), said="session"),
        Result(cell=parse("selenium-launch-SIGKILL"), faults=("left: chromium",)),
        Result(cell=parse("grid-launch-chrome"), undone=str(senseless(parse("grid-launch-chrome")))),
        Result(cell=parse("grid-reading-driver"), said="BrowserDied", gone_s=0.2),
    ]
    report = Report(machine=MACHINE, results=tuple(results))
    text = report_text(report)
    assert report.failed == 1
    assert "[1] selenium-launch-SIGKILL: left: chromium" in text
    assert "3 cells, 1 failed" in text
    assert [line.split()[:3] for line in text.splitlines()[1:3]] == [
        ["selenium", "launch", "ok"],
        ["grid", "launch", "-"],
    ]


@pytest.mark.soak
def test_the_rows_beside_the_matrix() -> None:
    need("selenium")
    in_namespaces([], "--pid", "--fork", "--mount-proc")
    rows = list(run_rows())
    assert [row.name for row in rows] == ["PID 1", "forked child", "downloads"]
    assert [fault for row in rows for fault in row.faults] == []


def test_every_cell_has_one_name() -> None:
    assert [parse(str(cell)) for cell in cells()] == list(cells())


def test_an_unknown_engine_is_a_usage_error() -> None:
    with pytest.raises(SystemExit) as caught:
        main(["firefox"])
    assert caught.value.code == 2


class BrokenGrid(BaseHTTPRequestHandler):
    """A Grid with one session, which is not ended when it is asked for."""

    asked = 0
    answers: ClassVar[list[int | None]] = []
    """What it answers who would end it; None for 200, when its ChromeDriver is no longer busy."""

    def do_GET(self) -> None:  # the name is http.server's
        session = (
            {"sessionId": "s1", "capabilities": {"se:name": "ours"}} if type(self).asked < len(self.answers) else None
        )
        node = {"availability": "UP", "slots": [{"session": session, "stereotype": {"browserName": "chrome"}}]}
        self._answer(200, {"nodes": [node]})

    def do_DELETE(self) -> None:  # as above
        type(self).asked += 1
        if (status := self.answers[self.asked - 1]) is None:
            self.connection.settimeout(_BUSY_S)
            with suppress(TimeoutError):
                self.connection.recv(1)  # comes back before that if who asked hangs up
                return
        self._answer(status or 200, None)

    def _answer(self, status: int, value: object) -> None:
        body = json.dumps({"value": value}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its signature
        pass


@pytest.mark.parametrize(
    ("answers", "asked"), [([None], 1), ([500] * 100, 10)], ids=["busy", "its ChromeDriver is gone"]
)
def test_a_session_on_a_grid_is_ended_patiently_and_not_for_ever(
    answers: list[int | None], asked: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grid_session, "_CALL_TIMEOUT_S", _BUSY_S / 4)
    handler = type("Handler", (BrokenGrid,), {"answers": answers})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            grid_session.end_session(f"http://127.0.0.1:{server.server_port}", None, "ours", 60)
        finally:
            server.shutdown()
            thread.join()
    assert vars(handler)["asked"] == asked


def harvester(here: Place, url: str, *options: str, **variables: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "tests.lifecycle.harvester", url, "--timeout", "120", *options],
        cwd=ROOT,
        env=here.environment(variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def outcomes(process: "subprocess.Popen[bytes]") -> list[str]:
    told, _ = process.communicate(timeout=170)
    assert process.returncode == 0
    return [json.loads(line)["outcome"] for line in told.splitlines()]


@pytest.mark.soak
@pytest.mark.parametrize(("processes", "each"), [(1, 20), (8, 1)])
def test_many_at_once_share_nothing_and_leave_nothing(processes: int, each: int) -> None:
    need("selenium")
    with place() as here, HeldSite() as site, ExitStack() as exits:
        started = [harvester(here, site.url, "--count", str(each)) for _ in range(processes)]
        for process in started:
            exits.enter_context(process)
        assert [outcomes(process) for process in started] == [["session"] * each] * processes
        assert holds_within(GONE_S, lambda: not here.left()), here.left()


@pytest.mark.soak
def test_two_undetected_harvests_at_once_change_no_driver_and_nothing_at_home() -> None:
    need("undetected")
    driver = locate().driver
    before = sha256(driver.read_bytes()).digest()
    # Whatever would be fetched is asked of a proxy that is not there.
    offline = dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9")
    with place() as here, serve_in_thread() as site:
        with harvester(here, site.origin, "--engine", "undetected", "--count", "2", **offline) as process:
            assert outcomes(process) == ["session", "session"]
        assert holds_within(GONE_S, lambda: not here.left()), here.left()
    assert sha256(driver.read_bytes()).digest() == before
