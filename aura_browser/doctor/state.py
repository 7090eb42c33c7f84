"""The folder of sessions and profiles: whether it can be written, and who can read it."""

import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from shlex import join, quote
from typing import Final

from aura_browser.doctor.finding import Finding, build_blocker
from aura_browser.engine import Engine, LocalEngine
from aura_browser.errors import InvalidInput
from aura_browser.store.file import default_folder
from aura_browser.webdriver.profile import make_profile_folder

_TEST_SIZE: Final = 65_536  # as long as a large session
_MAX_NAMED: Final = 8
_NO_SPACE_ERRORS: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


def inspect_state(store: str | None, engine: Engine) -> list[Finding]:
    """Check the folder *store* (None for the user's own; skipped if not a folder) and the profile of *engine*."""
    findings = []
    if store is None or not (store == "memory" or "://" in store):
        folder = Path(store) if store else default_folder()
        findings = [_check_folder(folder), *_check_modes(_list_private_paths(folder, with_profiles=store is None))]
    if isinstance(engine, LocalEngine) and engine.profile is not None:
        findings.append(_check_profile(os.fspath(engine.profile)))
    return findings


def _check_folder(folder: Path) -> Finding:
    there = find_nearest(folder)
    try:
        # An unnamed file, where the system supports it: nothing is left behind, however this ends.
        with tempfile.TemporaryFile(dir=there) as probe:
            probe.write(bytes(_TEST_SIZE))
            probe.flush()
            os.fsync(probe.fileno())
    except OSError as error:
        details = f"{folder} can't be written ({error.strerror}): sessions can't be saved, so each run opens a browser"
        return Finding("state folder", "problem", details, suggest_fix(error, there))
    if there != folder:
        return Finding("state folder", "ok", f"{folder}, created when the first session is saved")
    return Finding("state folder", "ok", str(folder))


def find_nearest(folder: Path) -> Path:
    """Return *folder*, or its nearest parent that exists."""
    folder = folder.absolute()
    return next(place for place in (folder, *folder.parents) if os.path.lexists(place))


def suggest_fix(error: OSError, place: Path) -> str:
    """Return the command that fixes *error* at *place*."""
    shown = quote(str(place))
    if not place.is_dir():
        return _move_away(place)
    if error.errno in _NO_SPACE_ERRORS:
        # A person must decide what to remove.
        return f"du -xhd 2 {quote(_find_mount_point(place))} | sort -h | tail"
    if error.errno == errno.EROFS:
        return f"sudo mount -o remount,rw {quote(_find_mount_point(place))}"
    if os.name == "posix" and place.stat().st_uid != os.geteuid():
        return f'sudo chown -R "$(id -un)" {shown}'
    return f"chmod u+rwx {shown}"


def _move_away(place: Path) -> str:
    return join(["mv", str(place), f"{place}.old"])


def _find_mount_point(place: Path) -> str:
    return str(next(folder for folder in (place, *place.parents) if os.path.ismount(folder)))


def _list_private_paths(folder: Path, *, with_profiles: bool) -> Iterator[Path]:
    """Yield all that only its owner may read: folders, and the files directly in them."""
    if with_profiles:
        yield folder.parent
        yield from (folder.parent / "profiles").glob("*")
    yield folder
    for pattern in ("*.json", "*.corrupt*", "*.lock", ".swap*"):
        yield from folder.glob(pattern)


def _check_modes(paths: Iterator[Path]) -> list[Finding]:
    """Report which of *paths* others can read; no finding if none exists."""
    modes = {path: mode for path in paths if (mode := _read_mode(path)) is not None}
    if os.name != "posix" or not modes:
        return []
    loose = [path for path, mode in modes.items() if mode & 0o077]
    if not loose:
        return [Finding("file modes", "ok", f"{len(modes)} files and folders, readable by you only")]
    shown = ", ".join(f"{path.name} ({modes[path]:04o})" for path in loose[:_MAX_NAMED])
    more = f" and {len(loose) - _MAX_NAMED} more" if len(loose) > _MAX_NAMED else ""
    details = f"others can read or change {shown}{more}: with a session, anybody can act as you at its site"
    return [Finding("file modes", "problem", details, join(["chmod", "go=", *map(str, loose)]))]


def _read_mode(path: Path) -> int | None:
    """Return the permissions of *path*; None if it does not exist or can't be read."""
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return None


def _check_profile(profile: str) -> Finding:
    """Check a kept browser profile, without creating it."""
    separators = [separator for separator in (os.sep, os.altsep) if separator]
    is_folder = any(separator in profile for separator in separators)
    expanded = Path(os.path.expanduser(profile))  # noqa: PTH111 - Path.expanduser raises where there is no home
    folder = expanded if is_folder else default_folder().parent / "profiles" / profile
    if _read_mode(folder) is None:
        return Finding("profile", "ok", f"{folder}, created at its first use")
    try:
        make_profile_folder(profile)
    except InvalidInput as error:
        return build_blocker("profile", str(error), _suggest_profile(folder, error.problem))
    return Finding("profile", "ok", str(folder))


def _suggest_profile(folder: Path, problem: str) -> str:
    if not folder.is_dir():
        return _move_away(folder)
    # Otherwise it is the profile of the person's own Chrome.
    return join(["chmod", "700", str(folder)]) if "chmod" in problem else "aura-browser doctor --profile work"
