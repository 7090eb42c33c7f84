"""Which names in a store are no sessions. Shells ask this when they complete a word, so nothing else is imported."""

import re
from typing import Final

_RECORD: Final = re.compile(r"(budget(-origin(-optional)?|-renew)?|transport)-[0-9a-f]{12}")
_REPLACED: Final = re.compile(r".*\.(previous|corrupt)(-\d+)?")


def is_record(slug: str) -> bool:
    """Return whether *slug* names what harvests or transports have on record, and no session."""
    return _RECORD.fullmatch(slug) is not None


def is_session(slug: str) -> bool:
    """Return whether *slug* names a session: no record, and no session that was replaced or set aside."""
    return not is_record(slug) and _REPLACED.fullmatch(slug) is None
