"""The tab whose page sends requests, as an event loop uses it."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any, Final

import msgspec

from aura_browser.webdriver.cdp.connection import CdpError, CommandRefused, Connection
from aura_browser.webdriver.cdp.messages import Malformed, Message
from aura_browser.webdriver.fetching.events import (
    NETWORK,
    Called,
    Fact,
    Headers,
    Navigated,
    Said,
    Sent,
    parse_event,
    parse_said,
)
from aura_browser.webdriver.fetching.stream import PageLost, PageStream

_CALL_TIMEOUT_S: Final = 10.0
_MAX_UNKNOWN: Final = 256
_CLOSED: Final = "it was closed"
_ENDED: Final = "its browser ended"
_LEFT: Final = "it went to another address"
_CRASHED: Final = "it crashed"
_STUCK: Final = "it does not answer"


class _Detached(msgspec.Struct, frozen=True):
    session: str = msgspec.field(name="sessionId")


@dataclass(frozen=True, slots=True, repr=False)
class PageRequest:
    """What a page sends.

    Attributes:
        method: such as ``GET``.
        url: the whole address, without a fragment.
        headers: names and values that a page may set; each character of a value is a byte.
        body: Base64, or None.
        referrer: the address that it seems to come from, of the page's origin.
        has_cookies: whether it is sent with the browser's cookies.
    """

    method: str
    url: str
    headers: Sequence[tuple[str, str]] = ()
    body: str | None = None
    referrer: str = ""
    has_cookies: bool = True


@dataclass(frozen=True, slots=True)
class Place:
    """Where our script runs.

    Attributes:
        session: the flat session with the tab.
        script: the object of our script there.
        binding: the name of what the script tells us something with.
        protocol: the protocol that the page itself came with, such as ``h2``.
        origin: the page's origin.
    """

    session: str
    script: str
    binding: str
    protocol: str
    origin: str


class FetchTab:
    """A page that sends requests. Its methods are for the event loop; only :meth:`hear` is for any thread.

    Args:
        connection: the connection to its browser.
        place: where our script runs.
        loop: the event loop.

    Attributes:
        place: as given.
        connection: as given.
        lost: why the page is gone; empty as long as it is there.
    """

    def __init__(self, connection: Connection, place: Place, loop: asyncio.AbstractEventLoop) -> None:
        self.connection = connection
        self.place = place
        self.lost = ""
        self._loop = loop
        self._numbers = count(1)
        self._streams: dict[str, PageStream] = {}
        self._sent: dict[str, PageStream] = {}
        self._unknown: OrderedDict[str, Headers] = OrderedDict()
        self._idle = asyncio.Event()
        self._idle.set()
        self._when_lost: list[Callable[[], None]] = []
        connection.when_lost(partial(self._post, self.lose, _ENDED))

    async def wait_until_idle(self) -> None:
        """Wait until no request is under way."""
        await self._idle.wait()

    def when_lost(self, tell: Callable[[], None]) -> None:
        """Call *tell* once when the page is gone."""
        self._when_lost.append(tell)

    async def start(self, request: PageRequest) -> PageStream:
        """Send a request. Close what this returns.

        Raises:
            PageLost: if the page is gone.
        """
        if self.lost:
            raise PageLost(self.lost)
        number = f"{self.place.binding}{next(self._numbers)}"
        stream = PageStream(partial(self._free, number), partial(self._stop, number))
        self._streams[number] = stream
        self._idle.clear()
        try:
            await self._run("this.start(...arguments)", number, _describe(request))
        except CdpError as error:
            self.lose(self.lost or _STUCK)
            raise PageLost(self.lost) from error
        except BaseException:
            stream.close()
            raise
        return stream

    async def ask(self, method: str, **params: object) -> dict[str, Any]:
        """Send a command of the DevTools protocol to the tab and return its result.

        Raises:
            CommandRefused: if the browser refuses it.
            PageLost: if there is no answer.
        """
        try:
            return await self.connection.ask(method, params, session=self.place.session, timeout_s=_CALL_TIMEOUT_S)
        except CommandRefused:
            raise
        except CdpError as error:
            raise PageLost(self.lost or _STUCK) from error

    def lose(self, reason: str) -> None:
        """Have all requests fail: the page is gone."""
        if self.lost:
            return
        self.lost = reason
        for stream in list(self._streams.values()):
            stream.end(PageLost(reason))
        self._streams.clear()
        self._sent.clear()
        self._idle.set()
        for tell in self._when_lost:
            tell()

    def hear(self, event: Message) -> None:
        """Take an event of the browser, in the connection's thread."""
        if event.method == "Target.detachedFromTarget":
            detached = parse_event(event.params, _Detached)
            if detached is not None and detached.session == self.place.session:
                self._post(self.lose, _CLOSED)
        elif event.session == self.place.session:
            self._hear_tab(event)

    def _hear_tab(self, event: Message) -> None:
        if event.method == "Runtime.bindingCalled":
            called = parse_event(event.params, Called)
            if called is not None and called.name == self.place.binding:
                with suppress(Malformed):  # only our script has the binding; what it never says is dropped
                    self._post(self._take_said, parse_said(called.payload))
        elif (kind := NETWORK.get(event.method)) is not None:
            fact = parse_event(event.params, kind)
            if fact is not None:
                self._post(self._take_fact, fact)
        elif event.method == "Page.frameNavigated":
            navigated = parse_event(event.params, Navigated)
            if navigated is None or not navigated.frame.parent:
                self._post(self.lose, _LEFT)
        elif event.method == "Inspector.targetCrashed":
            self._post(self.lose, _CRASHED)

    def _post(self, take: Callable[..., None], value: object) -> None:
        with suppress(RuntimeError):  # the loop is closed, and nobody waits any more
            self._loop.call_soon_threadsafe(take, value)

    def _take_said(self, said: Said) -> None:
        stream = self._streams.get(said.id)
        if stream is not None:
            stream.take_said(said)
            if said.what in {"end", "fail"}:
                self._forget(said.id)

    def _take_fact(self, fact: Fact) -> None:
        if isinstance(fact, Sent) and (stream := self._streams.get(fact.request.fragment.removeprefix("#"))):
            self._sent = {number: each for number, each in self._sent.items() if not each.is_over} | {fact.id: stream}
            if early := self._unknown.pop(fact.id, None):
                stream.take_fact(early)
        stream = self._sent.get(fact.id)
        if stream is not None:
            stream.take_fact(fact)
        elif isinstance(fact, Headers):
            # They come from another process than the rest, so sometimes before it.
            self._unknown[fact.id] = fact
            if len(self._unknown) > _MAX_UNKNOWN:
                self._unknown.popitem(last=False)

    def _forget(self, number: str) -> None:
        self._streams.pop(number, None)
        if not self._streams:
            self._idle.set()

    def _free(self, number: str, size: int) -> None:
        self._send("this.free(...arguments)", number, size)

    def _stop(self, number: str) -> None:
        self._forget(number)
        if not self.lost:
            self._send("this.stop(...arguments)", number)

    def _send(self, code: str, *values: object) -> None:
        self.connection.send("Runtime.callFunctionOn", self._build_call(code, values), session=self.place.session)

    async def _run(self, code: str, *values: object) -> None:
        call = self._build_call(code, values)
        await self.connection.ask("Runtime.callFunctionOn", call, session=self.place.session, timeout_s=_CALL_TIMEOUT_S)

    def _build_call(self, code: str, values: Sequence[object]) -> dict[str, object]:
        return {
            "objectId": self.place.script,
            "functionDeclaration": f"function() {{ {code}; }}",
            "arguments": [{"value": value} for value in values],
            "returnByValue": True,
        }


def _describe(request: PageRequest) -> dict[str, object]:
    return {
        "method": request.method,
        "url": request.url,
        "headers": [list(each) for each in request.headers],
        "body": request.body,
        "credentials": "include" if request.has_cookies else "omit",
        "referrer": request.referrer,
    }
