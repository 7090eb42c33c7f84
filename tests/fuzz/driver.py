"""The entrance of a driver's answers: what comes over the connection, and what a harvest makes of it."""

import asyncio
import socket
import struct
from collections.abc import Mapping
from contextlib import suppress
from random import Random
from typing import Any, Final

from aura_browser.session import Session
from aura_browser.site import Condition, Site
from aura_browser.webdriver.collect import collect_session
from aura_browser.webdriver.deadline import Deadline
from aura_browser.webdriver.options import BrowserOptions
from aura_browser.webdriver.process.connection import Connection
from tests.fuzz.inputs import dump_json, pick_bytes, spoil_json

_ORIGIN: Final = "https://chat.example.com"
_PAGE_FACTS: Final = {
    "state": "complete",
    "status": 200,
    "has_script": True,
    "has_frame": True,
    "refresh": "",
    "title": "x",
    "text": "",
    "is_check": False,
    "may_check": False,
    "checks": [True, True],
}
_PAGE_VALUES: Final = {
    "userAgent": "Chrome/1",
    "languages": ["de", "en"],
    "brands": '"C";v="1"',
    "mobile": "?0",
    "platform": '"L"',
    "storage": [["theme", "s3cret-dark"]],
    "sessionKeys": ["token"],
    "databases": ["db"],
    "dialects": ["openchat-ui"],
}
_SENT: Final = {":authority": "chat.example.com", "User-Agent": "Chrome/1", "Cookie": "sid=s3cret"}
_LOG: Final = (
    (
        "Network.requestWillBeSent",
        {
            "requestId": "1",
            "loaderId": "1",
            "frameId": "F",
            "type": "Document",
            "request": {"url": f"{_ORIGIN}/x", "method": "GET"},
        },
    ),
    ("Network.requestWillBeSentExtraInfo", {"requestId": "1", "headers": _SENT}),
    (
        "Network.responseReceived",
        {
            "requestId": "1",
            "loaderId": "1",
            "type": "Document",
            "response": {"status": 200, "mimeType": "text/html", "headers": {"Refresh": "5", "X": "y"}},
        },
    ),
    ("Network.loadingFailed", {"requestId": "1", "type": "Document", "errorText": "net::ERR_FAILED"}),
    ("Page.javascriptDialogOpening", {"type": "alert", "message": "Really?"}),
)
_COOKIE: Final = {
    "name": "sid",
    "value": "s3cret",
    "size": 9,
    "domain": ".example.com",
    "path": "/",
    "expires": 2e9,
    "session": False,
    "secure": True,
    "httpOnly": True,
    "sameSite": "Lax",
    "sourceScheme": "Secure",
    "sourcePort": 443,
    "priority": "Medium",
    "partitionKey": {"topLevelSite": _ORIGIN},
}
_ANSWERS: Final[Mapping[str, Any]] = {
    "Page.getFrameTree": {
        "frameTree": {"frame": {"id": "F", "loaderId": "1", "url": f"{_ORIGIN}/x", "urlFragment": "#y"}}
    },
    "Page.createIsolatedWorld": {"executionContextId": 5},
    "Storage.getCookies": {"cookies": [_COOKIE, _COOKIE]},
    "Runtime.compileScript": {"scriptId": "1"},
    "DOM.enable": {},
    "DOM.getDocument": {"root": {}},
    "DOM.performSearch": {"searchId": "1", "resultCount": 1},
    "DOM.getSearchResults": {"nodeIds": [7]},
    "DOM.getBoxModel": {"model": {"width": 5, "height": 0}},
    "Target.getTargets": {"targetInfos": [{"targetId": "T", "url": f"{_ORIGIN}/x"}, {"targetId": "U", "url": "a:b"}]},
}


class _SpoiledDriver:
    """A driver of a ready page, some of whose answers are spoiled."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self.capabilities = self._spoil({"browserName": "chrome", "browserVersion": "1"})
        self.window_handles = ["T", "U"]
        self.current_window_handle = "T"
        self.switch_to = self

    def window(self, _handle: str) -> None:
        """Switch to another tab."""

    def get(self, _url: str) -> None:
        """Open a page."""

    def execute_script(self, _script: str) -> object:
        return self._spoil(1)

    def execute_cdp_cmd(self, command: str, arguments: Mapping[str, Any]) -> object:
        if command != "Runtime.evaluate":
            return self._spoil(_ANSWERS[command])
        if not arguments.get("awaitPromise"):
            return self._spoil({"result": {"value": True}})
        facts = _PAGE_VALUES if "navigator.userAgent" in arguments["expression"] else _PAGE_FACTS
        return self._spoil({"result": {"value": dump_json(self._spoil(facts))}})

    def get_log(self, _kind: str) -> object:
        entries = [
            {"webview": "F", "message": {"method": method, "params": self._spoil(params)}} for method, params in _LOG
        ]
        return self._spoil([{"message": dump_json(self._spoil(entry))} for entry in entries])

    def _spoil(self, answer: Any) -> Any:  # noqa: ANN401 - JSON
        return spoil_json(self._random, answer) if self._random.random() < 0.08 else answer


async def enter_driver_answer(random: Random) -> None:
    """What a driver answers: over the connection to it, and to each command of a harvest, which has its own thread."""
    await asyncio.to_thread(_enter, random)


def _enter(random: Random) -> None:
    if random.random() < 0.3:
        _call_driver(pick_bytes(random, ('{"value": {"sessionId": "x", "capabilities": {}}}', '{"value": []}')))
        return
    kinds = ("selector:body", random.choice(("cookie:sid", "text:x", "url:*", "js:1")))
    site = Site(f"{_ORIGIN}/", ready=tuple(map(Condition.parse, kinds)))
    options = BrowserOptions(Deadline(_HARVEST_S), interactive=random.random() < 0.3)
    session = collect_session(_SpoiledDriver(random), site, options, proxy=None, on_wait=None).session
    Session.from_json(session.to_json())


_HARVEST_S: Final = 0.003


def _call_driver(text: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        ours, drivers = socket.create_connection(server.getsockname()), server.accept()[0]
    with ours, drivers:
        for each in (ours, drivers):
            each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # leaves no TIME_WAIT
        drivers.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text))
        drivers.shutdown(socket.SHUT_WR)
        with suppress(OSError, ValueError):  # of which the start of a browser makes LaunchFailed
            Connection(ours, "").call("GET", "/status")
