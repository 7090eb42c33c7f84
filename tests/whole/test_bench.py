"""The benchmarks' arithmetic, and that every one of them runs; never a time."""

import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from tests.bench import everyday, page
from tests.bench.__main__ import main
from tests.bench.catalogue import BENCHMARKS, NEED_CHROME
from tests.bench.made_up import MACHINE
from tests.bench.measure import Effort, alternate, alternate_async, median_difference, median_ratio
from tests.bench.peers.gateways import measure_gateways
from tests.bench.processes import CommandFailed, run_tree
from tests.bench.results import Goal, Report, Row, Undone, make_row, make_series, to_json
from tests.bench.server import Answer
from tests.bench.table import report_text

SLEEPY = "import time; time.sleep(30)"


def test_pairs_take_turns_after_a_round_that_is_thrown_away() -> None:
    order: list[str] = []

    def note(who: str) -> int:
        order.append(who)
        return len(order)

    pairs = alternate(lambda: note("ours"), lambda: note("theirs"), 3)
    assert order == ["ours", "theirs", "ours", "theirs", "theirs", "ours", "ours", "theirs"]
    assert pairs == [(3, 4), (6, 5), (7, 8)]


async def test_pairs_in_an_event_loop_take_the_same_turns() -> None:
    order: list[str] = []

    async def note(who: str) -> int:
        order.append(who)
        return len(order)

    pairs = await alternate_async(lambda: note("ours"), lambda: note("theirs"), 2)
    assert order == ["ours", "theirs", "ours", "theirs", "theirs", "ours"]
    assert pairs == [(3, 4), (6, 5)]


def test_a_quick_run_is_one_pair_without_a_round_before() -> None:
    assert alternate(lambda: 1, lambda: 2, Effort(quick=True).of(9)) == [(1, 2)]
    assert Effort().of(9) == 9


def test_the_median_of_the_ratios_is_not_the_ratio_of_the_medians() -> None:
    ours, theirs = (1.0, 20.0, 3.0), (1.0, 10.0, 6.0)
    assert median_ratio(ours, theirs) == 1.0
    assert median_difference(ours, theirs) == 0.0


@pytest.mark.parametrize(
    ("goal", "met"),
    [
        (None, None),
        (Goal("ratio", 1.2), True),
        (Goal("ratio", 1.05), False),
        (Goal("difference", 10.0), True),
        (Goal("difference", 9.0), False),
    ],
)
def test_a_row_says_whether_its_goal_is_met(goal: Goal | None, *, met: bool | None) -> None:
    row = make_row("b", "what", "that", "ms", [(110.0, 100.0), (120.0, 100.0), (105.0, 100.0)], goal=goal)
    assert (row.ours_median, row.theirs_median, row.difference, row.met) == (110, 100, 10, met)
    assert row.ratio == pytest.approx(1.1)


def test_a_row_against_nothing_has_no_ratio() -> None:
    row = make_row("b", "what", "that", "ms", [(1.0, 0.0)], goal=Goal("ratio", 1))
    assert row.ratio is None
    assert row.met is False


def test_the_table_shows_rows_series_and_what_was_not_measured() -> None:
    report = Report(
        machine=MACHINE,
        quick=False,
        results=(
            make_row("b", "fast", "floor", "s", [(1.0, 1.0)], goal=Goal("ratio", 1.1), note="once"),
            make_row("b", "slow", "floor", "ms", [(1200.0, 1000.0)], goal=Goal("difference", 60), note="once"),
            make_row("b", "seen", "floor", "s", [(2.0, 1.0)]),
            make_series("b", "work", "µs", [(1, 2.0), (10_000, 3.0)]),
            Undone(benchmark="b", name="later", reason="not built yet"),
        ),
    )
    text = report_text(report)
    lines = [line.split("  ") for line in text.splitlines()]
    assert "2 cores, Python 3.12.0, Chromium 150" in text
    assert [line[-1].strip() for line in lines if line[0] == "b"] == [
        "ok",
        "MISS",
        "shown",
        "not measured: not built yet",
    ]
    assert "+200, <= +60 ms" in text
    assert "1,200 ms" in text
    assert "10,000  last / first" in text
    assert "1.50" in text
    assert text.count("once") == 1


