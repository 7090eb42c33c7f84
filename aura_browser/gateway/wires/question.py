"""A request on any wire, checked; and what an answer to it is made of."""

from collections.abc import Mapping
from typing import Any, Literal, Protocol

import msgspec

from aura_browser.chat.messages import Message
from aura_browser.gateway.wires.problem import Problem

Reason = Literal["end", "length", "stop"]
"""Why an answer ended: the site ended it, it has as many tokens as were asked for, or a stop sequence came."""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """One request for an answer. Its texts are never part of ``repr``.

    Attributes:
        model: the model's name, as the client wrote it.
        messages: the conversation, oldest first; system texts in order.
        place: the field that it came in, for errors.
        stream: whether the answer is sent as events.
        include_usage: whether the events end with the usage.
        temperature: the sampling temperature; None for the gateway's default.
        stop: texts that end the answer, and are not part of it.
        max_tokens: the most tokens of the answer, by the gateway's estimate; None for no limit.
        ignored: the names of fields that were accepted without effect.
        echo: fields that the answer repeats.
    """

    model: str
    messages: tuple[Message, ...]
    place: str = "messages"
    stream: bool = False
    include_usage: bool = False
    temperature: float | None = None
    stop: tuple[str, ...] = ()
    max_tokens: int | None = None
    ignored: tuple[str, ...] = ()
    echo: Mapping[str, Any] = {}

    def __repr__(self) -> str:
        return f"Question(model={self.model!r}, {len(self.messages)} messages, stream={self.stream})"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        return [("model", self.model), ("messages", len(self.messages)), ("stream", self.stream)]


class Heading(msgspec.Struct, frozen=True, kw_only=True):
    """What every part of one answer says of it.

    Attributes:
        request_id: the request's own id, as its headers say it; empty if it has none.
        id: 24 hexadecimal digits; each wire puts its own word before them.
        created: epoch seconds.
        question: what is answered.
        prompt_tokens: the estimated tokens of the question.
    """

    request_id: str = ""
    id: str
    created: int
    question: Question
    prompt_tokens: int


class Finish(msgspec.Struct, frozen=True, kw_only=True):
    """How an answer ended.

    Attributes:
        reason: why.
        stop: the stop sequence that came, or None.
        tokens: the estimated tokens of the answer.
        ended_at: epoch seconds.
    """

    reason: Reason
    stop: str | None = None
    tokens: int
    ended_at: int


class Events(Protocol):
    """Writes one answer as events. Each result is one or more whole events; the first ones are sent with the first."""

    def text(self, text: str, /) -> bytes:
        """Return the events for a piece of the answer, which is not empty."""

    def end(self, finish: Finish, /) -> bytes:
        """Return the last events of an answer."""

    def fail(self, problem: Problem, /) -> bytes:
        """Return the last events of an answer that broke off."""


class Wire(Protocol):
    """One wire. A module with these functions is a wire."""

    def read(self, body: bytes, /) -> Question:
        """Return the checked request.

        Raises:
            Problem: with status 400, naming the field at fault.
        """

    def whole(self, heading: Heading, text: str, finish: Finish, /) -> bytes:
        """Return a whole answer as JSON."""

    def events(self, heading: Heading, /) -> Events:
        """Return what writes an answer as events."""
