"""Commands that were copied for bash ("Copy as cURL"): words in quotes of all kinds. Nothing is expanded."""

import re
from typing import Final

from aura_browser.formats.copied_request import CopiedRequest, refuse
from aura_browser.formats.curl_options import read_curl

# Bash's ANSI-C quoting, https://www.gnu.org/software/bash/manual/html_node/ANSI_002dC-Quoting.html
_ANSI: Final = re.compile(
    rb"\\(?:(?P<octal>[0-7]{1,3})|x(?P<hex>[0-9A-Fa-f]{1,2})|u(?P<u>[0-9A-Fa-f]{1,4})|U(?P<U>[0-9A-Fa-f]{1,8})"
    rb"|c(?P<control>.)|(?P<one>.))",
    re.DOTALL,
)
_LETTERS: Final = {b"a": 7, b"b": 8, b"e": 27, b"E": 27, b"f": 12, b"n": 10, b"r": 13, b"t": 9, b"v": 11}
_THEMSELVES: Final = frozenset({b"\\", b"'", b'"', b"?"})
_PLAIN: Final = re.compile(r"[^\s'\"\\$;&|()<>`#]+")
_DOUBLE: Final = re.compile(r'((?:[^"\\]|\\.)*)"', re.DOTALL)
_ANSI_QUOTED: Final = re.compile(r"((?:[^'\\]|\\.)*)'", re.DOTALL)
_EXPANDED: Final = re.compile(r"(?<!\\)(?:\\\\)*[$`]")


def parse_bash(text: str) -> tuple[CopiedRequest, ...]:
    """Return the requests of curl commands as bash reads them.

    Args:
        text: one command, or several joined by ``;`` or line ends.

    Raises:
        InvalidInput: if a quote does not end, something would be expanded, or another program is called.
    """
    requests = []
    for words in split_commands(text):
        if words[0] != "curl":
            refuse("it holds a command other than curl")
        requests.append(read_curl(words[1:]))
    return tuple(requests)


def split_commands(text: str) -> list[list[str]]:
    """Return the words of each command, as bash would pass them on. Raises as :func:`parse_bash`."""
    reader = _Reader(text)
    while reader.at < len(text):
        reader.step()
    reader.end_command()
    return reader.commands


class _Reader:
    """Reads bash's words from a text, one piece at a time."""

    def __init__(self, text: str) -> None:
        self.at = 0
        self.commands: list[list[str]] = []
        self._text = text
        self._words: list[str] = []
        self._word: list[str] | None = None

    def step(self) -> None:
        """Read the next piece."""
        char = self._text[self.at]
        if plain := _PLAIN.match(self._text, self.at):
            self._add(plain[0], plain.end())
        elif self._text.startswith(("\\\n", "\\\r\n"), self.at):
            self.at = self._text.index("\n", self.at) + 1
        elif char in " \t\r":
            self._end_word()
            self.at += 1
        elif char in "\n;&":
            self.end_command()
            self.at += 1
        else:
            self._read_quoted(char)

    def end_command(self) -> None:
        """End the command under way."""
        self._end_word()
        if self._words:
            self.commands.append(self._words)
        self._words = []

    def _end_word(self) -> None:
        if self._word is not None:
            self._words.append("".join(self._word))
        self._word = None

    def _add(self, text: str, at: int) -> None:
        self._word = [*(self._word or ()), text]
        self.at = at

    def _read_quoted(self, char: str) -> None:
        text, at = self._text, self.at
        if char == "'":
            end = text.find("'", at + 1)
            self._add(text[at + 1 : end], end + 1) if end > 0 else refuse("a quote does not end")
        elif text.startswith("$'", at):
            match = _ANSI_QUOTED.match(text, at + 2) or refuse("a quote does not end")
            self._add(_decode_ansi(match[1]), match.end())
        elif char == '"':
            match = _DOUBLE.match(text, at + 1) or refuse("a quote does not end")
            if _EXPANDED.search(match[1]):
                refuse("it holds a variable or a command in double quotes, which is not expanded here")
            self._add(re.sub(r'\\(["\\$`])|\\\n', r"\1", match[1]), match.end())
        elif char == "\\" and at + 1 < len(text):
            self._add(text[at + 1], at + 2)
        elif char == "#":
            self._add(char, at + 1) if self._word is not None else self._skip_comment()
        else:
            refuse(f"it holds {char!r} outside quotes, which a shell would act on")

    def _skip_comment(self) -> None:
        end = self._text.find("\n", self.at)
        self.at = len(self._text) if end < 0 else end


def _decode_ansi(text: str) -> str:
    """Return what stands between ``$'`` and ``'``. Escapes of bytes and of UTF-16 units join to characters."""
    units = re.sub(r"(?:\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})+", _join_units, text)
    try:
        return _ANSI.sub(_decode_escape, units.encode("utf-8", "surrogatepass")).decode()
    except UnicodeDecodeError:
        refuse("it holds bytes that are no text in UTF-8")


def _join_units(match: re.Match[str]) -> str:
    units = bytes.fromhex(match[0].replace("\\u", ""))
    return units.decode("utf-16-be", "replace")


def _decode_escape(match: re.Match[bytes]) -> bytes:
    if match["octal"]:
        return bytes([int(match["octal"], 8) & 0xFF])
    if match["hex"]:
        return bytes([int(match["hex"], 16)])
    if code := match["u"] or match["U"]:
        return chr(min(int(code, 16), 0x10FFFF)).encode("utf-8", "replace")
    if match["control"]:
        return bytes([match["control"][0] & 0x1F])
    if match["one"] in _LETTERS:
        return bytes([_LETTERS[match["one"]]])
    return match["one"] if match["one"] in _THEMSELVES else match[0]
