"""A folder that only this user can read, and that is gone afterwards, whatever ends this process."""

import logging
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from shlex import quote
from typing import Final

from aura_browser.errors import StoreError
from aura_browser.store.file import default_folder, describe_foreign_folder
from aura_browser.text import clean_text
from aura_browser.webdriver.process.lifeline import Lifeline

_log = logging.getLogger(__name__)

_PREFIX: Final = "aura-browser-exec-"
_LOCK: Final = ".lock"
_MIN_AGE_S: Final = 60.0  # of a folder without a lock: its maker may be about to make one
_TRIES: Final = 100


@contextmanager
def open_private_folder() -> Iterator[Path]:
    """Yield a new folder of mode 0700, in ``XDG_RUNTIME_DIR`` if that is this user's own, else in the state folder.

    It is removed with the context; if this process is killed, by another process (:class:`Lifeline`). What both leave,
    as after a power cut, the next call removes.

    Raises:
        StoreError: if no folder can be made.
    """
    parent = _find_parent()
    _sweep(parent)
    with Lifeline() as lifeline:
        folder, lock = _make(parent)
        lifeline.add_folder(folder)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            if folder.exists():
                lifeline.run_cleanup()  # tries again for a while: a process may still write there
            os.close(lock)
            if folder.exists():
                _log.warning("The folder %s could not be removed. It holds a session; remove it.", folder)


def _find_parent() -> Path:
    """Return where to make folders: in memory if the system offers that."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if runtime is not None and runtime.startswith("/") and "\n" not in runtime and _is_private(Path(runtime)):
        return Path(runtime)
    folder = default_folder().parent / "run"
    try:
        for each in (folder.parent, folder):  # the store's own parent is private, too
            each.mkdir(mode=0o700, parents=True, exist_ok=True)
        if problem := describe_foreign_folder(folder.lstat(), folder.stat()):
            raise StoreError(str(folder), f"{problem[0]}. Fix it with: {problem[1].format(quote(str(folder)))}")
    except OSError as error:
        raise _convert(folder, error) from None
    return folder


def _is_private(folder: Path) -> bool:
    try:
        facts = folder.stat()
    except OSError:
        return False
    is_own = stat.S_ISDIR(facts.st_mode) and facts.st_uid == os.geteuid() and not facts.st_mode & 0o077
    return is_own and os.access(folder, os.W_OK)


def _make(parent: Path) -> tuple[Path, int]:
    """Make a folder, and return it with the lock that shows that its maker lives."""
    for _ in range(_TRIES):
        try:
            folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=parent))
            lock = os.open(folder / _LOCK, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise _convert(parent, error) from None
        if _try_lock(lock, without_locks=True) and os.fstat(lock).st_nlink:
            return folder, lock
        os.close(lock)  # another process takes, or took, it for one that was left behind
    raise StoreError(str(parent), "other processes keep removing what is made there. Try again.")


def _sweep(parent: Path) -> None:
    """Remove the folders of processes that are gone; a link is nobody's folder, and is not removed."""
    for folder in parent.glob(f"{_PREFIX}*"):
        with suppress(OSError):
            if folder.lstat().st_uid == os.geteuid():
                _remove_abandoned(folder)


def _remove_abandoned(folder: Path) -> None:
    try:
        lock = os.open(folder / _LOCK, os.O_WRONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        if time.time() - folder.stat().st_mtime > _MIN_AGE_S:
            shutil.rmtree(folder, ignore_errors=True)
        return
    try:
        if _try_lock(lock, without_locks=False):
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(lock)


def _try_lock(handle: int, *, without_locks: bool) -> bool:
    """Return whether this process has the lock now; *without_locks* where the file system has no locks."""
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return without_locks
    return True


def _convert(place: Path, error: OSError) -> StoreError:
    problem = f"{clean_text(error.strerror or str(error))}. Set XDG_RUNTIME_DIR to a folder of your own."
    return StoreError(str(place), problem)
