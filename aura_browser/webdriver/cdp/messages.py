"""Messages of the DevTools protocol, each checked field by field (https://chromedevtools.github.io/devtools-protocol/)."""

import json
from collections.abc import Mapping
from typing import Any, Final

import msgspec

_NO_MESSAGE: Final = "it sent what is no message of the protocol"


class Malformed(Exception):
    """What arrived is no message of the protocol."""


class Refusal(msgspec.Struct, frozen=True):
    """Why a command failed.

    Attributes:
        code: JSON-RPC's (https://www.jsonrpc.org/specification#error_object).
        message: in words.
    """

    code: int
    message: str


class Message(msgspec.Struct, frozen=True, rename={"session": "sessionId"}):
    """An answer or an event.

    Attributes:
        id: of the command that this answers; None for an event.
        method: the event's name; empty for an answer.
        params: the event's values, as JSON.
        result: the answer's values, as JSON.
        error: why the command failed; None if it did not.
        session: the flat session that this belongs to; empty for the browser itself.
    """

    id: int | None = None
    method: str = ""
    params: msgspec.Raw = msgspec.Raw(b"{}")
    result: msgspec.Raw = msgspec.Raw(b"{}")
    error: Refusal | None = None
    session: str = ""


class _Whole(msgspec.Struct, rename={"session": "sessionId"}):
    """A message whose values are parsed, too."""

    id: int | None = None
    method: str = ""
    params: dict[str, Any] = {}
    result: dict[str, Any] = {}
    error: Refusal | None = None
    session: str = ""


_decoder = msgspec.json.Decoder(Message)


def parse_message(data: bytes) -> Message:
    """Return the message in *data*.

    Raises:
        Malformed: if there is no message in it.
    """
    try:
        message = _decoder.decode(data)
    except msgspec.ValidationError as error:
        raise Malformed(_NO_MESSAGE) from error
    except (msgspec.DecodeError, UnicodeDecodeError):
        message = _parse_surrogates(data)
    if message.id is None and not message.method:
        raise Malformed("it sent a message that is neither an answer nor an event")
    return message


def _parse_surrogates(data: bytes) -> Message:
    """Return the message in *data*, in which a page's string may hold a lone surrogate; msgspec takes none."""
    try:
        whole = msgspec.convert(json.loads(data), _Whole)
    except ValueError as error:  # msgspec.ValidationError is one
        raise Malformed(_NO_MESSAGE) from error
    params, result = (msgspec.Raw(json.dumps(values).encode("ascii")) for values in (whole.params, whole.result))
    return Message(whole.id, whole.method, params, result, whole.error, whole.session)


def parse_values(raw: msgspec.Raw) -> dict[str, Any]:
    """Return the values of a message.

    Raises:
        Malformed: if they are no JSON object.
    """
    try:
        # The standard library's parser: see _parse_surrogates.
        values = json.loads(bytes(raw))
    except ValueError as error:
        raise Malformed("it sent values that are not JSON") from error
    if not isinstance(values, dict):
        raise Malformed("it sent values that are no object")
    return values


def format_command(number: int, method: str, params: Mapping[str, object], session: str) -> bytes:
    """Return a command as it is sent."""
    command: dict[str, object] = {"id": number, "method": method, "params": params}
    if session:
        command["sessionId"] = session
    return json.dumps(command).encode("ascii")
