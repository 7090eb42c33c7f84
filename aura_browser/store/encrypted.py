"""Sessions encrypted at rest, in any store, with a key from the environment or from the system's keyring.

Values are Fernet tokens after a prefix that no session starts with. What is encrypted begins with the value's slug, so
a value that somebody moved to another name does not open there. Format 1, without the slug, is still read; a value
becomes format 2 when it is written the next time.

Where encryption was asked for, a plain session is not read: whoever can write to the store could have put it there. One
that was there before encryption was switched on is read while ``AURA_BROWSER_PLAIN=accept`` is set, and encrypted when
it is written the next time. Counts of failed harvests hold no secret and are read in any case.
"""

import asyncio
import os
from contextlib import AbstractAsyncContextManager
from functools import cache, partial
from types import ModuleType
from typing import TYPE_CHECKING, Final, Literal, get_args

from aura_browser.errors import InvalidInput, SessionLocked, SessionUnreadable, StoreError, raise_alone
from aura_browser.extras import install_command
from aura_browser.slugs import is_record
from aura_browser.store.base import Lease, Store
from aura_browser.store.file import default_folder
from aura_browser.text import clean_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography.fernet import MultiFernet

Encryption = Literal["auto", "keyring", "off"]
"""How values are written: encrypted if ``AURA_BROWSER_KEY`` is set, encrypted with a key in the keyring, or plain."""

KEY_VARIABLE: Final = "AURA_BROWSER_KEY"
KEYRING_SERVICE: Final = "aura-browser"
KEYRING_USER: Final = "session-key"

PLAIN_VARIABLE: Final = "AURA_BROWSER_PLAIN"
"""The environment variable that, set to ``accept``, lets plain sessions be read although encryption is on."""

_COMMON_PREFIX: Final = b"aura-browser-encrypted-"
_PREFIX: Final = _COMMON_PREFIX + b"2 "
_PREFIX_WITHOUT_SLUG: Final = _COMMON_PREFIX + b"1 "
_KEYRING: Final = "the system keyring"
_CREATE_KEY_COMMAND: Final = 'python -c "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())"'
_KEYRING_TIMEOUT_S: Final = 60.0  # a person may have to unlock the keyring


def encrypt_at_rest(store: Store, encryption: Encryption = "auto") -> Store:
    """Return *store* with its values encrypted or plain, as *encryption* says.

    Encrypted values are read in any mode, if there is a key: with ``off`` each becomes plain when it is written the
    next time. Nothing blocks here; the keyring is read in a thread when the first value needs it.

    Args:
        store: stores the bytes. An :class:`EncryptedStore` is returned unchanged.
        encryption: ``auto`` encrypts if ``AURA_BROWSER_KEY`` is set, and keeps encrypted values encrypted;
            ``keyring`` encrypts with a key in the system's keyring, created if missing; ``off`` does not encrypt.

    Raises:
        InvalidInput: if ``AURA_BROWSER_KEY`` is not a key, *encryption* is unknown, or the extra ``keyring`` missing.
    """
    return store if isinstance(store, EncryptedStore) else EncryptedStore(store, encryption)


