"""When a session is due for renewal."""

import math

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aura_browser.keeping.lifetime import Due, Term, ends_later, find_first_due, renewal_due
from aura_browser.session import Session
from tests.parts.sessions import make_session

NO, SOON, NOW = Due.NO, Due.SOON, Due.NOW
BEGAN = 1000.0
ORDER = [NO, SOON, NOW]
ROUNDING_S = 1e-3  # of sums of seconds

LIVES = st.floats(1.0, 1e7)
SHARES = st.floats(0.0, 1.5)
HARVESTS = st.floats(0.0, 1e5)
JITTERS = st.floats(0.8, 1.2)


def lasting(life_s: float, verified_at: float | None = None) -> Session:
    return make_session(harvested_at=BEGAN, verified_at=verified_at, expires_at=BEGAN + life_s)


@pytest.mark.parametrize(
    ("life_s", "left_s", "harvest_s", "due"),
    [
        pytest.param(1000.0, 151.0, 0.0, NO, id="before the last 15 %"),
        pytest.param(1000.0, 150.0, 0.0, SOON, id="in the last 15 %"),
        pytest.param(100_000.0, 601.0, 0.0, NO, id="15 % would be hours"),
        pytest.param(100_000.0, 600.0, 0.0, SOON, id="10 minutes at most"),
        pytest.param(1000.0, 201.0, 100.0, NO, id="before two harvests"),
        pytest.param(1000.0, 200.0, 100.0, SOON, id="two harvests ahead"),
        pytest.param(100_000.0, 801.0, 400.0, NO, id="before two slow harvests"),
        pytest.param(100_000.0, 800.0, 400.0, SOON, id="two slow harvests are more than 10 minutes"),
        pytest.param(100.0, 51.0, 60.0, NO, id="two harvests are no more than half of life"),
        pytest.param(100.0, 50.0, 60.0, SOON, id="half of life"),
        pytest.param(10.0, 3.01, 0.5, NO, id="before the last 3 s"),
        pytest.param(10.0, 3.0, 0.5, SOON, id="3 s at least, whatever share that is"),
        pytest.param(4.0, 2.01, 0.5, NO, id="3 s are no more than half of life"),
        pytest.param(4.0, 2.0, 0.5, SOON, id="half of a life of seconds"),
        pytest.param(100.0, 0.1, 0.0, SOON, id="just before its end, which is a guess"),
        pytest.param(100.0, 0.0, 0.0, NOW, id="at its end"),
        pytest.param(100.0, -50.0, 0.0, NOW, id="long over"),
    ],
)
def test_the_windows(life_s: float, left_s: float, harvest_s: float, due: Due) -> None:
    assert renewal_due(lasting(life_s), BEGAN + life_s - left_s, harvest_s=harvest_s) is due


@pytest.mark.parametrize(("jitter", "due"), [(0.8, NO), (0.9, SOON), (1.2, SOON)])
def test_jitter_moves_the_advisory_window(jitter: float, due: Due) -> None:
    assert renewal_due(lasting(1000.0), BEGAN + 1000.0 - 130.0, jitter=jitter) is due


def test_jitter_leaves_the_time_of_two_harvests_alone() -> None:
    for jitter in (0.8, 1.2):
        assert renewal_due(lasting(1000.0), BEGAN + 599.0, harvest_s=200.0, jitter=jitter) is NO
        assert renewal_due(lasting(1000.0), BEGAN + 600.0, harvest_s=200.0, jitter=jitter) is SOON


def test_jitter_leaves_the_end_alone() -> None:
    for jitter in (0.8, 1.2):
        assert renewal_due(lasting(100.0), BEGAN + 99.9, jitter=jitter) is SOON
        assert renewal_due(lasting(100.0), BEGAN + 100.0, jitter=jitter) is NOW


def test_life_counts_from_the_last_rotation_too() -> None:
    session = msgspec.structs.replace(lasting(1000.0), rotated_at=BEGAN + 800.0)
    assert renewal_due(session, BEGAN + 900.0) is NO


@pytest.mark.parametrize(("verified_at", "due"), [(None, SOON), (BEGAN - 1, SOON), (BEGAN + 800.0, NO)])
def test_life_counts_from_the_last_proof(verified_at: float | None, due: Due) -> None:
    """With 100 s left: the last 15 % of 1000 s, but not of the 200 s since the proof."""
    assert renewal_due(lasting(1000.0, verified_at=verified_at), BEGAN + 900.0) is due


@given(steps=st.lists(st.floats(0.1, 2.9), max_size=30), harvest_s=HARVESTS, jitter=JITTERS)
def test_an_end_that_moves_with_each_answer_is_not_due_while_it_does(
    steps: list[float], harvest_s: float, jitter: float
) -> None:
    """A session of 6 s, used more often than every 3 s."""
    term, session, now = Term(), lasting(6.0), BEGAN
    life_s = term.find_life(session)
    for step in steps:
        now += step
        assert renewal_due(session, now, harvest_s=harvest_s, jitter=jitter, life_s=life_s) is NO
        session = msgspec.structs.replace(session, rotated_at=now, expires_at=now + 6.0)
        life_s = term.find_life(session)


