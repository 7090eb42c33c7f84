"""Whether a page has come to rest: no check page, no navigation and no new cookie for a while."""

import time
from collections import Counter
from typing import Final

from aura_browser.site import Site
from aura_browser.urls import read_url
from aura_browser.webdriver.cookies import read_cookies
from aura_browser.webdriver.observing import Observation, Observer
from aura_browser.webdriver.options import BrowserOptions

_SETTLE_S: Final = 0.5
_MAX_REFRESHES: Final = 3  # a page that still refreshes itself after this is no check page


class Rest:
    """Measures for how long a tab has been at rest.

    Args:
        observer: observes the tab.
        site: the site, whose conditions take the place of this.
        options: whether a person takes part.
    """

    def __init__(self, observer: Observer, site: Site, options: BrowserOptions) -> None:
        self._observer = observer
        self._is_interactive = options.interactive
        self._counts_cookies = options.interactive or not site.ready or site.asks_probe
        self._state: tuple[object, ...] = ()
        self._since = time.monotonic()
        self._refreshes: Counter[str] = Counter()
        self._refreshed = ""
        self._rests_at = 0.0

    @property
    def left_s(self) -> float:
        """Seconds until the page has come to rest; 0 if something else was missing too."""
        return max(0.0, self._rests_at - time.monotonic())

    def interrupt(self) -> None:
        """Record that the page moves on."""
        self._state, self._rests_at = (), 0.0

    def measure(self, seen: Observation) -> float:
        """Return for how many seconds there was no navigation and no new cookie."""
        now = time.monotonic()
        state: tuple[object, ...] = (seen.frame.loader, seen.is_complete)
        if self._counts_cookies and seen.frame.url.startswith("http"):
            cookies = read_cookies(self._observer.driver, read_url(seen.frame.url))
            state += (frozenset((c.name, c.domain, c.path, c.partition_key) for c in cookies),)
        if state != self._state:
            self._state, self._since, self._rests_at = state, now, 0.0
        return now - self._since

    def is_settled(self, seen: Observation, shown_for_s: float) -> bool:
        """Return whether the page that was *seen* has come to rest."""
        is_check = seen.is_check and not self._refreshes_for_ever(seen)
        needed_s = _SETTLE_S if seen.has_script or self._is_interactive else 0.0
        return seen.is_complete and not is_check and shown_for_s >= needed_s

    def expect(self) -> None:
        """Record that nothing but rest is missing."""
        self._rests_at = self._since + _SETTLE_S

    def leaves_alone(self) -> bool:
        """Return whether a page that comes to rest is not looked at, in a browser that can't be killed."""
        if self._observer.can_be_killed or self.left_s == 0:
            return False
        if self._observer.check_busy():
            self.interrupt()
        return True

    def _refreshes_for_ever(self, seen: Observation) -> bool:
        if seen.refresh_s is not None and seen.frame.loader != self._refreshed:
            self._refreshed = seen.frame.loader
            self._refreshes[seen.frame.url] += 1
        return self._refreshes[seen.frame.url] >= _MAX_REFRESHES
