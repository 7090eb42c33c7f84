"""Sessions encrypted at rest: in memory and in files, with keys from the environment and from a keyring."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keyring
import keyring.backend
import keyring.errors
import msgspec
import pytest
from cryptography.fernet import Fernet
from filelock import FileLock
from hypothesis import given
from hypothesis import strategies as st

from aura_browser.errors import InvalidInput, SessionUnreadable, StoreError
from aura_browser.session import Session
from aura_browser.store import FileStore, MemoryStore, SessionKey, Store
from aura_browser.store.encrypted import (
    KEY_VARIABLE,
    EncryptedStore,
    Encryption,
    encrypt_at_rest,
    key_from_environment,
    key_from_keyring,
)
from tests.parts.sessions import content, make_session
from tests.parts.waiting import until

KEY = SessionKey("https://chat.example.com")
SLUG = KEY.slug
SESSION = make_session(KEY.origin)


class Keyring(keyring.backend.KeyringBackend):
    """A keyring in memory."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # the library's own
        self.kept: dict[tuple[str, str], str] = {}
        self.asked = 0

    def get_password(self, service: str, username: str) -> str | None:
        self.asked += 1
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password


class Locked(Keyring):
    """A keyring that nobody unlocks."""

    def get_password(self, service: str, username: str) -> str | None:
        raise keyring.errors.KeyringLocked("Failed to unlock the collection!")


@pytest.fixture(autouse=True)
def system_keyring(monkeypatch: pytest.MonkeyPatch) -> Iterator[Keyring]:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    before, ours = keyring.get_keyring(), Keyring()
    keyring.set_keyring(ours)
    yield ours
    keyring.set_keyring(before)


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    made = Fernet.generate_key().decode()
    monkeypatch.setenv(KEY_VARIABLE, made)
    return made


