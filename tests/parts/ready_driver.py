"""A driver without a browser, whose page is ready: what it answers to each command of a harvest."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from selenium.common.exceptions import NoSuchWindowException

ORIGIN: Final = "https://chat.example.com"
Event = tuple[str, Mapping[str, Any]]
"""A method of the DevTools protocol and its parameters."""

_FACTS: Final = {
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
VALUES: Final[Mapping[str, Any]] = {
    "userAgent": "Chrome/1",
    "languages": ["de", "en"],
    "brands": '"C";v="1"',
    "mobile": "?0",
    "platform": '"L"',
    "storage": [["theme", "s3cret-dark"]],
    "sessionStorage": [["token", "s3cret"]],
    "databases": [{"name": "db", "version": 1, "stores": []}],
    "unreadDatabases": ["odd"],
    "dialects": ["openchat-ui"],
}
"""What the page says when its session is read."""


def list_request(url: str, headers: Mapping[str, str], *, kind: str = "Document", number: str = "1") -> list[Event]:
    """Return the log's entries of one request with these headers; of the tab's page itself if it is a document."""
    sent = {":authority": url.partition("://")[2].partition("/")[0], **headers}
    request = {"url": url, "method": "GET"}
    loader = number if kind == "Document" else "1"
    facts = {"requestId": number, "loaderId": loader, "frameId": "F", "type": kind, "request": request}
    return [
        ("Network.requestWillBeSent", facts),
        ("Network.requestWillBeSentExtraInfo", {"requestId": number, "headers": sent}),
    ]


_LOG: Final[Sequence[Event]] = (
    *list_request(f"{ORIGIN}/x", {"User-Agent": "Chrome/1", "Cookie": "sid=s3cret"}),
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
    "partitionKey": {"topLevelSite": ORIGIN},
}
_ANSWERS: Final[Mapping[str, Any]] = {
    "Page.getFrameTree": {
        "frameTree": {"frame": {"id": "F", "loaderId": "1", "url": f"{ORIGIN}/x", "urlFragment": "#y"}}
    },
    "Page.createIsolatedWorld": {"executionContextId": 5},
    "Network.getAllCookies": {"cookies": [_COOKIE, _COOKIE]},
    "Runtime.compileScript": {"scriptId": "1"},
    "DOM.enable": {},
    "DOM.getDocument": {"root": {}},
    "DOM.performSearch": {"searchId": "1", "resultCount": 1},
    "DOM.getSearchResults": {"nodeIds": [7]},
    "DOM.getBoxModel": {"model": {"width": 5, "height": 0}},
    "Target.getTargets": {"targetInfos": [{"targetId": "T", "url": f"{ORIGIN}/x"}, {"targetId": "U", "url": "a:b"}]},
}


class ReadyDriver:
    """A driver of a ready page.

    Args:
        facts: what the page says of itself otherwise than usual.
        log: the events of the log.
        change: returns what is answered instead of an answer, or of a part of one.
        write: writes an answer that is JSON.
    """

    def __init__(
        self,
        facts: Mapping[str, Any] | None = None,
        log: Sequence[Event] = _LOG,
        *,
        change: Callable[[Any], Any] = lambda answer: answer,
        write: Callable[[Any], str] = json.dumps,
    ) -> None:
        self._facts = {**_FACTS, **(facts or {})}
        self._log = log
        self._change = change
        self._write = write
        self.capabilities = change({"browserName": "chrome", "browserVersion": "1"})
        self.window_handles = ["T", "U"]
        self.current_window_handle = "T"
        self.switch_to = self

    def show(self, facts: Mapping[str, Any]) -> None:
        """Show a page that says this of itself, and else the same."""
        self._facts |= facts

    def close(self) -> None:
        """Close all windows, as a person does."""
        self.window_handles = []

    def window(self, _handle: str) -> None:
        """Switch to another tab."""

    def get(self, _url: str) -> None:
        """Open a page."""

    def execute_script(self, _script: str) -> object:
        """Run a script in the page."""
        if not self.window_handles:
            raise NoSuchWindowException
        return self._change(1)

    def execute_cdp_cmd(self, command: str, arguments: Mapping[str, Any]) -> object:
        """Answer a command of the DevTools protocol."""
        if command != "Runtime.evaluate":
            return self._change(_ANSWERS[command])
        if not arguments.get("awaitPromise"):
            return self._change({"result": {"value": True}})
        said = VALUES if "navigator.userAgent" in arguments["expression"] else self._facts
        return self._change({"result": {"value": self._write(self._change(said))}})

    def get_log(self, _kind: str) -> object:
        """Return the log."""
        entries = [
            {"webview": "F", "message": {"method": method, "params": self._change(params)}}
            for method, params in self._log
        ]
        return self._change([{"message": self._write(self._change(entry))} for entry in entries])