@given(steps=st.lists(st.floats(0.1, 10.0), max_size=30))
def test_a_rotation_that_leaves_the_end_where_it_is_takes_nothing_from_a_life(steps: list[float]) -> None:
    """The end of a cookie is said to the second, and so differs by up to one."""
    term, session, now = Term(), lasting(1000.0), BEGAN
    assert term.find_life(session) == 1000.0
    for step in steps:
        now += step
        session = msgspec.structs.replace(session, rotated_at=now, expires_at=now + math.floor(BEGAN + 1000.0 - now))
        assert term.find_life(session) == 1000.0


def test_a_session_that_was_proven_after_its_end_is_due() -> None:
    assert renewal_due(lasting(100.0, verified_at=BEGAN + 200.0), BEGAN + 201.0) is NOW


@given(now=st.floats(0.0, 1e12), harvest_s=HARVESTS, jitter=JITTERS)
def test_a_session_whose_end_is_not_known_is_never_due(now: float, harvest_s: float, jitter: float) -> None:
    assert renewal_due(make_session(expires_at=None), now, harvest_s=harvest_s, jitter=jitter) is NO


@given(life_s=LIVES, first=SHARES, second=SHARES, harvest_s=HARVESTS, jitter=JITTERS)
def test_it_never_becomes_less_due(life_s: float, first: float, second: float, harvest_s: float, jitter: float) -> None:
    earlier, later = (
        renewal_due(lasting(life_s), BEGAN + share * life_s, harvest_s=harvest_s, jitter=jitter)
        for share in sorted((first, second))
    )
    assert ORDER.index(earlier) <= ORDER.index(later)


@given(life_s=LIVES, share=SHARES, harvest_s=HARVESTS, jitter=JITTERS)
@example(life_s=1.1, share=0.5, harvest_s=0.0, jitter=1.0)  # half of it is 0.55 s, and 0.55 s and a little remain
def test_the_bounds_hold_for_any_session(life_s: float, share: float, harvest_s: float, jitter: float) -> None:
    now = BEGAN + share * life_s
    left_s = BEGAN + life_s - now
    due = renewal_due(lasting(life_s), now, harvest_s=harvest_s, jitter=jitter)
    assert (due is NOW) == (left_s <= 0)
    if due is SOON:
        assert left_s <= min(life_s / 2, max(600.0 * jitter, 2 * harvest_s, 3.0)) + ROUNDING_S
    if due is NO:
        assert left_s > min(0.15 * life_s, 600.0) * jitter - ROUNDING_S


@given(life_s=LIVES, share=SHARES, short=HARVESTS, long=HARVESTS)
def test_a_slower_harvest_begins_no_later(life_s: float, share: float, short: float, long: float) -> None:
    quick, slow = (
        renewal_due(lasting(life_s), BEGAN + share * life_s, harvest_s=harvest_s) for harvest_s in sorted((short, long))
    )
    assert ORDER.index(quick) <= ORDER.index(slow)


@given(life_s=LIVES, share=SHARES, harvest_s=HARVESTS, jitter=JITTERS)
def test_the_first_moment_is_the_one_from_which_on_it_is_due(
    life_s: float, share: float, harvest_s: float, jitter: float
) -> None:
    session, now = lasting(life_s), BEGAN + share * life_s
    first = find_first_due(session, harvest_s=harvest_s, jitter=jitter)
    if abs(now - first) > ROUNDING_S:
        assert (now >= first) is (renewal_due(session, now, harvest_s=harvest_s, jitter=jitter) is not NO)


def test_a_session_whose_end_is_not_known_has_no_such_moment() -> None:
    assert find_first_due(make_session()) == math.inf


def test_a_life_that_is_given_counts_and_not_the_time_since_the_last_rotation() -> None:
    rotated = msgspec.structs.replace(lasting(1000.0), rotated_at=BEGAN + 800.0)
    assert find_first_due(lasting(1000.0)) == BEGAN + 850.0
    assert find_first_due(rotated, life_s=1000.0) == BEGAN + 850.0
    assert renewal_due(rotated, BEGAN + 850.0) is NO
    assert renewal_due(rotated, BEGAN + 850.0, life_s=1000.0) is SOON


@pytest.mark.parametrize(
    ("end", "other", "later"),
    [
        (100.0, 100.0, False),
        (102.0, 100.0, False),  # sites say it to the second
        (102.1, 100.0, True),
        (99.0, 100.0, False),
        (None, 100.0, True),
        (100.0, None, True),
        (None, None, True),
    ],
)
def test_which_session_ends_later(end: float | None, other: float | None, *, later: bool) -> None:
    assert ends_later(make_session(expires_at=end), make_session(expires_at=other)) is later
