"""The temporary folder of a harvest, and the lifeline that removes it if this process is killed."""

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
from aura_browser.webdriver.process.output import OUTPUT_NAME, limit_output

_log = logging.getLogger(__name__)

_REMOVAL_TIMEOUT_S: Final = 3.0
_POLL_INTERVAL_S: Final = 0.005
MAX_TMPDIR_LENGTH: Final = 60
"""The longest folder path, in characters, in which Chrome can still create its socket."""
_SHORT_TMPDIR: Final = "/tmp" if os.name == "posix" else None  # noqa: S108 - mkdtemp creates a private folder there


@dataclass(frozen=True, slots=True)
class Workspace:
    """The resources of a harvest, released when it ends.

    Attributes:
        lifeline: cleans up if this process is killed.
        folder: a temporary folder with mode 0700.
    """

    lifeline: Lifeline
    folder: Path


@contextmanager
def open_workspace() -> Iterator[Workspace]:
    """Create a workspace; it is removed with the context, or when this process is killed.

    Raises:
        LaunchFailed: if no temporary folder can be created.
    """
    with Lifeline() as lifeline, _make_folder() as folder, limit_output(folder / OUTPUT_NAME):
        lifeline.add_folder(folder)
        yield Workspace(lifeline, folder)


@contextmanager
def _make_folder() -> Iterator[Path]:
    # Chrome does not start if its socket's path is too long; the lifeline reads one entry per line.
    default = tempfile.gettempdir()
    is_unsuitable = "\n" in default or len(default) > MAX_TMPDIR_LENGTH - len("/aura-browser-12345678")
    try:
        folder = Path(tempfile.mkdtemp(prefix="aura-browser-", dir=_SHORT_TMPDIR if is_unsuitable else None))
    except OSError as error:
        raise LaunchFailed(
            "no profile", f"no temporary folder can be created ({error}); set TMPDIR to a writable folder"
        ) from error
    try:
        yield folder
    finally:
        _remove(folder)


def _remove(folder: Path) -> None:
    """Remove *folder*, and retry for a moment while Chrome's last processes still write there."""
    end = time.monotonic() + _REMOVAL_TIMEOUT_S
    while True:
        try:
            shutil.rmtree(folder)
        except FileNotFoundError:
            return
        except OSError as error:
            if time.monotonic() > end:
                _log.warning("The browser's folder %s could not be removed: %s", folder, error.strerror)
                return
            time.sleep(_POLL_INTERVAL_S)  # nothing signals that another process is done with a folder
        else:
            return
