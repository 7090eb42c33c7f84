"""Parses a chat request as the real app does: what it accepts, what it drops, and where it fails."""

import json
import math
from dataclasses import dataclass

MODELS = {"openchat_3.6": "OpenChat 3.6 (latest)", "openchat_v3.2_mistral": "OpenChat Aura"}

_DEFAULT_SYSTEM = "You are a helpful assistant."
_DEFAULT_TEMPERATURE = 1.0
_ANSWER_TOKENS = 768
_BYTES_PER_TOKEN = 4


class BadRequest(Exception):
    """A body that the app can't handle. The client learns only that the request failed."""


@dataclass(frozen=True)
class Conversation:
    """A chat request after the app has trimmed it.

    Attributes:
        model: the id of a known model.
        system: the system prompt; the app's default if the request has none.
        messages: the newest messages that fit the context window, as (role, content), oldest first.
        temperature: the sampling temperature.
    """

    model: str
    system: str
    messages: tuple[tuple[str, str], ...]
    temperature: float

    @property
    def question(self) -> str | None:
        """The last user message, or None if there is none."""
        return next((content for role, content in reversed(self.messages) if role == "user"), None)


def read_conversation(body: bytes) -> Conversation:
    """Parse the body of ``POST /api/chat``.

    Raises:
        BadRequest: bad JSON, an unknown model, or content that is not text.
    """
    try:
        request = json.loads(body)
        model, limit = request["model"]["id"], request["model"].get("tokenLimit", math.inf)
        messages = [(_read_text(message["role"]), _read_text(message["content"])) for message in request["messages"]]
        system = _read_text(request.get("prompt") or _DEFAULT_SYSTEM)
        temperature = float(request.get("temperature", _DEFAULT_TEMPERATURE))
        kept = tuple(_keep_newest(messages, limit - _ANSWER_TOKENS - _count_tokens(system)))
    except (AttributeError, KeyError, TypeError, ValueError) as problem:
        raise BadRequest from problem
    if model not in MODELS:
        raise BadRequest
    return Conversation(model, system, kept, temperature)


def _keep_newest(messages: list[tuple[str, str]], room: float) -> list[tuple[str, str]]:
    kept: list[tuple[str, str]] = []
    for message in reversed(messages):
        room -= _count_tokens(message[1])
        if room < 0:
            break
        kept.insert(0, message)
    return kept


def _count_tokens(text: str) -> int:
    """Estimate the number of tokens; the real app has the model's tokenizer."""
    return math.ceil(len(text.encode()) / _BYTES_PER_TOKEN)


def _read_text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("content must be text")
    # A lone surrogate is legal JSON but not a character; JavaScript's encoder sends U+FFFD for it.
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
