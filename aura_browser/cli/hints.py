"""What a person may have meant: hints for words that are not a command."""

import re
from collections.abc import Sequence
from difflib import get_close_matches
from shlex import quote
from typing import Final

_LOGIN_WORDS: Final = frozenset({"login", "log-in", "logon", "signin", "sign-in", "auth"})
_ADDRESS: Final = re.compile(r"https?://\S+|localhost(:\d+)?(/\S*)?|[\w-]+(\.[\w-]+)+(:\d+)?(/\S*)?", re.IGNORECASE)
_LOGIN: Final = "aura-browser harvest URL --interactive --until cookie:NAME"


def suggest_command(word: str, commands: Sequence[str]) -> str:
    """Return a sentence with the command that a person who typed *word* may want; empty if there is no guess."""
    if word.lower() in _LOGIN_WORDS:
        return f"To log in to a site, run: {_LOGIN}"
    if near := get_close_matches(word.lower(), commands, n=2):
        return f"Did you mean: {' or '.join(near)}?"
    if _ADDRESS.fullmatch(word):
        return f"To open a site, run: aura-browser harvest {quote(word)}"
    return f"The commands are: {', '.join(commands)}."
