"""Encrypted files in the format of age (https://age-encryption.org/v1): the program ``age`` opens them by itself."""

import binascii
from collections.abc import Sequence
from types import ModuleType
from typing import Any, Final

from aura_browser.errors import ImportFailed, InvalidInput, raise_alone
from aura_browser.extras import install_command

TITLE: Final = "a file of age"
_BINARY: Final = b"age-encryption.org/v1\n"
_ARMOR: Final = b"-----BEGIN AGE ENCRYPTED FILE-----"
_PASSPHRASE: Final = b"-> scrypt "


def is_encrypted(data: bytes) -> bool:
    """Return whether *data* is a file of age, binary or armored."""
    return data.startswith(_BINARY) or data.lstrip().startswith(_ARMOR)


def needs_passphrase(data: bytes) -> bool:
    """Return whether a file of age is encrypted with a passphrase, not for a key."""
    begin = _BINARY + _PASSPHRASE
    if data.startswith(_BINARY):
        return data.startswith(begin)
    head = b"".join(data.lstrip().splitlines()[1:4])
    try:
        return binascii.a2b_base64(head[: len(head) // 4 * 4]).startswith(begin)
    except binascii.Error:
        return False


def encrypt(data: bytes, recipients: Sequence[str]) -> str:
    """Return *data*, encrypted for each of *recipients*, in age's armor.

    Args:
        data: what to encrypt.
        recipients: public keys: ``age1…``, ``ssh-ed25519 …`` or ``ssh-rsa …``.

    Raises:
        InvalidInput: if one of them is not a public key, or the extra ``carry`` is missing.
    """
    pyrage = _load()
    keys = [_read_recipient(pyrage, text) for text in recipients]
    encrypted: bytes = pyrage.encrypt(data, keys, armored=True)
    return encrypted.decode()


def _read_recipient(pyrage: ModuleType, text: str) -> Any:  # noqa: ANN401 - one of two classes without a common base
    kind = pyrage.ssh if text.startswith("ssh-") else pyrage.x25519
    try:
        return kind.Recipient.from_str(text.strip())
    except pyrage.RecipientError:
        raise_alone(InvalidInput("to", "it is not a public key; it begins with age1, ssh-ed25519 or ssh-rsa"))


def encrypt_with_passphrase(data: bytes, passphrase: str) -> str:
    """Return *data*, encrypted with *passphrase*, in age's armor. It takes seconds, and half a gigabyte of memory.

    Raises:
        InvalidInput: if the extra ``carry`` is missing.
    """
    encrypted: bytes = _load().passphrase.encrypt(data, passphrase, armored=True)
    return encrypted.decode()


def decrypt(data: bytes, identities: Sequence[bytes]) -> bytes:
    """Return what is in a file of age.

    Args:
        data: the file.
        identities: private keys: the contents of files of ``age-keygen`` or of OpenSSH.

    Raises:
        ImportFailed: if none of them opens it.
        InvalidInput: if one of them is not a private key, or the extra ``carry`` is missing.
    """
    pyrage = _load()
    keys = [key for text in identities for key in _read_identities(pyrage, text)]
    try:
        decrypted: bytes = pyrage.decrypt(data, keys)
    except pyrage.DecryptError:
        raise_alone(ImportFailed(TITLE, "", "none of the keys given opens it", "Give another with --identity FILE."))
    return decrypted


def _read_identities(pyrage: ModuleType, text: bytes) -> list[Any]:
    try:
        if text.lstrip().startswith(b"-----BEGIN"):
            return [pyrage.ssh.Identity.from_buffer(text)]
        lines = [line.strip() for line in text.decode().splitlines()]
        keys = [pyrage.x25519.Identity.from_str(line) for line in lines if line and not line.startswith("#")]
    except (pyrage.IdentityError, ValueError):
        keys = []
    if not keys:
        problem = "it is not a private key of age-keygen, or of OpenSSH without a passphrase"
        raise_alone(InvalidInput("identity", problem))
    return keys


def decrypt_with_passphrase(data: bytes, passphrase: str) -> bytes:
    """Return what is in a file of age that is encrypted with *passphrase*.

    Raises:
        ImportFailed: if that is not its passphrase, or it is damaged.
        InvalidInput: if the extra ``carry`` is missing.
    """
    pyrage = _load()
    try:
        decrypted: bytes = pyrage.passphrase.decrypt(data, passphrase)
    except pyrage.DecryptError:
        raise_alone(ImportFailed(TITLE, "", "the passphrase does not open it", "Type it again."))
    return decrypted


def _load() -> ModuleType:
    try:
        import pyrage
    except ImportError:
        raise_alone(InvalidInput("encryption", f"needs another library: {install_command('carry')}"))
    module: ModuleType = pyrage
    return module
