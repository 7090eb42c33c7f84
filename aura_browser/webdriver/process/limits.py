"""How many files may be open at once, which Chrome needs some hundreds of."""

import os
import sys
from contextlib import suppress
from typing import Final

_ENOUGH: Final = 4096
_MIN: Final = 1024
RAISE_COMMAND: Final = "ulimit -n 4096"
"""What raises the limit, in a shell."""


def allow_more_files(pid: int) -> None:
    """Raise a low limit of open files as far as the system allows."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    enough = _ENOUGH if hard == resource.RLIM_INFINITY else min(_ENOUGH, hard)
    if sys.platform == "linux" and soft != resource.RLIM_INFINITY and soft < enough:
        with suppress(OSError):
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (enough, hard))


def find_low_limit() -> int | None:
    """Return how many files may be open at most, if Chrome needs more than that."""
    if os.name != "posix":
        return None
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return hard if hard != resource.RLIM_INFINITY and hard < _MIN else None
