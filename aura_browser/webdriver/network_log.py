"""What a browser asked for and was answered, from ChromeDriver's performance log.

The log holds the Network and Page events of the DevTools protocol, for all tabs. It is the only place with the complete
headers of a request, and a page has no influence on it.
"""

import json
import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from selenium.common.exceptions import InvalidArgumentException, TimeoutException, UnexpectedAlertPresentException
from yarl import URL

from aura_browser.hosts import origin_of
from aura_browser.session.headers import is_client_hint, is_lasting
from aura_browser.site import Site
from aura_browser.site.derivation import is_token_origin
from aura_browser.text import clean_text
from aura_browser.urls import read_url
from aura_browser.webdriver.answers import reading_answers
from aura_browser.webdriver.driver import Driver
from aura_browser.webdriver.form_fields import list_field_names
from aura_browser.webdriver.repeatable import is_harmless

_log = logging.getLogger(__name__)

METHODS: Final = (
    "Network.requestWillBeSent",  # and …ExtraInfo
    "Network.responseReceived",  # and …ExtraInfo
    "Network.loadingFailed",
    "Network.deviceBoundSessionsAdded",
    "Page.javascriptDialogOpening",
)
"""The events that are read, by the beginnings of their names."""
_BINDING_SIGNS: Final = ("-Session-Registration", '"deviceBoundSessionUsages"')
_HEAD_LENGTH: Final = 120  # of an entry's text, in which its method stands
_MAX_REQUESTS: Final = 2000
_MAX_DIALOGS: Final = 5
_MAX_PAGE_REQUESTS: Final = 20
_OK: Final = 200
_PAGE_TYPES: Final = frozenset({"Document", "XHR", "Fetch"})


@dataclass(frozen=True, slots=True)
class Dialog:
    """A dialog that a page opened.

    Attributes:
        kind: ``alert``, ``confirm``, ``prompt`` or ``beforeunload``.
        text: what it says, cleaned for a terminal.
    """

    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.kind} “{self.text}”" if self.text else self.kind


@dataclass(frozen=True, slots=True)
class Answer:
    """The response that a tab's main document came in.

    Attributes:
        status: the HTTP status.
        headers: by lower-case name.
    """

    status: int
    headers: Mapping[str, str]


@dataclass(slots=True)
class SeenRequest:
    """A request that the browser made.

    Attributes:
        url: its address.
        method: its method.
        kind: what it was for, such as ``Document``, ``XHR`` or ``Fetch``.
        is_navigation: whether it brought a tab's main document.
        was_redirected: whether another one led to it.
        status: what it was answered with; 0 for nothing.
        mime_type: the answer's type.
        sent: the headers that were sent, for each hop.
        fields: the names of the fields of the form that was sent, by it or by the one that led to it.
    """

    url: str = ""
    method: str = ""
    kind: str = ""
    is_navigation: bool = False
    was_redirected: bool = False
    status: int = 0
    mime_type: str = ""
    sent: list[Mapping[str, str]] = field(default_factory=list, repr=False)
    fields: tuple[str, ...] = ()


