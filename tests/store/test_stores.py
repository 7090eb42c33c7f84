"""Where sessions are cached."""

import asyncio
import errno
import fcntl
import logging
import os
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import platformdirs
import pytest

from aura_browser.errors import InvalidInput, SessionUnreadable, StoreError
from aura_browser.http.choice import Choice
from aura_browser.keeping.budget import HarvestBudget
from aura_browser.store import FileStore, MemoryStore, SessionKey, Store
from aura_browser.store.base import PREVIOUS
from aura_browser.store.file import default_folder, write_private
from tests.parts.sessions import content, make_cookie, make_session

KEY = SessionKey("https://chat.example.com", "work", "http://me:s3cret@proxy:8080")


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(params=["memory", "file"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return MemoryStore() if request.param == "memory" else FileStore(tmp_path / "sessions")


async def test_what_is_saved_is_loaded(store: Store) -> None:
    assert await store.load(KEY) is None
    session = make_session(KEY.origin)
    await store.save(KEY, session)
    assert await store.load(KEY) == session
    assert await store.load(SessionKey(KEY.origin)) is None


@pytest.mark.parametrize("host", ["budget-cars.example.com", "transport-x.com", "budget", "budget-origin", "transport"])
@pytest.mark.parametrize("name", ["default", "origin", "renew", ""])
async def test_a_session_is_listed_whatever_its_site_is_called(store: Store, host: str, name: str) -> None:
    key = SessionKey(f"https://{host}", name)
    await store.save(key, make_session(key.origin))
    assert await store.session_slugs() == [key.slug]


async def test_what_is_on_record_is_no_session(store: Store) -> None:
    budget = HarvestBudget(store, KEY, clock=time.time)
    for is_optional in (False, True):
        await budget.record_failure("The page is gone.", is_optional=is_optional)
    await Choice(store, KEY, time.time).use_page()
    assert len(await store.slugs()) > 1
    assert await store.session_slugs() == []


async def test_a_corrupt_one_is_set_aside_and_reported(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    await store.swap(KEY.slug, None, b'{"version": 1, "s3cret": ')
    with caplog.at_level(logging.WARNING):
        assert await store.load(KEY) is None
    assert "set aside" in caplog.text
    assert "s3cret" not in caplog.text
    caplog.clear()
    assert await store.load(KEY) is None
    assert not caplog.text


async def test_all_that_is_set_aside_stays(store: Store) -> None:
    values, places = [b"first", b"second", b"third"], []
    for value in values:
        await store.swap(KEY.slug, None, value)
        places.append(Path(await store.set_aside(KEY.slug)).name)
    assert places == [f"{KEY.slug}.corrupt", f"{KEY.slug}.corrupt-2", f"{KEY.slug}.corrupt-3"]
    assert Path(await store.set_aside(KEY.slug)).name == places[-1], "another process has set it aside"
    assert [read_aside(store, each) for each in places] == values


def read_aside(store: Store, name: str) -> bytes:
    if isinstance(store, FileStore):
        return (store.folder / name).read_bytes()
    assert isinstance(store, MemoryStore)
    return store._values[name]


async def test_nothing_to_set_aside_is_no_failure(store: Store) -> None:
    assert (await store.set_aside(KEY.slug)).endswith(f"{KEY.slug}.corrupt")


class BusyStore(MemoryStore):
    """Another process has always just written."""

    tries = 0

    async def swap(self, *_args: Any, **_options: Any) -> bool:  # noqa: ANN401 - not used
        self.tries += 1
        return False


async def test_a_write_that_never_succeeds_is_given_up() -> None:
    saving, updating = BusyStore(), BusyStore()
    with pytest.raises(StoreError, match=r"other processes keep writing it\. Try again\."):
        await saving.save(KEY, make_session(KEY.origin))
    with pytest.raises(StoreError, match=r"other processes keep writing it\. Try again\."):
        await updating.update(KEY, lambda _: make_session(KEY.origin))
    assert (saving.tries, updating.tries) == (100, 100)


def test_a_key_tells_site_name_and_proxy_apart_without_a_secret() -> None:
    keys = [
        KEY,
        SessionKey("http://chat.example.com", KEY.name, KEY.proxy),
        SessionKey(KEY.origin, "home", KEY.proxy),
        SessionKey(KEY.origin, KEY.name),
        SessionKey("https://chat.example.com:8443", KEY.name, KEY.proxy),
        SessionKey(KEY.origin, "../../etc/passwd"),
    ]
    slugs = {key.slug for key in keys}
    assert len(slugs) == len(keys)
    assert all("s3cret" not in slug and "/" not in slug for slug in slugs)
    assert SessionKey(KEY.origin, KEY.name, "http://me:other@proxy:8080").slug == KEY.slug
    assert repr(KEY) == f"SessionKey({KEY.slug})"
    assert KEY.__rich_repr__() == [("slug", KEY.slug)]


def test_a_sessions_place_stays_the_same_from_version_to_version() -> None:
    assert SessionKey("https://chat.example.com").slug == "chat.example.com-default-eb224854ec8e"
    assert KEY.slug == "chat.example.com-work-b54d978a4d07"


def test_without_a_home_folder_it_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(platformdirs, "user_state_path", fail)
    with pytest.raises(InvalidInput, match=r"store: this user has no home folder\. Set HOME .*--store memory keeps"):
        FileStore()


async def test_files_are_their_owners_alone_whatever_the_umask(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "state" / "sessions")
    with umask(0):
        await store.save(KEY, make_session(KEY.origin))
    files = [path for path in store.folder.iterdir() if path.is_file()]
    assert {mode(file) for file in files} == {0o600}
    [file] = store.folder.glob("*.json")
    assert (mode(file), mode(store.folder), mode(store.folder.parent)) == (0o600, 0o700, 0o700)
    file.chmod(0o644)
    await store.save(KEY, make_session(KEY.origin))
    assert mode(file) == 0o600


def test_a_private_file_is_private_from_its_first_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    modes = []
    real = os.fsync

    def spy(handle: int) -> None:
        facts = os.fstat(handle)
        modes.append((stat.S_IMODE(facts.st_mode), facts.st_size))
        real(handle)

    monkeypatch.setattr(os, "fsync", spy)
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")  # its first bytes are in the same folder: it is renamed
    with umask(0):
        write_private(tmp_path / "x", b"1")
    assert modes == [(0o600, 1)]


def test_a_write_that_fails_leaves_the_old_bytes_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_private(tmp_path / "x", b"old")

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_private(tmp_path / "x", b"new")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]


async def test_a_reader_never_sees_half_a_session(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    sessions = [make_session(KEY.origin, local_storage={"x": str(n) * 50_000}) for n in range(2)]
    await store.save(KEY, sessions[0])

    async def write() -> None:
        for n in range(20):
            await store.save(KEY, sessions[n % 2])

    writing = asyncio.create_task(write())
    reads = 0
    while not writing.done():
        assert content(await store.load(KEY)) in sessions
        reads += 1
    await writing
    assert reads


async def test_a_place_that_cannot_be_used_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = FileStore(tmp_path / "file" / "sessions")
    problem = r"can't be used.*: Not a directory\. Check the folder's owner, mode and free space\."
    with pytest.raises(StoreError, match=problem):
        await store.save(KEY, make_session(KEY.origin))
    with pytest.raises(StoreError, match=problem):
        await store.load(KEY)


def test_sessions_are_kept_below_the_state_folder(state_home: Path) -> None:
    assert default_folder() == state_home / "aura-browser" / "sessions"
    assert FileStore().folder == default_folder()
    assert repr(FileStore("/a")) == "FileStore('/a')"
    assert FileStore().place_option == "", "a command names a store only where it is not this one"
    assert FileStore(default_folder()).place_option == str(default_folder())


# Folders and files of other users.


def make_unsafe(folder: Path, kind: str) -> None:
    if kind == "writable":
        folder.mkdir()
        folder.chmod(0o777)
    elif kind == "foreign":
        folder.mkdir()
        os.chown(folder, 12345, 12345)
    elif kind == "fifo":
        os.mkfifo(folder)
    elif kind == "foreign link":
        (folder.parent / "real").mkdir(mode=0o700)
        folder.symlink_to(folder.parent / "real")
        os.lchown(folder, 12345, 12345)
    else:
        folder.symlink_to(folder.parent / "nothing")


@pytest.mark.parametrize(
    ("kind", "command"),
    [("writable", "chmod 700"), ("foreign", "mv"), ("fifo", "mv"), ("foreign link", "rm"), ("dangling", "")],
)
async def test_a_folder_that_others_can_change_is_refused_with_the_command(
    tmp_path: Path, kind: str, command: str
) -> None:
    if os.geteuid() and kind.startswith("foreign"):
        pytest.skip("only root can make another user's folder")
    folder = tmp_path / "sessions"
    make_unsafe(folder, kind)
    store = FileStore(folder)
    began = time.monotonic()
    for use in (store.load(KEY), store.save(KEY, make_session(KEY.origin)), store.slugs(), hold(store)):
        with pytest.raises(StoreError) as caught:
            await use
        assert not command or f"{command} {folder}" in str(caught.value)
    assert time.monotonic() - began < 20
    assert not folder.is_dir() or list(folder.iterdir()) == []


async def hold(store: Store) -> None:
    async with store.lock(KEY.slug, wait_s=1.0):
        pass


async def test_what_can_not_be_read_keeps_its_place_before_nobodys_session() -> None:
    store = MemoryStore()
    kept = f"{KEY.slug}{PREVIOUS[0]}"
    store._values[kept] = b"a login, perhaps"
    for value in ("v1", "v2"):
        await store.save(KEY, make_session(KEY.origin, cookies=(make_cookie(value=value),)))
    assert await store.read(kept) == b"a login, perhaps"


class NotingStore(MemoryStore):
    """Notes until when each value is kept."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[tuple[str, float | None]] = []

    async def swap(self, slug: str, *args: Any, expires_at: float | None = None, **options: Any) -> bool:  # noqa: ANN401 - passed on
        self.kept.append((slug, expires_at))
        return await super().swap(slug, *args, **options)


@pytest.mark.parametrize(("is_login", "until"), [(False, 1000.0 + 30 * 86_400), (True, None)])
async def test_a_session_is_kept_for_a_month_after_its_end_and_a_login_for_ever(
    *, is_login: bool, until: float | None
) -> None:
    store = NotingStore()
    session = make_session(KEY.origin, cookies=(make_cookie(),), expires_at=1000.0, is_login=is_login)
    await store.save(KEY, session)
    await store.update(KEY, lambda stored: stored and msgspec.structs.replace(stored, harvested_at=2.0))
    await store.save(KEY, session, replace=True)
    assert store.kept == [(KEY.slug, until)] * 3 + [(f"{KEY.slug}{suffix}", until) for suffix in PREVIOUS]


class NarrowStore(MemoryStore):
    """Has room for the session alone."""

    async def swap(self, slug: str, *args: Any, **options: Any) -> bool:  # noqa: ANN401 - passed on
        if slug != KEY.slug:
            raise StoreError(slug, "it is full.")
        return await super().swap(slug, *args, **options)


async def test_a_session_is_kept_though_the_one_before_can_not_be(caplog: pytest.LogCaptureFixture) -> None:
    store = NarrowStore()
    for value in ("v1", "v2"):
        saved = await store.save(KEY, make_session(KEY.origin, cookies=(make_cookie(value=value),)))
    assert await store.load(KEY) == saved
    assert "The replaced session was not kept" in caplog.text


async def test_a_lock_that_another_holds_is_waited_for_so_long_and_no_longer(tmp_path: Path) -> None:
    store, other = FileStore(tmp_path), FileStore(tmp_path)
    async with store.lock(KEY.slug, wait_s=1.0):
        with pytest.raises(StoreError, match="another process holds its lock too long"):
            async with other.lock(KEY.slug, wait_s=0.05):
                raise AssertionError("two hold one lock")
    await hold(other)


async def test_a_lock_in_memory_is_looked_at_often(monkeypatch: pytest.MonkeyPatch) -> None:
    store, sleep = MemoryStore(), asyncio.sleep
    pauses: list[float] = []

    async def note(seconds: float) -> None:
        pauses.append(seconds)
        await sleep(0)

    monkeypatch.setattr(asyncio, "sleep", note)
    async with store.lock(KEY.slug, wait_s=1.0):
        with pytest.raises(StoreError, match="another task held its lock for over 0 s"):
            async with store.lock(KEY.slug, wait_s=0.01):
                raise AssertionError("two hold one lock")
    assert 0 < max(pauses) <= 0.05
    await hold(store)


async def test_a_link_of_ones_own_is_followed(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir(mode=0o700)
    (tmp_path / "sessions").symlink_to(tmp_path / "disk")
    store = FileStore(tmp_path / "sessions")
    session = await store.save(KEY, make_session(KEY.origin))
    assert await store.load(KEY) == session


@pytest.mark.parametrize("kind", ["fifo", "link", "folder", "foreign"])
async def test_a_session_that_is_not_ones_own_file_is_refused_and_never_waited_for(tmp_path: Path, kind: str) -> None:
    if os.geteuid() and kind == "foreign":
        pytest.skip("only root can make another user's file")
    (tmp_path / "s").mkdir(mode=0o700)
    path, store = tmp_path / "s" / f"{KEY.slug}.json", FileStore(tmp_path / "s")
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "link":
        (tmp_path / "planted").write_text(make_session(KEY.origin).to_json())
        path.symlink_to(tmp_path / "planted")
    elif kind == "folder":
        path.mkdir()
    else:
        path.write_text(make_session(KEY.origin).to_json())
        os.chown(path, 12345, 12345)
    with pytest.raises(StoreError):
        await asyncio.wait_for(store.load(KEY), 5)
    with pytest.raises(StoreError):
        await asyncio.wait_for(store.save(KEY, make_session(KEY.origin)), 5)


async def test_a_file_that_waits_in_the_swap_files_place_is_not_written_to(tmp_path: Path) -> None:
    (tmp_path / "s").mkdir(mode=0o700)
    store, planted = FileStore(tmp_path / "s"), tmp_path / "planted"
    planted.write_text("old")
    os.link(planted, tmp_path / "s" / ".swap.new")
    await store.save(KEY, make_session(KEY.origin))
    assert planted.read_text() == "old"


async def test_a_session_of_another_site_is_refused_and_stays(store: Store) -> None:
    planted = make_session("https://evil.example").to_json().encode()
    await store.swap(KEY.slug, None, planted)
    for use in (store.load(KEY), store.update(KEY, lambda session: session)):
        with pytest.raises(SessionUnreadable, match=r"of https://evil\.example, not of https://chat\.example\.com"):
            await use
    assert await store.read(KEY.slug) == planted


@pytest.mark.parametrize("facts", [{"name": "\udcff"}, {"proxy": "\udcff"}])
def test_a_key_that_cannot_be_written_is_one_error(facts: dict[str, str]) -> None:
    with pytest.raises(InvalidInput, match="session: its name contains bytes that are not UTF-8"):
        SessionKey(KEY.origin, **facts)


async def test_a_newer_programs_session_is_left_where_it_is(store: Store) -> None:
    newer = make_session().to_json().replace('"version": 2', '"version": 3').encode()
    unknown = make_session().to_json().replace('"version": 2', '"version": 2, "mood": "good"').encode()
    for data in (newer, unknown):
        await store.swap(KEY.slug, await store.read(KEY.slug), data)
        with pytest.raises(SessionUnreadable, match="a newer aura-browser wrote it"):
            await store.load(KEY)
        with pytest.raises(SessionUnreadable):
            await store.save(KEY, make_session(), replace=True)
        with pytest.raises(SessionUnreadable):
            await store.update(KEY, lambda _: make_session())
        assert await store.read(KEY.slug) == data
        assert await store.slugs() == (KEY.slug,)


async def test_what_could_not_be_read_back_is_never_written(store: Store) -> None:
    good = await store.save(KEY, make_session(KEY.origin))
    bad = msgspec.structs.replace(good, cookies=(make_cookie(path="no slash"),))
    with pytest.raises(StoreError, match="could not be read back") as caught:
        await store.save(KEY, bad)
    assert "s3cret" not in str(caught.value)
    with pytest.raises(StoreError, match="could not be read back"):
        await store.update(KEY, lambda _: bad)
    assert await store.load(KEY) == good


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS])
async def test_a_file_system_without_locks_still_caches_and_says_so_once(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def flock(_handle: int, _operation: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", flock)
    store = FileStore(tmp_path / "sessions")
    with caplog.at_level(logging.WARNING):
        await asyncio.gather(*(store.save(KEY, make_session(KEY.origin, harvested_at=float(n))) for n in range(5)))
        async with store.lock(KEY.slug, wait_s=1) as lease:
            last = await store.save(KEY, make_session(KEY.origin, harvested_at=9.0), lease)
    assert await FileStore(store.folder).load(KEY) == last
    assert last.generation == 5
    assert caplog.text.count("has no locks") == 1
    assert [path.name for path in store.folder.iterdir() if path.name.startswith(f".{KEY.slug}")] == []


async def test_a_file_that_is_too_long_for_a_session_is_not_read(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "s")
    await store.save(KEY, make_session(KEY.origin))
    os.truncate(tmp_path / "s" / f"{KEY.slug}.json", 64 * 2**20 + 1)
    with pytest.raises(StoreError, match="over 64 MiB"):
        await store.load(KEY)


@pytest.mark.parametrize("moved", ["https://example.com", "https://www.example.com"])
async def test_a_session_may_be_of_the_origin_that_its_site_moves_to(store: Store, moved: str) -> None:
    key = SessionKey("http://example.com")
    await store.save(key, make_session(moved))
    found = await store.load(key)
    assert found is not None
    assert found.origin == moved
