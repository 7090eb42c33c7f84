"""Estimates of tokens: no tokenizer is at hand that is the model's own, so all counts are documented as estimates.

For English, German and code a token is about four bytes of UTF-8; for Chinese the estimate is near too.
"""

from collections.abc import Iterable
from typing import Final

from aura_browser.chat.messages import Message

BYTES_PER_TOKEN: Final = 4
_TOKENS_PER_MESSAGE: Final = 4
_CAREFUL_BYTES_PER_TOKEN: Final = 3.5  # where a prompt that is too long must not pass for one that fits


def count_text(text: str) -> int:
    """Return the estimated tokens of *text*."""
    return count_bytes(len(text.encode()))


def count_bytes(length: int) -> int:
    """Return the estimated tokens of so many bytes of UTF-8."""
    return -(-length // BYTES_PER_TOKEN)


def count_messages(messages: Iterable[Message]) -> int:
    """Return the estimated tokens of a conversation."""
    return sum(count_text(message.content) + _TOKENS_PER_MESSAGE for message in messages)


def count_carefully(messages: Iterable[Message]) -> int:
    """Return an estimate of a conversation's tokens that is rather too high than too low."""
    lengths = (len(message.content.encode()) for message in messages)
    return sum(int(length / _CAREFUL_BYTES_PER_TOKEN) + 1 + _TOKENS_PER_MESSAGE for length in lengths)
