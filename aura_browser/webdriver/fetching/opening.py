"""Shows a page of a site in an open browser, and puts into it what sends requests. Runs in the browser's thread."""

import asyncio
import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from selenium.common.exceptions import JavascriptException, TimeoutException, WebDriverException
from yarl import URL

from aura_browser.errors import BrowserDied, PageFailed
from aura_browser.text import redact_url
from aura_browser.webdriver.cdp.driver import CdpDriver
from aura_browser.webdriver.deadline import Deadline
from aura_browser.webdriver.devtools import list_driver_errors
from aura_browser.webdriver.fetching.script import build_expression
from aura_browser.webdriver.fetching.tab import FetchTab, Place
from aura_browser.webdriver.restore import restore_session, set_cookies

if TYPE_CHECKING:
    from aura_browser.session import Session

_log = logging.getLogger(__name__)

_STATIC_PAGE: Final = "/robots.txt"  # every site has this address, and no app runs there
_POLL_INTERVAL_S: Final = 0.005
_WORLD: Final = "aura-browser"
_TRIES_S: Final = 15.0
_ELSEWHERE: Final = "its pages lead to another address"
_UNFINISHED: Final = "it did not finish loading"
# Of the page, not of the connection: another page of the site may be there.
_OF_THE_PAGE: Final = frozenset({"ERR_ABORTED", "ERR_HTTP_RESPONSE_CODE_FAILURE", "ERR_INVALID_RESPONSE", "ERR_FAILED"})


def put_session(driver: CdpDriver, session: "Session", deadline: Deadline, *, is_new: bool) -> None:
    """Put *session* into a profile. What Chrome refuses is logged.

    Args:
        driver: the driver of a browser that has just been opened.
        session: the session.
        deadline: when to stop.
        is_new: whether the profile is a new one, which gets its storage too; one that is kept gets only cookies, and
            those only if answers have changed them since the session was read from it.

    Raises:
        BrowserDied: if the browser ends.
    """
    with telling_ends(session.url):
        if is_new:
            refused = restore_session(driver, session, deadline).refused
        else:
            refused = tuple(set_cookies(driver, session.cookies)) if session.rotated_at is not None else ()
    for each in refused:
        _log.warning("The page works without this part of the session: %s", each)


def open_tab(
    driver: CdpDriver, url: URL, deadline: Deadline, loop: asyncio.AbstractEventLoop, *, is_static: bool
) -> FetchTab:
    """Show a page of the origin of *url*, and return the tab as an event loop uses it.

    Args:
        driver: the driver of a browser that stays open.
        url: a page of the site, which is shown where the static one can't be.
        deadline: when to stop.
        loop: the event loop.
        is_static: whether a page without an app is shown first.

    Raises:
        PageFailed: if no page of the origin can be shown.
        BrowserDied: if the browser ends.
    """
    with telling_ends(str(url)):
        pass_policies(driver, is_static=is_static)
        _show_page(driver, url, deadline, is_static=is_static)
        return prepare_tab(driver, loop)


def pass_policies(driver: CdpDriver, *, is_static: bool) -> None:
    """Have our script's requests pass what a site decides for its own scripts. For a browser of our own only.

    Args:
        driver: the browser's driver.
        is_static: whether the page has no app that may need the site's service worker.

    Raises:
        WebDriverException: if the browser is gone.
    """
    driver.execute_cdp_cmd("Page.setBypassCSP", {"enabled": True})
    driver.execute_cdp_cmd("Network.setBypassServiceWorker", {"bypass": is_static})


@contextmanager
def telling_ends(url: str) -> Iterator[None]:
    """Convert what a driver raises when its browser ends.

    Raises:
        BrowserDied: with *url*.
    """
    try:
        yield
    except list_driver_errors() as error:
        raise _describe_end(url, error) from error


def prepare_tab(driver: CdpDriver, loop: asyncio.AbstractEventLoop) -> FetchTab:
    """Put our script into the page that is shown, and return the tab.

    Raises:
        WebDriverException: if the browser is gone.
    """
    frame = driver.execute_cdp_cmd("Page.getFrameTree", {})["frameTree"]["frame"]["id"]
    world = driver.execute_cdp_cmd("Page.createIsolatedWorld", {"frameId": frame, "worldName": _WORLD})
    context, binding = world["executionContextId"], f"aura{secrets.token_hex(8)}x"
    driver.execute_cdp_cmd("Runtime.addBinding", {"name": binding, "executionContextId": context})
    evaluated = _evaluate(driver, build_expression(binding), context, returnByValue=False)
    facts = "[performance.getEntriesByType('navigation')[0]?.nextHopProtocol ?? '', location.origin]"
    protocol, origin = _evaluate(driver, facts, context, returnByValue=True)["value"]
    tab = FetchTab(
        driver.connection, Place(driver.session, evaluated["objectId"], binding, str(protocol), str(origin)), loop
    )
    driver.listen(tab.hear)
    return tab


def _evaluate(driver: CdpDriver, expression: str, context: int, **more: object) -> dict[str, Any]:
    call = {"expression": expression, "contextId": context, **more}
    result: dict[str, Any] = driver.execute_cdp_cmd("Runtime.evaluate", call)["result"]
    return result


def _show_page(driver: CdpDriver, url: URL, deadline: Deadline, *, is_static: bool) -> None:
    origin, problem = str(url.origin()), ""
    for address in ([f"{origin}{_STATIC_PAGE}"] if is_static else []) + [str(url)]:
        try:
            shown = driver.execute_cdp_cmd("Page.navigate", {"url": address})
        except TimeoutException:
            raise PageFailed(redact_url(url), f"it did not answer within {deadline.seconds:g} s") from None
        code = str(shown.get("errorText", "")).removeprefix("net::")
        place = "" if code else _wait_for_page(driver, deadline)
        if place == origin:
            return
        problem = code or (_ELSEWHERE if place else _UNFINISHED)
        if code and code not in _OF_THE_PAGE:
            break
    raise PageFailed(redact_url(url), problem)


def _wait_for_page(driver: CdpDriver, deadline: Deadline) -> str:
    """Wait until a page is there, and return its origin; empty if none is there in time."""
    for _ in range(round(_TRIES_S / _POLL_INTERVAL_S)):
        if deadline.left_s <= 0:
            break
        try:
            state, shown = driver.execute_script("return [document.readyState, location.origin]")
        except (TimeoutException, JavascriptException, TypeError):
            continue  # between two pages
        if state != "loading" and shown not in {"null", "://"}:
            return str(shown)
        deadline.wait(_POLL_INTERVAL_S)
    return ""


def _describe_end(url: str, error: Exception) -> BrowserDied:
    message = str(getattr(error, "msg", None) or type(error).__name__).strip().partition("\n")[0]
    if isinstance(error, WebDriverException) and "connection to Chrome" in message:
        message = "it ended before its page was open"
    return BrowserDied(redact_url(url), message)
