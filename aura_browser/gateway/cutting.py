"""Cuts an answer where the client asked for it: at a stop sequence, or after so many tokens."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from aura_browser.chat.tokens import BYTES_PER_TOKEN, count_bytes

if TYPE_CHECKING:
    from aura_browser.gateway.wires.question import Reason

_NO_LIMIT: Final = 2**62


class Cutter:
    """Takes an answer's text in pieces and gives what the client gets.

    Args:
        stops: texts that end the answer; they are not part of it.
        max_tokens: the most tokens of the answer, as estimated; None for no limit.

    Attributes:
        reason: why the answer has ended here; None while it goes on.
        stop: the stop sequence that came, or None.
    """

    def __init__(self, stops: tuple[str, ...], max_tokens: int | None) -> None:
        self.reason: Reason | None = None
        self.stop: str | None = None
        self._stops = stops
        self._held = ""
        self._limit = _NO_LIMIT if max_tokens is None else max_tokens * BYTES_PER_TOKEN
        self._length = 0

    @property
    def tokens(self) -> int:
        """The estimated tokens given so far."""
        return count_bytes(self._length)

    def feed(self, text: str) -> str:
        """Return what can be given after *text*; what may be the beginning of a stop sequence waits."""
        return self._count(self._find_stop(text) if self._stops else text)

    def flush(self) -> str:
        """Return what waits, once the site has ended the answer."""
        held, self._held = self._held, ""
        return self._count(held) if self.reason is None else ""

    def _count(self, text: str) -> str:
        length = len(text) if text.isascii() else len(text.encode())
        left = self._limit - self._length
        if length > left:
            text = text.encode()[:left].decode("utf-8", "ignore")
            self.reason, self.stop, length = "length", None, len(text.encode())
        self._length += length
        return text

    def _find_stop(self, text: str) -> str:
        text = self._held + text
        found = [(at, stop) for stop in self._stops if (at := text.find(stop)) >= 0]
        if found:
            at, self.stop = min(found)
            self.reason, self._held = "stop", ""
            return text[:at]
        kept = len(text) - _measure_beginning(text, self._stops)
        self._held = text[kept:]
        return text[:kept]


def _measure_beginning(text: str, stops: Iterable[str]) -> int:
    """Return the length of the longest end of *text* that is the beginning of a stop sequence."""
    lengths = range(min(max(map(len, stops)), len(text)), 0, -1)
    return next((length for length in lengths if any(stop.startswith(text[-length:]) for stop in stops)), 0)
