"""What is simulated: a fleet's usual day, and what goes wrong with sites and with Redis."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tests.simulation.fleet import Order
from tests.simulation.simulated_site import Plan

HOUR_S: Final = 3600
DAY_S: Final = 24 * HOUR_S
_DIES_AT_S: Final = HOUR_S
_FOR_GOOD_S: Final = 1e9
_ORIGINS: Final = tuple(f"https://site-{number}.example" for number in range(100))
_ONE: Final = ("https://site.example",)
_LATENCY_S: Final = 0.002


@dataclass(frozen=True)
class Scenario:
    """One simulation.

    Attributes:
        name: how it is asked for.
        what: what happens, to show.
        kind: what is promised of it; see :mod:`tests.simulation.promises`.
        order: what is simulated.
        count_sessions: returns how many sessions are simulated of a fleet of so many.
        origins: the sites' origins. Of one site the sessions have its budget in common, and run on one loop.
        is_sample: whether the sessions stand for the whole fleet, to which the figures are scaled.
    """

    name: str
    what: str
    kind: str
    order: Order
    count_sessions: Callable[[int], int]
    origins: tuple[str, ...] = _ONE
    is_sample: bool = False


def _share(one_in: int, least: int) -> Callable[[int], int]:
    """Return what takes one in so many sessions of a fleet, but not fewer than *least* if there are so many."""
    return lambda sessions: max(min(sessions, least), sessions // one_in)


def _dead(outage: str, *, refuses_all: bool = False) -> Plan:
    return Plan(
        outage="silent" if outage == "silent" else "closed",
        out=(_DIES_AT_S, _FOR_GOOD_S),
        refuses_all=refuses_all,
    )


SCENARIOS: Final = (
    Scenario(
        name="steady",
        what="a usual day at 100 sites",
        kind="steady",
        order=Order(DAY_S),
        count_sessions=lambda sessions: sessions,
        origins=_ORIGINS,
    ),
    Scenario(
        name="rotating",
        what="a day at sites that set another cookie with each answer",
        kind="steady",
        order=Order(DAY_S, Plan(rotates=True)),
        count_sessions=_share(1000, 300),
        origins=_ORIGINS,
        is_sample=True,
    ),
    Scenario(
        name="shared",
        what="a day in which two machines use each session, at random times of their own",
        kind="steady",
        order=Order(DAY_S, latency_s=_LATENCY_S, machines=2),
        count_sessions=_share(100, 150),
        origins=_ORIGINS,
        is_sample=True,
    ),
    Scenario(
        name="dead-silent",
        what="one site answers nothing from 1 h on; probes and harvests fail",
        kind="dead",
        order=Order(4 * HOUR_S, _dead("silent"), latency_s=_LATENCY_S),
        count_sessions=_share(100, 2000),
    ),
    Scenario(
        name="dead-closed",
        what="one site lets nobody in from 1 h on; what is over stays over",
        kind="dead",
        order=Order(4 * HOUR_S, _dead("closed"), latency_s=_LATENCY_S),
        count_sessions=_share(100, 2000),
    ),
    Scenario(
        name="dead-refusing",
        what="one site refuses all sessions from 1 h on, and lets nobody in",
        kind="dead",
        order=Order(2 * HOUR_S, _dead("closed", refuses_all=True), latency_s=_LATENCY_S),
        count_sessions=_share(500, 100),
    ),
    Scenario(
        name="redis-fails-over",
        what="Redis answers nothing for 30 s at 1 h, and leases run out",
        kind="failover",
        order=Order(2 * HOUR_S, away=(HOUR_S, HOUR_S + 30)),
        count_sessions=lambda sessions: sessions,
        origins=_ORIGINS,
    ),
    Scenario(
        name="outage-silent",
        what="one site answers nothing from 1 h to 2 h, and then is well",
        kind="outage",
        order=Order(4 * HOUR_S, Plan(outage="silent", out=(HOUR_S, 2 * HOUR_S)), latency_s=_LATENCY_S),
        count_sessions=_share(10, 3000),
    ),
    Scenario(
        name="outage-closed",
        what="one site lets nobody in from 1 h to 2 h; who is held back comes again when told",
        kind="outage",
        order=Order(4 * HOUR_S, Plan(outage="closed", out=(HOUR_S, 2 * HOUR_S)), latency_s=_LATENCY_S),
        count_sessions=_share(10, 3000),
    ),
)
"""All simulations, in the order in which they run."""


def find_scenario(name: str) -> Scenario:
    """Return the scenario of that name."""
    return next(scenario for scenario in SCENARIOS if scenario.name == name)
