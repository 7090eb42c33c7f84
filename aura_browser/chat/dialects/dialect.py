"""What a chat dialect offers, and what several of them check."""

import math
from typing import Protocol

from aura_browser.chat.messages import ChatRequest, Model
from aura_browser.errors import InvalidInput
from aura_browser.request import Request


class WireError(ValueError):
    """Bytes that are not an answer in the dialect, or an error that the site sent in place of one; says which."""


class AnswerDecoder(Protocol):
    """Turns the bytes of one answer into text. Bytes come cut anywhere."""

    def decode(self, data: bytes, /, final: bool = False) -> str:  # noqa: FBT001, FBT002 - as the codecs of Python
        """Return the text that is complete with *data*; at the end it is called with ``final=True``.

        Raises:
            WireError: for what is not an answer, and at the end for one that is known to be cut.
        """


class Dialect(Protocol):
    """A chat wire without I/O. A module that has these functions is one."""

    def chat_request(self, request: ChatRequest, origin: str, /) -> Request:
        """Return what asks *request* of the site at *origin*.

        Raises:
            InvalidInput: for what the site could only answer with an error that does not name the cause.
        """

    def models_request(self, origin: str, /) -> Request:
        """Return what asks the site at *origin* for its models."""

    def read_models(self, body: bytes, /) -> tuple[Model, ...]:
        """Read the answer to :meth:`models_request`; raise ValueError if it is not one."""

    def answer_decoder(self) -> AnswerDecoder:
        """Return a decoder for one answer."""


def check_question(request: ChatRequest) -> None:
    """Return if *request* can be asked of any chat.

    Raises:
        InvalidInput: if it has no message to answer, or a temperature that no model takes.
    """
    turns = request.turns
    if not turns or not turns[-1].content:
        raise InvalidInput("messages", "there is no message to answer")
    number = request.temperature
    if not (isinstance(number, (int, float)) and math.isfinite(number) and number >= 0):
        raise InvalidInput("temperature", "must be a number from 0 up")