class NetworkLog:
    """Collects the log's entries; reading them drains the driver's buffer.

    Args:
        driver: the driver of an open browser. A caller's own driver may have no such log.

    Attributes:
        has_log: whether the driver has the log.
        dialogs: the dialogs that pages opened so far, without repetitions, at most five.
        binds_session: whether a site binds its session to this device (https://w3c.github.io/webappsec-dbsc/).
        device_bound: what the browser says is bound, as it says it; None if it does not say.
    """

    def __init__(self, driver: Driver) -> None:
        self.has_log = True
        self.dialogs: list[Dialog] = []
        self.binds_session = False
        self.device_bound: list[dict[str, Any]] | None = None
        self._driver = driver
        self._requests: dict[str, SeenRequest] = {}
        self._answers: dict[str, Answer] = {}
        self._failures: dict[str, str] = {}

    @reading_answers()
    def drain(self) -> None:
        """Read the entries since the last call."""
        if not self.has_log:
            return
        try:
            entries = self._driver.get_log("performance") or ()
        except InvalidArgumentException:
            self.has_log = False
            return
        except (TimeoutException, UnexpectedAlertPresentException):
            return  # the next call reads them
        for entry in entries:
            text = entry["message"]
            if any(method in text[:_HEAD_LENGTH] for method in METHODS):
                self._read(json.loads(text), text)
        for request in list(self._requests)[:-_MAX_REQUESTS]:
            del self._requests[request]

    def list_requests(self) -> tuple[SeenRequest, ...]:
        """Return the requests of all tabs, oldest first."""
        return tuple(self._requests.values())

    @property
    def has_answers(self) -> bool:
        """Whether any page, or download in place of one, was answered."""
        return bool(self._answers)

    def answer_of(self, loader: str) -> Answer | None:
        """Return the response that the document with this loader came in; None if the log does not have it."""
        return self._answers.get(loader)

    def failure_of(self, loader: str) -> str:
        """Return Chrome's error code for the document with this loader; empty if the log does not have it."""
        return self._failures.get(loader, "")

    def collect_headers(self, site: Site, origin: str) -> dict[str, str]:
        """Return the lasting headers that the browser sent to *site*; empty if there is no log.

        They are taken from navigations, whose headers a page can't set; client hints, which only the browser can set,
        from the page's own requests too, because a site may ask for more of them in its first response. The latest
        wins. A password that the browser sent to *origin* is among them (HTTP basic authentication).

        Args:
            site: for its origins, and for the names of further headers.
            origin: the origin of the session.
        """
        headers: dict[str, str] = {}
        for request in self._requests.values():
            if request.kind not in _PAGE_TYPES or not _is_own(site, request.url):
                continue
            url = read_url(request.url)
            for sent in request.sent:
                if not was_sent_to(sent, url):
                    continue
                for name, value in sent.items():
                    is_kept = is_lasting(name, site.headers) if request.is_navigation else is_client_hint(name)
                    if is_kept or (request.is_navigation and _is_password(name, value, url, origin)):
                        headers[name] = value
        return headers

    def find_sent_header(self, site: Site, origin: str, name: str) -> str | None:
        """Return the header *name* of the last request that a page of *site* made with it; None if there was none.

        Args:
            site: only requests to the origins that it lists count.
            origin: the origin of the session, which counts too.
            name: the header's name, in any case.
        """
        found = None
        for request in self._requests.values():
            if request.is_navigation or not _is_own(site, request.url):
                continue
            url = read_url(request.url)
            if not is_token_origin(site, origin, url):
                continue
            for sent in request.sent:
                if was_sent_to(sent, url):
                    found = next((value for key, value in sent.items() if key.lower() == name.lower()), found)
        return found

    def list_page_requests(self, site: Site, origin: str) -> tuple[str, ...]:
        """Return what a probe can be learned from: GET requests that the site's page made, and that were answered 200.

        Args:
            site: only requests to its origins count.
            origin: the origin of the session; a request to another one is returned with its whole URL.

        Returns:
            At most 20 paths with their queries, JSON responses first. Requests that may change something or whose query
            may be secret are left out.
        """
        found = [
            request
            for request in self._requests.values()
            if request.kind in _PAGE_TYPES
            and (request.method, request.status, request.was_redirected) == ("GET", _OK, False)
            and _is_own(site, request.url)
            and is_harmless(read_url(request.url))
        ]
        found.sort(key=lambda request: "json" not in request.mime_type)
        paths = dict.fromkeys(_shorten(read_url(request.url), origin) for request in found)
        return tuple(list(paths)[:_MAX_PAGE_REQUESTS])

    def _read(self, entry: dict[str, Any], text: str) -> None:
        method, params = entry["message"]["method"], entry["message"]["params"]
        if any(sign in text for sign in _BINDING_SIGNS):
            self.binds_session = True
        if method == "Network.deviceBoundSessionsAdded":
            self.device_bound = [*(self.device_bound or []), *params["sessions"]]
            return
        if method == "Page.javascriptDialogOpening":
            self._note_dialog(Dialog(clean_text(str(params.get("type"))), clean_text(str(params.get("message")))))
            return
        request = self._requests.setdefault(str(params.get("requestId")), SeenRequest())
        if method == "Network.requestWillBeSent":
            request.was_redirected = "redirectResponse" in params
            request.url = params["request"]["url"].partition("#")[0]
            request.method, request.kind = str(params["request"]["method"]), str(params.get("type", ""))
            if posted := params["request"].get("postData"):
                request.fields = list_field_names(params["request"]["headers"], posted)
            is_main = params.get("frameId") == entry.get("webview")
            request.is_navigation = is_main and params["requestId"] == params.get("loaderId")
        elif method == "Network.requestWillBeSentExtraInfo":
            request.sent.append(msgspec.convert(params["headers"], dict[str, str]))
        elif method == "Network.responseReceived":
            answer = params["response"]
            request.status, request.mime_type = int(answer["status"]), str(answer.get("mimeType", ""))
            if params.get("type") == "Document" and params["requestId"] == params.get("loaderId"):
                headers = msgspec.convert(answer["headers"], dict[str, str])
                headers = {name.lower(): value for name, value in headers.items()}
                self._answers[params["loaderId"]] = Answer(request.status, headers)
        elif method == "Network.loadingFailed" and params.get("type") == "Document":
            code = re.search(r"ERR_\w+", str(params.get("errorText")))
            self._failures[params["requestId"]] = code[0] if code else ""

    def _note_dialog(self, dialog: Dialog) -> None:
        if dialog in self.dialogs or len(self.dialogs) >= _MAX_DIALOGS:
            return
        self.dialogs.append(dialog)


def _is_own(site: Site, url: str) -> bool:
    if not url.startswith("http"):
        return False
    try:
        return site.owns(read_url(url))
    except ValueError:
        return False


def was_sent_to(sent: Mapping[str, str], url: URL) -> bool:
    """Return whether these headers went to the host of *url*: a redirected request has those of several hosts."""
    lowered = {name.lower(): value for name, value in sent.items()}
    host = lowered.get(":authority", lowered.get("host", ""))
    try:
        return URL(f"{url.scheme}://{host}").origin() == url.origin()
    except ValueError:
        return False


def _is_password(name: str, value: str, url: URL, origin: str) -> bool:
    return name.lower() == "authorization" and value.lower().startswith("basic ") and str(origin_of(url)) == origin


def _shorten(url: URL, origin: str) -> str:
    return url.raw_path_qs if str(origin_of(url)) == origin and url.raw_path[:2] != "//" else str(url)


def warn_of_dialogs(dialogs: Iterator[Dialog], url: str) -> None:
    """Log the dialogs that were answered without a person: ``confirm`` and others asked something."""
    for dialog in dialogs:
        how = "closed" if dialog.kind == "alert" else "answered with Cancel"
        _log.warning("%s opened a dialog, which was %s: %s.", url, how, dialog)
