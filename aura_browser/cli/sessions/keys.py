"""Keys and passphrases with which a session travels: read from files, the environment or a terminal."""

import os
import sys
from pathlib import Path
from typing import Final

import click

from aura_browser.errors import InvalidInput
from aura_browser.text import clean_text

PASSPHRASE_VARIABLE: Final = "AURA_BROWSER_PASSPHRASE"  # noqa: S105 - its name
_MAX_KEY_SIZE: Final = 64 * 1024


def read_recipients(given: tuple[str, ...]) -> list[str]:
    """Return the public keys that ``--to`` names: keys as they are, and those in files, one a line.

    Raises:
        click.BadParameter: if one is neither a key nor a file with some.
    """
    keys: list[str] = []
    for text in given:
        if text.startswith(("age1", "ssh-")):
            keys.append(text)
            continue
        lines = [line.strip() for line in _read_file(text, "'--to'").decode("utf-8", "replace").splitlines()]
        found = [line for line in lines if line.startswith(("age1", "ssh-"))]
        if not found:
            raise click.BadParameter(f"{clean_text(text)}: there is no public key in it.", param_hint="'--to'")
        keys += found
    return keys


def decrypt_file(data: bytes, identities: tuple[str, ...]) -> bytes:
    """Return what is in *data*, decrypted if it is a file of age.

    Args:
        data: the file.
        identities: the paths of private keys.

    Raises:
        click.UsageError: if it is encrypted, and what opens it was not given.
        ImportFailed: if what was given does not open it.
    """
    from aura_browser.formats import age

    if not age.is_encrypted(data):
        if identities:
            raise click.UsageError("--identity is for an encrypted file, and this one is not.")
        return data
    if age.needs_passphrase(data):
        return age.decrypt_with_passphrase(data, read_passphrase(confirm=False))
    if not identities:
        raise click.UsageError("The file is encrypted for a key; give it: --identity ~/.ssh/id_ed25519, or age's own.")
    return age.decrypt(data, [_read_file(path, "'--identity'") for path in identities])


def read_passphrase(*, confirm: bool) -> str:
    """Return the passphrase: from AURA_BROWSER_PASSPHRASE, or typed on a terminal, twice if *confirm*.

    Raises:
        InvalidInput: if the variable is empty.
        click.UsageError: if what is typed is empty, or there is no terminal to ask on.
    """
    given = os.environ.get(PASSPHRASE_VARIABLE)
    if given is None:
        if not (sys.stdin and sys.stdin.isatty()):
            raise click.UsageError(f"A passphrase needs a terminal to ask on, or {PASSPHRASE_VARIABLE}.")
        given = str(click.prompt("Passphrase", hide_input=True, confirmation_prompt=confirm, err=True))
        if not given:
            raise click.UsageError("The passphrase is empty.")
    elif not given:
        raise InvalidInput(PASSPHRASE_VARIABLE, "is empty")
    return given


def _read_file(path: str, option: str) -> bytes:
    try:
        with Path(path).expanduser().open("rb") as file:
            return file.read(_MAX_KEY_SIZE)
    except OSError as error:
        raise click.BadParameter(f"{clean_text(path)}: {error.strerror}.", param_hint=option) from None
