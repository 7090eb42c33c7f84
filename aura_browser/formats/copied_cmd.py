"""Commands that were copied for Windows' cmd ("Copy as cURL (cmd)"). Two programs read them: cmd, then C's runtime."""

import re
from typing import Final

from aura_browser.formats.copied_request import CopiedRequest, refuse
from aura_browser.formats.curl_options import read_curl

_LINE_END: Final = re.compile(r"\r?\n\r?\n|\r?\n")
_PIECE: Final = re.compile(r'(?P<blank>[ \t]+)|(?P<slashes>\\*)"(?P<twice>")?|[^ \t"\\]+|\\+')


def parse_cmd(text: str) -> tuple[CopiedRequest, ...]:
    """Return the requests of curl commands as cmd reads them.

    Args:
        text: one command, or several joined by ``&`` or line ends.

    Raises:
        InvalidInput: if a quote does not end, or another program is called.
    """
    requests = []
    for command in _undo_cmd(text):
        words = _split_words(command)
        if words and words[0].lower() not in {"curl", "curl.exe"}:
            refuse("it holds a command other than curl")
        if words:
            requests.append(read_curl(words[1:]))
    return tuple(requests)


def _undo_cmd(text: str) -> list[str]:
    """Return each command as cmd passes it on: without the carets that kept it from reading a character."""
    commands: list[list[str]] = [[]]
    at, is_quoted = 0, False
    while at < len(text):
        char = text[at]
        at += 1
        if char == "^" and not is_quoted:
            # A caret keeps a line end too, which is written twice then; once, the command goes on in the next line.
            end = _LINE_END.match(text, at)
            kept = (" " if end[0].count("\n") == 1 else "\n") if end else text[at : at + 1]
            commands[-1].append(kept)
            at = end.end() if end else at + 1
        elif char in "\n&" and not is_quoted:
            commands.append([])
        else:
            is_quoted ^= char == '"'
            commands[-1].append(char)
    return ["".join(command).strip() for command in commands]


def _split_words(command: str) -> list[str]:
    """Return the words as C's runtime on Windows splits them, but for doubled backslashes.

    The runtime reads two as one only before a quote. Browsers double all of them, and what they meant is wanted here.
    https://learn.microsoft.com/en-us/cpp/c-language/parsing-c-command-line-arguments
    """
    words: list[str] = []
    word: str | None = None
    is_quoted = False
    for piece in _PIECE.finditer(command):
        if piece["blank"] and not is_quoted:
            words += [] if word is None else [word]
            word = None
            continue
        text, toggles = _read_piece(piece, is_quoted=is_quoted)
        word = (word or "") + text
        is_quoted ^= toggles
    if is_quoted:
        refuse("a quote does not end")
    return words if word is None else [*words, word]


def _read_piece(piece: re.Match[str], *, is_quoted: bool) -> tuple[str, bool]:
    """Return what a piece stands for, and whether it begins or ends a quotation."""
    if piece["slashes"] is None:
        return piece[0].replace("\\\\", "\\"), False
    text, is_twice = "\\" * (len(piece["slashes"]) // 2), piece["twice"] is not None
    if len(piece["slashes"]) % 2:
        return f'{text}"', is_twice
    if is_twice:
        return (f'{text}"' if is_quoted else text), False
    return text, True
