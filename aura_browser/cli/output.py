"""Where ``-o`` writes: a private file, or what is there already: a pipe, a device, standard output."""

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Final

import click

from aura_browser.cli.log import store_has_failed
from aura_browser.text import clean_text

_FD_PATH: Final = re.compile(r"/(?:dev/fd|proc/self/fd)/(\d{1,6})")
_STD_PATHS: Final = {"-": 1, "/dev/stdout": 1, "/dev/stderr": 2}
_FILE_HINT: Final = "name a file of your own"


@dataclass(frozen=True)
class Output:
    """A place to write to once.

    Attributes:
        shown: the place as it was given, to show.
        path: the file to replace, or None.
        handle: an open file descriptor to write to instead, or None.
    """

    shown: str
    path: Path | None = None
    handle: int | None = None

    def write(self, data: bytes) -> None:
        """Write *data*: to a file of mode 0600 that replaces the one at *path*, or through *handle*.

        Raises:
            click.FileError: if that fails.
        """
        try:
            if self.handle is not None:
                _write_through(self.handle, data)
            elif self.path is not None:
                from aura_browser.store.file import write_private

                write_private(self.path, data)
        except OSError as error:
            kept = "Nothing was kept" if store_has_failed() else "The session is cached; run the command again"
            raise click.FileError(self.shown, f"{error.strerror}. {kept}.") from None


def open_output(place: str | os.PathLike[str]) -> Output:
    """Return where to write, before anything else is done. Nothing is written or replaced yet.

    A symbolic link is followed to a regular file of this user; the link stays. Pipes, terminals and character devices
    are opened, and written to as they are.

    Raises:
        click.BadParameter: if nothing can be written there.
    """
    text = os.fspath(place)
    shown = clean_text(text)
    number = _find_descriptor(text)
    if number is not None:
        return Output(shown, handle=_copy_descriptor(number, shown))
    path = Path(text).absolute()
    try:
        facts, itself = path.stat(), path.lstat()
    except FileNotFoundError:
        return Output(shown, path=_check_new(path, shown))
    except OSError as error:
        raise _refuse(shown, error.strerror or "it can't be used") from None
    if stat.S_ISREG(facts.st_mode):
        return Output(shown, path=_check_file(path, facts, itself, shown))
    if stat.S_ISFIFO(facts.st_mode) or stat.S_ISCHR(facts.st_mode):
        return Output(shown, handle=_open_device(path, shown))
    raise _refuse(shown, f"it is not a file, a pipe or a terminal; {_FILE_HINT}")


def _find_descriptor(text: str) -> int | None:
    """Return the number of an open file descriptor that *text* names; ``-`` and ``/dev/stdout`` are standard output."""
    if text in _STD_PATHS:
        return _STD_PATHS[text]
    match = _FD_PATH.fullmatch(text)
    return int(match[1]) if match else None


def _copy_descriptor(number: int, shown: str) -> int:
    try:
        handle = os.dup(number)
        os.write(handle, b"")
    except OSError as error:
        raise _refuse(shown, f"{error.strerror}") from None
    return handle


def _check_new(path: Path, shown: str) -> Path:
    if path.is_symlink():
        raise _refuse(shown, f"it is a link to a file that does not exist; remove it with: rm {quote(shown)}")
    if not path.parent.is_dir():
        raise _refuse(shown, f"the folder {clean_text(str(path.parent))} does not exist")
    return path


def _check_file(path: Path, facts: os.stat_result, itself: os.stat_result, shown: str) -> Path:
    is_link = stat.S_ISLNK(itself.st_mode)
    is_foreign = hasattr(os, "geteuid") and os.geteuid() not in {facts.st_uid} & {itself.st_uid}
    if is_link and is_foreign:
        raise _refuse(shown, f"it is a link of another user, or to another user's file; {_FILE_HINT}")
    return path.resolve() if is_link else path


def _open_device(path: Path, shown: str) -> int:
    try:
        # Without waiting: a pipe that nobody reads would hold the command up until somebody does.
        handle = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
        os.set_blocking(handle, True)
    except OSError as error:
        raise _refuse(shown, f"{error.strerror}; if it is a pipe, start its reader first") from None
    return handle


def _write_through(handle: int, data: bytes) -> None:
    with os.fdopen(handle, "wb", buffering=0) as file:
        rest = memoryview(data)
        while rest:
            rest = rest[file.write(rest) :]


def _refuse(shown: str, problem: str) -> click.BadParameter:
    return click.BadParameter(f"{shown}: {problem}.", param_hint="'-o'")
