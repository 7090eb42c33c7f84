"""What a session's requests, proofs and harvests go through: aiohttp, or a page. Each is imported when it is chosen."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from aura_browser.engine import Engine
from aura_browser.errors import SessionRefused
from aura_browser.harvests import build_prove
from aura_browser.http.refreshing import build_http_refresh, build_kept_refresh, build_page_refresh, build_refresh
from aura_browser.keeping.doubt import Prove
from aura_browser.keeping.refresher import RefreshBySite
from aura_browser.keeping.renewal import Harvest
from aura_browser.session import Session
from aura_browser.site import Site, TransportName
from aura_browser.store import SessionKey, Store

if TYPE_CHECKING:
    from aura_browser.http.choice import Choice
    from aura_browser.http.pages import Pages
    from aura_browser.keeping.manager import SessionManager
    from aura_browser.request import Transport


async def _close_nothing() -> None:
    """Close what aiohttp keeps open: nothing."""


class Carrier(msgspec.Struct, frozen=True, kw_only=True):
    """What a manager is given, and what makes the transport that belongs to it.

    Attributes:
        harvest: returns a new session.
        prove: proves a session with what will carry its requests.
        refresh: renews a session without a harvest; None if nothing does.
        close: closes what is kept open.
        build_transport: returns the transport of a manager, given seconds without a byte that end a response.
    """

    harvest: Harvest
    prove: Prove
    refresh: RefreshBySite | None
    close: Callable[[], Awaitable[None]] = _close_nothing
    build_transport: "Callable[[SessionManager, float], Transport]"


def build_carrier(
    site: Site,
    harvest: Harvest,
    *,
    name: TransportName,
    is_kept: bool,
    may_harvest: bool,
    engine: Engine | None,
    proxy: str | None,
    store: Store,
    key: SessionKey,
    clock: Callable[[], float],
) -> Carrier:
    """Return what carries the requests of a session.

    Args:
        site: the session's site.
        harvest: returns a new session; its browser ends.
        name: what carries requests.
        is_kept: whether a page of the site stays open, which renews the session.
        may_harvest: whether the page's own browser may harvest in place of *harvest*.
        engine: for the browser of a page.
        proxy: the proxy's URL, or None.
        store: where is remembered what the site wants.
        key: the session's key in the store.
        clock: returns epoch seconds.
    """
    if name == "http" and not is_kept:
        return _build_http(site, harvest)
    from aura_browser.http.choice import Choice
    from aura_browser.http.pages import Pages

    is_static = not is_kept or name == "page"
    pages = Pages(site, engine, proxy, is_static=is_static, **({"idle_s": None} if is_kept else {}), clock=clock)
    takes_over = may_harvest and not site.asks_probe and (is_kept or name == "page")
    harvest = pages.harvest if takes_over else _release_first(pages, harvest)
    if name == "page":
        carrier = _build_page(site, harvest, pages)
    elif name == "auto":
        carrier = _build_auto(site, harvest, pages, Choice(store, key, clock))
    else:
        carrier = _build_http(site, harvest)
    if is_kept:
        carrier = msgspec.structs.replace(carrier, refresh=build_kept_refresh(carrier.refresh, carrier.prove, pages))
    return msgspec.structs.replace(carrier, close=pages.aclose)


async def prove_once(site: Site, session: Session) -> Session:
    """Return *session* as proven by what carries the requests of its *site*, as the site's definition says.

    Raises:
        AuraError: as :func:`aura_browser.http.proof.prove`; and if a page is needed and can't be opened.
    """
    if site.transport != "page":
        try:
            return await build_prove(site)(session)
        except SessionRefused:
            if site.transport != "auto":
                raise
    from aura_browser.http.pages import Pages

    pages = Pages(site, site.engine, session.proxy, is_static=True)
    try:
        return await _build_page_prove(site, pages)(session)
    finally:
        await pages.aclose()


def _build_http(site: Site, harvest: Harvest) -> Carrier:
    def build_transport(manager: "SessionManager", read_timeout_s: float) -> "Transport":
        from aura_browser.http.transport import HttpTransport

        return HttpTransport(manager, read_timeout_s)

    prove = build_prove(site)
    return Carrier(harvest=harvest, prove=prove, refresh=build_refresh(site, prove), build_transport=build_transport)


def _build_page(site: Site, harvest: Harvest, pages: "Pages") -> Carrier:
    def build_transport(manager: "SessionManager", read_timeout_s: float) -> "Transport":
        from aura_browser.http.page_transport import PageTransport

        return PageTransport(manager, pages, read_timeout_s)

    prove = _build_page_prove(site, pages)
    refresh = build_refresh(site, prove, build_page_refresh(site, pages))
    return Carrier(harvest=harvest, prove=prove, refresh=refresh, build_transport=build_transport)


def _build_auto(site: Site, harvest: Harvest, pages: "Pages", choice: "Choice") -> Carrier:
    from aura_browser.http.auto_proof import AutoProof

    def build_transport(manager: "SessionManager", read_timeout_s: float) -> "Transport":
        from aura_browser.http.auto_transport import AutoTransport
        from aura_browser.http.page_transport import PageTransport
        from aura_browser.http.transport import HttpTransport

        http = HttpTransport(manager, read_timeout_s, choice.is_page)
        return AutoTransport(http, PageTransport(manager, pages, read_timeout_s), choice)

    proof = AutoProof(harvest, build_prove(site), _build_page_prove(site, pages), choice)
    by_http, by_page = build_http_refresh(site), build_page_refresh(site, pages)

    async def send(session: Session) -> Session:
        await choice.load()
        return await (by_page if choice.is_page() else by_http)(session)

    refresh = build_refresh(site, proof.prove, send)
    return Carrier(harvest=proof.harvest, prove=proof.prove, refresh=refresh, build_transport=build_transport)


def _build_page_prove(site: Site, pages: "Pages") -> Prove:
    async def prove(session: Session) -> Session:
        from aura_browser.http.page_asking import open_page_asker
        from aura_browser.http.proof import prove as prove_with

        return await prove_with(site, session, open_asker=partial(open_page_asker, pages))

    return prove


def _release_first(pages: "Pages", harvest: Harvest) -> Harvest:
    """Return *harvest*, which may need the profile that the page's browser holds."""

    async def harvest_after() -> Session:
        await pages.release_profile()
        return await harvest()

    return harvest_after
