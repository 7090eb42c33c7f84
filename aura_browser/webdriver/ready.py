"""Opens a page and waits until the site is ready there. A check page or an error page is never ready."""

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from http import HTTPStatus
from typing import Any, Final

from selenium.common.exceptions import (
    JavascriptException,
    TimeoutException,
    UnexpectedAlertPresentException,
    WebDriverException,
)
from yarl import URL

from aura_browser.engine import OnWait
from aura_browser.errors import InvalidInput, NotReady, PageFailed
from aura_browser.hosts import is_same_site
from aura_browser.proxy.address import PROXY_REFUSED
from aura_browser.site import Condition, Site
from aura_browser.text import clean_text
from aura_browser.webdriver.deadline import Deadline
from aura_browser.webdriver.driver import Driver
from aura_browser.webdriver.reading import read_cookies

_POLL_INTERVAL_S: Final = 0.025
_MISSING_STATUSES: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
_MISSING_PAGE_TIMEOUT_S: Final = 3.0  # a script on a 404 page may still navigate away
_MAX_NAMED: Final = 8
_MAX_NAME_LENGTH: Final = 40
_LOADED: Final = "the page loaded"
_GOOD_STATUS: Final = "a page status below 400"
_ON_SITE: Final = "a page of the site itself"

# Everything in one round trip. null is a malformed selector, false one that finds nothing.
_STATE_SCRIPT: Final = """
const navigation = performance.getEntriesByType('navigation')[0];
const check = (test) => {
  try { return !!test() } catch (error) { return error.name === 'SyntaxError' ? null : false }
};
return {
  state: document.readyState,
  status: navigation ? navigation.responseStatus || null : null,
  href: location.href,
  failure: location.protocol === 'chrome-error:' ? document.body.innerText : null,
  checks: [%s],
};
"""
_TESTS: Final = {
    "selector": "document.querySelector(%s)",
    "text": "document.body.innerText.includes(%s)",
}


@dataclass(frozen=True, slots=True)
class _PageState:
    href: str
    status: int | None
    missing: tuple[str, ...]


def open_until_ready(
    driver: Driver, site: Site, deadline: Deadline, on_wait: OnWait | None = None, *, interactive: bool = False
) -> None:
    """Open the site's page and return when it is ready.

    The polling, every 0.025 s, also keeps a Grid from ending the session as idle while a person types.

    Args:
        driver: the driver of an open browser.
        site: the site to open, with its conditions.
        deadline: when to stop waiting.
        on_wait: called with the seconds left and the conditions that don't hold yet.
        interactive: whether a person uses the window, who may open other pages and come back.

    Raises:
        InvalidInput: if a condition is not a CSS selector or not a JavaScript expression.
        NotReady: at the deadline, with the conditions that never held.
        PageFailed: if the page can't be loaded, with Chrome's error code, or does not exist (404, 410).
        WebDriverException: if the browser or its window is gone.
    """
    _open(driver, site, deadline)
    page = None
    missing_since = None
    while deadline.left_s > 0:
        try:
            page = _read_state(driver, site) or page
        except PageFailed as error:
            if not (interactive and page):
                raise
            page = _PageState(page.href, None, (f"a page that loads ({error.code})",))
        if page is not None and not page.missing:
            return
        if page is not None and page.status in _MISSING_STATUSES and not interactive:
            missing_since = missing_since or time.monotonic()
            if time.monotonic() - missing_since > _MISSING_PAGE_TIMEOUT_S:
                raise PageFailed(site.url, f"the site answers {page.status}")
        else:
            missing_since = None
        if on_wait:
            on_wait(deadline.left_s, page.missing if page else (_LOADED,))
        deadline.wait(_POLL_INTERVAL_S)
    raise _build_not_ready(site, deadline, page)


def _open(driver: Driver, site: Site, deadline: Deadline) -> None:
    try:
        driver.get(site.url)
    except TimeoutException:
        raise _build_not_ready(site, deadline, None) from None
    except WebDriverException as error:
        if "net::ERR_" in (error.msg or ""):
            raise _build_page_failed(site, error.msg or "") from None
        raise


