"""Limits of this process (``ulimit``) that Chrome, which gets them too, does not start with."""

import os
import sys
from contextlib import suppress
from typing import Final, NamedTuple

_ENOUGH_FILES: Final = 4096
_MIN_FILES: Final = 1024
_MIN_ADDRESSES: Final = 64 * 2**30  # Chrome 150 and 156 start with 100 GB, and not with 20 GB


class LowLimit(NamedTuple):
    """A limit that is too low.

    Attributes:
        text: what is limited, and what Chrome needs.
        command: what raises it, in a shell.
    """

    text: str
    command: str


def allow_more_files(pid: int) -> None:
    """Raise a low limit of open files as far as the system allows."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    enough = _ENOUGH_FILES if hard == resource.RLIM_INFINITY else min(_ENOUGH_FILES, hard)
    if sys.platform == "linux" and soft != resource.RLIM_INFINITY and soft < enough:
        with suppress(OSError):
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (enough, hard))


def find_low_limit() -> LowLimit | None:
    """Return the limit that keeps Chrome from starting, if there is one."""
    if os.name != "posix":
        return None
    import resource

    files, addresses = resource.getrlimit(resource.RLIMIT_NOFILE)[1], resource.getrlimit(resource.RLIMIT_AS)[0]
    if files != resource.RLIM_INFINITY and files < _MIN_FILES:
        return LowLimit(f"at most {files} files may be open here, and Chrome needs some hundreds", "ulimit -n 4096")
    if addresses != resource.RLIM_INFINITY and addresses < _MIN_ADDRESSES:
        text = f"at most {addresses / 2**30:.1f} GiB of memory may be addressed here, and Chrome reserves far more"
        return LowLimit(text, "ulimit -v unlimited")
    return None
