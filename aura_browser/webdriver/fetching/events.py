"""What a page and its browser tell of requests, each checked field by field: a page may be hostile."""

import binascii
import re
from typing import Final, TypeVar

import msgspec

from aura_browser.webdriver.cdp.messages import Malformed

T = TypeVar("T")

_SAID: Final = re.compile(r"([0-9a-z]{1,40}) (head|data|end|fail) ?(.*)", re.DOTALL)


class Called(msgspec.Struct, frozen=True):
    """``Runtime.bindingCalled``: our script said something.

    Attributes:
        name: the binding's.
        payload: what it said.
    """

    name: str
    payload: str


class Head(msgspec.Struct, frozen=True):
    """What the page's ``fetch`` says of a response.

    Attributes:
        status: the HTTP status; 0 for a redirect, which a page can't look into.
        reason: the reason phrase, each byte a character.
        type: ``opaqueredirect`` for a redirect.
    """

    status: int
    reason: str
    type: str


class Response(msgspec.Struct, frozen=True):
    """What the browser says of a response; of a repeated header, all values in one.

    Attributes:
        status: the HTTP status.
        status_text: the reason phrase, each byte a character.
        headers: its headers without cookies.
        protocol: such as ``h2``.
    """

    status: int
    status_text: str = msgspec.field(default="", name="statusText")
    headers: dict[str, str] = {}
    protocol: str = ""


class _Asked(msgspec.Struct, frozen=True):
    fragment: str = msgspec.field(default="", name="urlFragment")


class Sent(msgspec.Struct, frozen=True):
    """``Network.requestWillBeSent``.

    Attributes:
        id: the browser's number of the request.
        request: its address.
        redirect: the response that it follows; None if it is the first of its chain.
        has_headers: whether :class:`Headers` come for that response.
    """

    id: str = msgspec.field(name="requestId")
    request: _Asked
    redirect: Response | None = msgspec.field(default=None, name="redirectResponse")
    has_headers: bool = msgspec.field(default=False, name="redirectHasExtraInfo")


class Received(msgspec.Struct, frozen=True):
    """``Network.responseReceived``.

    Attributes:
        id: the browser's number of the request.
        response: the response.
        has_headers: whether :class:`Headers` come for it.
    """

    id: str = msgspec.field(name="requestId")
    response: Response
    has_headers: bool = msgspec.field(default=False, name="hasExtraInfo")


class Headers(msgspec.Struct, frozen=True):
    """``Network.responseReceivedExtraInfo``: the headers as they came.

    Attributes:
        id: the browser's number of the request.
        headers: names to values; those of a repeated header are joined by line feeds.
    """

    id: str = msgspec.field(name="requestId")
    headers: dict[str, str]


class Failed(msgspec.Struct, frozen=True):
    """``Network.loadingFailed``.

    Attributes:
        id: the browser's number of the request.
        error: Chrome's code, such as ``net::ERR_EMPTY_RESPONSE``.
        blocked: why the browser itself kept the request back, such as ``csp``; empty if it did not.
    """

    id: str = msgspec.field(name="requestId")
    error: str = msgspec.field(default="", name="errorText")
    blocked: str = msgspec.field(default="", name="blockedReason")


class Navigated(msgspec.Struct, frozen=True):
    """``Page.frameNavigated``; of its frame, whether it has a parent."""

    class Frame(msgspec.Struct, frozen=True):
        """A frame."""

        parent: str = msgspec.field(default="", name="parentId")

    frame: Frame


Fact = Sent | Received | Headers | Failed

NETWORK: Final[dict[str, type[Fact]]] = {
    "Network.requestWillBeSent": Sent,
    "Network.responseReceived": Received,
    "Network.responseReceivedExtraInfo": Headers,
    "Network.loadingFailed": Failed,
}
"""The events of requests that are read, and what they are read as."""


class Said(msgspec.Struct, frozen=True):
    """What our script said.

    Attributes:
        id: of the request.
        what: ``head``, ``data``, ``end`` or ``fail``.
        value: the head, the bytes, nothing, or the error's name.
    """

    id: str
    what: str
    value: Head | bytes | str


def parse_said(payload: str) -> Said:
    """Return what our script said.

    Raises:
        Malformed: if it is nothing that the script says.
    """
    match = _SAID.fullmatch(payload)
    if match is None:
        raise Malformed("its page said what our script never says")
    number, what, rest = match.groups()
    try:
        match what:
            case "head":
                return Said(number, what, msgspec.json.decode(rest, type=Head))
            case "data":
                return Said(number, what, binascii.a2b_base64(rest, strict_mode=True))
    except ValueError as error:
        raise Malformed("its page said what our script never says") from error
    return Said(number, what, rest)


def parse_event(raw: msgspec.Raw, kind: type[T]) -> T | None:
    """Return an event's values; None if they are not of the form that the protocol says."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.DecodeError, UnicodeError):
        return None
