"""Notices what a person changes: a condition that held from the beginning shows no login."""

from collections.abc import Sequence
from typing import Final

_UNSEEN: Final = "\0"  # no condition finds this


class Changes:
    """Compares what conditions find with what they found at first: on a page that had come to rest, or on a login page.

    Each is described by a text: its value, or None while it does not hold.

    Args:
        appear_late: for each condition, whether it may begin to hold on a login page, as that page comes to rest: a
            page may set a cookie after it has loaded.

    Attributes:
        by_person: whether a condition changed on the site's own pages: a check page passed does not count.
    """

    def __init__(self, appear_late: Sequence[bool]) -> None:
        self.by_person = False
        self._appear_late = tuple(appear_late)
        self._passed_check = False
        self._first: tuple[str | None, ...] = (_UNSEEN,) * len(self._appear_late)

    @property
    def is_waiting(self) -> bool:
        """Whether some condition has not been seen at first."""
        return _UNSEEN in self._first

    def see(self, values: Sequence[str | None], *, is_settled: bool, is_login: bool, is_check: bool) -> bool:
        """Return whether all conditions hold, and one has changed or a check page was passed.

        Args:
            values: what each condition finds on a complete page.
            is_settled: whether the page has come to rest.
            is_login: whether it shows a password field, or is a page of another site, such as that of a single sign-on.
            is_check: whether it is a check page.
        """
        if is_check:
            self._passed_check = True
            return False

        def update(first: str | None, value: str | None, *, is_late: bool) -> str | None:
            if first == _UNSEEN:
                return value if is_settled or (is_login and not is_late) else _UNSEEN
            return None if value is None else first  # what does not hold for a while has changed once it holds again

        facts = zip(self._first, values, self._appear_late, strict=True)
        self._first = tuple(update(first, value, is_late=is_late) for first, value, is_late in facts)
        if any(value is None for value in values):
            return False
        known = [(first, value) for first, value in zip(self._first, values, strict=True) if first != _UNSEEN]
        self.by_person = any(first != value for first, value in known)
        return self.by_person or (self._passed_check and not self.is_waiting)
