"""Reading a chat request as the real app does: what it takes, what it drops, what it fails at."""

import json
import math
from dataclasses import dataclass

MODELS = {"openchat_3.6": "OpenChat 3.6 (latest)", "openchat_v3.2_mistral": "OpenChat Aura"}

_DEFAULT_SYSTEM = "You are a helpful assistant."
_DEFAULT_TEMPERATURE = 1.0
_ANSWER_TOKENS = 768
_BYTES_PER_TOKEN = 4


class BadRequest(Exception):
    """A body that the app can't work with; it tells its caller nothing more than that it failed."""


@dataclass(frozen=True)
class Conversation:
    """What is left of a chat request after the app has trimmed it.

    Attributes:
        model: a known model's id.
        system: the system prompt, the app's own one if the request brought none.
        messages: the newest messages that fit the model's window, as (role, content), oldest first.
        temperature: the sampling temperature.
    """

    model: str
    system: str
    messages: tuple[tuple[str, str], ...]
    temperature: float

    @property
    def question(self) -> str | None:
        """The last user message, or None if none is left."""
        return next((content for role, content in reversed(self.messages) if role == "user"), None)


def read_conversation(body: bytes) -> Conversation:
    """Read the body of ``POST /api/chat``.

    Raises:
        BadRequest: bad JSON, an unknown model, or content that is not text.
    """
    try:
        asked = json.loads(body)
        model, limit = asked["model"]["id"], asked["model"].get("tokenLimit", math.inf)
        messages = [(_text(message["role"]), _text(message["content"])) for message in asked["messages"]]
        system = _text(asked.get("prompt") or _DEFAULT_SYSTEM)
        temperature = float(asked.get("temperature", _DEFAULT_TEMPERATURE))
        kept = tuple(_newest_that_fit(messages, limit - _ANSWER_TOKENS - _tokens(system)))
    except (AttributeError, KeyError, TypeError, ValueError) as problem:
        raise BadRequest from problem
    if model not in MODELS:
        raise BadRequest
    return Conversation(model, system, kept, temperature)


def _newest_that_fit(messages: list[tuple[str, str]], room: float) -> list[tuple[str, str]]:
    kept: list[tuple[str, str]] = []
    for message in reversed(messages):
        room -= _tokens(message[1])
        if room < 0:
            break
        kept.insert(0, message)
    return kept


def _tokens(text: str) -> int:
    """Count tokens roughly: the real app has the model's tokenizer, and a rule of thumb does here."""
    return math.ceil(len(text.encode()) / _BYTES_PER_TOKEN)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("content must be text")
    # Half a surrogate pair is legal JSON and no character; JavaScript's encoder sends U+FFFD for it.
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
