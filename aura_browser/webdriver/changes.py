"""Notices what a person changes: a condition that held from the beginning shows no login."""

from collections.abc import Sequence


class Changes:
    """Compares what conditions find with what they found on the first page that had come to rest.

    Each is described by a text: its value, or None while it does not hold.

    Attributes:
        by_person: whether a condition changed on the site's own pages: a check page passed does not count.
    """

    def __init__(self) -> None:
        self.by_person = False
        self._passed_check = False
        self._first: tuple[str | None, ...] | None = None

    def see(self, values: Sequence[str | None], *, is_settled: bool, is_check: bool) -> bool:
        """Return whether all conditions hold, and one has changed or a check page was passed.

        Args:
            values: what each condition finds on a complete page.
            is_settled: whether the page has come to rest.
            is_check: whether it is a check page.
        """
        if is_check:
            self._passed_check = True
            return False
        if self._first is None:
            if not is_settled:
                return False
            self._first = tuple(values)
        # A condition that does not hold for a while has changed once it holds again.
        self._first = tuple(None if value is None else first for first, value in zip(self._first, values, strict=True))
        if any(value is None for value in values):
            return False
        self.by_person = any(value != first for first, value in zip(self._first, values, strict=True))
        return self.by_person or self._passed_check
