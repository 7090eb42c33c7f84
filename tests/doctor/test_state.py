"""What the doctor says of the state folder, the profile and the sessions in a store."""

import asyncio
import errno
import os
import time
from pathlib import Path
from shlex import join
from types import SimpleNamespace

import pytest

from aura_browser.doctor import Finding, state
from aura_browser.doctor.sessions import inspect_sessions
from aura_browser.doctor.state import inspect_state, suggest_fix
from aura_browser.engine import Grid, Selenium
from aura_browser.store import FileStore, SessionKey
from tests.parts.mounts import mounted
from tests.parts.sessions import make_session

KEY = SessionKey("https://a.example.com")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A store's folder in one that nobody else can read."""
    path = tmp_path / "sessions"
    path.mkdir(mode=0o700)
    return path


@pytest.mark.parametrize(
    ("place", "names"),
    [
        (None, ["state folder"]),
        ("memory", []),
        ("redis://127.0.0.1/0", []),
        ("unix:///run/redis.sock", []),
        ("there", ["state folder"]),
    ],
)
def test_only_a_store_that_is_a_folder_is_looked_at_as_one(
    place: str | None, names: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for engine in (Selenium(), Grid("http://127.0.0.1:1")):
        assert [finding.name for finding in inspect_state(place, engine)] == names


def test_a_folder_that_is_there_and_private_is_good(folder: Path) -> None:
    (folder / "a.json").touch(mode=0o600)
    assert inspect_state(str(folder), Selenium()) == [
        Finding("state folder", "ok", str(folder)),
        Finding("file modes", "ok", "2 files and folders, readable by you only"),
    ]


@pytest.mark.parametrize("name", ["a.json", "a.corrupt", "a.corrupt-2", "a.lock", ".swap", ".swap.new"])
def test_each_kind_of_file_that_others_can_read_is_named(name: str, folder: Path) -> None:
    path = folder / name
    path.touch()
    path.chmod(0o640)
    [_, modes] = inspect_state(str(folder), Selenium())
    details = f"others can read or change {name} (0640): with a session, anybody can act as you at its site"
    assert modes == Finding("file modes", "problem", details, join(["chmod", "go=", str(path)]))


@pytest.mark.parametrize(("count", "more"), [(8, ""), (9, " and 1 more"), (10, " and 2 more")])
def test_eight_files_that_others_can_read_are_named_and_more_are_counted(count: int, more: str, folder: Path) -> None:
    for number in range(count):
        (folder / f"{number}.json").touch()
        (folder / f"{number}.json").chmod(0o604)
    [_, modes] = inspect_state(str(folder), Selenium())
    named = modes.found.partition("change ")[2].partition(": with")[0]
    files = named.removesuffix(more).split(", ")
    assert (named.endswith(more), len(files), {file[1:] for file in files}) == (True, 8, {".json (0604)"})
    assert len((modes.command or "").split()) == 2 + count


def test_windows_has_no_such_modes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.chmod(0o755)
    monkeypatch.setattr(state, "os", SimpleNamespace(**{**vars(os), "name": "nt"}))
    assert [finding.name for finding in inspect_state(str(folder), Selenium())] == ["state folder"]


def test_a_small_disk_has_enough_room_to_try(folder: Path) -> None:
    with mounted(folder / "small", "size=1m,mode=0700"):
        [found, _] = inspect_state(str(folder / "small"), Selenium())
    assert (found.verdict, found.found) == ("ok", str(folder / "small"))


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_disk_that_says_only_at_the_end_that_it_is_full_is_a_problem(
    number: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a network file system or a quota does."""
    sizes = []

    def refuse(file: int) -> None:
        sizes.append(os.fstat(file).st_size)
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    [found, _] = inspect_state(str(folder), Selenium())
    assert (found.name, found.verdict, sizes) == ("state folder", "problem", [65_536])
    assert found.found.startswith(f"{folder} can't be written ({os.strerror(number)}): ")
    assert (found.command or "").startswith("du -xhd 2 ")


def test_one_s_own_folder_is_made_writable_where_the_system_knows_owners(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    assert suggest_fix(error, tmp_path) == f"chmod u+rwx {tmp_path}"
    monkeypatch.setattr(state, "os", SimpleNamespace(name="nt"))
    assert suggest_fix(error, tmp_path) == f"chmod u+rwx {tmp_path}"


@pytest.mark.parametrize(
    ("profile", "place"),
    [
        ("me", "{state}/aura-browser/profiles/me"),
        ("{home}/me", "{home}/me"),
        ("~/profiles/me", "{home}/profiles/me"),
    ],
)
def test_a_profile_is_looked_at_where_a_harvest_keeps_it(
    profile: str, place: str, tmp_path: Path, state_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    monkeypatch.setenv("HOME", str(home))
    folder, engine = place.format(state=state_home, home=home), Selenium(profile=profile.format(home=home))
    assert inspect_state("memory", engine) == [Finding("profile", "ok", f"{folder}, created at its first use")]
    Path(folder).mkdir(parents=True, mode=0o700)
    assert inspect_state("memory", engine) == [Finding("profile", "ok", folder)]


def test_a_profile_of_the_persons_own_chrome_is_for_another_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for mode in (0o755, 0o700):
        (tmp_path / "chromium" / "x").mkdir(mode=mode, parents=True, exist_ok=True)
        [found] = inspect_state("memory", Selenium(profile=str(tmp_path / "chromium" / "x")))
        assert (found.stops, found.command) == (True, "aura-browser doctor --profile work")


@pytest.mark.parametrize(
    ("mode", "is_folder", "command"), [(0o750, True, "chmod 700 {}"), (0o644, False, "mv {0} {0}.old")]
)
def test_a_profile_that_no_harvest_takes_comes_with_the_command_for_it(
    mode: int, command: str, tmp_path: Path, *, is_folder: bool
) -> None:
    folder = tmp_path / "me"
    folder.mkdir() if is_folder else folder.touch()
    folder.chmod(mode)
    [found] = inspect_state("memory", Selenium(profile=str(folder)))
    assert (found.name, found.verdict, found.stops) == ("profile", "problem", True)
    assert found.command == command.format(folder)


@pytest.mark.parametrize(
    ("facts", "found"),
    [
        ({}, "1 h old, unproven, expiry unknown"),
        ({"expires_at": 5_001.0}, "1 h old, unproven, expires in 1 s"),
        ({"expires_at": 5_000.0}, "1 h old, unproven, expired; the next call asks the site"),
    ],
)
async def test_a_session_is_told_with_its_age_and_what_is_left_of_it(
    facts: dict[str, object], found: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await FileStore(folder).save(KEY, make_session(KEY.origin, harvested_at=1_000.0, **facts))
    monkeypatch.setattr(time, "time", lambda: 5_000.0)
    [counted, session] = await inspect_sessions(str(folder))
    assert counted == Finding("sessions", "ok", "1 cached")
    assert (session.name, session.verdict, session.found) == ("session", "ok", f"{KEY.slug}: {found}")
    assert session.slug == KEY.slug


@pytest.mark.parametrize(("count", "told"), [(50, "50 cached"), (51, "51 cached, of which 50 were checked")])
async def test_fifty_sessions_are_looked_at(count: int, told: str, folder: Path) -> None:
    for number in range(count):
        (folder / f"{number}.json").write_text(make_session().to_json())
    counted, *rest = await inspect_sessions(str(folder))
    assert (counted.found, len(rest), {finding.verdict for finding in rest}) == (told, 50, {"ok"})


async def test_what_can_not_be_read_is_told_with_the_command_that_removes_it(folder: Path) -> None:
    (folder / "broken.json").write_bytes(b"{")
    os.mkfifo(folder / "other.json")
    (folder / "shut.json").write_bytes(b"aura-browser-encrypted-1 gAAAAA")
    [_, *findings] = await inspect_sessions(str(folder))
    assert [(finding.name, finding.verdict, finding.slug) for finding in findings] == [
        ("session", "problem", slug) for slug in ("broken", "other", "shut")
    ]
    broken, other, shut = findings
    assert broken.found.startswith("broken can't be read: Not a session")
    assert other.found.startswith("other can't be read: it is not a regular file. Remove it with: rm -f ")
    assert shut.found.startswith("shut: ")
    for finding in (broken, other):
        assert finding.command == f"aura-browser sessions rm {finding.slug} --store {folder}"
    assert shut.command == "export AURA_BROWSER_KEY=THE_KEY_IT_WAS_WRITTEN_WITH"


@pytest.mark.parametrize("is_default", [True, False])
async def test_a_folder_that_others_could_write_to_comes_with_the_command_of_the_store(
    state_home: Path, *, is_default: bool
) -> None:
    folder = state_home / "aura-browser" / "sessions"
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    [found] = await inspect_sessions(None if is_default else str(folder))
    assert (found.name, found.verdict, found.stops) == ("sessions", "problem", False)
    assert found.command == f"chmod 700 {folder}"


@pytest.mark.parametrize("is_default", [True, False])
def test_a_file_above_the_folder_comes_with_the_command_that_moves_it_away(
    state_home: Path, *, is_default: bool
) -> None:
    state_home.write_text("")
    [found] = asyncio.run(inspect_sessions(None if is_default else str(state_home / "sessions")))
    assert (found.verdict, found.command) == ("problem", f"mv {state_home} {state_home}.old")


async def test_a_long_problem_is_cut(tmp_path: Path) -> None:
    [found] = await inspect_sessions(str(tmp_path.joinpath(*["x" * 300] * 3)))
    assert (len(found.found), found.found[-1]) == (600, "…")
