"""Opens a page and waits until the site is ready there. A check page or an error page never is."""

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
from aura_browser.webdriver.deadline import Deadline
from aura_browser.webdriver.reading import read_cookies
from aura_browser.webdriver.visit import Driver

_GLANCE_S: Final = 0.025
_GONE: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
_GONE_S: Final = 3.0  # a script might still go on from there
_LOADED: Final = "the page loaded"
_GOOD_STATUS: Final = "a page status below 400"
_AT_HOME: Final = "a page of the site itself"

# Everything in one round trip. A selector that is none is told apart from one that finds nothing.
_GLANCE: Final = """
const navigation = performance.getEntriesByType('navigation')[0];
const held = (test) => { try { return !!test() } catch (error) { return error.name === 'SyntaxError' ? null : false } };
return {
  state: document.readyState,
  status: navigation ? navigation.responseStatus || null : null,
  href: location.href,
  failure: location.protocol === 'chrome-error:' ? document.body.innerText : null,
  held: [%s],
};
"""
_TESTS: Final = {
    "selector": "document.querySelector(%s)",
    "text": "document.body.innerText.includes(%s)",
}


@dataclass(frozen=True, slots=True)
class _Glance:
    href: str
    status: int | None
    missing: tuple[str, ...]


def open_ready(
    driver: Driver, site: Site, deadline: Deadline, on_wait: OnWait | None = None, *, interactive: bool = False
) -> None:
    """Open the site's page and return when it is ready.

    Looking every 0.025 s is also what keeps a Grid from ending a session while a person types.

    Args:
        driver: of an open browser.
        site: where, and how to tell that it is ready.
        deadline: when it is given up.
        on_wait: is told what is waited for.
        interactive: whether a person is at it, who may go astray and come back.

    Raises:
        InvalidInput: if a condition is no CSS selector or no JavaScript.
        NotReady: at the deadline, naming what never held.
        PageFailed: if the page can't be loaded, with Chrome's error code, or there is none (404, 410).
        WebDriverException: if the browser or its window is gone.
    """
    _open(driver, site, deadline)
    glance = None
    gone_since = None
    while deadline.left_s > 0:
        try:
            glance = _look(driver, site) or glance
        except PageFailed as error:
            if not (interactive and glance):
                raise
            glance = _Glance(glance.href, None, (f"a page that loads ({error.code})",))
        if glance is not None and not glance.missing:
            return
        if glance is not None and glance.status in _GONE and not interactive:
            gone_since = gone_since or time.monotonic()
            if time.monotonic() - gone_since > _GONE_S:
                raise PageFailed(site.url, f"the site answers {glance.status}")
        else:
            gone_since = None
        if on_wait:
            on_wait(deadline.left_s, glance.missing if glance else (_LOADED,))
        deadline.wait(_GLANCE_S)
    raise _not_ready(site, deadline, glance)


def _open(driver: Driver, site: Site, deadline: Deadline) -> None:
    try:
        driver.get(site.url)
    except TimeoutException:
        raise _not_ready(site, deadline, None) from None
    except WebDriverException as error:
        if "net::ERR_" in (error.msg or ""):
            raise _page_failed(site, error.msg or "") from None
        raise


def _page_failed(site: Site, text: str) -> PageFailed:
    code = re.search(r"ERR_\w+", text)
    return PageFailed(site.url, code[0] if code else "Chrome shows an error page")


def _look(driver: Driver, site: Site) -> _Glance | None:
    """Look once; None in the middle of a navigation, when there is no page to look at."""
    tests = ", ".join(f"held(() => {_test(condition)})" for condition in site.ready)
    try:
        facts = driver.execute_script(_GLANCE % tests)
    except (TimeoutException, UnexpectedAlertPresentException):
        return None
    except JavascriptException:
        if _can_glance(driver):
            raise InvalidInput("until", "a js: condition is not a JavaScript expression") from None
        return None
    if facts is None:
        return None  # a dialog was dismissed in place of an answer
    if facts["status"] == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        raise PageFailed(site.url, PROXY_REFUSED)
    if facts["failure"] is not None and not _is_error(facts["status"]):
        if facts["state"] != "complete":
            return None  # its text, with the error's code, is put there by a script
        raise _page_failed(site, facts["failure"])
    return _Glance(facts["href"], facts["status"], tuple(_missing(driver, site, facts)))


def _can_glance(driver: Driver) -> bool:
    try:
        driver.execute_script(_GLANCE % "")
    except (JavascriptException, TimeoutException, UnexpectedAlertPresentException):
        return False
    return True


def _test(condition: Condition) -> str:
    if condition.kind == "js":
        return f"({condition.argument}\n)"
    return _TESTS[condition.kind] % json.dumps(condition.argument) if condition.kind in _TESTS else "true"


def _missing(driver: Driver, site: Site, facts: dict[str, Any]) -> Iterator[str]:
    if facts["state"] != "complete":
        yield _LOADED
    if _is_error(facts["status"]):
        yield _GOOD_STATUS
    if not facts["href"].startswith("http") or not is_same_site(URL(facts["href"]), URL(site.url)):
        yield _AT_HOME
        return
    for condition, held in zip(site.ready, facts["held"], strict=True):
        if held is None and condition.kind == "selector":
            raise InvalidInput("until", f"{condition} is not a CSS selector")
        if not held or not _holds_outside(driver, condition, facts["href"]):
            yield str(condition)


def _is_error(status: int | None) -> bool:
    return status is not None and status >= HTTPStatus.BAD_REQUEST


def _holds_outside(driver: Driver, condition: Condition, href: str) -> bool:
    """Check the conditions that a script in the page can't: HttpOnly cookies, and the address by pattern."""
    if condition.kind == "cookie":
        return any(cookie.name == condition.argument and cookie.value for cookie in read_cookies(driver, URL(href)))
    return condition.kind != "url" or fnmatchcase(href, condition.argument)


def _not_ready(site: Site, deadline: Deadline, glance: _Glance | None) -> NotReady:
    if glance is None:
        return NotReady(site.url, None, deadline.seconds, (_LOADED,))
    if not glance.href.startswith("http"):
        # Still the page before it, or Chrome's own error page for an answer without one.
        missing = (f"{_LOADED} (a download, or an answer without a page?)", *(glance.missing if glance.status else ()))
        return NotReady(site.url, glance.status, deadline.seconds, missing)
    return NotReady(str(URL(glance.href).with_query(None)), glance.status, deadline.seconds, glance.missing)
