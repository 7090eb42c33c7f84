"""Renewals without a harvest, as callables for a manager: by a site's request, and by a page that stays open."""

import asyncio
import logging
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING

from aura_browser.errors import AuraError, RateLimited, SessionRefused
from aura_browser.keeping.doubt import Prove
from aura_browser.keeping.refresher import RefreshBySite
from aura_browser.session import Session
from aura_browser.site import Site

if TYPE_CHECKING:
    from aura_browser.http.pages import Pages

_log = logging.getLogger(__name__)


def build_refresh(site: Site, prove: Prove, send: RefreshBySite | None = None) -> RefreshBySite | None:
    """Return a callable that renews a session of *site* by its refresh request; None if the site has none.

    What the site gives is the same login. So it is kept, with what was proven of that login before, also where the
    probe gives no answer now: the login's former tokens may be dead already.

    Args:
        site: the site.
        prove: proves what the site gives.
        send: sends the request, and returns what it brought; None for aiohttp.
    """
    if site.refresh_request is None:
        return None
    send = send or build_http_refresh(site)

    async def refresh(session: Session) -> Session:
        renewed = await send(session)
        try:
            proven = await prove(renewed)
        except SessionRefused:
            raise
        except AuraError:
            return renewed
        return _choose(session, renewed, proven)

    return refresh


def build_http_refresh(site: Site) -> RefreshBySite:
    """Return a callable that sends the refresh request of *site* with aiohttp, which is imported when it runs."""

    async def refresh(session: Session) -> Session:
        module = await asyncio.to_thread(import_module, "aura_browser.http.refresh")
        renewed: Session = await module.refresh_session(site, session)
        return renewed

    return refresh


def build_page_refresh(site: Site, pages: "Pages") -> RefreshBySite:
    """Return a callable that sends the refresh request of *site* by the page that has the session."""

    async def refresh(session: Session) -> Session:
        from aura_browser.http.page_asking import open_page_asker
        from aura_browser.http.refresh import refresh_session

        renewed = await refresh_session(site, session, open_asker=partial(open_page_asker, pages))
        await pages.adopt(session, renewed)
        return renewed

    return refresh


def build_kept_refresh(by_site: RefreshBySite | None, prove: Prove, pages: "Pages") -> RefreshBySite:
    """Return a callable that renews a session by its site's request, if there is one, and else by the page."""

    async def refresh(session: Session) -> Session:
        if by_site is not None:
            try:
                return await by_site(session)
            except RateLimited:
                raise
            except AuraError as error:  # then the page renews it
                _log.info("The request that renews sessions of %s failed: %s", session.origin, error)
        renewed = await pages.renew(session)
        return _choose(session, renewed, await prove(renewed))

    return refresh


def _choose(session: Session, renewed: Session, proven: Session) -> Session:
    """Return what to keep of *session* as *renewed* and *proven*: a proof that says nothing takes none away.

    Raises:
        SessionRefused: if it was a login, and is not one any more.
    """
    if proven.proof == "open" and session.proof == "distinguished":
        raise SessionRefused(session.origin, 200, "a stranger gets the same answer", "Log in again.")
    return renewed if proven.proof == "unproven" else proven
