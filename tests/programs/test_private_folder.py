"""The folder of a program's files: where it is made, who can read it, and that nothing of it is left."""

import errno
import fcntl
import logging
import os
import shutil
import stat
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from aura_browser.errors import StoreError
from aura_browser.programs import private_folder
from aura_browser.programs.private_folder import open_private_folder
from tests.parts.mounts import mounted

_DAY_S = 86_400.0


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder for files in memory, of mode 0700 as systems make it."""
    folder = tmp_path / "runtime"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    return folder


def leave(parent: Path, name: str, *, age_s: float) -> Path:
    """Make a folder as a run does, and return it; it has no lock."""
    folder = parent / f"aura-browser-exec-{name}"
    folder.mkdir(mode=0o700)
    (folder / "cookies.txt").write_text("s3cret")
    then = time.time() - age_s
    os.utime(folder, (then, then))
    return folder


def test_only_this_user_can_look_into_it_and_it_is_gone_afterwards(runtime: Path) -> None:
    with open_private_folder() as folder:
        assert (folder.parent, stat.S_IMODE(folder.stat().st_mode)) == (runtime, 0o700)
        assert stat.S_IMODE((folder / ".lock").stat().st_mode) == 0o600
        (folder / "cookies.txt").write_text("s3cret")
    assert list(runtime.iterdir()) == []


@pytest.mark.parametrize("kind", ["a file", "of another", "for others", "read-only", "two\nlines"])
def test_a_runtime_folder_that_is_not_this_users_own_is_not_used(
    kind: str, tmp_path: Path, state_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / kind
    place.touch(mode=0o700) if kind == "a file" else place.mkdir(mode=0o755 if kind == "for others" else 0o700)
    monkeypatch.setattr(os, "access", lambda *_: kind != "read-only")  # root may write everywhere
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(place))
    if kind == "of another":
        if os.geteuid():
            pytest.skip("only root can make another user's folder")
        os.chown(place, 12345, 12345)
    with open_private_folder() as folder:
        assert folder.parent == state_home / "aura-browser" / "run"


def count_open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize("has_lock", [True, False])
def test_all_that_can_be_removed_of_what_was_left_behind_is(runtime: Path, *, has_lock: bool) -> None:
    old = leave(runtime, "1-old", age_s=0.0)
    files = [old / f"{number}.txt" for number in range(20)]
    with mounted(old / "busy", "size=16k"):
        for file in files:
            file.write_text("s3cret")
        if has_lock:
            (old / ".lock").touch()
        os.utime(old, (1.0, 1.0))
        before = count_open_files()
        with open_private_folder():
            assert list(old.iterdir()) == [old / "busy"]
        assert count_open_files() == before


def test_links_are_not_followed_and_keep_nobody_from_the_rest(runtime: Path, tmp_path: Path) -> None:
    target, old = leave(tmp_path, "target", age_s=_DAY_S), leave(runtime, "1-old", age_s=_DAY_S)
    (tmp_path / "lock").touch()
    for number in range(8):
        (runtime / f"aura-browser-exec-0-{number}").symlink_to(target)
        linked = leave(runtime, f"2-{number}", age_s=_DAY_S)
        (linked / ".lock").symlink_to(tmp_path / "lock")
    with open_private_folder():
        assert not old.exists()
        assert (target / "cookies.txt").exists()
        assert len(list(runtime.glob("aura-browser-exec-2-*/cookies.txt"))) == 8


@pytest.mark.parametrize("place", ["/nowhere/at/all", "runtime", ""])
def test_without_a_runtime_folder_the_state_folder_serves(
    place: str, runtime: Path, state_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(runtime.parent)  # a path that does not begin at the root is none
    monkeypatch.setenv("XDG_RUNTIME_DIR", place)
    with open_private_folder() as folder:
        assert folder.parent == state_home / "aura-browser" / "run"
        assert [stat.S_IMODE(each.stat().st_mode) for each in (folder.parent, folder.parents[1])] == [0o700, 0o700]


def test_a_folder_that_others_could_change_is_refused_with_the_command_that_helps(
    state_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    run = state_home / "aura-browser" / "run"
    run.mkdir(parents=True)
    run.chmod(0o777)
    with (
        pytest.raises(StoreError, match=f"other users may write to it.*Fix it with: chmod 700 {run}"),
        open_private_folder(),
    ):
        pass
    assert list(run.iterdir()) == []


def test_where_no_folder_can_be_made_the_error_says_what_to_set(
    state_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    state_home.write_text("")
    with (
        pytest.raises(StoreError, match=r"Not a directory\. Set XDG_RUNTIME_DIR to a folder of your own"),
        open_private_folder(),
    ):
        pass


def test_a_full_runtime_folder_is_an_error_with_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = tmp_path / "full"
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(full))
    with mounted(full, "nr_inodes=1,mode=0700"):
        with (
            pytest.raises(StoreError, match=r"full.*No space left on device\. Set XDG_RUNTIME_DIR"),
            open_private_folder(),
        ):
            pass
        assert list(full.iterdir()) == []


def test_a_folder_without_a_lock_goes_once_it_is_old(runtime: Path) -> None:
    old, new = leave(runtime, "1-old", age_s=_DAY_S), leave(runtime, "2-new", age_s=0.0)
    with open_private_folder():
        assert not old.exists()
        assert (new / "cookies.txt").exists(), "its maker may be about to make the lock"


def test_a_folder_of_another_user_is_left_alone(runtime: Path) -> None:
    if os.geteuid():
        pytest.skip("only root can make another user's folder")
    other = leave(runtime, "1-x", age_s=_DAY_S)
    os.chown(other, 12345, 12345)
    with open_private_folder():
        assert (other / "cookies.txt").exists()


def test_a_file_system_without_locks_has_no_lock_that_shows_who_lives(
    runtime: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_handle: int, _operation: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with open_private_folder() as first:
        with open_private_folder() as second:
            assert first.exists(), "its owner lives, as far as anybody can tell"
            assert second.exists()
        assert not second.exists()
    assert list(runtime.iterdir()) == []


def test_a_folder_that_another_run_takes_for_one_left_behind_is_made_again(
    runtime: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another run may look just after the lock's file is made, and before this one has the lock."""
    lock = fcntl.flock
    asked: list[int] = []

    def come_first(handle: int, operation: int) -> None:
        asked.append(handle)
        if len(asked) == 1:
            private_folder._sweep(runtime)
        lock(handle, operation)

    monkeypatch.setattr(fcntl, "flock", come_first)
    with open_private_folder() as folder:
        (folder / "cookies.txt").write_text("s3cret")
        assert list(runtime.iterdir()) == [folder]
    assert list(runtime.iterdir()) == []


