"""A folder for what a harvest leaves, gone when it is over, and the lifeline that sees to it."""

import logging
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aura_browser.errors import LaunchFailed
from aura_browser.webdriver.process.lifeline import Lifeline

_log = logging.getLogger(__name__)

_REMOVAL_S: Final = 3.0
LONGEST_TMPDIR: Final = 60
"""Characters of a folder's path in which Chrome can still make its socket."""
_SHORT: Final = "/tmp" if os.name == "posix" else None  # noqa: S108 - mkdtemp makes a folder there for us alone


@dataclass(frozen=True, slots=True)
class Workplace:
    """Where a harvest may leave things: they are gone when it is over.

    Attributes:
        lifeline: ends processes if ours is killed.
        folder: readable for us alone.
    """

    lifeline: Lifeline
    folder: Path


@contextmanager
def workplace() -> Iterator[Workplace]:
    """Make a workplace that lasts as long as the context, or as this process if that is killed.

    Raises:
        LaunchFailed: if no temporary folder can be made.
    """
    with Lifeline() as lifeline, _private_folder() as folder:
        lifeline.hold_folder(folder)
        yield Workplace(lifeline, folder)


@contextmanager
def _private_folder() -> Iterator[Path]:
    # Chrome does not start where the path of its socket gets too long; the lifeline is told one thing a line.
    usual = tempfile.gettempdir()
    is_unfit = "\n" in usual or len(usual) > LONGEST_TMPDIR - len("/aura-browser-12345678")
    try:
        folder = Path(tempfile.mkdtemp(prefix="aura-browser-", dir=_SHORT if is_unfit else None))
    except OSError as error:
        raise LaunchFailed(
            "no profile", f"no folder for temporary files can be written; set TMPDIR ({error})"
        ) from error
    try:
        yield folder
    finally:
        _remove(folder)


def _remove(folder: Path) -> None:
    """Remove *folder*; Chrome's last processes may still be writing there for a moment."""
    end = time.monotonic() + _REMOVAL_S
    while True:
        try:
            shutil.rmtree(folder)
        except FileNotFoundError:
            return
        except OSError as error:
            if time.monotonic() > end:
                _log.warning("The browser's folder %s could not be removed: %s", folder, error.strerror)
                return
            time.sleep(0.005)  # nothing tells when another process is done with a folder
        else:
            return
