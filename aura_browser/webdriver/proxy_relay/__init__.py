"""Sends a proxy's user and password on Chrome's behalf, which accepts neither on its command line."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from yarl import URL

from aura_browser.proxy.address import has_credentials, without_credentials
from aura_browser.webdriver.proxy_relay.http_relay import HttpRelay
from aura_browser.webdriver.proxy_relay.socks_relay import SocksRelay


@asynccontextmanager
async def open_browser_proxy(proxy: str | None, url: str) -> AsyncIterator[str | None]:
    """Yield the proxy URL to start Chrome with, for a harvest through *proxy*.

    Without user and password this is *proxy* itself. Otherwise it is a relay on 127.0.0.1 that adds them and lasts as
    long as the context. On Linux the relay accepts only connections from processes of this user; elsewhere any user of
    this machine can use the proxy through it.

    If the proxy refuses the credentials, the context's body is cancelled at once, as no page can load.

    Args:
        proxy: a URL that :func:`aura_browser.proxy.check_proxy` accepts, or None.
        url: the page that is harvested, for the error.

    Raises:
        PageFailed: if the proxy refuses user and password, or the page failed because the proxy can't be reached.
    """
    if proxy is None or not has_credentials(proxy):
        yield proxy and without_credentials(proxy)
        return
    async with (SocksRelay if URL(proxy).scheme == "socks5" else HttpRelay)(proxy, url) as relay:
        yield relay.address