class EncryptedStore(Store):
    """A store that encrypts the values of another one.

    A value that no key decrypts raises ``SessionLocked`` in every operation and is left unchanged.

    Args:
        inner: stores the bytes.
        encryption: as in :func:`encrypt_at_rest`.

    Raises:
        InvalidInput: as in :func:`encrypt_at_rest`.
    """

    def __init__(self, inner: Store, encryption: Encryption = "auto") -> None:
        if encryption not in get_args(Encryption):
            raise InvalidInput("encryption", f"must be one of {', '.join(get_args(Encryption))}")
        if encryption == "keyring":
            _import_keyring()
        self.inner = inner
        self.place_option = inner.place_option
        # Per object, because the inner store decides it.
        self.spans_machines = inner.spans_machines  # type: ignore[misc]
        self._encryption = encryption
        self._writer = key_from_environment() if encryption == "auto" and KEY_VARIABLE in os.environ else None
        self._sources: dict[str, Callable[[], MultiFernet]] = {
            KEY_VARIABLE: cache(key_from_environment),
            _KEYRING: cache(partial(key_from_keyring, create=encryption == "keyring")),
        }

    def __repr__(self) -> str:
        return f"EncryptedStore({self.inner!r}, {self._encryption!r})"

    async def read(self, slug: str) -> bytes | None:
        """Return the value under *slug*, decrypted.

        Raises:
            StoreError: if the store can't be used, or no key decrypts the value.
        """
        return await self._decrypt(slug, await self.inner.read(slug))

    async def swap(
        self,
        slug: str,
        before: bytes | None,
        after: bytes | None,
        *,
        expires_at: float | None = None,
        lease: Lease | None = None,
    ) -> bool:
        """Write *after* under *slug*, encrypted, if the stored value decrypts to *before*.

        Raises:
            StoreError: if the store or the keyring can't be used, *lease* was lost, or no key decrypts the stored
                value.
        """
        # One value has many ciphertexts: compare plain values here, and the exact bytes in the inner store.
        stored = await self.inner.read(slug)
        if await self._decrypt(slug, stored) != before:
            return False
        encrypted = None if after is None else await self._encrypt(slug, after)
        return await self.inner.swap(slug, stored, encrypted, expires_at=expires_at, lease=lease)

    async def slugs(self) -> tuple[str, ...]:
        """Return all slugs that have a value; slugs are not encrypted."""
        return await self.inner.slugs()

    async def set_aside(self, slug: str) -> str:
        """Move the value under *slug* away, still encrypted; return its new place."""
        return await self.inner.set_aside(slug)

    def lock(self, slug: str, *, wait_s: float) -> AbstractAsyncContextManager[Lease]:
        """Hold the lock of *slug* in the inner store."""
        return self.inner.lock(slug, wait_s=wait_s)

    async def aclose(self) -> None:
        """Close the inner store."""
        await self.inner.aclose()

    async def _encrypt(self, slug: str, value: bytes) -> bytes:
        if self._writer is None and self._encryption == "keyring":
            try:
                self._writer = await asyncio.to_thread(self._sources[_KEYRING])
            except InvalidInput as error:
                advice = f"Unlock or install a keyring, or use encryption 'auto' and set {KEY_VARIABLE}."
                raise_alone(StoreError(slug, f"{error}. {advice}"))
        return value if self._writer is None else _PREFIX + self._writer.encrypt(_mark_of(slug) + value)

    async def _decrypt(self, slug: str, value: bytes | None) -> bytes | None:
        if value is None:
            return None
        if not value.startswith(_COMMON_PREFIX):
            return self._check_plain(slug, value)
        if not value.startswith((_PREFIX, _PREFIX_WITHOUT_SLUG)):
            raise SessionLocked(slug, "its value was encrypted by another version of aura-browser. Update this one.")
        # In a thread, because reading the keyring may block.
        plain = await asyncio.to_thread(self._try_keys, slug, value.partition(b" ")[2])
        return self._without_mark(slug, plain) if value.startswith(_PREFIX) else plain

    def _without_mark(self, slug: str, value: bytes) -> bytes:
        mark = _mark_of(slug)
        if not value.startswith(mark):
            problem = "its value was encrypted under another name, and somebody has moved it. It was left unchanged."
            raise SessionUnreadable(slug, f"{problem} Remove it with: {self.build_command('rm', slug)}")
        return value.removeprefix(mark)

    def _check_plain(self, slug: str, value: bytes) -> bytes:
        is_asked_for = self._encryption == "keyring" or (self._encryption == "auto" and KEY_VARIABLE in os.environ)
        if not is_asked_for or is_record(slug) or os.environ.get(PLAIN_VARIABLE) == "accept":
            return value
        raise SessionUnreadable(
            slug, _describe_plain(self.build_command("check", slug), self.build_command("rm", slug))
        )

    def _try_keys(self, slug: str, token: bytes) -> bytes:
        reasons = []
        for name, source in self._sources.items():
            try:
                key = source()
                value = _decrypt_with(key, token, name)
            except InvalidInput as error:
                reasons.append(str(error))
            else:
                if self._writer is None and self._encryption == "auto":
                    # Another process chose encryption; writing a rotated cookie here must keep it.
                    self._writer = key
                return value
        raise SessionLocked(slug, _describe_locked(self.build_command("rm", slug), reasons))


