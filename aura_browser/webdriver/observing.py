"""Observes a page: its address, status and content, and which of the site's conditions hold."""

import json
import logging
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from http import HTTPStatus
from typing import Any, Final

from selenium.common.exceptions import (
    NoSuchWindowException,
    TimeoutException,
    UnexpectedAlertPresentException,
    WebDriverException,
)

from aura_browser.errors import InvalidInput
from aura_browser.session.cookie import Cookie
from aura_browser.site import Condition, Site
from aura_browser.text import clean_text
from aura_browser.urls import read_url
from aura_browser.webdriver.cookies import read_cookies
from aura_browser.webdriver.driver import Driver, StartedDriver
from aura_browser.webdriver.network_log import NetworkLog
from aura_browser.webdriver.page import Frame, Page

_log = logging.getLogger(__name__)

_MAX_TITLE_LENGTH: Final = 100
_MAX_REFRESH_S: Final = 15.0  # a page that refreshes itself later than this is no check page
_LOADING_LOOK_EVERY_S: Final = 0.25  # how often a page that is still loading is looked at closely
_CHECK_HEADERS: Final = ("cf-mitigated", "x-vercel-mitigated")
# null is a malformed selector, false one that finds nothing.
_STATE: Final = """
const check = (test) => {
  try { return !!test() } catch (error) { return error.name === 'SyntaxError' ? null : false }
};
const body = of('body');
const navigation = performance.getEntriesByType('navigation')[0];
const refresh = find('meta[http-equiv="refresh" i]');
return {
  state: of('readyState'),
  status: navigation && navigation.responseStatus || 0,
  has_script: !!find('script'),
  has_frame: !!find('iframe, frame, object, embed, input[type=password i]'),
  refresh: refresh ? String(refresh.getAttribute('content')).slice(0, 20) : '',
  title: String(of('title')).slice(0, 200),
  text: body && !of('title') ? body.innerText.slice(0, 1000) : '',
  is_check: !!find('#challenge-form, #cf-challenge-running')
    || /^\\s*(just a moment|attention required|checking your browser|vercel security checkpoint)/i.test(of('title')),
  may_check: !!find('body.no-js, script[src*="challenge-platform"]'),
  checks: [%s],
};
"""
_TESTS: Final = {
    "selector": "find(%s)",
    "text": "body.innerText.includes(%s)",
}


@dataclass(frozen=True, slots=True)
class Observation:
    """What a tab shows at one moment.

    Attributes:
        frame: the document.
        status: its HTTP status; None if it has none.
        headers: its response headers, by lower-case name; empty without a log.
        is_complete: whether it has loaded.
        has_script: whether a script may still change something.
        has_frame: whether it has a frame, or a password field, shown or not.
        refresh_s: seconds after which it loads another page by itself; None if it does not.
        is_check: whether it has the signs of a check page.
        text: its title, or the beginning of its text.
        values: what each of the site's conditions finds; None where it does not hold.
        cookie_names: of the site's cookies; None where they were not read.
    """

    frame: Frame
    status: int | None
    headers: Mapping[str, str]
    is_complete: bool
    has_script: bool
    has_frame: bool
    refresh_s: float | None
    is_check: bool
    text: str
    values: tuple[str | None, ...]
    cookie_names: frozenset[str] | None

    @property
    def has_error_status(self) -> bool:
        """Whether the status is an error."""
        return self.status is not None and self.status >= HTTPStatus.BAD_REQUEST


