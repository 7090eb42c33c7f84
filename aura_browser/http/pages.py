"""The page that sends a site's requests: opened when one is needed, in place of one that is gone, closed when idle."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Final

import msgspec
from yarl import URL

from aura_browser.engine import Engine
from aura_browser.errors import BrowserDied, NotReady, raise_alone
from aura_browser.http.idle_timer import IdleTimer
from aura_browser.http.lanes import Lane
from aura_browser.http.page_opening import PageOpener
from aura_browser.session import Session
from aura_browser.site import Site
from aura_browser.site.moves import follow_move
from aura_browser.text import redact_url
from aura_browser.urls import join_url
from aura_browser.webdriver.fetching.held_page import CHANGE_TIMEOUT_S, HeldPage
from aura_browser.webdriver.fetching.stream import PageLost
from aura_browser.webdriver.fetching.tab import FetchTab

_log = logging.getLogger(__name__)

IDLE_S: Final = 300.0
_REPLACED: Final = "its browser was closed for another one"
_CLOSED: Final = "its browser was closed"
_IDLE: Final = "it was not used for a while"


class Pages:
    """Keeps one page of a site open, in a Chrome of our own.

    Args:
        site: the site.
        engine: for Chrome's path, profile, display and sandbox, if it starts a Chrome here.
        proxy: the proxy's URL, or None.
        is_static: whether the page has no app; otherwise it is the site's own, whose scripts run.
        idle_s: seconds without a request after which the browser is closed; None for never.
        clock: returns epoch seconds.
    """

    def __init__(
        self,
        site: Site,
        engine: Engine | None,
        proxy: str | None,
        *,
        is_static: bool,
        idle_s: float | None = IDLE_S,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._site = site
        self._opener = PageOpener(site, engine, proxy, is_static=is_static)
        self._idle = IdleTimer(idle_s, self._close_idle)
        self._clock = clock
        self._changing = asyncio.Lock()
        self._page: HeldPage | None = None
        self._candidate: HeldPage | None = None
        self._closing: dict[asyncio.Task[None], HeldPage] = {}
        self._lanes: dict[str, Lane] = {}

    @asynccontextmanager
    async def use(self, session: Session, *, renewed: bool = False) -> AsyncIterator[FetchTab]:
        """Yield a page that has *session*, and keep it open meanwhile.

        Args:
            session: the session in use.
            renewed: whether its cookies may have changed elsewhere.

        Raises:
            ConnectionFailed: if the site's page can't be opened, for the reason that any request to it fails.
            AuraError: if no browser or page can be opened.
        """
        with self._idle.use():
            async with self._changing:
                page = await self._find(session, renewed=renewed)
            yield page.tab

    @asynccontextmanager
    async def try_out(self, session: Session) -> AsyncIterator[FetchTab]:
        """Yield a page that has *session*, which may not be taken into use; the one in use keeps its own.

        Raises as :meth:`use`.
        """
        with self._idle.use():
            async with self._changing:
                page = await self._find_to_try(session)
            yield page.tab

    def lane(self, url: URL, protocol: str = "") -> Lane:
        """Return the lane of requests to the origin of *url*."""
        origin = str(url.origin())
        lane = self._lanes.setdefault(origin, Lane(origin))
        lane.learn(protocol)
        return lane

    async def harvest(self) -> Session:
        """Return the session of a new browser without a window, which stays open as the one with the page.

        Raises:
            AuraError: as :func:`aura_browser.webdriver.harvest`.
        """
        async with self._changing:
            await self._make_room()
            if self._opener.keeps_profile:  # nobody may open the profile meanwhile
                self._candidate = self._hold(await self._opener.harvest())
                return self._candidate.session
        page = self._hold(await self._opener.harvest())
        try:
            async with self._changing:
                await self._make_room()
                self._candidate = page
        except BaseException:
            self._end_soon(page)  # nobody else has it
            raise
        return page.session

    async def renew(self, session: Session) -> Session:
        """Return *session* as the browser renews it: one request by the page, and then its cookies are read.

        Raises:
            NotReady: if its cookies stay the same.
            AuraError: if no browser or page can be opened, or the page is gone.
        """
        with self._idle.use():
            async with self._changing:
                page = await self._find(session, renewed=True)
                try:
                    await page.touch(find_touched(self._site, session))
                    cookies = await page.wait_for_change()
                except PageLost as error:
                    raise_alone(BrowserDied(redact_url(session.url), f"the page that is kept open is gone: {error}"))
                if cookies is None:  # it may renew them later, so the session is not refused
                    missing = ("a cookie that the open page has renewed",)
                    raise NotReady(redact_url(session.url), None, CHANGE_TIMEOUT_S, missing)
                changed = session.with_cookies(cookies)
                page.session = msgspec.structs.replace(changed, harvested_at=self._clock(), rotation=0)
                return page.session

    async def adopt(self, session: Session, renewed: Session) -> None:
        """Let the page that has *session* have *renewed* in its place, which a request of that page brought."""
        async with self._changing:
            for page in (self._page, self._candidate):
                if page is not None and page.is_of(session) and not page.tab.lost:
                    with suppress(PageLost):  # then another one is opened
                        await page.change(renewed)

    async def release_profile(self) -> None:
        """Close the browser if it has a profile that is kept: a harvest needs that."""
        async with self._changing:
            if self._opener.keeps_profile:
                await self._close(_REPLACED)

    async def aclose(self) -> None:
        """Close the browser. A request that is running fails."""
        async with self._changing:
            await self._close(_CLOSED)
        for page in list(self._closing.values()):
            page.tab.lose(_CLOSED)
        if self._closing:
            await asyncio.wait(self._closing)

    async def _find(self, session: Session, *, renewed: bool) -> HeldPage:
        if self._candidate is not None and self._candidate.is_of(session):
            self._retire(self._page)
            self._page, self._candidate = self._candidate, None
            self._page.session = session
        page = self._page
        if page is not None and not page.tab.lost and (renewed or page.is_before(session)):
            with suppress(PageLost):  # then another one is opened
                await page.change(session)
        if page is None or page.tab.lost:
            await self._make_room()
            page = self._page = self._hold(await self._opener.open(session))
        return page

    async def _find_to_try(self, session: Session) -> HeldPage:
        for page in (self._page, self._candidate):
            if page is not None and page.is_of(session) and not page.tab.lost:
                return page
        await self._make_room()
        self._candidate = self._hold(await self._opener.open(session))
        return self._candidate

    async def _make_room(self) -> None:
        """Close what a new browser takes the place of: of a profile that is kept there can be one only."""
        if self._opener.keeps_profile:
            await self._close(_REPLACED)
        elif self._candidate is not None:
            candidate, self._candidate = self._candidate, None
            await candidate.aclose(_REPLACED)

    def _hold(self, page: HeldPage) -> HeldPage:
        self.lane(URL(page.tab.place.origin), page.tab.place.protocol)
        page.tab.when_lost(partial(self._close_lost, page))
        return page

    def _close_lost(self, page: HeldPage) -> None:
        """Close the browser whose page is gone, in the background."""
        _log.info("The page of %s is gone: %s.", self._site.origin, page.tab.lost)
        if page is self._page:
            self._page = None
        self._end_soon(page)

    def _retire(self, page: HeldPage | None) -> None:
        if page is not None and not page.tab.lost:
            self._end_soon(page)

    def _end_soon(self, page: HeldPage) -> None:
        """Close the browser of *page* in the background, when its requests have ended."""
        task = asyncio.ensure_future(page.retire())
        self._closing[task] = page
        task.add_done_callback(self._closing.pop)

    async def _close(self, reason: str) -> None:
        self._idle.stop()
        page, candidate = self._page, self._candidate
        self._page = self._candidate = None
        for each in (page, candidate):
            if each is not None:
                await each.aclose(reason)
        if self._closing and self._opener.keeps_profile:
            await asyncio.wait(self._closing)  # the next browser needs the profile

    def _close_idle(self) -> None:
        for page in (self._page, self._candidate):
            if page is not None:
                page.tab.lose(_IDLE)
        self._candidate = None


def find_touched(site: Site, session: Session) -> URL:
    """Return what a page asks for so that its browser renews *session*: the probe's address."""
    path = site.probe.path if site.probe is not None else session.probe or session.url
    return follow_move(join_url(URL(session.origin), path), site.origin, session.origin)
