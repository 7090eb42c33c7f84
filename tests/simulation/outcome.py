"""What a simulation brought: the figures that are printed, written as JSON, and held against what is promised."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Final

import msgspec

from tests.simulation.fleet import run_fleet
from tests.simulation.scenarios import Scenario
from tests.simulation.tally import Tally, find_peak

_SHARD: Final = 20_000
_MINUTE_S: Final = 60


class Figures(msgspec.Struct, frozen=True):
    """Figures of one simulation.

    Attributes:
        name: the scenario's.
        what: what happened.
        sessions: the fleet's sessions.
        simulated: how many of them were simulated.
        is_scaled: whether the figures are scaled from those simulated to the fleet.
        seconds: how long was simulated.
        harvests: harvests that began.
        harvests_per_s: in the mean.
        peak_1s: most harvests that began within a second.
        peak_60s: most harvests that began within a minute.
        harvest_s: seconds that a harvest took in the mean.
        nodes_by_law: Grid nodes needed by Little's law: the seconds of a harvest times the peak rate over a minute.
        nodes_seen: most harvests at once.
        redis_per_s: operations of Redis each second in the mean, by kind.
        redis_peak_1s: most operations within a second; None where the figures are scaled.
        worst_wait_s: the longest that a caller waited.
        failures: what callers got instead of a session, by kind.
        renewals: sessions replaced, by cause.
        adopted: sessions of another machine that were used instead of a harvest.
    """

    name: str
    what: str
    sessions: int
    simulated: int
    is_scaled: bool
    seconds: int
    harvests: int
    harvests_per_s: float
    peak_1s: int
    peak_60s: int
    harvest_s: float
    nodes_by_law: float
    nodes_seen: int
    redis_per_s: dict[str, float]
    redis_peak_1s: int | None
    worst_wait_s: float
    failures: dict[str, int]
    renewals: dict[str, int]
    adopted: int


@dataclass(frozen=True)
class Outcome:
    """What a simulation brought.

    Attributes:
        scenario: what was simulated.
        sessions: the fleet's sessions.
        simulated: how many of them were simulated.
        tally: their counts.
        seed: of all that was random.
    """

    scenario: Scenario
    sessions: int
    simulated: int
    tally: Tally
    seed: int

    @property
    def factor(self) -> float:
        """By how much the counts are scaled."""
        return self.sessions / self.simulated if self.scenario.is_sample else 1.0

    def build_figures(self) -> Figures:
        """Return the figures, scaled to the fleet where the sessions are a sample of it."""
        counts, factor = self.tally, self.factor
        fleet = counts if factor == 1.0 else _repeat(counts, round(factor), Random(self.seed))  # noqa: S311 - as above
        peak_60s = find_peak(fleet.began, _MINUTE_S)
        return Figures(
            name=self.scenario.name,
            what=self.scenario.what,
            sessions=self.sessions,
            simulated=self.simulated,
            is_scaled=factor != 1.0,
            seconds=counts.seconds,
            harvests=fleet.count_harvests(),
            harvests_per_s=fleet.count_harvests() / counts.seconds,
            peak_1s=find_peak(fleet.began, 1),
            peak_60s=peak_60s,
            harvest_s=counts.mean_harvest_s,
            nodes_by_law=counts.mean_harvest_s * peak_60s / _MINUTE_S,
            nodes_seen=fleet.find_most_at_once(),
            redis_per_s={kind: factor * count / counts.seconds for kind, count in counts.redis.most_common()},
            redis_peak_1s=find_peak(counts.redis_by_second, 1) if factor == 1.0 else None,
            worst_wait_s=counts.worst_wait_s,
            failures={kind: round(factor * count) for kind, count in counts.failures.most_common()},
            renewals={kind: round(factor * count) for kind, count in counts.renewals.most_common()},
            adopted=round(factor * counts.adopted),
        )


def run_scenario(
    scenario: Scenario, sessions: int, seed: int, report: Callable[[int, int], None] = lambda _done, _all: None
) -> Outcome:
    """Simulate *scenario* for a fleet of so many sessions.

    Sessions of different sites know nothing of each other, so they run in parts, one after the other, and their
    counts add up.

    Args:
        scenario: what is simulated.
        sessions: the fleet's.
        seed: of all that is random.
        report: is called with how many sessions are done, and how many there are.
    """
    simulated = scenario.count_sessions(sessions)
    tally = Tally(scenario.order.seconds)
    size = _SHARD if len(scenario.origins) > 1 else simulated
    for first in range(0, simulated, size):
        report(first, simulated)
        numbers = range(first, min(first + size, simulated))
        tally.add(run_fleet(scenario.order, scenario.origins, numbers, f"{seed} {scenario.name} {first}"))
    return Outcome(scenario, sessions, simulated, tally, seed)


def _repeat(sample: Tally, times: int, chance: Random) -> Tally:
    """Return the counts of *times* fleets like the sample's, each shifted by a random time of the same day."""
    fleet, seconds = Tally(sample.seconds), sample.seconds
    shifts = [chance.randrange(seconds) for _ in range(times)]
    for source, goal in ((sample.began, fleet.began), (sample.ended, fleet.ended)):
        moments = [(second, count) for second, count in enumerate(source) if count]
        for shift in shifts:
            for second, count in moments:
                goal[(second + shift) % seconds] += count
    return fleet
