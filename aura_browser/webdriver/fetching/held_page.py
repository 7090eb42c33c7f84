"""One page in a browser that stays open, and the session that the browser was given."""

import asyncio
from contextlib import suppress
from typing import Any, Final

from yarl import URL

from aura_browser.session import Cookie, Session
from aura_browser.session.cookie_store import diff_cookies
from aura_browser.urls import read_url
from aura_browser.webdriver.fetching.cookies import delete_cookies, read_cookies, replace_cookies, set_cookies
from aura_browser.webdriver.fetching.holding import HeldBrowser
from aura_browser.webdriver.fetching.stream import FetchFailed
from aura_browser.webdriver.fetching.tab import FetchTab, PageRequest

CHANGE_TIMEOUT_S: Final = 5.0
"""How long a change of cookies is waited for, in seconds."""
_POLL_INTERVAL_S: Final = 0.05


class HeldPage:
    """A page and its browser.

    Args:
        browser: ends with the page.
        tab: the page.
        session: what the browser holds.

    Attributes:
        tab: as given.
        session: as given, or as it was changed since.
    """

    def __init__(self, browser: HeldBrowser[Any], tab: FetchTab, session: Session) -> None:
        self.tab = tab
        self.session = session
        self._browser = browser

    def is_of(self, session: Session) -> bool:
        """Return whether the browser was given a value of the same harvest as *session*."""
        return self.session.harvested_at == session.harvested_at

    def is_before(self, session: Session) -> bool:
        """Return whether *session* is to take the place of what the browser holds."""
        return not self.is_of(session) and session.generation >= self.session.generation

    async def change(self, session: Session) -> None:
        """Have the browser hold *session*: cookies that changed elsewhere, or all of another harvest.

        Raises:
            PageLost: if the page is gone.
        """
        if self.is_of(session):
            changes = diff_cookies(self.session.cookies, session.cookies)
            await delete_cookies(
                self.tab, [each for each in self.session.cookies if changes.get(each.identity, each) is None]
            )
            await set_cookies(self.tab, [each for each in changes.values() if each is not None])
        else:
            await replace_cookies(self.tab, session.cookies, read_url(session.url))
        self.session = session

    async def touch(self, url: URL) -> None:
        """Have the page send one request: a browser renews what it holds before a request only.

        Raises:
            PageLost: if the page is gone.
        """
        stream = await self.tab.start(PageRequest("GET", str(url.with_fragment(None))))
        try:
            with suppress(FetchFailed):  # it does not matter what the answer is
                await stream.head
        finally:
            stream.close()

    async def wait_for_change(self) -> tuple[Cookie, ...] | None:
        """Return the browser's cookies once they differ from those of its session; None if they don't in time.

        Raises:
            PageLost: if the page is gone.
        """
        loop, before = asyncio.get_running_loop(), _compare(self.session.cookies)
        end = loop.time() + CHANGE_TIMEOUT_S
        while loop.time() < end:
            cookies = await read_cookies(self.tab, read_url(self.session.url))
            if _compare(cookies) - before:
                return cookies
            await asyncio.sleep(_POLL_INTERVAL_S)  # nothing tells of a cookie that a script sets
        return None

    async def retire(self) -> None:
        """Close the browser when the last request of the page has ended."""
        await self.tab.wait_until_idle()
        await self._browser.aclose()

    async def aclose(self, reason: str) -> None:
        """Close the browser now, which ends the requests of the page for this *reason*."""
        self.tab.lose(reason)
        await self._browser.aclose()


def _compare(cookies: tuple[Cookie, ...]) -> set[tuple[object, ...]]:
    return {(cookie.identity, cookie.value, cookie.expires) for cookie in cookies}
