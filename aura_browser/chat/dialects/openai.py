"""The wire of OpenAI's chat completions, which many servers speak: streamed as server-sent events.

https://platform.openai.com/docs/api-reference/chat-streaming
"""

import json
from typing import Any, Final

import msgspec

from aura_browser.chat.dialects.dialect import WireError, check_question
from aura_browser.chat.messages import ChatRequest, Model
from aura_browser.request import Request, fetch_headers

_LONGEST_LINE: Final = 2**20
_BROKE_OFF: Final = "the server broke off before the end of its answer"


class _ModelList(msgspec.Struct):
    data: tuple["_ListedModel", ...]


class _ListedModel(msgspec.Struct):
    id: str
    name: str = ""


def chat_request(request: ChatRequest, origin: str) -> Request:
    """Return the POST that asks *request*; the context window has no field on this wire and is not sent.

    Raises:
        InvalidInput: if there is no message to answer, or no such temperature.
    """
    check_question(request)
    body = {
        "model": request.model,
        "messages": request.messages,
        "temperature": request.temperature,
        "stream": True,
    }
    headers = {"Content-Type": "application/json", **fetch_headers(origin)}
    return Request("POST", "/v1/chat/completions", headers, msgspec.json.encode(body))


def models_request(origin: str) -> Request:
    """Return the GET that asks for the list of models."""
    return Request("GET", "/v1/models", fetch_headers(origin))


def read_models(body: bytes) -> tuple[Model, ...]:
    """Read the answer to :func:`models_request`; raise ValueError if it is not one."""
    listed = msgspec.json.decode(body, type=_ModelList).data
    return tuple(Model(model.id, model.name or model.id) for model in listed)


def answer_decoder() -> "EventDecoder":
    """Return a decoder for one answer."""
    return EventDecoder()


class EventDecoder:
    """Takes the text out of a stream of events (https://html.spec.whatwg.org/#event-stream-interpretation)."""

    def __init__(self) -> None:
        self._rest = b""
        self._is_done = False

    def decode(self, data: bytes, final: bool = False) -> str:  # noqa: FBT001, FBT002 - as the codecs of Python
        """Return the text of the events that are complete with *data*.

        Raises:
            WireError: with the server's own message, for what is not an event, and for an end without its mark.
        """
        *lines, self._rest = (self._rest + data).replace(b"\r\n", b"\n").split(b"\n")
        if len(self._rest) > _LONGEST_LINE:
            raise WireError("an event is longer than 1 MiB")
        text = "".join(self._read(line) for line in lines)
        if final and not self._is_done:
            raise WireError(_BROKE_OFF)
        return text

    def _read(self, line: bytes) -> str:
        event = line.removeprefix(b"data:").strip()
        if self._is_done or not event or not line.startswith(b"data:"):
            return ""
        if event == b"[DONE]":
            self._is_done = True
            return ""
        return read_delta(event)


def read_delta(event: bytes) -> str:
    """Return the text that one event brings; empty if it brings none.

    Raises:
        WireError: with the server's own message, or for what is not an event.
    """
    if message := read_error(event):
        raise WireError(message)
    try:
        choices = json.loads(event)["choices"]
        # The last event, which counts tokens, has no choices.
        text: Any = (choices and choices[0]["delta"].get("content")) or ""
    except (AttributeError, KeyError, IndexError, TypeError, ValueError, RecursionError):
        text = None
    if not isinstance(text, str):
        raise WireError("the server sent something else than an answer")
    return text


def read_error(body: str | bytes) -> str:
    """Return the message in an error's JSON; empty if it has none."""
    try:
        message = json.loads(body)["error"]["message"]
    except (KeyError, TypeError, ValueError, RecursionError):
        return ""
    return message if isinstance(message, str) else ""
