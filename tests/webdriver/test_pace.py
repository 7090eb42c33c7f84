"""How often a page is looked at while a harvest waits."""

from collections.abc import Sequence

import pytest

from aura_browser.site import Condition, Site
from aura_browser.webdriver import observing, pace, rest
from aura_browser.webdriver.collect import collect_session
from aura_browser.webdriver.deadline import Deadline
from aura_browser.webdriver.options import BrowserOptions
from aura_browser.webdriver.pace import Pace
from tests.parts.ready_driver import ORIGIN, ReadyDriver


class Clock:
    """What the time is; it goes on where a harvest waits, which is noted."""

    def __init__(self) -> None:
        self.now = 100.0
        self.waits: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.waits.append(round(seconds, 3))
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    for module in (pace, rest, observing):
        monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr(Deadline, "wait", clock.wait)
    return clock


@pytest.mark.parametrize(("shortest_s", "waits"), [(0.025, [0.025, 0.025, 0.05, 0.1, 0.25, 0.25]), (0.25, [0.25] * 6)])
def test_what_stays_as_it_is_is_looked_at_less_often(clock: Clock, shortest_s: float, waits: Sequence[float]) -> None:
    pace = Pace(shortest_s)
    found = []
    for seconds in (0.0, 0.25, 0.25, 0.5, 1.5, 60.0):
        clock.now += seconds
        found.append(pace.see("same"))
    assert found == pytest.approx(waits)
    assert pace.see("other") == shortest_s


def wait_for(clock: Clock, driver: ReadyDriver, conditions: tuple[Condition, ...], until_s: float) -> None:
    """Wait for what does not come, until so many seconds have passed."""
    deadline, end = Deadline(9), clock.now + until_s

    def look(_left_s: float, _missing: tuple[str, ...]) -> None:
        if clock.now >= end:
            driver.show({"checks": [True] * len(conditions)})

    site = Site(f"{ORIGIN}/", ready=conditions)
    collect_session(driver, site, BrowserOptions(deadline), proxy=None, on_wait=look)


@pytest.mark.parametrize(("can_be_killed", "most"), [(True, 48), (False, 21)])
def test_five_seconds_take_few_looks_and_the_end_is_seen_at_once(
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    can_be_killed: bool,  # noqa: FBT001 - from the table above
    most: int,
) -> None:
    if can_be_killed:
        monkeypatch.setattr(observing, "StartedDriver", ReadyDriver)
    wait_for(clock, ReadyDriver({"checks": [False]}), (Condition.parse("text:x"),), 5.0)
    assert len(clock.waits) <= most
    assert max(clock.waits) == 0.25
    assert clock.now <= 105.5


@pytest.mark.parametrize(("can_be_killed", "waits"), [(True, [0.1, 0.1, 0.1, 0.1, 0.1]), (False, [0.25, 0.25])])
def test_while_only_rest_is_missing_nothing_is_looked_for_but_a_change(
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    can_be_killed: bool,  # noqa: FBT001 - from the table above
    waits: list[float],
) -> None:
    if can_be_killed:
        monkeypatch.setattr(observing, "StartedDriver", ReadyDriver)
    wait_for(clock, ReadyDriver({"checks": [], "has_frame": False}, ()), (), 0.0)
    assert [each for each in clock.waits if each] == waits  # what is left after rounding is no wait


def test_a_page_that_goes_on_loading_is_looked_at_closely_now_and_then(clock: Clock) -> None:
    observer = observing.Observer(ReadyDriver({"state": "loading", "checks": []}, ()), Site(f"{ORIGIN}/"))
    seen = []
    for _ in range(6):
        seen.append(observer.observe() is not None)
        clock.now += 0.125
    assert seen == [False, False, True, False, True, False]
