"""Opens an empty page of an origin without asking the site for one, so that its storage can be written."""

from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from selenium.common.exceptions import WebDriverException

from aura_browser.webdriver.deadline import Deadline
from aura_browser.webdriver.devtools import call_devtools
from aura_browser.webdriver.driver import Driver

_NOTHING: Final = "about:blank"
_PAGE: Final = b64encode(b"<!doctype html><link rel=icon href=data:,>").decode()
_HEADERS: Final = ({"name": "Content-Type", "value": "text/html"},)
_PATIENCE_S: Final = 10.0
_POLL_INTERVAL_S: Final = 0.005
_MAX_AHEAD: Final = 4
_NOT_HELD: Final = (
    "Invalid InterceptionId",  # no request has the number
    "Invalid state for continueInterceptedRequest",  # the one that has it is not held yet, or no longer
)


class BlankPages:
    """Empty pages in a browser's tab, in which the browser believes to be at a site.

    Args:
        driver: the driver of a browser that has just been opened.
        deadline: when to stop.
    """

    def __init__(self, driver: Driver, deadline: Deadline) -> None:
        self._driver = driver
        self._deadline = deadline
        self._next = 1

    def open(self, origin: str) -> bool:
        """Show an empty page of *origin*; return whether the browser does.

        Raises:
            WebDriverException: if the browser is gone.
        """
        with self._hold_requests():
            self._driver.get(f"{origin}/")
            return any(self._answer() for _ in self._wait()) and any(self._shows(origin) for _ in self._wait())

    def leave(self) -> None:
        """Show ``about:blank``, with no way back and nothing of it in the browser's log."""
        self._driver.get(_NOTHING)
        if any(self._shows("null") for _ in self._wait()):
            call_devtools(self._driver, "Page.resetNavigationHistory")
        self._driver.get_log("performance")

    @contextmanager
    def _hold_requests(self) -> Iterator[None]:
        call_devtools(self._driver, "Fetch.enable")
        try:
            yield
        finally:
            call_devtools(self._driver, "Fetch.disable")

    def _wait(self) -> Iterator[None]:
        """Yield every few milliseconds, for some seconds at most."""
        tries = round(_PATIENCE_S / _POLL_INTERVAL_S)
        for _ in range(tries):
            if self._deadline.left_s <= 0:
                return
            yield
            self._deadline.wait(_POLL_INTERVAL_S)

    def _answer(self) -> bool:
        """Answer the request that is held with an empty page; return whether there was one.

        Chrome numbers requests that are held. It says the number in an event, which ChromeDriver does not pass on, so
        the next few are tried: a page may have asked for more.
        """
        for number in range(self._next, self._next + _MAX_AHEAD):
            try:
                call_devtools(
                    self._driver,
                    "Fetch.fulfillRequest",
                    requestId=f"interception-job-{number}.0",
                    responseCode=200,
                    responseHeaders=_HEADERS,
                    body=_PAGE,
                )
            except WebDriverException as error:
                if not any(reason in (error.msg or "") for reason in _NOT_HELD):
                    raise
            else:
                self._next = number + 1
                return True
        return False

    def _shows(self, origin: str) -> bool:
        script = "document.readyState === 'complete' && location.origin"
        result = call_devtools(self._driver, "Runtime.evaluate", expression=script, returnByValue=True)
        return bool(result.get("result", {}).get("value") == origin)
