"""This package's cookies beside Chrome's."""

from collections.abc import Iterable, Iterator
from email.utils import formatdate
from typing import Final

import msgspec
from yarl import URL

from aura_browser.session.cookie import Cookie, cookie_header
from aura_browser.session.cookie_store import fold_set_cookies
from tests.cookies.lines import STORIES, Case, Step, cases
from tests.cookies.record import CaseResult, Record, StoryResult

PATH: Final = "/a/b"
"""Where every line of the table is set."""

_CLOSE_S: Final = 3.0

EXPLAINED: Final[dict[str, str]] = {
    "a=1; Path=/\udce9": "A path that is not UTF-8 can't be kept as text, so the cookie is left out. CDP shows "
    "another path than Chrome has.",
    "a flood that renews its oldest": "Chrome knows when a cookie was last sent or set, a session only in which order "
    "cookies were made. What the same response sets is spared (the story above this one).",
}
"""The lines and stories in which the package differs from Chrome, with the reason."""


def origins_at(now: float) -> list[str]:
    """Return the origins of the table's cases."""
    return [case.origin for case in cases(now)]


def differences(record: Record) -> Iterator[tuple[str, str]]:
    """Yield each case and story in which the package keeps something else, and what both keep."""
    for case, kept in zip(cases(record.now), record.cases, strict=True):
        own = _fold(case, kept.at)
        if not _is_same(own, kept.cookie):
            yield (
                case.line,
                f"{case.origin} {case.line[:120]!r}\n   Chrome: {_show(kept)}\n   we:     {_show(CaseResult(0, own))}",
            )
    for name, result in record.stories.items():
        own_result = _run_story(STORIES[name], result.at)
        if not _is_same_story(own_result, result):
            yield (
                name,
                f"{name}\n   Chrome: {result.header[:300]}\n   we:     {own_result.header[:300]}",
            )


def _fold(case: Case, now: float) -> Cookie | None:
    folded = fold_set_cookies((), [case.line], URL(f"{case.origin}{PATH}"), now)
    return folded[0] if folded else None


def _run_story(steps: tuple[Step, ...], now: float) -> StoryResult:
    cookies: tuple[Cookie, ...] = ()
    for step in steps:
        shown = step.date_at(now)
        date = "" if shown is None else formatdate(shown, usegmt=True)
        cookies = fold_set_cookies(cookies, step.lines_at(now), URL(step.url), now, date)
    return StoryResult(now, cookie_header(cookies, URL(steps[-1].url), now), first_cookies(cookies))


def first_cookies(cookies: Iterable[Cookie]) -> tuple[Cookie, ...]:
    """Return ten of them, enough to compare all attributes in; the header has all names and values."""
    return tuple(sorted(cookies, key=lambda c: str(c.identity))[:10])


def _is_same_story(own: StoryResult, result: StoryResult) -> bool:
    same = len(own.cookies) == len(result.cookies) and own.header == result.header
    return same and all(_is_same(a, b) for a, b in zip(own.cookies, result.cookies, strict=True))


def _is_same(own: Cookie | None, other: Cookie | None) -> bool:
    if own is None or other is None:
        return own is other
    if (own.expires is None) != (other.expires is None):
        return False
    is_close = abs((own.expires or 0) - (other.expires or 0)) < _CLOSE_S
    return is_close and msgspec.structs.replace(own, expires=None) == msgspec.structs.replace(other, expires=None)


def _show(kept: CaseResult) -> str:
    return "nothing" if kept.cookie is None else msgspec.json.encode(kept.cookie).decode()[:400]