def test_a_folder_that_another_run_holds_at_this_moment_is_not_used(
    runtime: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = fcntl.flock
    held: list[int] = []

    def come_first(handle: int, operation: int) -> None:
        if not held:
            held.append(os.open(f"/proc/self/fd/{handle}", os.O_WRONLY))
            lock(held[0], operation)
        lock(handle, operation)

    monkeypatch.setattr(fcntl, "flock", come_first)
    try:
        with open_private_folder() as folder:
            (other,) = [each for each in runtime.iterdir() if each != folder]
            assert Path(f"/proc/self/fd/{held[0]}").readlink() == other / ".lock"
    finally:
        os.close(held[0])


def test_it_gives_up_where_each_folder_is_taken_away(runtime: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_handle: int, _operation: int) -> None:
        raise BlockingIOError(errno.EWOULDBLOCK, os.strerror(errno.EWOULDBLOCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    open_before = count_open_files()
    with pytest.raises(StoreError, match="other processes keep removing what is made there"), open_private_folder():
        pass
    assert count_open_files() == open_before


def test_what_comes_while_it_is_removed_is_removed_too(runtime: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process of the program may write there at that moment; the clean-up beside this process tries again."""
    monkeypatch.setattr(shutil, "rmtree", lambda _folder, **_options: None)
    with open_private_folder() as folder:
        (folder / "cookies.txt").write_text("s3cret")
    assert not folder.exists()


def test_what_can_not_be_removed_is_named(runtime: Path, caplog: pytest.LogCaptureFixture) -> None:
    with ExitStack() as mounts:
        with open_private_folder() as folder:
            mounts.enter_context(mounted(folder / "busy", "size=16k"))
            (folder / "cookies.txt").write_text("s3cret")
        assert list(folder.iterdir()) == [folder / "busy"]
        said = f"The folder {folder} could not be removed. It holds a session; remove it."
        assert caplog.record_tuples == [(private_folder.__name__, logging.WARNING, said)]
