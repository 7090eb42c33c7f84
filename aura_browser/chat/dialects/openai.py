"""OpenAI's chat completions protocol, which many servers support, streamed as server-sent events.

https://platform.openai.com/docs/api-reference/chat-streaming
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from aura_browser.chat.dialects.dialect import PromptLimits, WireError, check_question
from aura_browser.chat.messages import ChatRequest, Model
from aura_browser.request import Request, fetch_headers

LIMITS: PromptLimits | None = None
BASE: Final = "/v1"

_MAX_LINE_BYTES: Final = 2**20
_INCOMPLETE: Final = "the server broke off before the end of its answer"


class _ModelList(msgspec.Struct):
    data: tuple["_ListedModel", ...]


class _ListedModel(msgspec.Struct):
    id: str
    name: str = ""


def chat_request(request: ChatRequest, origin: str) -> Request:
    """Return the POST for *request*. The protocol has no field for the context window, so it is not sent.

    Raises:
        InvalidInput: if there is no message to answer, or the temperature is invalid.
    """
    request = check_question(request)
    body = {
        "model": request.model,
        "messages": request.messages,
        "temperature": request.temperature,
        "stream": True,
    }
    headers = {"Content-Type": "application/json", **fetch_headers(origin)}
    return Request("POST", f"{BASE}/chat/completions", headers, msgspec.json.encode(body))


def models_request(origin: str) -> Request:
    """Return the GET for the list of models."""
    return Request("GET", f"{BASE}/models", fetch_headers(origin))


def read_models(body: bytes) -> tuple[Model, ...]:
    """Parse the response to :func:`models_request`; raise ValueError if it is not a list of models."""
    listed = msgspec.json.decode(body, type=_ModelList).data
    return tuple(Model(model.id, model.name or model.id) for model in listed)


def answer_decoder() -> "EventDecoder":
    """Return a decoder for one answer."""
    return EventDecoder()


class EventDecoder:
    """Extracts the text from a stream of events (https://html.spec.whatwg.org/#event-stream-interpretation)."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._is_done = False
        self._error: WireError | None = None

    def decode(self, data: bytes, final: bool = False) -> str:  # noqa: FBT001, FBT002 - as in Python's codecs
        """Return the text of the events that *data* completes.

        Raises:
            WireError: if the server sent an error or an invalid event, or the stream ended without ``[DONE]``.
        """
        self._rest += data
        lines: list[bytes] = []
        if b"\n" in data:
            *lines, rest = bytes(self._rest).split(b"\n")
            self._rest = bytearray(rest)
        if len(self._rest) > _MAX_LINE_BYTES:
            raise WireError("an event is longer than 1 MiB")
        text = "".join(self._read_lines(lines))
        if self._error and not text:
            raise self._error
        if final and not self._is_done:
            raise WireError(_INCOMPLETE)
        return text

    def _read_lines(self, lines: Iterable[bytes]) -> Iterator[str]:
        """Yield the texts before an error, which the next call raises."""
        for line in () if self._error else lines:
            try:
                yield self._read(line)
            except WireError as error:
                self._error = error
                return

    def _read(self, line: bytes) -> str:
        event = line.removeprefix(b"data:").strip()
        if self._is_done or not event or not line.startswith(b"data:"):
            return ""
        if event == b"[DONE]":
            self._is_done = True
            return ""
        return read_delta(event)


def read_delta(event: bytes) -> str:
    """Return the text in one event; empty if it has none.

    Raises:
        WireError: if it is an error, with the server's message, or an invalid event.
    """
    if message := read_error(event):
        raise WireError(message)
    try:
        choices = json.loads(event)["choices"]
        # The last event, which counts tokens, has no choices.
        text: Any = (choices and choices[0]["delta"].get("content")) or ""
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        text = None
    if not isinstance(text, str):
        raise WireError("the server sent an event that is not part of an answer")
    return text


def read_error(body: str | bytes) -> str:
    """Return the message in the JSON of an error; empty if there is no message."""
    try:
        message = json.loads(body)["error"]["message"]
    except (KeyError, TypeError, ValueError, RecursionError):
        return ""
    return message if isinstance(message, str) else ""
