"""Sessions in files, one per session, that only their owner can read."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aura_browser.errors import InvalidInput, StoreError
from aura_browser.store.base import Lease, Store
from aura_browser.text import clean_text

if TYPE_CHECKING:
    from filelock import AsyncFileLock

_SWAP_TIMEOUT_S: Final = 10.0


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

    Its locks are the operating system's (flock), so they end with their holder, even on SIGKILL.

    Args:
        folder: the folder; None for :func:`default_folder`.
    """

    def __init__(self, folder: str | os.PathLike[str] | None = None) -> None:
        self.folder = Path(folder) if folder is not None else default_folder()

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
        with self._convert_errors():
            await lock.acquire()
        try:
            yield Lease(slug)
        finally:
            await lock.release()

    def _path(self, slug: str) -> Path:
        return self.folder / f"{slug}.json"

    def _read(self, slug: str) -> bytes | None:
        with self._convert_errors():
            try:
                return self._path(slug).read_bytes()
            except FileNotFoundError:
                return None

    def _swap(self, slug: str, before: bytes | None, after: bytes | None) -> bool:
        from filelock import FileLock

        self._make_folder()
        # One lock for the whole folder: it is held only briefly, and a lock file per session would pile up.
        guard = FileLock(self.folder / ".swap", timeout=_SWAP_TIMEOUT_S, mode=0o600, fallback_to_soft=False)
        with self._convert_errors(), guard:
            if self._read(slug) != before:
                return False
            if after is None:
                self._path(slug).unlink(missing_ok=True)
            else:
                self._write(self._path(slug), after)
            return True

    def _write(self, path: Path, data: bytes) -> None:
        # A fixed name, safe under the lock: the next writer overwrites what a killed one leaves.
        temporary = self.folder / ".swap.new"
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        _write_and_rename(handle, temporary, path, data)

    def _slugs(self) -> tuple[str, ...]:
        with self._convert_errors():
            return tuple(sorted(path.stem for path in self.folder.glob("*.json")))

    def _set_aside(self, slug: str) -> str:
        with self._convert_errors():
            aside = self.folder / f"{slug}.corrupt"
            with suppress(FileNotFoundError):
                self._path(slug).replace(aside)
            return str(aside)

    def _make_folder(self) -> None:
        with self._convert_errors():
            for folder in (self.folder.parent, self.folder):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)

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
