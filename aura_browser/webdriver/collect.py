"""Waits in an open browser until the site is ready, and reads its session."""

import logging
import time
from collections.abc import Callable
from typing import Final, NamedTuple

from selenium.common.exceptions import NoSuchWindowException, UnexpectedAlertPresentException, WebDriverException

from aura_browser.engine import OnWait
from aura_browser.errors import BrowserDied, NotReady, WindowClosed, raise_alone
from aura_browser.session import Session
from aura_browser.site import Site
from aura_browser.text import clean_text, redact_url
from aura_browser.webdriver.answers import AnswerNotUnderstood
from aura_browser.webdriver.devtools import list_driver_errors
from aura_browser.webdriver.driver import Driver
from aura_browser.webdriver.network_log import warn_of_dialogs
from aura_browser.webdriver.observing import Observation, Observer
from aura_browser.webdriver.options import BrowserOptions
from aura_browser.webdriver.reading import AddressLeft, read_session
from aura_browser.webdriver.ready import Wait

_log = logging.getLogger(__name__)

_ASK_INTERVAL_S: Final = 1.0
_ASK_AGAIN_S: Final = 5.0  # a site may remember a login and change nothing in the browser, or fail for a moment
_SNAPSHOT_INTERVAL_S: Final = 0.25

Prove = Callable[[Session], bool]
"""Returns whether a session needs no person: it is a login already, or its site has none."""


class Reading(NamedTuple):
    """What a harvest brings.

    Attributes:
        session: the session.
        changed: whether a condition changed while a person had the window, or the person logged in and closed it.
    """

    session: Session
    changed: bool


def collect_session(
    driver: Driver,
    site: Site,
    options: BrowserOptions,
    *,
    proxy: str | None,
    on_wait: OnWait | None,
    prove: Prove | None = None,
) -> Reading:
    """Open *site*, wait until it is ready, and return its session.

    Args:
        driver: the driver of an open browser.
        site: the site to open, with its conditions.
        options: for the deadline, and whether a person takes part.
        proxy: the proxy that the client will use.
        on_wait: called with the seconds left and the conditions that don't hold yet.
        prove: asked where a person has the window, and all conditions held from the beginning.

    Raises:
        InvalidInput: if a condition of the site is malformed.
        RateLimited, SiteFailed: if the page answers with an error, and there is no person.
        BrowserError: if the page, the browser or its window fails, the site is not ready in time, or it asks for a
            login, and there is no person.
    """
    return _Collection(driver, site, options, proxy=proxy, on_wait=on_wait, prove=prove).run()


class _Collection:
    """One harvest in an open browser."""

    def __init__(
        self,
        driver: Driver,
        site: Site,
        options: BrowserOptions,
        *,
        proxy: str | None,
        on_wait: OnWait | None,
        prove: Prove | None,
    ) -> None:
        self._site = site
        self._options = options
        self._proxy = proxy
        self._prove = prove
        self._observer = Observer(driver, site)
        self._wait = Wait(
            self._observer,
            site,
            options,
            on_wait=on_wait,
            needs_no_person=self._needs_no_person,
            passes_probe=self._is_proven,
        )
        self._asked_about: tuple[object, ...] = ()
        self._ask_at = self._ask_again_at = 0.0
        self._in_window: list[Session] = []  # the first and the last that was read
        self._snapshot_at = 0.0
        self._saw_password = False

    def run(self) -> Reading:
        """Return the session."""
        deadline, url = self._options.deadline, redact_url(self._site.url)
        try:
            self._wait.open()
            return self._read()
        except NoSuchWindowException:
            return self._take_last(WindowClosed(url, closes_itself=bool(self._site.ready)))
        except list_driver_errors() as error:
            message = clean_text(str(getattr(error, "msg", None) or type(error).__name__).strip().partition("\n")[0])
            if isinstance(error, AnswerNotUnderstood):
                raise_alone(BrowserDied(url, message))  # what it came of quotes the answer
            if deadline.left_s <= 0 and not deadline.is_cancelled:
                missing, is_answered = ("a reply from the browser",), self._observer.log.has_answers
                raise NotReady(url, None, deadline.seconds, missing, is_answered=is_answered) from error
            if self._options.interactive and isinstance(error, WebDriverException) and "crash" not in message:
                # Chrome exits with its last window, and the driver reports only the exit.
                return self._take_last(WindowClosed(url, closes_itself=bool(self._site.ready)))
            raise BrowserDied(url, message) from error
        finally:
            if not self._options.interactive:
                warn_of_dialogs(iter(self._observer.log.dialogs), url)

    def _read(self) -> Reading:
        while True:
            seen = self._wait.run()
            try:
                session = self._read_session(seen.frame.loader)
            except (AddressLeft, UnexpectedAlertPresentException):
                continue
            return Reading(session, self._wait.is_by_person)

    def _read_session(self, loader: str, *, warns: bool = True) -> Session:
        now = time.time()
        return read_session(self._observer, self._site, loader, proxy=self._proxy, now=now, warns=warns)

    def _needs_no_person(self, seen: Observation) -> bool:
        """Ask the proof for a session on which nothing changed; without conditions, keep it until the window closes."""
        if not self._site.ready:
            self._take_snapshot(seen)
            return False
        return self._is_proven(seen)

    def _is_proven(self, seen: Observation) -> bool:
        """Ask the proof for the session of a page, if anything has changed since, or some time has passed."""
        now = time.monotonic()
        if now < self._ask_at or self._prove is None:
            return False
        try:
            session = self._read_session(seen.frame.loader, warns=False)
        except AddressLeft:
            return False
        about = (seen.frame.loader, session.cookies, session.local_storage, session.tokens)
        if about == self._asked_about and now < self._ask_again_at:
            return False
        self._asked_about, self._ask_at, self._ask_again_at = about, now + _ASK_INTERVAL_S, now + _ASK_AGAIN_S
        return self._prove(session)

    def _take_snapshot(self, seen: Observation) -> None:
        if time.monotonic() < self._snapshot_at:
            return
        self._snapshot_at = time.monotonic() + _SNAPSHOT_INTERVAL_S
        try:
            read = self._read_session(seen.frame.loader, warns=False)
        except AddressLeft:
            return
        if [read.fingerprint] != [each.fingerprint for each in self._in_window[-1:]]:
            _log.debug("The session in the window was read: %d cookies.", len(read.cookies))
        self._in_window[1:] = [read]
        self._saw_password |= self._observer.page.shows_password()

    def _take_last(self, error: WindowClosed) -> Reading:
        """Return what was read before the window was closed: without conditions, that is how a person says "done"."""
        if not self._in_window:
            raise error from None
        first, last = self._in_window[0], self._in_window[-1]
        return Reading(last, self._saw_password and first.cookies != last.cookies)
