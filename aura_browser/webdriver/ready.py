"""Opens a page and waits until the site is ready there. A check page or an error page is never ready."""

import time
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Final

from selenium.common.exceptions import (
    NoSuchWindowException,
    UnexpectedAlertPresentException,
)

from aura_browser.engine import OnWait
from aura_browser.errors import NotReady, PageFailed
from aura_browser.site import Condition, Site
from aura_browser.text import clean_text, redact_url
from aura_browser.urls import read_url
from aura_browser.webdriver.changes import Changes
from aura_browser.webdriver.network_log import Dialog
from aura_browser.webdriver.observing import Observation, Observer
from aura_browser.webdriver.opening import open_page
from aura_browser.webdriver.options import BrowserOptions
from aura_browser.webdriver.pace import Pace
from aura_browser.webdriver.refusals import build_login_needed, find_refusal, raise_failure
from aura_browser.webdriver.rest import Rest
from aura_browser.webdriver.tabs import Tabs

_POLL_INTERVAL_S: Final = 0.025
# A page that becomes busy during a look blocks the driver until it is idle again, so there are fewer looks.
_CAREFUL_INTERVAL_S: Final = 0.25
_REST_INTERVAL_S: Final = 0.1  # while nothing but rest is missing, only a change of the page is looked for
_MAX_NAMED: Final = 8
_MAX_NAME_LENGTH: Final = 40
_LOADED: Final = "the page loaded"
_GOOD_STATUS: Final = "a page status below 400"
_ON_SITE: Final = "a page of the site itself"
_SETTLED: Final = "a page that has come to rest"
_CHANGE: Final = "a change: all of it was there from the beginning, so log in"
_CLOSED: Final = "your login; then close the window"
_TAKEN: Final = "your login: the site does not take the session yet"
_REFUSED_AT_REST_S: Final = 3.0  # a page may renew its own token first
_CHECK_STATUSES: Final = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})


