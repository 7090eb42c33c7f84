"""Sessions encrypted at rest, in any store, with a key from the environment or from the system's keyring.

Values are Fernet tokens behind a mark that no session begins with, so encrypted and plain ones live side by side:
switching encryption on or off takes effect value by value, as each is written the next time.
"""

import asyncio
import os
from contextlib import AbstractAsyncContextManager
from functools import cache, partial
from types import ModuleType
from typing import TYPE_CHECKING, Final, Literal, get_args

from aura_browser.errors import InvalidInput, SessionLocked, StoreError
from aura_browser.store.base import Lease, Store
from aura_browser.store.file import default_folder
from aura_browser.text import clean_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography.fernet import MultiFernet

Encryption = Literal["auto", "keyring", "off"]
"""How values are written: encrypted if ``AURA_BROWSER_KEY`` is set, with the key in the system's keyring, or plain."""

KEY_VARIABLE: Final = "AURA_BROWSER_KEY"
KEYRING_SERVICE: Final = "aura-browser"
KEYRING_USER: Final = "session-key"

_MARK: Final = b"aura-browser-encrypted-"
_PREFIX: Final = _MARK + b"1 "
_KEYRING: Final = "the system keyring"
_MISSING_EXTRA: Final = "needs the extra keyring: pip install 'aura-browser[keyring]'"
_HOW_TO_MAKE_A_KEY: Final = 'python -c "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())"'
_KEYRING_WAIT_S: Final = 60.0  # a person may have to unlock it


def encrypt_at_rest(store: Store, encryption: Encryption = "auto") -> Store:
    """Return *store* with its values encrypted, or written plain, as *encryption* says.

    Encrypted values are read whatever it says, if there is a key: after ``off`` each becomes plain when it is written
    the next time. Nothing blocks here; a keyring is asked when the first value needs it, in a thread.

    Args:
        store: keeps the bytes. An :class:`EncryptedStore` is returned as it is.
        encryption: ``auto`` encrypts if ``AURA_BROWSER_KEY`` is set, and keeps encrypted what it finds so;
            ``keyring`` encrypts with a key in the system's keyring, made there if there is none; ``off`` does not.

    Raises:
        InvalidInput: if ``AURA_BROWSER_KEY`` is no key, *encryption* is unknown, or the extra ``keyring`` is missing.
    """
    return store if isinstance(store, EncryptedStore) else EncryptedStore(store, encryption)


class EncryptedStore(Store):
    """A store that encrypts what another one keeps.

    A value that no key opens raises ``StoreError`` wherever it is met and stays where it is, byte for byte.

    Args:
        inner: keeps the bytes.
        encryption: as for :func:`encrypt_at_rest`.

    Raises:
        InvalidInput: as :func:`encrypt_at_rest`.
    """

    def __init__(self, inner: Store, encryption: Encryption = "auto") -> None:
        if encryption not in get_args(Encryption):
            raise InvalidInput("encryption", f"must be one of {', '.join(get_args(Encryption))}")
        if encryption == "keyring":
            _import_keyring()
        self.inner = inner
        # Per store, since what it wraps decides.
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
        """Return what is under *slug*, decrypted.

        Raises:
            StoreError: if the place can't be used, or no key opens the value.
        """
        return await self._opened(slug, await self.inner.read(slug))

    async def swap(
        self,
        slug: str,
        before: bytes | None,
        after: bytes | None,
        *,
        expires_at: float | None = None,
        lease: Lease | None = None,
    ) -> bool:
        """Put *after* under *slug*, encrypted, if what is there decrypts to *before*.

        Raises:
            StoreError: if the place can't be used, *lease* was lost, no key opens what is there, or the keyring that
                *after* is to be encrypted with can't be used.
        """
        # One value has many ciphertexts, so what is compared outside is plain, and inside the very bytes read here.
        there = await self.inner.read(slug)
        if await self._opened(slug, there) != before:
            return False
        sealed = None if after is None else await self._sealed(slug, after)
        return await self.inner.swap(slug, there, sealed, expires_at=expires_at, lease=lease)

    async def slugs(self) -> tuple[str, ...]:
        """Return all slugs that something is under; they are not encrypted."""
        return await self.inner.slugs()

    async def set_aside(self, slug: str) -> str:
        """Take what is under *slug* away as it is, still encrypted; return where it went."""
        return await self.inner.set_aside(slug)

    def lock(self, slug: str, *, wait_s: float) -> AbstractAsyncContextManager[Lease]:
        """Hold the lock of *slug* in the store that keeps the bytes."""
        return self.inner.lock(slug, wait_s=wait_s)

    async def aclose(self) -> None:
        """Close the store that keeps the bytes."""
        await self.inner.aclose()

    async def _sealed(self, slug: str, value: bytes) -> bytes:
        if self._writer is None and self._encryption == "keyring":
            try:
                self._writer = await asyncio.to_thread(self._sources[_KEYRING])
            except InvalidInput as error:
                advice = f"Unlock or install one, or use encryption 'auto' and set {KEY_VARIABLE}."
                raise StoreError(slug, f"{error}. {advice}") from error
        return value if self._writer is None else _PREFIX + self._writer.encrypt(value)

    async def _opened(self, slug: str, value: bytes | None) -> bytes | None:
        if value is None or not value.startswith(_MARK):
            return value
        if not value.startswith(_PREFIX):
            raise SessionLocked(slug, "its value was encrypted by another version of this program. Update this one.")
        # In a thread, because a keyring may have to be asked.
        return await asyncio.to_thread(self._decrypted, slug, value.removeprefix(_PREFIX))

    def _decrypted(self, slug: str, token: bytes) -> bytes:
        reasons = []
        for name, source in self._sources.items():
            try:
                key = source()
                value = _decrypted(key, token, name)
            except InvalidInput as error:
                reasons.append(str(error))
            else:
                if self._writer is None and self._encryption == "auto":
                    # Encryption was asked for elsewhere; writing a rotated cookie here must not undo it.
                    self._writer = key
                return value
        raise SessionLocked(slug, _unopened(slug, reasons))


