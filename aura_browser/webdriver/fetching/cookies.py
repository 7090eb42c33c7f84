"""The cookies of a browser that stays open, read and changed from an event loop."""

from collections.abc import Iterable

from yarl import URL

from aura_browser.session import Cookie
from aura_browser.session.cookie import is_of_site
from aura_browser.webdriver.answers import reading_answers
from aura_browser.webdriver.cdp.connection import CommandRefused
from aura_browser.webdriver.cookies import GET_COOKIES, SET_COOKIES, parse_cookie
from aura_browser.webdriver.fetching.tab import FetchTab
from aura_browser.webdriver.restore import build_raw_cookie


async def read_cookies(tab: FetchTab, url: URL) -> tuple[Cookie, ...]:
    """Return the cookies of the site of *url*, as :func:`aura_browser.webdriver.cookies.read_cookies`.

    Raises:
        PageLost: if the page is gone.
        WebDriverException: if the browser's answer is not understood.
    """
    result = await tab.ask(GET_COOKIES)
    with reading_answers():
        found = [parse_cookie(raw) for raw in result["cookies"]]
    return tuple(cookie for cookie in found if cookie and is_of_site(cookie, url))


async def set_cookies(tab: FetchTab, cookies: Iterable[Cookie]) -> None:
    """Set *cookies*; those that the browser refuses are left out.

    Raises:
        PageLost: if the page is gone.
    """
    raw = [build_raw_cookie(cookie) for cookie in cookies]
    try:
        await tab.ask(SET_COOKIES, cookies=raw)
    except CommandRefused:
        # One bad cookie fails the whole call, and is not named.
        for each in raw:
            try:
                await tab.ask(SET_COOKIES, cookies=[each])
            except CommandRefused:
                continue


async def delete_cookies(tab: FetchTab, cookies: Iterable[Cookie]) -> None:
    """Delete *cookies*.

    Raises:
        PageLost: if the page is gone.
    """
    for cookie in cookies:
        raw = build_raw_cookie(cookie)
        await tab.ask(
            "Network.deleteCookies", **{n: raw[n] for n in ("name", "domain", "path", "partitionKey") if n in raw}
        )


async def replace_cookies(tab: FetchTab, cookies: Iterable[Cookie], url: URL) -> None:
    """Have the browser hold *cookies* in place of those that it has of the site of *url*. Raises as the others."""
    wanted = list(cookies)
    kept = {cookie.identity for cookie in wanted}
    await delete_cookies(tab, [each for each in await read_cookies(tab, url) if each.identity not in kept])
    await set_cookies(tab, wanted)