class Wait:
    """Waits in an open browser until the site is ready.

    Args:
        observer: observes the browser's tab.
        site: the site to open, with its conditions.
        options: for the deadline, and whether a person takes part.
        on_wait: called with the seconds left and the conditions that don't hold yet.
        needs_no_person: called with a page that a person sees and on which all conditions hold, none of which has
            changed: returns whether it is ready all the same.
        passes_probe: called with a page that has come to rest and on which all other conditions hold, where the probe
            is one: returns whether the site takes the session there.

    Attributes:
        is_by_person: whether a condition changed while a person had the window: see :class:`Changes`.
    """

    def __init__(
        self,
        observer: Observer,
        site: Site,
        options: BrowserOptions,
        *,
        on_wait: OnWait | None,
        needs_no_person: Callable[[Observation], bool],
        passes_probe: Callable[[Observation], bool],
    ) -> None:
        self.is_by_person = self._was_refused = self._changed = self._had_page = False
        self._passes_probe = passes_probe
        self._needs_no_person = needs_no_person
        self._observer = observer
        self._site = site
        self._options = options
        self._deadline = options.deadline
        self._on_wait = on_wait
        self._changes = Changes([condition.kind == "cookie" for condition in site.ready])
        self._tabs: Tabs | None = None
        self._seen: Observation | None = None
        self._missing: tuple[str, ...] = (_LOADED,)
        self._rest = Rest(observer, site, options)
        self._pace = Pace(_POLL_INTERVAL_S if observer.can_be_killed else _CAREFUL_INTERVAL_S)
        self._loader = self._ignored = ""
        self._changed_at = 0.0

    def open(self) -> None:
        """Open the site's page.

        Raises:
            InvalidInput: if a ``js:`` condition is not a JavaScript expression.
            NotReady: at the deadline.
            PageFailed: if the page can't be loaded.
            WebDriverException: if the browser or its window is gone.
        """
        self._tabs = Tabs(self._observer.driver, self._observer.page)
        self._ignored = open_page(self._observer, self._site, self._options, self.build_not_ready)

    def run(self) -> Observation:
        """Return what the site's page shows when it is ready.

        The page is looked at every 0.025 s, and every 0.25 s once it stays as it is, or in a browser that can't be
        killed. That also keeps a Grid from ending the session as idle while a person types.

        Raises:
            InvalidInput: if a condition is not a CSS selector.
            NotReady: at the deadline, with the conditions that never held.
            LoginNeeded: if the page asks for a login, and there is no person.
            RateLimited: if it answers 429, and there is no person.
            SiteFailed: if it answers with another error, and there is no person.
            PageFailed: if it can't be loaded, with Chrome's error code, or does not exist (404, 410).
            WebDriverException: if the browser or its last window is gone.
        """
        while self._deadline.left_s > 0:
            try:
                seen = self._look()
            except UnexpectedAlertPresentException as error:
                self._observer.log.drain()  # the look that was ended did not; it says what has answered
                self._missing = (_describe_dialog(error, self._observer.log.dialogs),)
            except NoSuchWindowException:
                if self._tabs is None or not self._tabs.leave_closed():
                    raise
            else:
                if seen is not None:
                    return seen
            if self._on_wait:
                self._on_wait(self._deadline.left_s, self._missing)
            self._deadline.wait(self._choose_pause())
        raise self.build_not_ready()

    def build_not_ready(self) -> NotReady:
        """Return the error for the deadline."""
        seen = self._seen
        command = "" if self._options.interactive else self._site.login_command(*self._options.command_options)
        url, status = redact_url(self._site.url), seen.status if seen else None
        is_answered = self._observer.log.has_answers or status is not None
        missing = _add_dialog(self._missing, self._observer.log.dialogs)
        if seen is not None and not seen.frame.url.startswith("http") and is_answered:
            # Still the previous page, or Chrome's own error page for a response without one.
            missing = (f"{_LOADED} (a download, or a response without a page?)", *(missing if status else ()))
        elif seen is not None and is_answered:
            url = redact_url(seen.frame.url)
        return NotReady(url, status, self._deadline.seconds, missing, command, is_answered)

    def _choose_pause(self) -> float:
        """Return the seconds until the next look."""
        pause_s, left_s = self._pace.see((self._loader, self._missing)), self._rest.left_s
        return min(left_s, max(pause_s, _REST_INTERVAL_S)) if left_s else pause_s

    def _look(self) -> Observation | None:
        if self._rest.leaves_alone():
            return None
        seen = self._observer.observe()
        self._loader = seen.frame.loader if seen else ""
        if seen is None or seen.frame.loader == self._ignored:
            if self._observer.is_busy:
                self._rest.interrupt()
            self._try_other_tab()
            return None
        self._seen = seen
        self._missing = tuple(_list_missing(seen, self._site))
        shown_for_s = self._rest.measure(seen)
        self._see_changes(seen, shown_for_s)
        if not self._options.interactive:
            raise_failure(self._observer, seen, self._site)
        elif seen.frame.has_failed and not seen.has_error_status:
            code = self._observer.log.failure_of(seen.frame.loader) or "Chrome shows an error page"
            if not self._had_page:
                raise PageFailed(redact_url(self._site.url), code)
            self._missing = (f"a page that loads ({code})",)
            return None
        self._had_page |= seen.frame.url.startswith("http")
        if not self._missing and self._is_enough(seen, shown_for_s):
            return seen
        if not self._options.interactive:
            refusal = find_refusal(self._observer, seen, self._site, self._options, shown_for_s=shown_for_s)
            if refusal is not None:
                raise refusal
        self._try_other_tab()
        return None

    def _is_enough(self, seen: Observation, shown_for_s: float) -> bool:
        """Return whether a page on which all conditions hold is ready."""
        is_settled = self._rest.is_settled(seen, shown_for_s)
        if self._site.asks_probe:
            return self._is_taken(seen, shown_for_s, is_settled=is_settled)
        if self._options.interactive:
            return self._has_person_finished(seen, is_settled=is_settled)
        if self._site.ready:
            return True
        if not is_settled:
            self._missing = (_SETTLED,)
            self._rest.expect()
            return False
        if (seen.has_script or seen.has_frame) and self._observer.page.shows_password():
            raise build_login_needed(redact_url(seen.frame.url), "a password field", self._site, self._options)
        return True

    def _is_taken(self, seen: Observation, shown_for_s: float, *, is_settled: bool) -> bool:
        """Return whether the probe takes the session of a page on which all other conditions hold."""
        self._missing = (_TAKEN if is_settled else _SETTLED,)
        if not is_settled:
            self._rest.expect()
            return False
        if self._passes_probe(seen):
            self.is_by_person = self._options.interactive and (self._was_refused or self._changes.by_person)
            return True
        self._was_refused = True
        if not self._options.interactive and shown_for_s >= _REFUSED_AT_REST_S:
            raise build_login_needed(redact_url(seen.frame.url), "the probe is refused", self._site, self._options)
        return False

    def _has_person_finished(self, seen: Observation, *, is_settled: bool) -> bool:
        if self._changed:
            self._missing = (_TAKEN,)
            is_finished = not self._is_still_asked(seen, is_settled=is_settled)
            self.is_by_person = is_finished and self._changes.by_person
            return is_finished
        self._missing = (_CHANGE,) if self._site.ready else (_CLOSED,)
        return is_settled and self._needs_no_person(seen)

    def _is_still_asked(self, seen: Observation, *, is_settled: bool) -> bool:
        """Return whether the probe refuses the session, and a login form is shown, or may be soon."""
        if self._site.probe is None or self._passes_probe(seen):
            return False
        # A site may give its cookie another value with each page, also with the one that leads to its login form.
        self._changed_at = self._changed_at or time.monotonic()
        is_on_the_way = time.monotonic() < self._changed_at + _REFUSED_AT_REST_S or not is_settled
        return is_on_the_way or self._observer.page.shows_password()

    def _see_changes(self, seen: Observation, shown_for_s: float) -> None:
        if not (self._options.interactive and self._site.ready and seen.is_complete):
            return
        is_settled = self._rest.is_settled(seen, shown_for_s)
        is_check = seen.is_check or seen.status in _CHECK_STATUSES
        is_first = self._changes.is_waiting and not is_settled and None in seen.values
        is_login = is_first and (not _is_on_site(seen, self._site) or self._observer.page.shows_password())
        self._changed = self._changes.see(seen.values, is_settled=is_settled, is_login=is_login, is_check=is_check)

    def _try_other_tab(self) -> None:
        if self._tabs is not None:
            self._tabs.try_next(self._site)


