"""Sessions in files, one each, that only their owner can read."""

import asyncio
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import platformdirs

from aura_browser.errors import StoreError, clean_text
from aura_browser.store.base import Store


def default_folder() -> Path:
    """Return where sessions are kept unless a caller says otherwise: below the user's state folder."""
    return platformdirs.user_state_path("aura-browser", appauthor=False) / "sessions"


class FileStore(Store):
    """A store in a folder, made with mode 0700. Files have mode 0600 from their first byte and change atomically.

    Args:
        folder: where; :func:`default_folder` if None.
    """

    def __init__(self, folder: str | os.PathLike[str] | None = None) -> None:
        self.folder = Path(folder) if folder is not None else default_folder()

    def __repr__(self) -> str:
        return f"FileStore({str(self.folder)!r})"

    async def read(self, slug: str) -> bytes | None:
        """Return the file's bytes, or None if there is no such file."""
        return await asyncio.to_thread(self._read, slug)

    async def write(self, slug: str, data: bytes) -> None:
        """Replace the file atomically: a reader sees the old bytes or the new ones, whatever happens."""
        await asyncio.to_thread(self._write, slug, data)

    async def set_aside(self, slug: str) -> str:
        """Rename the file to ``….corrupt``; return its new path."""
        return await asyncio.to_thread(self._set_aside, slug)

    def _path(self, slug: str) -> Path:
        return self.folder / f"{slug}.json"

    def _read(self, slug: str) -> bytes | None:
        with self._reported():
            try:
                return self._path(slug).read_bytes()
            except FileNotFoundError:
                return None

    def _write(self, slug: str, data: bytes) -> None:
        with self._reported():
            for folder in (self.folder.parent, self.folder):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_private(self._path(slug), data)

    def _set_aside(self, slug: str) -> str:
        with self._reported():
            aside = self._path(slug).with_suffix(".corrupt")
            self._path(slug).replace(aside)
            return str(aside)

    @contextmanager
    def _reported(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            problem = f"{clean_text(error.strerror or str(error))}. Check the folder's owner, mode and free space."
            raise StoreError(str(self.folder), problem) from error


def write_private(path: Path, data: bytes) -> None:
    """Replace the file at *path* with *data*, mode 0600 from its first byte, all at once or not at all.

    Raises:
        OSError: if the folder can't be written; what was at *path* is then still there.
    """
    # mkstemp creates with mode 0600, whatever the umask, and beside the target so that the rename is atomic.
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
