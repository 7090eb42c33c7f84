"""The openchat-ui wire, with no I/O: a question to a request, bytes to text, bytes to models.

Built for the app behind openchat.team as it was measured; the original provider's values where the site asks for
any. The site answers a mistake of the caller and a fault of its own alike (500), so what can be checked is checked
here, before anything is sent.
"""

import codecs
import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import msgspec

from aura_browser.chat import DEFAULT_MODEL, ChatRequest, Message, Model
from aura_browser.errors import InvalidInput

CHAT_PATH: Final = "/api/chat"
MAX_LENGTH: Final = 24576
"""Characters of one message that the site's own page lets through."""

_RESERVED_TOKENS: Final = 768  # what the site keeps free for the answer
_NAMES: Final = {DEFAULT_MODEL: "OpenChat 3.6 (latest)"}


class WireRequest(msgspec.Struct, frozen=True):
    """A POST to a path of the site, with the headers that a fetch by its own page carries."""

    path: str
    headers: Mapping[str, str]
    body: bytes


def chat_request(request: ChatRequest, origin: str) -> WireRequest:
    """Return the POST that asks *request* of the app at *origin*.

    Raises:
        InvalidInput: for what the site would answer with no word of the reason: no message to answer, one too
            long, a context window too small for any message, a number that is none.
    """
    _check(request)
    prompt = "\n".join(message.content for message in request.messages if message.role == "system")
    body = {
        "model": {
            "id": request.model,
            "name": _NAMES.get(request.model, request.model),
            "maxLength": MAX_LENGTH,
            "tokenLimit": request.max_tokens,
        },
        "messages": _turns(request),
        "key": "",
        "prompt": prompt,
        "temperature": request.temperature,
    }
    return WireRequest(CHAT_PATH, _fetch_headers(origin), msgspec.json.encode(body))


def models_request(origin: str) -> WireRequest:
    """Return the POST that asks the app at *origin* for its models."""
    return WireRequest("/api/models", _fetch_headers(origin), msgspec.json.encode({"key": ""}))


def read_models(body: bytes) -> tuple[Model, ...]:
    """Read the answer to :func:`models_request`.

    Raises:
        ValueError: if it is not the app's list of models.
    """
    return msgspec.json.decode(body, type=tuple[Model, ...])


def answer_decoder() -> codecs.IncrementalDecoder:
    """Return a decoder for one answer: ``decode(data)``, and ``decode(b"", final=True)`` at the end.

    Reads and proxies cut inside characters, so each piece alone must not be decoded. Bytes that are no UTF-8
    become U+FFFD.
    """
    return codecs.getincrementaldecoder("utf-8")(errors="replace")


def _turns(request: ChatRequest) -> list[Message]:
    return [message for message in request.messages if message.role != "system"]


def _check(request: ChatRequest) -> None:
    turns = _turns(request)
    if not turns or not turns[-1].content:
        raise InvalidInput("messages", "there is no message to answer")
    if len(turns[-1].content) > MAX_LENGTH:
        raise InvalidInput(
            "messages", f"the last one has {len(turns[-1].content)} characters; at most {MAX_LENGTH} fit"
        )
    if not (isinstance(request.max_tokens, int) and request.max_tokens > _RESERVED_TOKENS):
        raise InvalidInput(
            "max_tokens",
            f"must be a whole number over {_RESERVED_TOKENS}: it is the context window, not an answer length",
        )
    if not (
        isinstance(request.temperature, (int, float))
        and math.isfinite(request.temperature)
        and request.temperature >= 0
    ):
        raise InvalidInput("temperature", "must be a number from 0 up")


@lru_cache
def _fetch_headers(origin: str) -> Mapping[str, str]:
    """What Chrome adds to a same-origin fetch by the page, whatever the browser's version (Fetch standard)."""
    return {
        "Content-Type": "application/json",
        "Accept": "*/*",
        "Origin": origin,
        "Sec-Fetch-Site": "same-origin",
        "Sec-Fetch-Mode": "cors",
        "Sec-Fetch-Dest": "empty",
        "Referer": f"{origin}/",
    }
