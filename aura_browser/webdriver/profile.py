"""Browser profiles that are kept, so that a person logs in once and the next harvest needs no window."""

import logging
import os
import re
import shutil
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aura_browser.errors import InvalidInput, LaunchFailed
from aura_browser.webdriver.deadline import Deadline

if TYPE_CHECKING:
    from aura_browser.webdriver.running_session import RunningSession

_log = logging.getLogger(__name__)

_GLANCE_S: Final = 0.05
_LOCK: Final = "aura-browser.lock"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}")
# https://chromium.googlesource.com/chromium/src/+/main/docs/user_data_dir.md
_CHROMES_OWN: Final = {
    "linux": (
        "~/.config/google-chrome",
        "~/.config/google-chrome-beta",
        "~/.config/google-chrome-unstable",
        "~/.config/chromium",
        "~/snap/chromium/common/chromium",
        "~/.var/app/com.google.Chrome/config/google-chrome",
        "~/.var/app/org.chromium.Chromium/config/chromium",
    ),
    "darwin": ("~/Library/Application Support/Google/Chrome", "~/Library/Application Support/Chromium"),
    "win32": ("~/AppData/Local/Google/Chrome/User Data", "~/AppData/Local/Chromium/User Data"),
}


def profile_folder(profile: str | os.PathLike[str]) -> Path:
    """Return the folder of a profile, made with mode 0700 if it is new.

    Args:
        profile: a folder, if it holds a separator; otherwise the name of one in the user's state folder.

    Raises:
        InvalidInput: if it is a profile of the person's own Chrome, others can read it, or it can't be made.
    """
    text = os.fspath(profile)
    if os.sep in text or (os.altsep and os.altsep in text):
        folder = Path(text).expanduser().absolute()
    elif _NAME.fullmatch(text):
        import platformdirs

        folder = platformdirs.user_state_path("aura-browser", appauthor=False) / "profiles" / text
    else:
        raise InvalidInput("profile", "must be a name (letters, digits, _ . @ -) or a folder, such as ./profile")
    _refuse_chromes_own(folder)
    _make_private(folder)
    return folder


def _refuse_chromes_own(folder: Path) -> None:
    config = os.environ.get("XDG_CONFIG_HOME")
    own = [Path(place).expanduser() for place in _CHROMES_OWN.get(sys.platform, ())]
    own += [Path(config) / name for name in ("google-chrome", "chromium")] if config else []
    resolved = folder.resolve()
    if any(resolved.is_relative_to(place.resolve()) for place in own):
        raise InvalidInput(
            "profile",
            "is your Chrome's own profile, and Chrome 136 and later lets no program use that. Give a name, such as "
            "--profile work, and log in there once with --interactive",
        )


def _make_private(folder: Path) -> None:
    try:
        for place in (folder.parent, folder):
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
        mode = stat.S_IMODE(folder.stat().st_mode)
    except OSError as error:
        raise InvalidInput("profile", f"the folder {folder} can't be used: {error.strerror}") from None
    if os.name == "posix" and mode & 0o077:
        raise InvalidInput("profile", f"others can read {folder} (mode {mode:04o}); run: chmod 700 {folder}")


@contextmanager
def held(folder: Path, deadline: Deadline) -> Iterator[None]:
    """Have the profile in *folder* to ourselves while the context lasts.

    Raises:
        LaunchFailed: if another harvest holds it until the deadline.
    """
    from filelock import FileLock, Timeout

    is_ours = (folder / _LOCK).exists()
    lock = FileLock(folder / _LOCK, mode=0o600)
    while True:
        try:
            lock.acquire(blocking=False)
            break
        except Timeout:
            if deadline.left_s <= 0:
                raise LaunchFailed(
                    f"with the profile {folder}", "another harvest is using it; wait for that, or name another profile"
                ) from None
            deadline.wait(_GLANCE_S)
    try:
        if is_ours:
            _forget_tabs(folder)
        yield
    finally:
        lock.release()


def _forget_tabs(folder: Path) -> None:
    """Have the last run's tabs not opened again, and their pages not loaded; those of a Chrome that runs are let be."""
    tabs = folder / "Default" / "Sessions"
    if not os.path.lexists(folder / "SingletonLock") and tabs.resolve().is_relative_to(folder.resolve()):
        shutil.rmtree(tabs, ignore_errors=True)


def quit_politely(driver: "RunningSession") -> None:
    """Have Chrome write its profile and end, if it is still there; killed, it would lose the latest."""
    from aura_browser.webdriver.running_session import DRIVER_ERRORS

    try:
        driver.quit()
    except DRIVER_ERRORS as error:
        _log.debug("Chrome did not end when asked (%s) and is ended now.", type(error).__name__)
