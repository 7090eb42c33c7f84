"""Dates of cookies: the lenient grammar of RFC 6265bis section 5.1.1, with Chrome's deviations."""

import math
import re
from datetime import MAXYEAR, UTC, datetime
from functools import lru_cache
from typing import Final

_TOKENS: Final = re.compile(r"[^\t -/;-@\[-`{-~]+")
# Zeros may lead, but int() refuses thousands of them.
_TIME: Final = re.compile(r"([0-9]{1,1000}):([0-9]{1,1000}):([0-9]{1,1000})")
_NUMBER: Final = re.compile(r"[0-9]+")
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_KINDS: Final = ("year", "month", "day", "time")
_MAX_DAY_LENGTH: Final = 2
_MAX_YEAR_LENGTH: Final = 5
_MAX_INTEGER: Final = 2**31 - 1


@lru_cache(maxsize=256)
def parse_cookie_date(text: str) -> float | None:
    """Return the date in *text* in epoch seconds; None if it is not one.

    Day, month, year and time may stand in any order and form; weekday and time zone are ignored, and the time is UTC.
    A date too late to represent is infinity.
    """
    fields = _find_fields(text)
    if len(fields) < len(_KINDS):
        return None
    year, month, day, *time = (int(number) for kind in _KINDS for number in fields[kind])
    return _to_epoch(_full_year(year), month, day, time)


def _find_fields(text: str) -> dict[str, tuple[str, ...]]:
    """Return the first token of each kind. A day is a number of at most two characters, a year one that comes later."""
    fields: dict[str, tuple[str, ...]] = {}
    for token in _TOKENS.findall(text):
        kind, numbers = _classify(token, has_day="day" in fields)
        if kind:
            fields.setdefault(kind, numbers)
    return fields


def _classify(token: str, *, has_day: bool) -> tuple[str, tuple[str, ...]]:
    """Return the kind of a token and its numbers; an empty kind if it says nothing."""
    month = token[:3].lower()
    if month in _MONTHS:
        return "month", (str(_MONTHS.index(month) + 1),)
    if time := _TIME.fullmatch(token):
        return ("time", time.groups()) if all(int(number) <= _MAX_INTEGER for number in time.groups()) else ("", ())
    if not _NUMBER.fullmatch(token) or len(token) > _MAX_YEAR_LENGTH:
        return "", ()
    return "day" if not has_day and len(token) <= _MAX_DAY_LENGTH else "year", (token,)


def _full_year(year: int) -> int:
    """Return the year of which a browser takes *year* to be the last two digits."""
    if 70 <= year <= 99:  # noqa: PLR2004 - RFC 6265bis section 5.1.1
        return year + 1900
    return year + 2000 if year <= 69 else year  # noqa: PLR2004 - as above


def _to_epoch(year: int, month: int, day: int, time: list[int]) -> float | None:
    hour, minute, second = time
    try:
        date = datetime(min(year, MAXYEAR), month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None
    return math.inf if year > MAXYEAR else date.timestamp()
