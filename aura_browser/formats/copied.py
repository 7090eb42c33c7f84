"""Recognises which kind of copied request a text is, and reads it."""

import re
from collections.abc import Callable, Mapping
from typing import Final

from aura_browser.errors import InvalidInput
from aura_browser.formats.copied_bash import parse_bash
from aura_browser.formats.copied_cmd import parse_cmd
from aura_browser.formats.copied_fetch import parse_fetch
from aura_browser.formats.copied_powershell import parse_powershell
from aura_browser.formats.copied_request import MAX_LENGTH, CopiedRequest

_CURL: Final = re.compile(r"curl(?:\.exe)?\s", re.IGNORECASE)
_FETCH: Final = re.compile(r"(?:await\s+)?fetch\s*\(")
_POWERSHELL: Final = re.compile(r"\$session\b|invoke-(?:webrequest|restmethod)\b|iwr\b|irm\b", re.IGNORECASE)
_CMD: Final = re.compile(r'\^"|\^\r?\n|curl\.exe', re.IGNORECASE)

PARSERS: Final[Mapping[str, Callable[[str], tuple[CopiedRequest, ...]]]] = {
    "bash": parse_bash,
    "cmd": parse_cmd,
    "powershell": parse_powershell,
    "fetch": parse_fetch,
}
"""The parser of each kind."""


def recognise(text: str) -> str | None:
    """Return the kind of copied request that *text* begins as, a key of :data:`PARSERS`; None if it is no such text."""
    start = text.removeprefix("\ufeff").lstrip()
    if _CURL.match(start):
        # Where cmd's quotes are, the word before is not in bash's.
        is_cmd = _CMD.search(re.sub(r"\$?'(?:[^'\\]|\\.)*'", "", start, flags=re.DOTALL))
        return "cmd" if is_cmd else "bash"
    if _FETCH.match(start):
        return "fetch"
    return "powershell" if _POWERSHELL.match(start) else None


def parse_copied(text: str) -> tuple[CopiedRequest, ...]:
    """Return the requests that were copied from a browser's developer tools, in their order.

    Args:
        text: "Copy as cURL" (bash or cmd), "Copy as PowerShell", "Copy as fetch" or "Copy as fetch (Node.js)"; one or
            several. Nothing in it is run, expanded or read from a file.

    Raises:
        InvalidInput: if it is no such text, or can't be read; never with a value of it.
    """
    if len(text) > MAX_LENGTH:
        raise InvalidInput("copied command", f"is over {MAX_LENGTH // 2**20} MiB")
    kind = recognise(text)
    if kind is None:
        forms = "curl … (bash or cmd), $session = … (PowerShell) or fetch(…)"
        raise InvalidInput("copied command", f"has another form than those that DevTools copies: {forms}")
    return PARSERS[kind](text.removeprefix("\ufeff").strip())
