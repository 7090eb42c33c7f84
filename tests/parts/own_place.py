"""A place of its own for a test run: one temporary folder for all that tests and their programs make, gone afterwards.

It is in memory where there is room: hundreds of browsers write a profile each, which would cost an eighth of the time.

Ctrl-C works in it too: a shell starts ``make test &`` with SIGINT and SIGQUIT ignored, ``nohup`` does it with SIGHUP,
and every program that a test starts and interrupts would inherit that. Nor does the caller's kind of terminal count.
"""

import fcntl
import os
import shutil
import signal
import stat
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

import pytest

_FOLDER: Final = pytest.StashKey[Path]()
_PREFIX: Final = "aut-"  # with a longer one, a browser's socket in a folder within a folder would have no room
_MODE: Final = 0o1777  # as that of /tmp: some tests run programs as another user
_OLD_S: Final = 3600.0  # a run that has made its folder and not locked it yet is younger
_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - the folder below it has a random name
_ROOM: Final = 4 * 2**30  # bytes; a run takes some hundred million


def find_place() -> Path:
    """Return where temporary files go: where ``TMPDIR`` says, or in memory, if programs may be run from there."""
    if "TMPDIR" in os.environ or not _MEMORY.is_mount() or not os.access(_MEMORY, os.W_OK):
        return Path(tempfile.gettempdir())
    found = os.statvfs(_MEMORY)
    has_room = found.f_bavail * found.f_frsize >= _ROOM
    return _MEMORY if has_room and not found.f_flag & os.ST_NOEXEC else Path(tempfile.gettempdir())


def lock_folder(folder: Path) -> bool:
    """Lock *folder* until this process ends, however it ends; return False if another process has locked it."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return False
    return True


def remove_leftovers(place: Path) -> None:
    """Remove the folders of runs that were killed: they would take up memory."""
    for folder in place.glob(f"{_PREFIX}*"):
        with suppress(OSError):  # it is gone meanwhile
            facts = folder.stat()
            is_ours = facts.st_uid == os.geteuid() and stat.S_IMODE(facts.st_mode) == _MODE
            if is_ours and time.time() - facts.st_mtime > _OLD_S and lock_folder(folder):
                shutil.rmtree(folder, ignore_errors=True)


def hear_signals() -> None:
    """Undo what a caller ignores, for this process and those that it starts."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGHUP, signal.SIGQUIT):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


def pytest_configure(config: pytest.Config) -> None:
    """Make the folder, of a short path, since Chrome puts a socket there. pytest's own are beside it."""
    hear_signals()
    os.environ["TERM"] = "xterm-256color"  # what a test's terminal is, also where there is none, or a "dumb" one
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES"):
        os.environ.pop(name, None)
    place = find_place()
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(place))
    # A process that runs a part of the tests has inherited the folder of the one that gave it out.
    is_part = hasattr(config, "workerinput")
    folder = config.stash[_FOLDER] = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=place.parent if is_part else place))
    lock_folder(folder)
    if not is_part:
        remove_leftovers(place)
    folder.chmod(_MODE)
    tempfile.tempdir = os.environ["TMPDIR"] = str(folder)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove it."""
    if _FOLDER in config.stash:
        shutil.rmtree(config.stash[_FOLDER], ignore_errors=True)
