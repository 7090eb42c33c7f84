"""Dates of cookies, in every form that sites write."""

import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aura_browser.session.cookie_date import parse_cookie_date

JUNE = datetime(2027, 6, 9, 10, 18, 14, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    "text",
    [
        "Wed, 09 Jun 2027 10:18:14 GMT",
        "Wed, 9 Jun 2027 10:18:14 GMT",
        "Wed, 09-Jun-27 10:18:14 GMT",
        "Wednesday, 09-Jun-27 10:18:14 GMT",
        "Wed Jun  9 10:18:14 2027",
        "Wed Jun 09 2027 10:18:14 GMT+0200 (Central European Summer Time)",
        "Wed, 09 Jun 2027 10:18:14 PST",
        "June 9, 2027, 10:18:14 AM",
        "10:18:14 09 Jun 2027",
        "09/Jun/2027 10:18:14",
        '"Wed, 09 Jun 2027 010:18:014 GMT"',
    ],
)
def test_one_moment_in_many_forms(text: str) -> None:
    assert parse_cookie_date(text) == JUNE


@pytest.mark.parametrize(
    ("text", "year"),
    [
        ("Thu, 01-Jan-70 00:00:01 GMT", 1970),
        ("Thu, 01-Jan-99 00:00:01 GMT", 1999),
        ("Thu, 01 Jan 00027 00:00:01 GMT", 2027),
        ("Thu, 01 Jan 69 00:00:01 GMT", 2069),
        ("Thu, 01 Jan 00 00:00:01 GMT", 2000),
        ("Thu, 01 Jan 1601 00:00:01 GMT", 1601),
        ("Thu, 01 Jan 100 00:00:01 GMT", 100),
    ],
)
def test_two_digits_of_a_year_are_those_of_1970_to_2069(text: str, year: int) -> None:
    assert parse_cookie_date(text) == datetime(year, 1, 1, 0, 0, 1, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    "text",
    [
        *("", "0", "-1", "never", "1700000000", "2027-06-09T10:18:14Z", "Wed, 09 Jun 2027 24:00:00 GMT"),
        *("Wed, 09 Jun 2027 10:60:00", "Wed, 09 Jun 2027 10:18", "Wed, 32 Jun 2027 10:18:14", "30 Feb 2027 10:18:14"),
        *("00 Jun 2027 10:18:14", "Wed, 09 Foo 2027 10:18:14", "Wed, 09 06 2027 10:18:14", "2x Jun 2027 10:18:14"),
        *("09 Jun 2027x 10:18:14", "09 Jun 2027 10:18:14x", "09 Jun 100000 10:18:14", "Jun 2027 10:18:14"),
    ],
)
def test_what_is_no_date(text: str) -> None:
    assert parse_cookie_date(text) is None


def test_a_date_beyond_the_calendar_is_infinity() -> None:
    assert parse_cookie_date("01 Jan 9999 00:00:00") == datetime(9999, 1, 1, tzinfo=UTC).timestamp()
    for year in (10_000, 99_999):
        assert parse_cookie_date(f"01 Jan {year} 00:00:00") == math.inf


@pytest.mark.parametrize("month", range(1, 13))
def test_each_month_has_the_name_that_python_gives_it(month: int) -> None:
    date = datetime(2027, month, 7, 1, 2, 3, tzinfo=UTC)
    assert parse_cookie_date(f"{date:%d %b %Y %H:%M:%S}") == date.timestamp()
    assert parse_cookie_date(f"{date:%H:%M:%S %d-%B-%y}".upper()) == date.timestamp()


def test_a_number_beyond_32_bits_is_no_hour() -> None:
    assert parse_cookie_date("09 Jun 2027 2147483648:18:14 10:18:14") == JUNE
    assert parse_cookie_date("09 Jun 2027 2147483647:18:14 10:18:14") is None
    assert parse_cookie_date("09 Jun 2027 2147483648:18:14") is None


def test_a_thousand_digits_are_a_number() -> None:
    assert parse_cookie_date(f"09 Jun 2027 {'0' * 998}10:{'0' * 998}18:{'0' * 998}14") == JUNE
    for time in ("{}10:18:14", "10:{}18:14", "10:18:{}14"):
        assert parse_cookie_date(f"09 Jun 2027 {time.format('0' * 999)}") is None


@given(st.text() | st.from_regex(r"[0-9]{1,2}[ -]Jan[ -][0-9]{1,5} [0-9]{1,3}:[0-9]{1,3}:[0-9]{1,3}"))
def test_any_text_is_a_date_or_none(text: str) -> None:
    moment = parse_cookie_date(text)
    assert moment is None or not math.isnan(moment)


def test_a_long_text_costs_no_error() -> None:
    assert parse_cookie_date(f"01 Jan 2027 {'1' * 9000}:00:00") is None