def key_from_environment() -> "MultiFernet":
    """Return the keys in ``AURA_BROWSER_KEY``: the first one encrypts, any of them decrypts.

    Raises:
        InvalidInput: if it is not set or malformed, or the extra ``keyring`` is missing. Never shows the key.
    """
    text = os.environ.get(KEY_VARIABLE)
    if text is None:
        raise InvalidInput(KEY_VARIABLE, "is not set")
    return _parse_keys(text, KEY_VARIABLE)


def key_from_keyring(*, create: bool) -> "MultiFernet":
    """Return the key in the system's keyring (service ``aura-browser``, user ``session-key``).

    Blocks until the person has unlocked the keyring: call it outside an event loop, or in a thread.

    Args:
        create: create a key if there is none.

    Raises:
        InvalidInput: if the keyring can't be used or contains no key, or the extra ``keyring`` is missing.
    """
    keyring = _import_keyring()
    try:
        text = keyring.get_password(KEYRING_SERVICE, KEYRING_USER)
        if text is None and create:
            text = _create_key(keyring)
    except Exception as error:  # noqa: BLE001 - each backend raises its own library's errors
        raise_alone(InvalidInput(_KEYRING, f"failed: {clean_text(str(error)).rstrip('.')}"))
    if text is None:
        raise InvalidInput(_KEYRING, "contains no key")
    return _parse_keys(text, _KEYRING)


def _create_key(keyring: ModuleType) -> str | None:
    """Create a key in the system's keyring, unless another process just did; return the key there."""
    from cryptography.fernet import Fernet

    folder = default_folder()
    for parent in (folder.parent, folder):
        parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Without a lock two processes could create a key at once: one key and all values encrypted with it would be lost.
    from filelock import FileLock

    with FileLock(folder / ".keyring", timeout=_KEYRING_TIMEOUT_S, mode=0o600, fallback_to_soft=False):
        if keyring.get_password(KEYRING_SERVICE, KEYRING_USER) is None:
            keyring.set_password(KEYRING_SERVICE, KEYRING_USER, Fernet.generate_key().decode())
        kept: str | None = keyring.get_password(KEYRING_SERVICE, KEYRING_USER)
        return kept


def _import_keyring() -> ModuleType:
    try:
        import keyring
    except ImportError:
        raise InvalidInput(_KEYRING, _missing_extra()) from None
    return keyring


def _missing_extra() -> str:
    return f"needs more libraries: {install_command('keyring')}"


def _parse_keys(text: str, name: str) -> "MultiFernet":
    try:
        from cryptography.fernet import Fernet, MultiFernet
    except ImportError:
        raise InvalidInput(name, _missing_extra()) from None
    try:
        return MultiFernet([Fernet(key) for key in text.split()])
    except (ValueError, TypeError):
        # Alone, because the error may hold the text.
        raise_alone(InvalidInput(name, f"is not a key. Make one with: {_CREATE_KEY_COMMAND}"))


def _decrypt_with(key: "MultiFernet", token: bytes, name: str) -> bytes:
    from cryptography.fernet import InvalidToken

    try:
        return key.decrypt(token)
    except InvalidToken:
        raise InvalidInput(name, "contains another key") from None


def _mark_of(slug: str) -> bytes:
    return slug.encode() + b"\n"


def _describe_plain(check: str, remove: str) -> str:
    return (
        "its value is not encrypted, although encryption is on, so somebody else may have put it there. It was left "
        f"unchanged. If it was there before you switched encryption on, encrypt it with: "
        f"{PLAIN_VARIABLE}=accept {check}. Otherwise remove it with: {remove}"
    )


def _describe_locked(remove: str, reasons: list[str]) -> str:
    return (
        f"its value is encrypted, and no available key decrypts it ({'; '.join(reasons)}). It was left unchanged. "
        f"Set {KEY_VARIABLE} to the key that encrypted it, or delete it with: {remove}"
    )