@pytest.fixture(params=["memory", "file"])
def inner(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return MemoryStore() if request.param == "memory" else FileStore(tmp_path / "sessions")


async def encrypted(inner: Store, session: Session = SESSION) -> bytes:
    """Save *session* encrypted, and return its bytes at rest."""
    await encrypt_at_rest(inner).save(KEY, session)
    value = await inner.read(SLUG)
    assert value is not None
    assert value.startswith(b"aura-browser-encrypted-2 ")
    return value


async def test_what_is_saved_is_loaded(inner: Store, key: str) -> None:
    store = encrypt_at_rest(inner)
    assert await store.load(KEY) is None
    for session in (SESSION, make_session(KEY.origin, harvested_at=2000.0)):
        await store.save(KEY, session)
        assert content(await encrypt_at_rest(inner).load(KEY)) == session
    assert await store.slugs() == (SLUG, f"{SLUG}.previous")
    previous = await store.read(f"{SLUG}.previous")
    assert Session.from_json(previous or b"") == SESSION


async def test_nothing_of_a_session_is_in_the_files(tmp_path: Path, key: str) -> None:
    store = encrypt_at_rest(FileStore(tmp_path))
    for _ in range(2):
        await store.save(KEY, SESSION)
    files = [tmp_path / f"{slug}.json" for slug in await store.slugs()]
    assert len(files) == 2
    for file in files:
        for secret in (b"s3cret", b'"sid"', b"cookies", b"theme", b"Chrome", key.encode()):
            assert secret not in file.read_bytes()
        assert file.stat().st_mode & 0o777 == 0o600


async def test_the_same_value_is_compared_decrypted(inner: Store, key: str) -> None:
    store = encrypt_at_rest(inner)
    assert await store.swap("x", None, b"1")
    assert not await store.swap("x", None, b"2")
    assert not await store.swap("x", b"2", b"3")
    assert await store.swap("x", b"1", b"2")
    assert await store.read("x") == b"2"
    assert await store.swap("x", b"2", None)
    assert await inner.read("x") is None


async def test_switching_on_and_off_migrates_with_each_write(
    inner: Store, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await encrypt_at_rest(inner, "off").save(KEY, SESSION)
    plain = await inner.read(SLUG)
    assert plain == SESSION.to_json().encode()
    with pytest.raises(SessionUnreadable, match="AURA_BROWSER_PLAIN=accept aura-browser sessions check"):
        await encrypt_at_rest(inner).load(KEY)
    monkeypatch.setenv("AURA_BROWSER_PLAIN", "accept")
    assert await encrypt_at_rest(inner).load(KEY) == SESSION
    assert await inner.read(SLUG) == plain
    changed = msgspec.structs.replace(SESSION, verified_at=1500.0)
    await encrypt_at_rest(inner).update(KEY, lambda _: changed)
    assert b"s3cret" not in (await inner.read(SLUG) or b"s3cret")
    assert await encrypt_at_rest(inner, "off").load(KEY) == changed
    await encrypt_at_rest(inner, "off").update(KEY, lambda _: SESSION)
    assert await inner.read(SLUG) == plain


async def test_from_a_key_in_the_environment_to_the_keyring_and_off(
    inner: Store, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await encrypted(inner)
    await encrypt_at_rest(inner, "keyring").save(KEY, SESSION)
    monkeypatch.delenv(KEY_VARIABLE)
    assert content(await encrypt_at_rest(inner, "keyring").load(KEY)) == SESSION
    saved = await encrypt_at_rest(inner, "off").save(KEY, SESSION)
    assert await inner.read(SLUG) == saved.to_json().encode()


async def test_auto_keeps_encrypted_what_it_finds_so(inner: Store) -> None:
    await encrypt_at_rest(inner, "keyring").save(KEY, SESSION)
    await encrypt_at_rest(inner).save(KEY, make_session(KEY.origin, harvested_at=2000.0))
    for slug in (SLUG, f"{SLUG}.previous"):
        assert b"s3cret" not in (await inner.read(slug) or b"s3cret")


@pytest.mark.parametrize("encryption", ["auto", "keyring", "off"])
@pytest.mark.parametrize("other", [None, Fernet.generate_key().decode()], ids=["no key", "another key"])
async def test_a_value_that_no_key_opens_stays_and_the_error_says_what_to_do(
    inner: Store, key: str, monkeypatch: pytest.MonkeyPatch, encryption: str, other: str | None
) -> None:
    value = await encrypted(inner)
    monkeypatch.delenv(KEY_VARIABLE)
    if other is not None:
        monkeypatch.setenv(KEY_VARIABLE, other)
    store = encrypt_at_rest(inner, encryption)  # type: ignore[arg-type]  # the parameter is text
    reason = f"{KEY_VARIABLE}: {'is not set' if other is None else 'contains another key'}; the system keyring: "
    for attempt in (
        store.read(SLUG),
        store.load(KEY),
        store.save(KEY, SESSION),
        store.update(KEY, lambda _: SESSION),
        store.swap(SLUG, None, b"new"),
        store.swap(SLUG, b"old", b"new"),
        store.swap(SLUG, None, None),
    ):
        with pytest.raises(StoreError) as caught:
            await attempt
        assert reason in str(caught.value)
        assert f"rm {SLUG}" in str(caught.value)
        assert key not in str(caught.value)
        assert str(other) not in str(caught.value)
    assert await inner.read(SLUG) == value
    assert await inner.slugs() == (SLUG,)


async def test_a_value_that_somebody_moved_to_another_name_does_not_open(inner: Store, key: str) -> None:
    store, other = encrypt_at_rest(inner), SessionKey(KEY.origin, "other")
    await store.save(KEY, SESSION)
    await store.save(other, make_session(KEY.origin, harvested_at=2000.0))
    ours, theirs = await inner.read(SLUG), await inner.read(other.slug)
    await inner.swap(SLUG, ours, theirs)
    with pytest.raises(SessionUnreadable, match="moved"):
        await store.load(KEY)
    assert await inner.read(SLUG) == theirs


async def test_the_first_format_is_read_and_becomes_the_second_with_the_next_write(inner: Store, key: str) -> None:
    first = b"aura-browser-encrypted-1 " + Fernet(key).encrypt(SESSION.to_json().encode())
    await inner.swap(SLUG, None, first)
    store = encrypt_at_rest(inner)
    assert await store.load(KEY) == SESSION
    await store.update(KEY, lambda _: msgspec.structs.replace(SESSION, verified_at=1500.0))
    assert (await inner.read(SLUG) or b"").startswith(b"aura-browser-encrypted-2 ")


@pytest.mark.parametrize("encryption", ["auto", "keyring"])
async def test_a_plain_session_put_in_place_is_refused_and_stays(
    inner: Store, key: str, encryption: Encryption
) -> None:
    planted = make_session(KEY.origin, harvested_at=2000.0).to_json().encode()
    store = encrypt_at_rest(inner, encryption)
    await store.save(KEY, SESSION)
    await inner.swap(SLUG, await inner.read(SLUG), planted)
    for use in (store.load(KEY), store.save(KEY, SESSION), store.update(KEY, lambda _: SESSION)):
        with pytest.raises(SessionUnreadable, match="not encrypted"):
            await use
    assert await inner.read(SLUG) == planted
    await inner.swap("budget-0123456789ab", None, b"{}")  # a count holds no secret, and must not hold up a harvest
    assert await store.read("budget-0123456789ab") == b"{}"


async def test_a_value_of_a_later_format_is_left_alone(inner: Store, key: str) -> None:
    await inner.swap(SLUG, None, b"aura-browser-encrypted-3 x")
    with pytest.raises(StoreError, match="another version"):
        await encrypt_at_rest(inner).load(KEY)
    assert await inner.slugs() == (SLUG,)


async def test_what_is_no_session_is_set_aside_still_encrypted(inner: Store, key: str) -> None:
    await encrypt_at_rest(inner).swap(SLUG, None, b'{"s3cret": ')
    value = await inner.read(SLUG)
    assert await encrypt_at_rest(inner).load(KEY) is None
    assert await inner.read(SLUG) is None
    aside = await inner.read(f"{SLUG}.corrupt") if isinstance(inner, MemoryStore) else None
    assert aside in {value, None}


async def test_concurrent_updates_lose_nothing(inner: Store, key: str) -> None:
    def count(session: Session | None) -> Session:
        assert session is not None
        return msgspec.structs.replace(session, harvested_at=session.harvested_at + 1)

    stores = [encrypt_at_rest(inner) for _ in range(4)]
    await stores[0].save(KEY, make_session(KEY.origin, harvested_at=0.0))
    await asyncio.gather(*(store.update(KEY, count) for store in stores for _ in range(5)))
    loaded = await stores[0].load(KEY)
    assert loaded is not None
    assert loaded.harvested_at == 20.0


async def test_the_rest_is_the_inner_stores(key: str) -> None:
    class Inner(MemoryStore):
        spans_machines = True
        closed = False

        async def aclose(self) -> None:
            self.closed = True

    inner = Inner()
    store = encrypt_at_rest(inner)
    assert store.spans_machines
    assert not encrypt_at_rest(MemoryStore()).spans_machines
    assert encrypt_at_rest(store, "off") is store
    async with store.lock("x", wait_s=1):
        with pytest.raises(StoreError, match="lock"):
            async with inner.lock("x", wait_s=0):
                pass
    await store.aclose()
    assert inner.closed
    assert key not in f"{store!r} {vars(store)}"


async def test_expiry_and_lease_are_passed_on(key: str) -> None:
    passed = {}

    class Inner(MemoryStore):
        async def swap(self, *args: object, **options: object) -> bool:
            passed.update(options)
            return True

    store = encrypt_at_rest(Inner())
    async with store.lock(SLUG, wait_s=1) as lease:
        await store.swap(SLUG, None, b"x", expires_at=5.0, lease=lease)
    assert passed == {"expires_at": 5.0, "lease": lease}


@given(value=st.binary() | st.binary().map(b"aura-browser-encrypted-2 ".__add__))
def test_any_bytes_come_back(value: bytes) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(KEY_VARIABLE, Fernet.generate_key().decode())
        store = encrypt_at_rest(MemoryStore())
        assert asyncio.run(store.swap("x", None, value))
        assert asyncio.run(store.read("x")) == value


async def test_a_new_key_before_the_old_one_rotates(inner: Store, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    await encrypted(inner)
    new = Fernet.generate_key().decode()
    monkeypatch.setenv(KEY_VARIABLE, f"{new} {key}")
    await encrypt_at_rest(inner).save(KEY, SESSION)
    monkeypatch.setenv(KEY_VARIABLE, new)
    assert content(await encrypt_at_rest(inner).load(KEY)) == SESSION


@pytest.mark.parametrize("text", ["", " ", "s3cret", "s3crét", "x" * 44])
def test_a_malformed_key_is_named_and_not_shown(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, text)
    for use in (key_from_environment, lambda: encrypt_at_rest(MemoryStore())):
        with pytest.raises(InvalidInput, match=r"Fernet\.generate_key") as caught:
            use()
        assert caught.value.name == KEY_VARIABLE
        assert "s3cr" not in str(caught.value)
    encrypt_at_rest(MemoryStore(), "off")


def test_unless_told_otherwise_it_encrypts_if_there_is_a_key() -> None:
    inner = MemoryStore()
    assert repr(EncryptedStore(inner)) == f"EncryptedStore({inner!r}, 'auto')"
    assert repr(encrypt_at_rest(inner)) == f"EncryptedStore({inner!r}, 'auto')"


def test_an_unknown_encryption_is_refused() -> None:
    with pytest.raises(InvalidInput, match="encryption: must be one of auto, keyring, off"):
        encrypt_at_rest(MemoryStore(), "on")  # type: ignore[arg-type]  # the mistake


async def test_the_keyrings_key_is_made_once_and_asked_for_once(inner: Store, system_keyring: Keyring) -> None:
    store = encrypt_at_rest(inner, "keyring")
    assert await store.load(KEY) is None
    assert system_keyring.asked == 0
    await store.save(KEY, SESSION)
    asked = system_keyring.asked
    for _ in range(3):
        await store.save(KEY, SESSION)
    assert system_keyring.asked <= asked + 1
    [place] = system_keyring.kept
    assert place == ("aura-browser", "session-key")
    assert content(await encrypt_at_rest(inner, "keyring").load(KEY)) == SESSION


class Slow(Keyring):
    """A keyring that takes a key in once eight want to hold the lock."""

    def __init__(self, wanted: list[str]) -> None:
        super().__init__()
        self._wanted = wanted

    def set_password(self, service: str, username: str, password: str) -> None:
        until(lambda: len(self._wanted) == 8, "eight want to make a key")
        super().set_password(service, username, password)


def test_first_starts_at_once_make_one_key(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted: list[str] = []
    enter = FileLock.__enter__

    def note(lock: FileLock) -> FileLock:
        wanted.append(lock.lock_file)
        return enter(lock)

    monkeypatch.setattr(FileLock, "__enter__", note)
    keyring.set_keyring(Slow(wanted))
    with ThreadPoolExecutor(8) as pool:
        keys = list(pool.map(lambda _: key_from_keyring(create=True), range(8)))
    assert all(keys[0].decrypt(key.encrypt(b"x")) == b"x" for key in keys)


def test_without_leave_to_make_one_the_keyring_stays_empty(system_keyring: Keyring) -> None:
    with pytest.raises(InvalidInput, match="contains no key"):
        key_from_keyring(create=False)
    assert system_keyring.kept == {}


async def test_a_keyring_that_cannot_be_used_is_a_clear_error_and_nothing_is_written(inner: Store) -> None:
    keyring.set_keyring(Locked())
    with pytest.raises(StoreError, match="keyring: failed: Failed to unlock"):
        await encrypt_at_rest(inner, "keyring").save(KEY, SESSION)
    assert await inner.slugs() == ()


def test_a_keyrings_foreign_entry_is_no_key(system_keyring: Keyring) -> None:
    system_keyring.set_password("aura-browser", "session-key", "s3cret")
    with pytest.raises(InvalidInput, match="is not a key") as caught:
        key_from_keyring(create=True)
    assert "s3cret" not in str(caught.value)


_WITHOUT_THE_EXTRA = """
import asyncio, os, sys
sys.modules |= {"keyring": None, "cryptography": None}
from aura_browser.errors import InvalidInput, SessionUnreadable, StoreError
from aura_browser.store import MemoryStore
from aura_browser.store.encrypted import encrypt_at_rest

inner = MemoryStore()
asyncio.run(inner.swap("x", None, b"aura-browser-encrypted-2 token"))
for encryption in ("auto", "off"):
    store = encrypt_at_rest(inner, encryption)
    asyncio.run(store.swap("plain", None, b"1")), asyncio.run(store.swap("plain", b"1", None))
    try:
        asyncio.run(store.read("x"))
    except StoreError as error:
        print(error)
for key, encryption in ((None, "keyring"), ("k", "auto")):
    os.environ |= {"AURA_BROWSER_KEY": key} if key else {}
    try:
        encrypt_at_rest(inner, encryption)
    except InvalidInput as error:
        print(error)
assert asyncio.run(inner.read("x")) == b"aura-browser-encrypted-2 token"
"""


def test_without_the_extra_plain_values_work_and_the_rest_says_how_to_install_it() -> None:
    shown = subprocess.run(
        [sys.executable, "-c", _WITHOUT_THE_EXTRA], capture_output=True, text=True, timeout=60, check=False
    )
    assert shown.returncode == 0, shown.stderr
    lines = shown.stdout.splitlines()
    assert len(lines) == 4
    assert all("pip install 'cryptography>=45' 'keyring>=25'" in line for line in lines)


def test_plain_values_import_no_cryptography() -> None:
    code = (
        "import asyncio, sys; from aura_browser.store.encrypted import encrypt_at_rest; "
        "from aura_browser.store import MemoryStore; s = encrypt_at_rest(MemoryStore()); "
        "asyncio.run(s.swap('x', None, b'1')); asyncio.run(s.read('x')); "
        "sys.exit(bool({'cryptography', 'keyring'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0
