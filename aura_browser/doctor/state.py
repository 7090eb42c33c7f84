"""The folder that sessions and profiles are kept in: whether it can be written, and who can read it."""

import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from shlex import join, quote
from typing import Final

from aura_browser.doctor.finding import Finding, stopping
from aura_browser.engine import Engine, Selenium
from aura_browser.errors import InvalidInput
from aura_browser.store.file import default_folder
from aura_browser.webdriver.profile import profile_folder

_PROBE: Final = bytes(65_536)  # as long as a large session
_MOST_NAMED: Final = 8
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


def look_at_state(store: str | None, engine: Engine) -> list[Finding]:
    """Look at the folder *store* (None for the user's own), unless it is none, and at the profile of *engine*."""
    findings = []
    if store is None or not (store == "memory" or "://" in store):
        folder = Path(store) if store else default_folder()
        findings = [_place(folder), *_modes(_kept(folder, with_profiles=store is None))]
    if isinstance(engine, Selenium) and engine.profile is not None:
        findings.append(_profile(os.fspath(engine.profile)))
    return findings


def _place(folder: Path) -> Finding:
    there = nearest(folder)
    try:
        # A file without a name, where the system has such: nothing stays behind, however this ends.
        with tempfile.TemporaryFile(dir=there) as probe:
            probe.write(_PROBE)
            probe.flush()
            os.fsync(probe.fileno())
    except OSError as error:
        said = f"{folder} can't be written ({error.strerror}): sessions are not kept, so each run opens a browser"
        return Finding("state folder", "problem", said, mend_command(error, there))
    if there != folder:
        return Finding("state folder", "ok", f"{folder}, made when the first session is kept")
    return Finding("state folder", "ok", str(folder))


def nearest(folder: Path) -> Path:
    """Return *folder*, or what can be seen of the path to it."""
    folder = folder.absolute()
    return next(place for place in (folder, *folder.parents) if os.path.lexists(place))


def mend_command(error: OSError, place: Path) -> str:
    """Return the command that mends what *error* says of *place*."""
    shown = quote(str(place))
    if not place.is_dir():
        return f"mv {shown} {quote(f'{place}.old')}"
    if error.errno in _FULL:
        # What to remove is for the person to say.
        return f"du -xhd 2 {quote(_mount(place))} | sort -h | tail"
    if error.errno == errno.EROFS:
        return f"sudo mount -o remount,rw {quote(_mount(place))}"
    if os.name == "posix" and place.stat().st_uid != os.geteuid():
        return f'sudo chown -R "$(id -un)" {shown}'
    return f"chmod u+rwx {shown}"


def _mount(place: Path) -> str:
    return str(next(folder for folder in (place, *place.parents) if os.path.ismount(folder)))


def _kept(folder: Path, *, with_profiles: bool) -> Iterator[Path]:
    """Yield all that is to be for its owner's eyes alone: folders, and what is directly in them."""
    if with_profiles:
        yield folder.parent
        yield from (folder.parent / "profiles").glob("*")
    yield folder
    for pattern in ("*.json", "*.corrupt", "*.lock", ".swap*"):
        yield from folder.glob(pattern)


def _modes(paths: Iterator[Path]) -> list[Finding]:
    """Say which of *paths* others can read; nothing if none of them is there."""
    modes = {path: mode for path in paths if (mode := _mode(path)) is not None}
    if os.name != "posix" or not modes:
        return []
    loose = [path for path, mode in modes.items() if mode & 0o077]
    if not loose:
        return [Finding("file modes", "ok", f"{len(modes)} files and folders, all for your eyes only")]
    shown = ", ".join(f"{path.name} ({modes[path]:04o})" for path in loose[:_MOST_NAMED])
    more = f" and {len(loose) - _MOST_NAMED} more" if len(loose) > _MOST_NAMED else ""
    said = f"others can read, or change, {shown}{more}: whoever has a session is you at its site"
    return [Finding("file modes", "problem", said, join(["chmod", "go=", *map(str, loose)]))]


def _mode(path: Path) -> int | None:
    """Return its permissions; None if it is not there, or can't be seen."""
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return None


def _profile(profile: str) -> Finding:
    """Look at a browser profile that is to be kept, without making it."""
    separators = [separator for separator in (os.sep, os.altsep) if separator]
    is_folder = any(separator in profile for separator in separators)
    folder = Path(profile).expanduser() if is_folder else default_folder().parent / "profiles" / profile
    if (mode := _mode(folder)) is None:
        return Finding("profile", "ok", f"{folder}, made when it is first used")
    try:
        profile_folder(profile)
    except InvalidInput as error:
        is_loose = os.name == "posix" and folder.is_dir() and mode & 0o077
        return stopping("profile", str(error), join(["chmod", "700" if is_loose else "u+rwx", str(folder)]))
    return Finding("profile", "ok", str(folder))
