"""The simulation with a few hundred sessions: what it is to show of a million has to hold of them too."""

import logging
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from aura_browser.keeping.manager import SessionManager
from aura_browser.session import Session
from tests.simulation.__main__ import main
from tests.simulation.caller import find_idle_end
from tests.simulation.fleet import START, Order, run_fleet
from tests.simulation.outcome import Outcome, run_scenario
from tests.simulation.promises import check_promises
from tests.simulation.scenarios import find_scenario
from tests.simulation.simulated_site import LIFE_S, Plan, SimulatedSite
from tests.simulation.tally import Tally, find_peak

pytestmark = pytest.mark.slow  # it computes for seconds

SEED = 7


@pytest.fixture(autouse=True)
def no_log() -> Iterator[None]:
    """Keep the warnings of all sessions of a site that fails out of the report."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


def simulate(name: str, sessions: int) -> Outcome:
    outcome = run_scenario(find_scenario(name), sessions, SEED)
    assert outcome.simulated == sessions
    return outcome


def broken(outcome: Outcome) -> list[str]:
    return [promise.text for promise in check_promises(outcome) if not promise.holds]


def test_sessions_are_harvested_once_in_their_life() -> None:
    outcome = simulate("steady", 400)
    assert broken(outcome) == []
    figures = outcome.build_figures()
    assert 380 <= figures.harvests <= 420
    assert figures.failures == {}
    assert set(figures.renewals) == {"early", "over"}
    assert figures.worst_wait_s <= 19.0  # one harvest, and the probe


def test_machines_that_share_a_session_harvest_it_once() -> None:
    outcome = simulate("shared", 150)
    assert broken(outcome) == []
    assert outcome.tally.adopted > 125


@pytest.mark.parametrize(
    ("name", "sessions"),
    [("dead-silent", 300), pytest.param("dead-closed", 300, marks=pytest.mark.soak), ("dead-refusing", 100)],
)
def test_a_dead_site_costs_its_budget_only(name: str, sessions: int) -> None:
    assert broken(simulate(name, sessions)) == []


@pytest.mark.parametrize("name", ["outage-silent", pytest.param("outage-closed", marks=pytest.mark.soak)])
def test_no_herd_comes_after_an_outage_of_an_hour(name: str) -> None:
    assert broken(simulate(name, 1000)) == []


def test_no_herd_comes_after_redis_was_away() -> None:
    assert broken(simulate("redis-fails-over", 500)) == []


def test_a_promise_that_is_broken_is_said_to_be() -> None:
    """Counts of a fleet that renews twice as often, of a dead site that goes on, and of a herd."""
    outcomes = [simulate("steady", 100), simulate("dead-closed", 100), simulate("outage-closed", 100)]
    for outcome in outcomes:
        tally = outcome.tally
        begin = int(outcome.scenario.order.plan.out[0])
        for second in range(begin, tally.seconds, 20):
            tally.began[second] += 1
        tally.began[tally.seconds - 100] += 100
        assert broken(outcome), outcome.scenario.name


def test_the_same_seed_brings_the_same_counts() -> None:
    scenario = find_scenario("outage-closed")
    one, same, other = (run_scenario(scenario, 300, seed).build_figures() for seed in (1, 1, 2))
    assert one == same
    assert one != other


def test_a_fleet_in_parts_counts_as_much_as_the_parts_together() -> None:
    parts = [run_fleet(Order(7200), ("https://site.example",), range(n, n + 100), f"{n}") for n in (0, 100)]
    whole = Tally(7200)
    for part in parts:
        whole.add(part)
    assert whole.count_harvests() == sum(part.count_harvests() for part in parts) > 0
    assert whole.redis["swap"] == sum(part.redis["swap"] for part in parts)


def test_nothing_is_to_be_done_for_a_session_before_it_is_looked_at() -> None:
    site = SimulatedSite("https://site.example", lambda: START, START, None, Plan())  # type: ignore[arg-type]  # not asked
    left_s = START + LIFE_S - find_idle_end(site.make(1, START))
    assert left_s == 720.0


def test_the_peak_is_that_of_any_window() -> None:
    tally = Tally(10)
    for second in (2, 3, 4, 9):
        tally.began[second] += 1
    assert [find_peak(tally.began, window) for window in (1, 2, 3, 7, 8, 99)] == [1, 2, 3, 3, 4, 4]
    assert find_peak(tally.began, 3, 4) == 1


def test_the_program_prints_what_holds_and_writes_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "figures.json"
    assert main(["dead-silent", "--sessions", "300", "--seed", "3", "--json", str(path)]) == 0
    printed = capsys.readouterr().out
    assert "Seed 3" in printed
    assert "All promises hold." in printed
    written = msgspec.json.decode(path.read_bytes())
    assert (written["seed"], written["sessions"]) == (3, 300)
    figures = written["results"][0]["figures"]
    assert figures["name"] == "dead-silent"
    assert f"{figures['worst_wait_s']:.1f} s" in printed


def test_a_fault_of_the_manager_ends_the_simulation(monkeypatch: pytest.MonkeyPatch) -> None:
    async def get(self: SessionManager) -> Session:
        raise KeyError("a fault")

    monkeypatch.setattr(SessionManager, "get", get)
    with pytest.raises(KeyError, match="a fault"):
        simulate("outage-silent", 300)


def test_a_wrong_name_or_too_few_sessions_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, problem in ((["steddy"], "no such simulation: steddy"), (["--sessions", "3"], "at least 300")):
        with pytest.raises(SystemExit) as exit_:
            main(arguments)
        assert exit_.value.code == 2
        assert problem in capsys.readouterr().err
