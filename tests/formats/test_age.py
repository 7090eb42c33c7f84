"""Files of age that are encrypted for a key: what they are, and who can open them."""

import base64
import sys

import pytest

from aura_browser.errors import ImportFailed, InvalidInput
from aura_browser.extras import install_command
from aura_browser.formats import age
from tests.parts.missing import missing

try:
    import pyrage
except ImportError:
    missing("pyrage is missing; bring it with: make setup")

TEXT = b"s3cret"
PASSPHRASE = b"age-encryption.org/v1\n-> scrypt c2FsdA 18\n"
KEY = b"age-encryption.org/v1\n-> X25519 c2FsdA\n"
ARMOR = b"-----BEGIN AGE ENCRYPTED FILE-----"


def armor(data: bytes, width: int = 64) -> bytes:
    text = base64.b64encode(data + b"x" * 200)
    lines = [text[start : start + width] for start in range(0, len(text), width)]
    return b"\n".join([ARMOR, *lines, b"-----END AGE ENCRYPTED FILE-----", b""])


@pytest.mark.parametrize(
    ("data", "is_encrypted"),
    [(KEY, True), (armor(KEY), True), (b"\n " + armor(KEY), True), (b" " + KEY, False), (b"{}", False)],
)
def test_a_file_of_age_is_known_by_how_it_begins(data: bytes, *, is_encrypted: bool) -> None:
    assert age.is_encrypted(data) is is_encrypted


@pytest.mark.parametrize(
    ("data", "needs"),
    [
        (PASSPHRASE, True),
        (KEY, False),
        (armor(PASSPHRASE), True),
        (b"\r\n" + armor(PASSPHRASE).replace(b"\n", b"\r\n"), True),
        (armor(PASSPHRASE, 40), True),
        (armor(KEY), False),
        (ARMOR + b"\n" + base64.b64encode(PASSPHRASE)[:-2], True),
        (ARMOR + b"\nA", False),
        (ARMOR + b"\n====", False),
        (ARMOR, False),
    ],
)
def test_a_file_says_whether_a_passphrase_opens_it(data: bytes, *, needs: bool) -> None:
    assert age.needs_passphrase(data) is needs


def test_each_of_several_keys_opens_what_is_encrypted_for_them() -> None:
    first, second, stranger = (pyrage.x25519.Identity.generate() for _ in range(3))
    encrypted = age.encrypt(TEXT, [f" {first.to_public()}\n", str(second.to_public())])
    assert encrypted.startswith(ARMOR.decode())
    assert not age.needs_passphrase(encrypted.encode())
    comment = "# created: 2027-01-15\n\n"
    for key in (first, second):
        assert age.decrypt(encrypted.encode(), [f"{comment}{stranger}\n  {key}\n".encode()]) == TEXT
    with pytest.raises(ImportFailed) as caught:
        age.decrypt(encrypted.encode(), [str(stranger).encode()])
    said = "a file of age: none of the keys given opens it. Give another with --identity FILE."
    assert (str(caught.value), caught.value.__context__) == (said, None)


@pytest.mark.parametrize("recipient", ["age1x", "ssh-ed25519 x", "s3cret", ""])
def test_what_is_no_public_key_is_refused(recipient: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        age.encrypt(TEXT, [recipient])
    said = "to: it is not a public key; it begins with age1, ssh-ed25519 or ssh-rsa"
    assert (str(caught.value), caught.value.__context__) == (said, None)


@pytest.mark.parametrize(
    "identity",
    [
        b"",
        b"# a comment",
        b"s3cret",
        b"\xff",
        b"-----BEGIN OPENSSH PRIVATE KEY-----",
        b"\n-----BEGIN RSA PRIVATE KEY-----",
    ],
)
def test_what_is_no_private_key_is_refused(identity: bytes) -> None:
    with pytest.raises(InvalidInput) as caught:
        age.decrypt(armor(KEY), [identity])
    said = "identity: it is not a private key of age-keygen, or of OpenSSH without a passphrase"
    assert (str(caught.value), caught.value.__context__) == (said, None)


def test_without_the_library_its_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyrage", None)
    with pytest.raises(InvalidInput) as caught:
        age.encrypt_with_passphrase(TEXT, "s3cret")
    assert str(caught.value) == f"encryption: needs another library: {install_command('carry')}"
    assert caught.value.__context__ is None