class Observer:
    """Observes the current tab of a browser.

    Args:
        driver: the driver of an open browser.
        site: the site, for its conditions.

    Attributes:
        driver: as given.
        page: the document in the current tab.
        log: what the browser asked for so far.
        is_busy: whether the tab was navigating or its page busy at the last look.
        can_be_killed: whether the driver is our own, which is killed at the deadline even in the middle of a command.
    """

    def __init__(self, driver: Driver, site: Site) -> None:
        self.driver = driver
        self.page = Page(driver)
        self.log = NetworkLog(driver)
        self.is_busy = False
        self.can_be_killed = isinstance(driver, StartedDriver)
        self._site = site
        self._script = _STATE % ", ".join(f"check(() => {_build_test(condition)})" for condition in site.ready)
        self._looked_at = time.monotonic()

    def check_conditions(self) -> None:
        """Check the conditions that can be checked before any page is open.

        Raises:
            InvalidInput: if a ``js:`` condition is not a JavaScript expression.
        """
        for condition in self._site.ready:
            if condition.kind == "js" and not self.page.can_compile(condition.argument):
                raise InvalidInput("until", f"{condition} is not a JavaScript expression")

    def observe(self) -> Observation | None:
        """Return what the tab shows; None while a document loads or is replaced and nothing can be ready.

        Raises:
            InvalidInput: if a ``selector:`` condition is not a CSS selector.
        """
        if self.check_busy():
            return None
        facts = _check_facts(self.page.peek(self._script), len(self._site.ready))
        if facts is None:
            return None
        for condition, holds in zip(self._site.ready, facts["checks"], strict=True):
            if holds is None and condition.kind == "selector":
                raise InvalidInput("until", f"{condition} is not a CSS selector")
        may_decide = facts["state"] == "complete" or (self._site.ready and all(facts["checks"]))
        if not may_decide and time.monotonic() < self._looked_at + _LOADING_LOOK_EVERY_S:
            return None
        self._looked_at = time.monotonic()
        frame = self.page.confirm()
        if frame is None:
            return None
        self.log.drain()
        return self._build(frame, facts)

    def _build(self, frame: Frame, facts: dict[str, Any]) -> Observation:
        answer = self.log.answer_of(frame.loader)
        headers = answer.headers if answer else {}
        refresh_s = _parse_refresh(headers.get("refresh") or facts["refresh"])
        status = (answer.status if answer else facts["status"]) or None
        is_error = status is not None and status >= HTTPStatus.BAD_REQUEST
        is_check = facts["is_check"] or (is_error and facts["may_check"]) or refresh_s is not None
        is_check |= any(headers.get(name, "").lower() == "challenge" for name in _CHECK_HEADERS)
        cookies = self._read_cookies(frame, facts["checks"])
        return Observation(
            frame=frame,
            status=status,
            headers=headers,
            is_complete=facts["state"] == "complete",
            has_script=facts["has_script"],
            has_frame=facts["has_frame"],
            refresh_s=refresh_s,
            is_check=is_check,
            text=clean_text(facts["title"] or facts["text"], _MAX_TITLE_LENGTH),
            values=self._evaluate(frame, facts["checks"], cookies or ()),
            cookie_names=None if cookies is None else frozenset(cookie.name for cookie in cookies),
        )

    def _is_on_site(self, frame: Frame) -> bool:
        return frame.url.startswith("http") and self._site.owns(read_url(frame.url))

    def _read_cookies(self, frame: Frame, checks: list[bool | None]) -> tuple[Cookie, ...] | None:
        """Return the cookies if they decide whether the conditions hold."""
        is_asked = any(condition.kind == "cookie" for condition in self._site.ready)
        may_decide = is_asked and all(checks) and self._is_on_site(frame)
        return read_cookies(self.driver, read_url(frame.url)) if may_decide else None

    def _evaluate(self, frame: Frame, checks: list[bool | None], cookies: tuple[Cookie, ...]) -> tuple[str | None, ...]:
        if not self._is_on_site(frame):
            return (None,) * len(checks)

        def find(condition: Condition) -> str | None:
            match condition.kind:
                case "cookie":
                    found = [c.value for c in cookies if c.name == condition.argument and c.value]
                    return "\n".join(found) if found else None
                case "url":
                    return "" if fnmatchcase(frame.url, condition.argument) else None
                case "js":
                    return "" if all(checks) and self.page.run_in_page(condition.argument) else None
            return ""

        conditions = zip(self._site.ready, checks, strict=True)
        return tuple(find(condition) if holds else None for condition, holds in conditions)

    def check_busy(self) -> bool:
        """Return whether the tab is navigating, or a script keeps its page busy.

        DevTools commands to such a page don't return; a script of WebDriver's has a time-out. It runs in the page's own
        world, so a page can have it say that the page is busy, and nothing else.
        """
        self.is_busy = False
        try:
            self.driver.execute_script("return 1")
        except TimeoutException:
            self.is_busy = True
        except (NoSuchWindowException, UnexpectedAlertPresentException):
            raise
        except WebDriverException as error:
            # The page broke it. That the browser is gone shows in the next command.
            _log.debug("A script of WebDriver's failed in the page (%s).", type(error).__name__)
        return self.is_busy


def _build_test(condition: Condition) -> str:
    return _TESTS[condition.kind] % json.dumps(condition.argument) if condition.kind in _TESTS else "true"


def _check_facts(facts: dict[str, Any] | None, count: int) -> dict[str, Any] | None:
    """Return *facts* if all of them are of the right type; they come from a page."""
    types = {
        "state": str,
        "status": int,
        "has_script": bool,
        "has_frame": bool,
        "refresh": str,
        "title": str,
        "text": str,
    }
    types |= {"is_check": bool, "may_check": bool, "checks": list}
    if facts is None or any(type(facts.get(name)) is not kind for name, kind in types.items()):
        return None
    is_valid = len(facts["checks"]) == count and all(value is None or type(value) is bool for value in facts["checks"])
    return facts if is_valid else None


def _parse_refresh(text: str) -> float | None:
    """Return the seconds that ``meta refresh`` or the header ``Refresh`` names; None for none, or for a long time."""
    match = re.match(r"\s*(\d{1,4}(?:\.\d*)?|\.\d+)", text)
    seconds = float(match[1]) if match else None
    return seconds if seconds is not None and seconds <= _MAX_REFRESH_S else None
