"""The interface of chat dialects, and checks that several of them share."""

import math
from typing import Final, Protocol

import msgspec

from aura_browser.chat.messages import ChatRequest, Model, check_text
from aura_browser.errors import InvalidInput
from aura_browser.request import Request

_MAX_TOKENS: Final = 2**31 - 1
_MAX_NUMBER: Final = 1e9


class WireError(ValueError):
    """The bytes are not an answer in the dialect, or the site sent an error; the message says which."""


class PromptLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What a site does with a prompt that is too long, or an answer that would be, without saying so.

    Attributes:
        answer_room: the tokens of the context window that are kept for the answer.
        message_chars: the most characters of the last message.
        message_tokens: about as many in tokens.
        answer_tokens: the tokens after which the site ends an answer.
    """

    answer_room: int
    message_chars: int
    message_tokens: int
    answer_tokens: int


class AnswerDecoder(Protocol):
    """Decodes the bytes of one answer to text. Chunks may end anywhere."""

    def decode(self, data: bytes, /, final: bool = False) -> str:  # noqa: FBT001, FBT002 - as in Python's codecs
        """Return the text that *data* completes. The last call has ``final=True``.

        Raises:
            WireError: if the bytes are not an answer, or the answer is incomplete at the end.
        """


class Dialect(Protocol):
    """A chat protocol without I/O. A module with these functions is a dialect.

    Attributes:
        LIMITS: what the site cuts silently; None if the protocol has errors for that.
        BASE: the path that the paths of all its requests begin with; a site may have another one there.
    """

    BASE: str
    LIMITS: PromptLimits | None

    def chat_request(self, request: ChatRequest, origin: str, /) -> Request:
        """Return the HTTP request for *request* to the site at *origin*.

        Raises:
            InvalidInput: if the site would answer with an error that does not name the cause.
        """

    def models_request(self, origin: str, /) -> Request:
        """Return the request for the models of the site at *origin*."""

    def read_models(self, body: bytes, /) -> tuple[Model, ...]:
        """Parse the response to :meth:`models_request`; raise ValueError if it is not a list of models."""

    def answer_decoder(self) -> AnswerDecoder:
        """Return a decoder for one answer."""


def check_question(request: ChatRequest) -> ChatRequest:
    """Return *request* with plain numbers and texts, if it has what every dialect requires.

    Raises:
        InvalidInput: if it has no message to answer, or its model or a number is invalid.
    """
    turns = request.turns
    if not turns or not turns[-1].content:
        raise InvalidInput("messages", "there is no message to answer; the last one must have text")
    if not isinstance(request.model, str):
        raise InvalidInput("model", "must be the id of a model")
    number = request.temperature
    if not (isinstance(number, (int, float)) and _is_finite(number) and number >= 0):
        raise InvalidInput("temperature", "must be a number of at least 0")
    if not isinstance(request.max_tokens, int) or not 0 < request.max_tokens <= _MAX_TOKENS:
        raise InvalidInput("max_tokens", f"must be a whole number from 1 to {_MAX_TOKENS}")
    # Copies, because an encoder refuses subclasses such as numpy's numbers.
    return ChatRequest(
        messages=request.messages,
        model=check_text("model", request.model),
        temperature=int(number) if isinstance(number, int) else float.__float__(number),
        max_tokens=int.__int__(request.max_tokens),
    )


def _is_finite(number: float) -> bool:
    try:
        return math.isfinite(number) and abs(number) <= _MAX_NUMBER
    except OverflowError:
        return False
