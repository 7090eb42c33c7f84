"""The document in a browser's tab, seen through the DevTools protocol.

Nothing here goes through the page's own JavaScript world, which the page can change: scripts run in an isolated world,
which shares the document with the page and no JavaScript object
(https://chromedevtools.github.io/devtools-protocol/tot/Page/#method-createIsolatedWorld).
"""

import json
import re
from dataclasses import dataclass
from typing import Any, Final

from selenium.common.exceptions import (
    InvalidArgumentException,
    JavascriptException,
    TimeoutException,
    UnexpectedAlertPresentException,
    WebDriverException,
)

from aura_browser.hosts import origin_of
from aura_browser.urls import read_url
from aura_browser.webdriver.answers import reading_answers
from aura_browser.webdriver.devtools import call_devtools
from aura_browser.webdriver.driver import Driver

_WORLD_NAME: Final = "aura-browser"
_MAX_TEXT_LENGTH: Final = 64 * 1024 * 1024
# Such an error means that the document is being replaced; any other one, that the browser or the tab is gone.
_IS_NAVIGATING: Final = re.compile(r'execution context|context with specified id|navigat|No frame|"code":-3200')
_BETWEEN_DOCUMENTS: Final = (TimeoutException, InvalidArgumentException, JavascriptException)

# A page can hide the document's own properties behind elements of the same name: <img name=querySelector>.
_PRELUDE: Final = """
const of = (name) => Object.getOwnPropertyDescriptor(Document.prototype, name).get.call(document);
const find = (selector) => Document.prototype.querySelector.call(document, selector);
"""


@dataclass(frozen=True, slots=True)
class Frame:
    """A tab's main document.

    Attributes:
        loader: identifies the document: another one has another loader.
        url: its address, with its fragment.
        has_failed: whether it is Chrome's own error page.
    """

    loader: str
    url: str
    has_failed: bool


class Page:
    """The document in a driver's current tab.

    Args:
        driver: the driver of an open browser.
    """

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._frame: Frame | None = None
        self._world = 0
        self._has_dom = False

    def forget(self) -> None:
        """Forget the document, because another tab is the current one."""
        self._frame = None

    @reading_answers()
    def peek(self, body: str) -> dict[str, Any] | None:
        """Run *body* in the isolated world of the document; None if there is none yet, or it is being replaced.

        The result may be of a document that was replaced meanwhile: :meth:`confirm` checks that.

        Args:
            body: the body of an async function that returns JSON; ``of(NAME)`` reads a property of the document, and
                ``find(SELECTOR)`` finds an element.
        """
        try:
            if self._frame is None:
                self._enter()
            script = f"(async () => {{ {_PRELUDE} return JSON.stringify(await (async () => {{ {body} }})()) }})()"
            result = self._call(
                "Runtime.evaluate",
                expression=script,
                contextId=self._world,
                returnByValue=True,
                awaitPromise=True,
            )
        except WebDriverException as error:
            self._check_navigating(error)
            return None
        return _parse_object(result)

    @reading_answers()
    def confirm(self) -> Frame | None:
        """Return the document that :meth:`peek` ran in; None if it has been replaced since."""
        try:
            frame = self._read_frame()[1]
        except WebDriverException as error:
            self._check_navigating(error)
            return None
        if self._frame is None or frame.loader != self._frame.loader:
            self._frame = None
            return None
        return frame

    @reading_answers()
    def run_in_page(self, expression: str) -> bool:
        """Return whether the JavaScript *expression* is true in the page's own world, which the page controls."""
        try:
            result = self._call("Runtime.evaluate", expression=f"!!({expression}\n)", returnByValue=True)
        except WebDriverException as error:
            self._check_navigating(error)
            return False
        return result.get("result", {}).get("value") is True

    @reading_answers()
    def can_compile(self, expression: str) -> bool:
        """Return whether *expression* is a JavaScript expression."""
        script = f"!!({expression}\n)"
        result = self._call("Runtime.compileScript", expression=script, sourceURL="", persistScript=False)
        return "exceptionDetails" not in result

    @reading_answers()
    def shows_password(self) -> bool:
        """Return whether the document shows a password field: in any of its frames and shadow roots, closed ones too.

        Frames of other sites, which run in processes of their own, are left out.
        """
        try:
            if not self._has_dom:
                self._call("DOM.enable")
                self._has_dom = True
            self._call("DOM.getDocument", depth=0)
            selector = "input[type=password i]"
            found = self._call("DOM.performSearch", query=selector, includeUserAgentShadowRoot=False)
            if not found["resultCount"]:
                return False
            span = {"fromIndex": 0, "toIndex": min(found["resultCount"], 10)}
            nodes = self._call("DOM.getSearchResults", searchId=found["searchId"], **span)["nodeIds"]
            return any(self._is_laid_out(node) for node in nodes)
        except WebDriverException as error:
            self._check_navigating(error)
            return False

    def _is_laid_out(self, node: int) -> bool:
        try:
            model = self._call("DOM.getBoxModel", nodeId=node)["model"]
        except WebDriverException as error:
            self._check_navigating(error)
            return False  # it has no box
        return bool(model["width"] and model["height"])

    def _enter(self) -> None:
        frame_id, self._frame = self._read_frame()
        world = self._call("Page.createIsolatedWorld", frameId=frame_id, worldName=_WORLD_NAME)
        self._world = world["executionContextId"]

    def _read_frame(self) -> tuple[str, Frame]:
        frame = self._call("Page.getFrameTree")["frameTree"]["frame"]
        url = f"{frame['url']}{frame.get('urlFragment', '')}"
        if url.startswith("http"):
            origin_of(read_url(url))  # raises ValueError for what is no address
        return str(frame["id"]), Frame(str(frame["loaderId"]), url, bool(frame.get("unreachableUrl")))

    def _call(self, command: str, **arguments: object) -> dict[str, Any]:
        return call_devtools(self._driver, command, **arguments)

    def _check_navigating(self, error: WebDriverException) -> None:
        """Raise *error* again, unless it means that the document is being replaced."""
        if isinstance(error, UnexpectedAlertPresentException):
            raise error
        if not (isinstance(error, _BETWEEN_DOCUMENTS) or _IS_NAVIGATING.search(error.msg or "")):
            raise error
        self._frame = None


def _parse_object(result: dict[str, Any]) -> dict[str, Any] | None:
    text = result.get("result", {}).get("value")
    if not isinstance(text, str) or len(text) > _MAX_TEXT_LENGTH:
        return None  # the script failed, because the document was in between two states
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
