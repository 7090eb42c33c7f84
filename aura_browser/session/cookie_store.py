"""How a site's ``Set-Cookie`` headers change its cookies, within Chrome's limits."""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Final

from yarl import URL

from aura_browser.hosts import domain_matches, is_trustworthy, registrable_domain
from aura_browser.session.cookie import Cookie, path_matches
from aura_browser.session.set_cookie import parse_set_cookie

_MAX_COOKIES: Final = 180  # of one registrable domain, and of one partition
_COOKIES_AFTER_PURGE: Final = 150
_MAX_PARTITION_BYTES: Final = 10240
# Who goes first: the priority, how many of it are spared, whether Secure ones are spared.
_PURGE_ROUNDS: Final = (
    ("Low", 30, True),
    ("Low", 30, False),
    ("Medium", 50, True),
    ("High", 70, True),
    ("Medium", 50, False),
    ("High", 70, False),
)

_Kept = dict[tuple[object, ...], Cookie]


def fold_set_cookies(
    cookies: Sequence[Cookie], headers: Iterable[str], url: URL, now: float, date: str = ""
) -> tuple[Cookie, ...]:
    """Return *cookies* after a response from *url* with these ``Set-Cookie`` headers.

    As in Chrome, a cookie with an unchanged value keeps its position, and one with a new value moves to the end.
    Expired cookies are removed, and cookies that the site must not set are ignored. Where a domain has more than 180,
    the oldest of the lowest priority go until 150 are left; a partition keeps 180, of 10 KiB together.

    Args:
        cookies: the cookies before the response, oldest first.
        headers: the values of the response's ``Set-Cookie`` headers, in order.
        url: the response's URL.
        now: epoch seconds.
        date: the response's ``Date`` header, for ``Expires``; empty if it has none.
    """
    kept: _Kept = {cookie.identity: cookie for cookie in cookies}
    just_set: set[tuple[object, ...]] = set()
    for header in headers:
        cookie = parse_set_cookie(header, url, now, date)
        if cookie is not None and not _would_replace_secure(cookie, kept, url):
            just_set.add(cookie.identity)
            _put(kept, cookie, now, just_set)
    return tuple(kept.values())


def diff_cookies(before: Iterable[Cookie], after: Iterable[Cookie]) -> dict[tuple[object, ...], Cookie | None]:
    """Return the changes from *before* to *after*, by cookie identity; None stands for a deletion."""
    old = {cookie.identity: cookie for cookie in before}
    new = {cookie.identity: cookie for cookie in after}
    deleted: dict[tuple[object, ...], Cookie | None] = dict.fromkeys(old.keys() - new.keys())
    return deleted | {identity: cookie for identity, cookie in new.items() if old.get(identity) != cookie}


def apply_changes(cookies: Iterable[Cookie], changed: Mapping[tuple[object, ...], Cookie | None]) -> tuple[Cookie, ...]:
    """Return *cookies* with the changes of :func:`diff_cookies` applied.

    As in :func:`fold_set_cookies`, a cookie with an unchanged value keeps its position; others that were set come last.
    """
    kept: _Kept = {cookie.identity: cookie for cookie in cookies}
    for identity, cookie in changed.items():
        old = kept.get(identity)
        if old is not None and (cookie is None or cookie.value != old.value):
            del kept[identity]
        if cookie is not None:
            kept[identity] = cookie
    return tuple(kept.values())


def _put(kept: _Kept, cookie: Cookie, now: float, just_set: AbstractSet[tuple[object, ...]]) -> None:
    identity = cookie.identity
    old = kept.get(identity)
    if old is not None and (old.value != cookie.value or cookie.is_over(now)):
        del kept[identity]
    if not cookie.is_over(now):
        kept[identity] = cookie
        _purge(kept, cookie, now, just_set)


def _would_replace_secure(cookie: Cookie, kept: _Kept, url: URL) -> bool:
    """Return whether plain HTTP would replace or hide a Secure cookie (RFC 6265bis section 5.7, step 19)."""
    if is_trustworthy(url):
        return False
    return any(
        old.secure
        and old.name == cookie.name
        and old.partition_key == cookie.partition_key
        and (domain_matches(old.domain, cookie.domain) or domain_matches(cookie.domain, old.domain))
        and path_matches(cookie.path, old.path)
        for old in kept.values()
    )


def _purge(kept: _Kept, newest: Cookie, now: float, just_set: AbstractSet[tuple[object, ...]]) -> None:
    """Remove what Chrome removes because there are too many cookies like *newest*."""
    if newest.partition_key is None and len(kept) <= _MAX_COOKIES:
        return
    domain, partition = registrable_domain(newest.domain), newest.identity[4:]
    own = [c for c in kept.values() if c.identity[4:] == partition and registrable_domain(c.domain) == domain]
    if not _is_too_much(own):
        return
    _drop(kept, [c for c in own if c.is_over(now)])
    # What this response sets is the newest, also where it keeps its place: most logins are prolonged so.
    living = sorted((c for c in own if not c.is_over(now)), key=lambda c: c.identity in just_set)
    if newest.partition_key is None:
        _purge_domain(kept, living)
        return
    while _is_too_much(living):
        _drop(kept, [living.pop(0)])


def _purge_domain(kept: _Kept, living: list[Cookie]) -> None:
    if not _is_too_much(living):
        return
    for priority, spared, spares_secure in _PURGE_ROUNDS:
        goal = len(living) - _COOKIES_AFTER_PURGE
        gone = _choose(living, priority, goal, spared, spares_secure=spares_secure)
        _drop(kept, gone)
        living = [c for c in living if c not in gone]


def _choose(cookies: list[Cookie], priority: str, goal: int, spared: int, *, spares_secure: bool) -> list[Cookie]:
    """Return the oldest cookies that one round removes."""
    of_priority = [c for c in cookies if (c.priority or "Medium") == priority]
    chosen = [c for c in of_priority if not (spares_secure and c.secure)]
    allowed = min(goal, len(chosen), len(of_priority) - spared)
    return chosen[: max(0, allowed)]


def _is_too_much(cookies: list[Cookie]) -> bool:
    """Return whether cookies of one domain, all in one partition or in none, exceed the limits."""
    if len(cookies) > _MAX_COOKIES:
        return True
    is_partition = bool(cookies) and cookies[0].partition_key is not None
    return is_partition and sum(len(f"{c.name}{c.value}".encode()) for c in cookies) > _MAX_PARTITION_BYTES


def _drop(kept: _Kept, cookies: Iterable[Cookie]) -> None:
    for cookie in cookies:
        del kept[cookie.identity]
