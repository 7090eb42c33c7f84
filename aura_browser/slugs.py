"""Names in a store: which are no sessions, and which a damaged one gets.

Shells ask for the first when they complete a word, so nothing else is imported.
"""

import re
from itertools import count
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_RECORD: Final = re.compile(r"(budget(-origin(-optional)?|-renew)?|transport)-[0-9a-f]{12}")
_REPLACED: Final = re.compile(r".*\.(previous|corrupt)(-\d+)?")


def is_record(slug: str) -> bool:
    """Return whether *slug* names what harvests or transports have on record, and no session."""
    return _RECORD.fullmatch(slug) is not None


def is_session(slug: str) -> bool:
    """Return whether *slug* names a session: no record, and no session that was replaced or set aside."""
    return not is_record(slug) and _REPLACED.fullmatch(slug) is None


def find_aside(slug: str, is_taken: "Callable[[str], bool]") -> tuple[str, str]:
    """Return the last name that a damaged session of *slug* was given, and the next one; at first they are the same.

    Args:
        slug: the name of a session.
        is_taken: whether there is something under a name.
    """
    last = free = f"{slug}.corrupt"
    numbers = count(2)
    while is_taken(free):
        last, free = free, f"{slug}.corrupt-{next(numbers)}"
    return last, free
