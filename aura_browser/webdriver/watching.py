"""Watches a person log in: what the browser asked for meanwhile, and the session at the end."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from aura_browser.engine import DefaultEngine, Engine, LocalEngine
from aura_browser.errors import BrowserDied, BrowserError, NotReady, WindowClosed
from aura_browser.site import Site
from aura_browser.site.commands import list_options
from aura_browser.text import clean_text, redact_url
from aura_browser.webdriver.browsers import open_browser
from aura_browser.webdriver.deadline import Deadline
from aura_browser.webdriver.harvest import check_engine, run_in_thread
from aura_browser.webdriver.options import BrowserOptions
from aura_browser.webdriver.pace import Pace

if TYPE_CHECKING:
    from aura_browser.session import Session
    from aura_browser.webdriver.driver import Driver
    from aura_browser.webdriver.network_log import SeenRequest

_SNAPSHOT_INTERVAL_S: Final = 0.25
_POLL_INTERVAL_S: Final = 0.05
_QUIET_S: Final = 0.5
_REST_S: Final = 2.0  # without a request, after which a page without a person is done


@dataclass(frozen=True)
class Watched:
    """What was seen.

    Attributes:
        session: the session of the site's page at the end.
        requests: what the browser asked for, oldest first.
    """

    session: "Session"
    requests: "tuple[SeenRequest, ...]" = field(repr=False)


async def watch(
    site: Site,
    *,
    engine: Engine | None,
    interactive: bool,
    timeout_s: float,
    is_done: Callable[[], bool],
) -> Watched:
    """Open *site* in a browser, and watch it until the person is done.

    Args:
        site: the site to open.
        engine: which browser to use; None for a new Chrome on this machine.
        interactive: show a window; the person is done when it is closed, or when *is_done* says so. Without a window
            it is the page's coming to rest.
        timeout_s: seconds for all of it.
        is_done: asked from another thread, again and again.

    Raises:
        WindowClosed: if the window was closed before the site's page was seen.
        NotReady: at the deadline, if it was not.
        BrowserError: if the browser or the page fails.
        InteractionRequired: if a window is needed and there is no display.
    """
    engine = DefaultEngine() if engine is None else engine
    deadline = Deadline(timeout_s)
    named = list_options(engine=engine)
    if isinstance(engine, LocalEngine):
        command = site.login_command(*named)
        await asyncio.to_thread(check_engine, engine, command, interactive=interactive)
    options = BrowserOptions(deadline, None, interactive, None, named, site.url)

    def work() -> Watched:
        with open_browser(engine, options) as driver:
            return _Watch(driver, site, options, is_done).run()

    return await run_in_thread(work, deadline)


class _Watch:
    """One browser that is watched."""

    def __init__(self, driver: "Driver", site: Site, options: BrowserOptions, is_done: Callable[[], bool]) -> None:
        from aura_browser.webdriver.observing import Observer
        from aura_browser.webdriver.tabs import Tabs

        self._site = site
        self._options = options
        self._is_done = is_done
        self._observer: Observer = Observer(driver, site)
        self._tabs = Tabs(driver, self._observer.page)
        self._last: Session | None = None
        self._snapshot_at = 0.0
        self._count = 0
        self._read_at = 0.0
        self._done_at: float | None = None
        self._changed_at = time.monotonic()
        self._pace = Pace(_POLL_INTERVAL_S)

    def run(self) -> Watched:
        """Return what was seen."""
        from selenium.common.exceptions import NoSuchWindowException, UnexpectedAlertPresentException

        from aura_browser.webdriver.devtools import list_driver_errors

        deadline = self._options.deadline
        try:
            self._open()
            while deadline.left_s > 0 and not self._is_finished():
                try:
                    self._look()
                except UnexpectedAlertPresentException:
                    pass  # the person answers it
                except NoSuchWindowException:
                    if not self._tabs.leave_closed():
                        break
                deadline.wait(self._pace.see((self._count, self._done_at)))
        except list_driver_errors() as error:  # Chrome ends with its last window
            if self._last is None:
                raise self._build_end(error) from error
        if self._last is None:
            raise self._build_end(None)
        return Watched(self._last, self._observer.log.list_requests())

    def _build_end(self, error: Exception | None) -> BrowserError:
        """Return why the site's page was never seen."""
        url = redact_url(self._site.url)
        if self._options.deadline.left_s <= 0:
            return self._build_not_ready()
        if error is None or self._options.interactive:
            return WindowClosed(url, closes_itself=False)
        reason = str(getattr(error, "msg", None) or type(error).__name__).strip().partition("\n")[0]
        return BrowserDied(url, clean_text(reason))

    def _open(self) -> None:
        from aura_browser.webdriver.opening import open_page

        open_page(self._observer, self._site, self._options, self._build_not_ready)

    def _build_not_ready(self) -> NotReady:
        missing = ("a page of the site itself",)
        return NotReady(redact_url(self._site.url), None, self._options.deadline.seconds, missing)

    def _look(self) -> None:
        seen = self._observer.observe()
        if seen is None:
            self._tabs.try_next(self._site)
            return
        now = time.monotonic()
        if now < self._snapshot_at:
            return
        self._snapshot_at = now + _SNAPSHOT_INTERVAL_S
        self._take_snapshot(seen.frame.loader)
        if (count := len(self._observer.log.list_requests())) != self._count:
            self._count, self._changed_at = count, now

    def _take_snapshot(self, loader: str) -> None:
        from aura_browser.webdriver.reading import AddressLeft, read_session

        try:
            self._last = read_session(
                self._observer, self._site, loader, proxy=None, now=time.time(), warns=self._last is None
            )
        except AddressLeft:
            self._tabs.try_next(self._site)
        else:
            self._read_at = time.monotonic()

    def _is_finished(self) -> bool:
        now = time.monotonic()
        quiet_s = now - self._changed_at
        if self._last is None:
            return False
        if not self._options.interactive:
            return quiet_s > _REST_S
        if self._done_at is None and self._is_done():
            self._done_at = now
        if self._done_at is None:
            return False
        # What the person saw last may still be loading, and is to be in the session.
        is_read = self._read_at > self._done_at and quiet_s > _QUIET_S
        return is_read or now > self._done_at + _REST_S