def _describe(condition: Condition, seen: Observation) -> str:
    """Return *condition* to show; for a cookie with the names that there are, so that a person finds the right one."""
    if condition.kind != "cookie" or seen.cookie_names is None:
        return str(condition)
    names = sorted({clean_text(name, _MAX_NAME_LENGTH) or "(no name)" for name in seen.cookie_names})
    more = f" and {len(names) - _MAX_NAMED} more" if len(names) > _MAX_NAMED else ""
    return f"{condition} (cookies so far: {', '.join(names[:_MAX_NAMED]) or 'none'}{more})"


def _add_dialog(missing: tuple[str, ...], dialogs: Sequence[Dialog]) -> tuple[str, ...]:
    asked = [str(dialog) for dialog in dialogs[:1]]
    return (*missing, *(f"an answer to {each}" for each in asked if each not in "".join(missing)))


def _name_place(seen: Observation) -> str:
    if not seen.frame.url.startswith("http"):
        return _ON_SITE
    return f"{_ON_SITE}, not of {clean_text(str(read_url(seen.frame.url).origin()))}"


def _list_missing(seen: Observation, site: Site) -> list[str]:
    missing = []
    if not seen.is_complete and not site.ready:
        missing.append(_LOADED)
    if seen.has_error_status:
        missing.append(_GOOD_STATUS)
    if not _is_on_site(seen, site):
        return [*missing, _name_place(seen)]
    conditions = zip(site.ready, seen.values, strict=True)
    return missing + [_describe(condition, seen) for condition, value in conditions if value is None]


def _is_on_site(seen: Observation, site: Site) -> bool:
    return seen.frame.url.startswith("http") and site.owns(read_url(seen.frame.url))


def _describe_dialog(error: UnexpectedAlertPresentException, dialogs: Sequence[Dialog]) -> str:
    text = clean_text(error.alert_text or "")
    known = [dialog for dialog in dialogs if dialog.text == text]
    return f"an answer to the page's {known[-1] if known else Dialog('dialog', text)}"
