"""What is promised of a fleet, held against what a simulation brought."""

from collections.abc import Callable
from typing import Final

import msgspec

from tests.simulation.caller import GAP_S
from tests.simulation.outcome import Outcome
from tests.simulation.simulated_site import LIFE_S, VAIN_HARVEST_S
from tests.simulation.tally import find_peak

_WINDOW_S: Final = 600
_NEEDED: Final = 18
_OPTIONAL: Final = 6
_EARLY_S: Final = 720.0  # before its end a session may have been renewed, had the site been there
_TOLERANCE: Final = 0.05


class Promise(msgspec.Struct, frozen=True):
    """One promise.

    Attributes:
        text: what is promised, and the figure that shows it.
        holds: whether it was held.
    """

    text: str
    holds: bool


def check_promises(outcome: Outcome) -> list[Promise]:
    """Return what is promised of the outcome's scenario."""
    return _CHECKS[outcome.scenario.kind](outcome)


def _check_rate(outcome: Outcome) -> list[Promise]:
    rate = outcome.tally.count_harvests() / outcome.tally.seconds
    ratio = rate * LIFE_S / outcome.simulated
    text = f"harvests per second are within 5 % of sessions / life: {ratio:.4f} of it"
    return [Promise(text, abs(ratio - 1.0) <= _TOLERANCE)]


def _check_cost(outcome: Outcome) -> list[Promise]:
    dies_at = int(outcome.scenario.order.plan.out[0])
    is_known_at = dies_at + int(VAIN_HARVEST_S[2]) + 1
    most, before = (
        find_peak(outcome.tally.began, _WINDOW_S, is_known_at),
        outcome.tally.count_harvests(dies_at, is_known_at),
    )
    text = (
        f"a dead site costs its budget only: at most {most} harvests in any 10 min of {_NEEDED} needed and {_OPTIONAL} "
        f"optional ones; {before} more began before the first of them had failed"
    )
    return [Promise(text, 0 < most <= _NEEDED + _OPTIONAL)]


def _check_calm(outcome: Outcome) -> list[Promise]:
    """Hold the harvests after an outage against what requests ask for, if each session waits for its own next one."""
    begin, end = map(int, outcome.scenario.order.plan.out)
    usual = outcome.simulated / LIFE_S
    demand = usual + usual * (end - begin + _EARLY_S) / GAP_S
    promises = [_check_peak(outcome, end, 1, demand), _check_peak(outcome, end, 60, demand)]
    after, owed = outcome.tally.count_harvests(end), usual * (outcome.tally.seconds - begin)
    text = f"what the outage held up is renewed after it: {after / owed:.3f} of what was due since its begin"
    return [*promises, Promise(text, after >= 0.9 * owed)]


def _check_failover(outcome: Outcome) -> list[Promise]:
    """Hold the harvests after it against twice the usual rate: what it held up comes besides what is due anyway."""
    away = outcome.scenario.order.away or (0.0, 0.0)
    return [_check_peak(outcome, int(away[0]), 60, 2 * outcome.simulated / LIFE_S)]


def _check_peak(outcome: Outcome, begin: int, window_s: int, per_s: float) -> Promise:
    """Hold the most harvests in a window from *begin* on against so many each second, as chance brings them."""
    expected = window_s * per_s
    most, limit = find_peak(outcome.tally.began, window_s, begin), expected + 6 * max(expected, 1.0) ** 0.5
    text = f"no herd: at most {most} harvests begin in any {window_s} s from then on; requests ask for {expected:.1f}"
    return Promise(text, most <= limit)


_CHECKS: Final[dict[str, Callable[[Outcome], list[Promise]]]] = {
    "steady": _check_rate,
    "dead": _check_cost,
    "failover": _check_failover,
    "outage": _check_calm,
}