def _build_page_failed(site: Site, text: str) -> PageFailed:
    code = re.search(r"ERR_\w+", text)
    return PageFailed(site.url, code[0] if code else "Chrome shows an error page")


def _read_state(driver: Driver, site: Site) -> _PageState | None:
    """Return the page's state; None during a navigation, when there is no page."""
    checks = ", ".join(f"check(() => {_build_test(condition)})" for condition in site.ready)
    try:
        facts = driver.execute_script(_STATE_SCRIPT % checks)
    except (TimeoutException, UnexpectedAlertPresentException):
        return None
    except JavascriptException:
        if _can_run_script(driver):
            raise InvalidInput("until", "a js: condition is not a JavaScript expression") from None
        return None
    if facts is None:
        return None  # the driver dismissed a dialog and returned no result
    if facts["status"] == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        raise PageFailed(site.url, PROXY_REFUSED)
    if facts["failure"] is not None and not _is_error(facts["status"]):
        if facts["state"] != "complete":
            return None  # a script adds the text with the error code later
        raise _build_page_failed(site, facts["failure"])
    return _PageState(facts["href"], facts["status"], tuple(_list_missing(driver, site, facts)))


def _can_run_script(driver: Driver) -> bool:
    """Return whether the script works without the site's conditions, so that one of them is at fault."""
    try:
        driver.execute_script(_STATE_SCRIPT % "")
    except (JavascriptException, TimeoutException, UnexpectedAlertPresentException):
        return False
    return True


def _build_test(condition: Condition) -> str:
    if condition.kind == "js":
        return f"({condition.argument}\n)"
    return _TESTS[condition.kind] % json.dumps(condition.argument) if condition.kind in _TESTS else "true"


def _list_missing(driver: Driver, site: Site, facts: dict[str, Any]) -> Iterator[str]:
    if facts["state"] != "complete":
        yield _LOADED
    if _is_error(facts["status"]):
        yield _GOOD_STATUS
    if not facts["href"].startswith("http") or not is_same_site(URL(facts["href"]), URL(site.url)):
        yield _ON_SITE
        return
    for condition, result in zip(site.ready, facts["checks"], strict=True):
        if result is None and condition.kind == "selector":
            raise InvalidInput("until", f"{condition} is not a CSS selector")
        if not result or not _holds_outside_page(driver, condition, facts["href"]):
            yield f"{condition}{_name_cookies(driver, condition, facts['href'])}"


def _name_cookies(driver: Driver, condition: Condition, href: str) -> str:
    """Return which cookies there are in place of the one that is waited for, so that a person finds the right name."""
    if condition.kind != "cookie":
        return ""
    names = sorted({clean_text(cookie.name, _MAX_NAME_LENGTH) for cookie in read_cookies(driver, URL(href))})
    more = f" and {len(names) - _MAX_NAMED} more" if len(names) > _MAX_NAMED else ""
    return f" (cookies so far: {', '.join(names[:_MAX_NAMED]) or 'none'}{more})"


def _is_error(status: int | None) -> bool:
    return status is not None and status >= HTTPStatus.BAD_REQUEST


def _holds_outside_page(driver: Driver, condition: Condition, href: str) -> bool:
    """Check the conditions that a script in the page can't: HttpOnly cookies, and the URL by pattern."""
    if condition.kind == "cookie":
        return any(cookie.name == condition.argument and cookie.value for cookie in read_cookies(driver, URL(href)))
    return condition.kind != "url" or fnmatchcase(href, condition.argument)


def _build_not_ready(site: Site, deadline: Deadline, page: _PageState | None) -> NotReady:
    if page is None:
        return NotReady(site.url, None, deadline.seconds, (_LOADED,))
    if not page.href.startswith("http"):
        # Still the previous page, or Chrome's own error page for a response without one.
        missing = (f"{_LOADED} (a download, or a response without a page?)", *(page.missing if page.status else ()))
        return NotReady(site.url, page.status, deadline.seconds, missing)
    return NotReady(str(URL(page.href).with_query(None)), page.status, deadline.seconds, page.missing)
