"""Browser profiles that are kept: a person logs in once, and later harvests need no window."""

import logging
import os
import re
import shutil
import socket
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aura_browser.errors import InvalidInput, LaunchFailed
from aura_browser.text import clean_text
from aura_browser.webdriver.deadline import Deadline

if TYPE_CHECKING:
    from aura_browser.webdriver.running_session import RunningSession

_log = logging.getLogger(__name__)

_POLL_INTERVAL_S: Final = 0.05
_LOCK_NAME: Final = "aura-browser.lock"
_PROFILE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}")
# https://chromium.googlesource.com/chromium/src/+/main/docs/user_data_dir.md
_CHROME_FOLDERS: Final = {
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


def make_profile_folder(profile: str | os.PathLike[str]) -> Path:
    """Return the folder of a profile; create it with mode 0700 if it is new.

    Args:
        profile: a folder if it contains a path separator; otherwise the name of a profile in the user's state folder.

    Raises:
        InvalidInput: if the name is malformed, the folder is one of the person's own Chrome, other users can read it,
            or it can't be created.
    """
    text = os.fspath(profile)
    if os.sep in text or (os.altsep and os.altsep in text):
        folder = Path(text).expanduser().absolute()
    elif _PROFILE_NAME.fullmatch(text):
        import platformdirs

        try:
            folder = platformdirs.user_state_path("aura-browser", appauthor=False) / "profiles" / text
        except RuntimeError:  # neither HOME nor an entry of this user
            raise InvalidInput("profile", "this user has no home folder; name a folder, such as ./profile") from None
    else:
        raise InvalidInput("profile", "must be a name (letters, digits, _ . @ -) or a folder, such as ./profile")
    _reject_chrome_folders(folder)
    _make_private(folder)
    return folder


def _reject_chrome_folders(folder: Path) -> None:
    config = os.environ.get("XDG_CONFIG_HOME")
    places = (os.path.expanduser(place) for place in _CHROME_FOLDERS.get(sys.platform, ()))  # noqa: PTH111 - see below
    folders = [Path(place) for place in places if not place.startswith("~")]  # Path raises where there is no home
    folders += [Path(config) / name for name in ("google-chrome", "chromium")] if config else []
    resolved = folder.resolve()
    if any(resolved.is_relative_to(place.resolve()) for place in folders):
        raise InvalidInput(
            "profile",
            "is your Chrome's own profile, and Chrome 136 and later lets no program control it. Give a name, such as "
            "--profile work, and log in there once with --interactive",
        )


def _make_private(folder: Path) -> None:
    try:
        for place in (folder.parent, folder):
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
        mode = stat.S_IMODE(folder.stat().st_mode)
        is_open = os.name == "posix" and bool(mode & 0o077)
        is_shared = is_open and _holds_other_things(folder)
    except OSError as error:
        raise InvalidInput(
            "profile", f"the folder {folder} can't be used: {error.strerror}; name a folder that you may write to"
        ) from None
    if is_shared:
        raise InvalidInput("profile", f"{folder} has other files in it, and other users can read it; name a new folder")
    if is_open:
        raise InvalidInput("profile", f"other users can read {folder} (mode {mode:04o}); run: chmod 700 {folder}")


def _holds_other_things(folder: Path) -> bool:
    """Return whether there is something in *folder*, and it is no profile: others may need to read that."""
    return any(folder.iterdir()) and not any((folder / name).exists() for name in (_LOCK_NAME, "Local State"))


@contextmanager
def lock_profile(folder: Path, deadline: Deadline) -> Iterator[None]:
    """Lock the profile in *folder* while the context lasts.

    Raises:
        LaunchFailed: if another harvest uses it until the deadline.
    """
    from filelock import FileLock, Timeout

    was_used = (folder / _LOCK_NAME).exists()
    lock = FileLock(folder / _LOCK_NAME, mode=0o600)
    has_told = False
    while True:
        try:
            lock.acquire(blocking=False)
            break
        except Timeout:
            if deadline.left_s <= 0:
                raise LaunchFailed(
                    f"with the profile {folder}", "another harvest is using it; wait for it, or name another profile"
                ) from None
            if not has_told:
                has_told = True
                _log.warning(
                    "Another harvest is using the profile %s. Waiting for it, up to %.0f s.", folder, deadline.left_s
                )
            deadline.wait(_POLL_INTERVAL_S)
    try:
        if was_used:
            _remove_foreign_lock(folder)
            _remove_saved_tabs(folder)
        yield
    finally:
        lock.release()


def _remove_foreign_lock(folder: Path) -> None:
    """Remove Chrome's lock if another host made it, such as a container that was killed: Chrome never does.

    Harvests lock the profile on their own, whatever their host, so none of them uses it.
    """
    try:
        host = os.readlink(folder / "SingletonLock").rpartition("-")[0]  # noqa: PTH115 - it names no file
    except OSError:
        return
    if host and host != socket.gethostname():
        _log.warning("Taking over the profile %s, which a Chrome on %s did not release.", folder, clean_text(host))
        for name in ("SingletonLock", "SingletonSocket", "SingletonCookie"):
            (folder / name).unlink(missing_ok=True)


def _remove_saved_tabs(folder: Path) -> None:
    """Keep Chrome from reopening the last run's tabs. Skipped if a Chrome is running in the profile."""
    tabs = folder / "Default" / "Sessions"
    if not os.path.lexists(folder / "SingletonLock") and tabs.resolve().is_relative_to(folder.resolve()):
        shutil.rmtree(tabs, ignore_errors=True)


def quit_chrome(driver: "RunningSession") -> None:
    """Ask Chrome to save its profile and exit; if it were killed, it would lose the last changes."""
    from aura_browser.webdriver.devtools import list_driver_errors

    try:
        driver.quit()
    except list_driver_errors() as error:
        _log.debug("Chrome did not quit (%s); killing it.", type(error).__name__)
