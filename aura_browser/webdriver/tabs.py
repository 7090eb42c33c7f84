"""The tabs of a harvest: a login may go on in another tab, and the first one may close."""

import time
from typing import Final

from aura_browser.site import Site
from aura_browser.urls import read_url
from aura_browser.webdriver.devtools import call_devtools
from aura_browser.webdriver.driver import Driver
from aura_browser.webdriver.page import Page

_BLANK: Final = "about:blank"
_INTERVAL_S: Final = 0.25  # a tab is given this time to show something


class Tabs:
    """The tabs that were opened for a harvest or from its pages. A browser's other tabs are left alone.

    Args:
        driver: the driver of an open browser, whose current tab is the harvest's.
        page: the document in the current tab, which is forgotten when another one is.
    """

    def __init__(self, driver: Driver, page: Page) -> None:
        self._driver = driver
        self._page = page
        self._next_at = 0.0
        self._current: str = driver.current_window_handle
        self._others = {handle for handle in driver.window_handles if handle != self._current}

    def leave_closed(self) -> bool:
        """Switch to another of the tabs, because the current one is closed; return False if there is no other."""
        left = [handle for handle in self._list() if handle != self._current]
        if not left:
            return False
        self._switch(left[-1])
        return True

    def try_next(self, site: Site) -> None:
        """Switch to the next tab that shows a page of *site*, if there is one, unless this was done just now."""
        now = time.monotonic()
        if now < self._next_at:
            return
        self._next_at = now + _INTERVAL_S
        handles = self._list()
        if len(handles) < 2:  # noqa: PLR2004 - no other one
            return
        start = handles.index(self._current) + 1 if self._current in handles else 0
        targets = call_devtools(self._driver, "Target.getTargets")["targetInfos"]
        addresses = {target["targetId"]: str(target["url"]) for target in targets}
        for handle in [*handles[start:], *handles[:start]]:
            if handle != self._current and _is_at(site, addresses.get(handle, _BLANK)):
                self._switch(handle)
                return

    def _list(self) -> list[str]:
        return [handle for handle in self._driver.window_handles if handle not in self._others]

    def _switch(self, handle: str) -> None:
        self._driver.switch_to.window(handle)
        self._page.forget()
        self._current = handle


def _is_at(site: Site, address: str) -> bool:
    try:
        return address.startswith("http") and site.owns(read_url(address))
    except ValueError:
        return False
