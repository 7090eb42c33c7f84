"""A file that is read, of which it is not known yet what it is."""

from dataclasses import dataclass, field
from typing import Final, NoReturn

from aura_browser.errors import ImportFailed, raise_alone

_KNOWN: Final = (
    "It may be what harvest wrote, a cookies.txt, a HAR, a storage state, cookies as JSON, a Cookie header, or a "
    "request copied from DevTools."
)


@dataclass(frozen=True)
class File:
    """A file that is read.

    Attributes:
        data: its bytes.
        url: a page of the site that is asked for, or None.
        now: epoch seconds.
    """

    data: bytes = field(repr=False)
    url: str | None
    now: float


def refuse_file(problem: str) -> NoReturn:
    """Refuse a file of which it is not known what it is.

    Raises:
        ImportFailed: always, without the error that is being handled.
    """
    raise_alone(ImportFailed("This file", "", problem, _KNOWN))
