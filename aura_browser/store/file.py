"""Sessions in files, one per session, that only their owner can read."""

import asyncio
import errno
import logging
import os
import stat
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Final

from aura_browser.errors import InvalidInput, StoreError
from aura_browser.slugs import find_aside
from aura_browser.store.base import Lease, Store
from aura_browser.text import clean_text

if TYPE_CHECKING:
    from filelock import AsyncFileLock

_log = logging.getLogger(__name__)

_SWAP_TIMEOUT_S: Final = 10.0
# What flock fails with on network and FUSE file systems that don't offer it.
_NO_LOCKS: Final = frozenset({errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP})
_MAX_FILE_BYTES: Final = 64 * 2**20
# Windows has neither.
_NO_FOLLOW: Final = getattr(os, "O_NOFOLLOW", 0)
_NO_WAIT: Final = getattr(os, "O_NONBLOCK", 0)


def default_folder() -> Path:
    """Return the default folder of sessions, below the user's state folder.

    Raises:
        InvalidInput: if this user has no home folder, as in some containers.
    """
    import platformdirs

    try:
        return platformdirs.user_state_path("aura-browser", appauthor=False) / "sessions"
    except RuntimeError:  # neither HOME nor an entry of this user
        problem = "this user has no home folder. Set HOME to a folder that this user may write to, or name a store"
        raise InvalidInput("store", f"{problem} (--store memory keeps nothing)") from None


class FileStore(Store):
    """A store in a folder, created with mode 0700. Files are created with mode 0600 and replaced atomically.

    Its locks are the operating system's (flock), so they end with their holder, even on SIGKILL. On a file system
    without locks the store works without them, with one warning.

    Args:
        folder: the folder; None for :func:`default_folder`.
    """

    def __init__(self, folder: str | os.PathLike[str] | None = None) -> None:
        self.folder = Path(folder) if folder is not None else default_folder()
        self.place_option = "" if folder is None else str(self.folder)
        self._has_locks = True
        self._guard = threading.Lock()

    def __repr__(self) -> str:
        return f"FileStore({str(self.folder)!r})"

    async def read(self, slug: str) -> bytes | None:
        """Return the file's bytes, or None if there is no such file."""
        return await asyncio.to_thread(self._read, slug)

    async def swap(
        self,
        slug: str,
        before: bytes | None,
        after: bytes | None,
        *,
        expires_at: float | None = None,  # noqa: ARG002 - expired files are removed on demand
        lease: Lease | None = None,  # noqa: ARG002 - the operating system's lock can't be lost
    ) -> bool:
        """Replace the file atomically if it contains *before*; a reader sees the old bytes or the new ones."""
        return await asyncio.to_thread(self._swap, slug, before, after)

    async def slugs(self) -> tuple[str, ...]:
        """Return the names of all session files."""
        return await asyncio.to_thread(self._slugs)

    async def set_aside(self, slug: str) -> str:
        """Rename the file to ``….corrupt``; return its new path."""
        return await asyncio.to_thread(self._set_aside, slug)

    @asynccontextmanager
    async def lock(self, slug: str, *, wait_s: float) -> AsyncIterator[Lease]:
        """Hold the file lock ``….lock`` against all processes, threads and tasks of this machine."""
        await asyncio.to_thread(self._make_folder)
        # In a thread, because importing reads files.
        lock_class = await asyncio.to_thread(_load_async_lock)
        lock = lock_class(self.folder / f"{slug}.lock", timeout=wait_s, mode=0o600, fallback_to_soft=False)
        with self._convert_errors(), self._allow_no_locks():
            await lock.acquire()
        try:
            yield Lease(slug)
        finally:
            await lock.release()

    def _path(self, slug: str) -> Path:
        return self.folder / f"{slug}.json"

    def _read(self, slug: str) -> bytes | None:
        self._check_folder()
        with self._convert_errors():
            try:
                # Neither follows a link nor waits for the other end of a FIFO.
                handle = os.open(self._path(slug), os.O_RDONLY | os.O_CLOEXEC | _NO_FOLLOW | _NO_WAIT)
            except FileNotFoundError:
                return None
            with os.fdopen(handle, "rb") as file:
                if problem := describe_foreign_file(os.fstat(handle)):
                    path = self._path(slug)
                    raise StoreError(str(path), f"it {problem}. Remove it with: rm -f {quote(str(path))}")
                data = file.read(_MAX_FILE_BYTES + 1)
        if len(data) > _MAX_FILE_BYTES:
            raise StoreError(str(self._path(slug)), f"it is over {_MAX_FILE_BYTES // 2**20} MiB. Remove it.")
        return data

    def _swap(self, slug: str, before: bytes | None, after: bytes | None) -> bool:
        self._make_folder()
        with self._convert_errors(), self._guard, self._lock_folder():
            if self._read(slug) != before:
                return False
            if after is None:
                self._path(slug).unlink(missing_ok=True)
            else:
                self._write(self._path(slug), after)
            return True

    @contextmanager
    def _lock_folder(self) -> Iterator[None]:
        """Hold one lock for the whole folder: it is held only briefly, and a lock file per session would pile up."""
        from filelock import FileLock

        lock = FileLock(self.folder / ".swap", timeout=_SWAP_TIMEOUT_S, mode=0o600, fallback_to_soft=False)
        with self._allow_no_locks():
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def _allow_no_locks(self) -> Iterator[None]:
        """Go on without a lock that the file system does not offer, and say so once."""
        try:
            yield
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            if self._has_locks:
                self._has_locks = False
                _log.warning(
                    "The file system of %s has no locks (%s). Sessions are kept there without them, so programs that "
                    "renew at the same time may each open a browser. Choose another folder with --store.",
                    self.folder,
                    clean_text(error.strerror or ""),
                )

    def _write(self, path: Path, data: bytes) -> None:
        if not self._has_locks:
            return write_private(path, data)
        # A fixed name, safe under the lock: the next writer removes what a killed one leaves, and makes its own file.
        temporary = self.folder / ".swap.new"
        temporary.unlink(missing_ok=True)
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | _NO_FOLLOW, 0o600)
        return _write_and_rename(handle, temporary, path, data)

    def _slugs(self) -> tuple[str, ...]:
        self._check_folder()
        with self._convert_errors():
            return tuple(sorted(path.stem for path in self.folder.glob("*.json")))

    def _set_aside(self, slug: str) -> str:
        with self._convert_errors():
            last, free = find_aside(slug, lambda name: (self.folder / name).exists())
            try:
                self._path(slug).replace(self.folder / free)
            except FileNotFoundError:
                return str(self.folder / last)  # another process has done it
            return str(self.folder / free)

    def _make_folder(self) -> None:
        with self._convert_errors():
            for folder in (self.folder.parent, self.folder):
                with suppress(FileExistsError):
                    folder.mkdir(mode=0o700, parents=True)
        self._check_folder()

    def _check_folder(self) -> None:
        """Check that nobody else can put files there. A folder that does not exist yet is good.

        Raises:
            StoreError: with the command that fixes it.
        """
        with self._convert_errors():
            try:
                itself, folder = self.folder.lstat(), self.folder.stat()
            except FileNotFoundError:
                if not self.folder.is_symlink():
                    return
                raise
        if problem := describe_foreign_folder(itself, folder):
            reason, command = problem
            raise StoreError(str(self.folder), f"{reason}. Fix it with: {command.format(quote(str(self.folder)))}")

    @contextmanager
    def _convert_errors(self) -> Iterator[None]:
        try:
            yield
        except TimeoutError as error:
            raise StoreError(str(self.folder), "another process holds its lock too long. Try again.") from error
        except OSError as error:
            problem = f"{clean_text(error.strerror or str(error))}. Check the folder's owner, mode and free space."
            raise StoreError(str(self.folder), problem) from error


