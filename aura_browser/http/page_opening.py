"""Opens a browser with a page that sends requests: with a session that is known, or with one that it harvests."""

import asyncio
from typing import Final

from aura_browser.engine import Chrome, Engine, LocalEngine
from aura_browser.errors import PageFailed, raise_alone
from aura_browser.http.page_errors import convert_page_failure
from aura_browser.session import Session
from aura_browser.site import Site
from aura_browser.urls import read_url
from aura_browser.webdriver.cdp.driver import CdpDriver
from aura_browser.webdriver.collect import collect_session
from aura_browser.webdriver.fetching.held_page import HeldPage
from aura_browser.webdriver.fetching.holding import HeldBrowser
from aura_browser.webdriver.fetching.opening import open_tab, pass_policies, prepare_tab, put_session, telling_ends
from aura_browser.webdriver.fetching.tab import FetchTab
from aura_browser.webdriver.options import BrowserOptions

_TIMEOUT_S: Final = 60.0


class PageOpener:
    """Opens pages of a site, each in a Chrome of our own.

    Args:
        site: the site.
        engine: for Chrome's path, profile, display and sandbox, if it starts a Chrome here.
        proxy: the proxy's URL, or None.
        is_static: whether the page has no app; otherwise it is the site's own, whose scripts run.
    """

    def __init__(self, site: Site, engine: Engine | None, proxy: str | None, *, is_static: bool) -> None:
        self._site = site
        self._engine = _choose_chrome(engine)
        self._proxy = proxy
        self._is_static = is_static

    @property
    def keeps_profile(self) -> bool:
        """Whether the browser has a profile that is kept, so that there can be only one."""
        return self._engine.profile is not None

    async def open(self, session: Session) -> HeldPage:
        """Return a page whose browser has *session*.

        Raises:
            ConnectionFailed: if the site's page can't be opened, for the reason that any request to it fails.
            AuraError: if no browser or page can be opened.
        """
        loop, url = asyncio.get_running_loop(), read_url(session.url)

        def prepare(driver: CdpDriver, options: BrowserOptions) -> FetchTab:
            put_session(driver, session, options.deadline, is_new=not self.keeps_profile)
            return open_tab(driver, url, options.deadline, loop, is_static=self._is_static)

        browser = HeldBrowser(self._engine, self._proxy, session.url, prepare)
        try:
            return HeldPage(browser, await browser.open(_TIMEOUT_S), session)
        except PageFailed as error:
            raise_alone(convert_page_failure(error))

    async def harvest(self) -> HeldPage:
        """Return a page, and the session that its browser got, without a window.

        Raises:
            AuraError: as :func:`aura_browser.webdriver.harvest.harvest`.
        """
        loop = asyncio.get_running_loop()

        def collect(driver: CdpDriver, options: BrowserOptions) -> tuple[FetchTab, Session]:
            with telling_ends(self._site.url):
                pass_policies(driver, is_static=False)
                session = collect_session(driver, self._site, options, proxy=self._proxy, on_wait=None).session
                if self._is_static:
                    return open_tab(driver, read_url(session.url), options.deadline, loop, is_static=True), session
                return prepare_tab(driver, loop), session

        browser = HeldBrowser(self._engine, self._proxy, self._site.url, collect)
        return HeldPage(browser, *await browser.open(_TIMEOUT_S))


def _choose_chrome(engine: Engine | None) -> Chrome:
    """Return the Chrome that a page runs in: with the profile of *engine*, if that starts one here."""
    if not isinstance(engine, LocalEngine):
        return Chrome()
    return Chrome(engine.chrome_path, engine.profile, engine.virtual_display, engine.sandbox)