def test_the_json_has_one_shape() -> None:
    row = make_row("b", "fast", "floor", "s", [(1.0, 2.0)], goal=Goal("ratio", 1.1))
    series = make_series("b", "work", "µs", [(1, 2.0), (10, 3.0)])
    undone = Undone(benchmark="b", name="later", reason="not built yet")
    report = Report(machine=MACHINE, quick=True, results=(row, series, undone))
    data = to_json(report)
    assert msgspec.json.decode(data, type=Report) == report
    plain = json.loads(data)
    assert plain["machine"] == msgspec.to_builtins(MACHINE)
    assert plain["results"][0] == {
        "kind": "row",
        "benchmark": "b",
        "name": "fast",
        "versus": "floor",
        "unit": "s",
        "ours": [1.0],
        "theirs": [2.0],
        "ours_median": 1.0,
        "theirs_median": 2.0,
        "ratio": 0.5,
        "difference": -1.0,
        "goal": {"kind": "ratio", "most": 1.1},
        "met": True,
        "note": "",
        "load": 0.0,
    }
    assert plain["results"][1]["growth"] == 1.5
    assert plain["results"][2]["kind"] == "undone"


def test_the_page_shows_the_reports_that_are_kept() -> None:
    text = page.PAGE.read_text("utf-8")
    assert "<!-- table: " in text
    assert page.render_page(text) == text, "run: python -m tests.bench.page"


def test_an_answers_length_is_that_of_its_chunks() -> None:
    assert Answer(chunk="ab", repeat=3, chunks=5).characters == 30


BURN = "import time\nwhile time.process_time() < 0.2: pass"


def test_the_cost_of_a_tree_counts_those_that_outlive_the_command() -> None:
    leave = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {BURN!r}], start_new_session=True)"
    cost = run_tree([sys.executable, "-c", leave])
    assert cost.cpu_s >= 0.2
    assert cost.gone_s >= cost.wall_s


def test_a_command_without_an_end_is_ended_with_all_that_it_started() -> None:
    hang = f"import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', {SLEEPY!r}], start_new_session=True)\n"
    with pytest.raises(CommandFailed, match="no end within 1 s"):
        run_tree([sys.executable, "-c", hang + "p.wait()"], limit_s=1)


def test_a_command_that_fails_says_why() -> None:
    with pytest.raises(CommandFailed, match="exit code 3: no such luck"):
        run_tree([sys.executable, "-c", "import sys; sys.stderr.write('no such luck'); sys.exit(3)"])


def marks_of(name: str) -> list[pytest.MarkDecorator]:
    return [pytest.mark.chrome] * (name in NEED_CHROME) + [pytest.mark.alone] * (name == everyday.NAME)


@pytest.mark.soak
@pytest.mark.parametrize("name", [pytest.param(name, marks=marks_of(name)) for name in BENCHMARKS])
def test_every_benchmark_runs(name: str) -> None:
    results = BENCHMARKS[name](Effort(quick=True))
    assert results
    assert {result.benchmark for result in results} == {name}
    for row in results:
        if isinstance(row, Row):
            assert len(row.ours) == len(row.theirs)
            assert len(row.ours) <= 2  # some measure before and after an answer begins
            assert min(row.theirs) > 0 or row.versus == "nothing"


@pytest.mark.soak
def test_the_program_writes_table_and_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["startup", "--quick", "--json", str(tmp_path / "out.json")]) == 0
    assert "import aura_browser" in capsys.readouterr().out
    report = msgspec.json.decode((tmp_path / "out.json").read_bytes(), type=Report)
    assert report.quick
    assert all(isinstance(result, Row) for result in report.results)


def test_a_machine_that_is_not_at_rest_is_waited_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    loads, begun = [0.9, 0.5, 0.4, 0.3], []

    def measure(_effort: Effort) -> tuple[Undone]:
        begun.append([*loads])
        return (Undone(benchmark="made up", name="nothing", reason="made up"),)

    monkeypatch.setattr("os.getloadavg", lambda: (loads.pop(0), 9.0, 9.0))
    monkeypatch.setitem(BENCHMARKS, "made up", measure)
    main(["made up", "--rest", "--json", str(tmp_path / "out.json")])
    assert begun == [[]], "three looks until it is below 0.5, and one for the table"


def test_an_unknown_name_is_a_usage_error() -> None:
    with pytest.raises(SystemExit) as caught:
        main(["nothing"])
    assert caught.value.code == 2


def test_the_peers_program_knows_its_usage() -> None:
    run = subprocess.run([sys.executable, "-m", "tests.bench.peers", "--help"], capture_output=True, check=True)
    assert b"--rounds" in run.stdout


@pytest.mark.soak
def test_reading_directly_and_through_the_gateway_is_measured_for_the_peers(tmp_path: Path) -> None:
    speed, first = measure_gateways([], 1, tmp_path)
    assert isinstance(speed, Row)
    assert isinstance(first, Row)
    assert [row.versus for row in (speed, first)] == ["reading it directly"] * 2