def key_from_environment() -> "MultiFernet":
    """Return the key in ``AURA_BROWSER_KEY``: the first of those there encrypts, any of them decrypts.

    Raises:
        InvalidInput: if there is none, it is malformed, or the extra ``keyring`` is missing. Never shows the key.
    """
    text = os.environ.get(KEY_VARIABLE)
    if text is None:
        raise InvalidInput(KEY_VARIABLE, "is not set")
    return _key(text, KEY_VARIABLE)


def key_from_keyring(*, create: bool) -> "MultiFernet":
    """Return the key in the system's keyring (service ``aura-browser``, user ``session-key``).

    Blocks, for as long as a person takes to unlock the keyring: call it outside an event loop, or in a thread.

    Args:
        create: make one there if there is none.

    Raises:
        InvalidInput: if the keyring can't be used or holds no key, or the extra ``keyring`` is missing.
    """
    keyring = _import_keyring()
    try:
        text = keyring.get_password(KEYRING_SERVICE, KEYRING_USER)
        if text is None and create:
            text = _made_in(keyring)
    except Exception as error:  # each backend raises what its own library does
        raise InvalidInput(_KEYRING, f"failed: {clean_text(str(error)).rstrip('.')}") from error
    if text is None:
        raise InvalidInput(_KEYRING, "keeps no key")
    return _key(text, _KEYRING)


def _made_in(keyring: ModuleType) -> str | None:
    """Put a new key into the system's keyring unless another process just did; return what is there then."""
    from cryptography.fernet import Fernet

    folder = default_folder()
    for place in (folder.parent, folder):
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Of two keys made at once one would be lost, and with it all that was encrypted with it.
    from filelock import FileLock

    with FileLock(folder / ".keyring", timeout=_KEYRING_WAIT_S, mode=0o600, fallback_to_soft=False):
        if keyring.get_password(KEYRING_SERVICE, KEYRING_USER) is None:
            keyring.set_password(KEYRING_SERVICE, KEYRING_USER, Fernet.generate_key().decode())
        kept: str | None = keyring.get_password(KEYRING_SERVICE, KEYRING_USER)
        return kept


def _import_keyring() -> ModuleType:
    try:
        import keyring
    except ImportError:
        raise InvalidInput(_KEYRING, _MISSING_EXTRA) from None
    return keyring


def _key(text: str, name: str) -> "MultiFernet":
    try:
        from cryptography.fernet import Fernet, MultiFernet
    except ImportError:
        raise InvalidInput(name, _MISSING_EXTRA) from None
    try:
        return MultiFernet([Fernet(key) for key in text.split()])
    except ValueError:
        raise InvalidInput(name, f"is not a key. Make one with: {_HOW_TO_MAKE_A_KEY}") from None


def _decrypted(key: "MultiFernet", token: bytes, name: str) -> bytes:
    from cryptography.fernet import InvalidToken

    try:
        return key.decrypt(token)
    except InvalidToken:
        raise InvalidInput(name, "holds another key") from None


def _unopened(slug: str, reasons: list[str]) -> str:
    return (
        f"its value is encrypted, and no key here opens it ({'; '.join(reasons)}). It was left as it is. "
        f"Set {KEY_VARIABLE} to the key that it was written with, or give it up with: "
        f"aura-browser sessions rm {clean_text(slug)}"
    )
