"""The protocol of openchat-ui, the app behind openchat.team.

Where the site accepts any value, the original provider's is sent. The site answers invalid requests and its own bugs
alike (500), so requests are checked here before anything is sent.
"""

import codecs
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import msgspec

from aura_browser.chat.dialects.dialect import PromptLimits, check_question
from aura_browser.chat.messages import DEFAULT_MODEL, ChatRequest, Model
from aura_browser.errors import InvalidInput
from aura_browser.request import Request, fetch_headers

BASE: Final = "/api"
CHAT_PATH: Final = f"{BASE}/chat"
MAX_LENGTH: Final = 24576
"""The most characters of one message that the site's own page accepts."""

_RESERVED_TOKENS: Final = 768  # the site reserves these for the answer
LIMITS: PromptLimits | None = PromptLimits(
    answer_room=_RESERVED_TOKENS, message_chars=MAX_LENGTH, message_tokens=7021, answer_tokens=1000
)
_NAMES: Final = {DEFAULT_MODEL: "OpenChat 3.6 (latest)"}


def chat_request(request: ChatRequest, origin: str) -> Request:
    """Return the POST for *request* to the app at *origin*.

    Raises:
        InvalidInput: if there is no message to answer or it is too long, the context window is too small for any
            message, or a number is invalid. The site's own error would not name the reason.
    """
    request = _check(request)
    prompt = "\n".join(message.content for message in request.messages if message.role == "system")
    body = {
        "model": {
            "id": request.model,
            "name": _NAMES.get(request.model, request.model),
            "maxLength": MAX_LENGTH,
            "tokenLimit": request.max_tokens,
        },
        "messages": request.turns,
        "key": "",
        "prompt": prompt,
        "temperature": request.temperature,
    }
    return Request("POST", CHAT_PATH, _headers(origin), msgspec.json.encode(body))


def models_request(origin: str) -> Request:
    """Return the POST for the models of the app at *origin*."""
    return Request("POST", f"{BASE}/models", _headers(origin), msgspec.json.encode({"key": ""}))


def read_models(body: bytes) -> tuple[Model, ...]:
    """Parse the response to :func:`models_request`.

    Raises:
        ValueError: if it is not the app's list of models.
    """
    return msgspec.json.decode(body, type=tuple[Model, ...])


def answer_decoder() -> codecs.IncrementalDecoder:
    """Return a decoder for one answer: ``decode(data)``, and ``decode(b"", final=True)`` at the end.

    Chunks may end inside a character, so they must not be decoded one by one. Bytes that are not UTF-8 become U+FFFD.
    """
    return codecs.getincrementaldecoder("utf-8")(errors="replace")


def _check(request: ChatRequest) -> ChatRequest:
    request = check_question(request)
    length = len(request.turns[-1].content)
    if length > MAX_LENGTH:
        raise InvalidInput("messages", f"the last one has {length} characters; shorten it to at most {MAX_LENGTH}")
    if request.max_tokens <= _RESERVED_TOKENS:
        raise InvalidInput(
            "max_tokens",
            f"must be a whole number over {_RESERVED_TOKENS}: it is the context window, not an answer length",
        )
    return request


@lru_cache
def _headers(origin: str) -> Mapping[str, str]:
    return {"Content-Type": "application/json", **fetch_headers(origin)}