def _load_async_lock() -> "type[AsyncFileLock]":
    from filelock import AsyncFileLock

    return AsyncFileLock


def describe_foreign_folder(itself: os.stat_result, folder: os.stat_result) -> tuple[str, str] | None:
    """Return why other users could read or replace what is in a folder, and the command that fixes it, with {}.

    Args:
        itself: the ``lstat`` of the folder's path, which may be a link.
        folder: the ``stat`` of the folder.
    """
    if not stat.S_ISDIR(folder.st_mode):
        return "it is not a folder", "mv {0} {0}.old"  # it may be a session's file
    if not hasattr(os, "geteuid"):
        return None
    own = {os.geteuid()}
    if stat.S_ISLNK(itself.st_mode) and itself.st_uid not in own | {0}:
        return "it is a link that another user made", "rm {}"
    if folder.st_uid not in own:
        # Not chown: what the other user put there would be trusted.
        return "it belongs to another user, who could replace the sessions in it", "mv {0} {0}.old"
    if folder.st_mode & 0o022:
        return "other users may write to it, and could replace the sessions in it", "chmod 700 {}"
    return None


def describe_foreign_file(facts: os.stat_result) -> str:
    """Return why a file is not one of this user's regular files; empty if it is."""
    if not stat.S_ISREG(facts.st_mode):
        return "is not a regular file"
    is_foreign = hasattr(os, "geteuid") and facts.st_uid != os.geteuid()
    return "belongs to another user" if is_foreign else ""


def write_private(path: Path, data: bytes) -> None:
    """Atomically replace the file at *path* by *data*, created with mode 0600.

    Raises:
        OSError: if the folder can't be written; the old file then stays.
    """
    # mkstemp creates files with mode 0600, whatever the umask; the same folder makes the rename atomic.
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    _write_and_rename(handle, Path(temporary), path, data)


def _write_and_rename(handle: int, temporary: Path, path: Path, data: bytes) -> None:
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
