"""How aiohttp is led through a proxy, and what it means when that fails. The libraries are imported when needed."""

import sys
from asyncio import IncompleteReadError
from typing import TYPE_CHECKING, Any, Final

from yarl import URL

from aura_browser.errors import InvalidInput
from aura_browser.proxy.address import PROXY_AWAY, PROXY_REFUSED, check_proxy, credentials

if TYPE_CHECKING:
    from aiohttp import ClientRequest
    from aiohttp_socks import ProxyConnector

# Of python-socks, whose errors tell a refused password from others by text alone.
_REFUSALS: Final = ("Username and password authentication failure", "No acceptable authentication methods were offered")


def connection_args(proxy: str | None, **settings: Any) -> dict[str, Any]:  # noqa: ANN401 - aiohttp's own
    """Return keyword arguments for ``aiohttp.ClientSession(**args)`` that lead all its requests through *proxy*.

    Has to be called where an event loop runs. A connector among them serves one ``ClientSession``.

    Args:
        proxy: as :func:`aura_browser.proxy.check_proxy` takes it, or None.
        settings: of the connector, as ``aiohttp.TCPConnector`` takes them.

    Raises:
        InvalidInput: if the proxy can't work.
    """
    if proxy is not None:
        check_proxy(proxy)
        if URL(proxy).scheme == "socks5":
            return {"connector": _socks_connector(proxy, settings)}
    import aiohttp

    args: dict[str, Any] = {"connector": aiohttp.TCPConnector(**settings)} if settings else {}
    return args | ({} if proxy is None else {"proxy": _for_aiohttp(proxy)})


def lead_through(request: "ClientRequest", proxy: str) -> None:
    """Have *request* go through *proxy*, unless its ``ClientSession`` named one.

    Raises:
        InvalidInput: if that takes a SOCKS connector, which only its ``ClientSession`` can have.
    """
    if URL(proxy).scheme != "socks5":
        if request.proxy is None:
            request.update_proxy(URL(_for_aiohttp(proxy)), None, None)
        return
    from aiohttp_socks import ProxyConnector

    if not isinstance(request.session.connector, ProxyConnector):
        raise InvalidInput(
            "proxy", "is SOCKS5, which aiohttp reaches by a connector; write ClientSession(**session.client_args())"
        )


def socks_errors() -> tuple[type[Exception], ...]:
    """Return what a SOCKS connector raises beyond aiohttp's own errors; nothing where none was made."""
    library = sys.modules.get("aiohttp_socks")
    if library is None:
        return ()
    # The last comes from a proxy that hangs up within the handshake (python-socks 3.2).
    return (library.ProxyConnectionError, library.ProxyTimeoutError, library.ProxyError, IncompleteReadError)


def socks_failure(error: Exception) -> str:
    """Say what one of :func:`socks_errors` stands for."""
    from aiohttp_socks import ProxyConnectionError, ProxyError

    if isinstance(error, ProxyConnectionError):
        return PROXY_AWAY
    if isinstance(error, IncompleteReadError):
        return "the proxy closed the connection"
    if not isinstance(error, ProxyError):
        return "no connection through the proxy in time"
    if error.error_code is not None:
        return "the proxy could not reach the site"
    return PROXY_REFUSED if str(error) in _REFUSALS else "the proxy does not answer in SOCKS5"


def _socks_connector(proxy: str, settings: dict[str, Any]) -> "ProxyConnector":
    from aiohttp_socks import ProxyConnector, ProxyType

    url = URL(proxy)
    user, password = credentials(proxy)
    return ProxyConnector(
        host=url.host or "",
        port=url.port or 0,
        proxy_type=ProxyType.SOCKS5,
        username=user,
        password=password,
        rdns=True,  # as Chrome does: the site's name is resolved by the proxy
        **settings,
    )


def _for_aiohttp(proxy: str) -> str:
    """Return *proxy* with credentials that aiohttp, which writes them in Latin-1, sends in UTF-8 (RFC 7617)."""
    if proxy.isascii() and "%" not in proxy:
        return proxy
    url = URL(proxy)
    user, password = (None if text is None else text.encode().decode("latin-1") for text in (url.user, url.password))
    return str(URL.build(scheme="http", user=user, password=password, host=url.host or "", port=url.port))
