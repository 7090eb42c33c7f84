"""Make aiohttp use a proxy, and explain its failures. Libraries are imported when needed."""

import sys
from asyncio import IncompleteReadError
from typing import TYPE_CHECKING, Any, Final

from yarl import URL

from aura_browser.errors import InvalidInput
from aura_browser.proxy.address import PROXY_REFUSED, PROXY_UNREACHABLE, check_proxy, read_credentials

if TYPE_CHECKING:
    from aiohttp import ClientRequest
    from aiohttp_socks import ProxyConnector

# Messages of python-socks, the only sign by which it distinguishes a refused password.
_REFUSALS: Final = ("Username and password authentication failure", "No acceptable authentication methods were offered")


def connection_args(proxy: str | None, **settings: Any) -> dict[str, Any]:  # noqa: ANN401 - aiohttp's arguments
    """Return keyword arguments for ``aiohttp.ClientSession(**args)`` that send all its requests through *proxy*.

    Call this while an event loop runs. A returned connector serves only one ``ClientSession``.

    Args:
        proxy: a URL that :func:`aura_browser.proxy.address.check_proxy` accepts, or None.
        settings: arguments of ``aiohttp.TCPConnector``.

    Raises:
        InvalidInput: if the proxy does not work with aiohttp.
    """
    if proxy is not None:
        check_proxy(proxy)
        if URL(proxy).scheme == "socks5":
            return {"connector": _build_socks_connector(proxy, settings)}
    import aiohttp

    args: dict[str, Any] = {"connector": aiohttp.TCPConnector(**settings)} if settings else {}
    return args | ({} if proxy is None else {"proxy": _encode_credentials(proxy)})


def route_through(request: "ClientRequest", proxy: str) -> None:
    """Send *request* through *proxy*, unless its ``ClientSession`` has a proxy already.

    Raises:
        InvalidInput: if *proxy* is SOCKS5 and the ``ClientSession`` has no SOCKS connector.
    """
    if URL(proxy).scheme != "socks5":
        if request.proxy is None:
            request.update_proxy(URL(_encode_credentials(proxy)), None, None)
        return
    from aiohttp_socks import ProxyConnector

    if not isinstance(request.session.connector, ProxyConnector):
        raise InvalidInput(
            "proxy", "is SOCKS5, for which aiohttp needs a connector; write ClientSession(**session.client_args())"
        )


def socks_errors() -> tuple[type[Exception], ...]:
    """Return the errors that a SOCKS connector raises besides aiohttp's; empty if the library is not loaded."""
    library = sys.modules.get("aiohttp_socks")
    if library is None:
        return ()
    # The last one means that the proxy closed the connection during the handshake (python-socks 3.2).
    return (library.ProxyConnectionError, library.ProxyTimeoutError, library.ProxyError, IncompleteReadError)


def describe_socks_error(error: Exception) -> str:
    """Return the cause of an error of :func:`socks_errors`, in words."""
    from aiohttp_socks import ProxyConnectionError, ProxyError

    if isinstance(error, ProxyConnectionError):
        return PROXY_UNREACHABLE
    if isinstance(error, IncompleteReadError):
        return "the proxy closed the connection"
    if not isinstance(error, ProxyError):
        return "connecting through the proxy timed out"
    if error.error_code is not None:
        return "the proxy could not reach the site"
    return PROXY_REFUSED if str(error) in _REFUSALS else "the proxy does not speak SOCKS5"


def _build_socks_connector(proxy: str, settings: dict[str, Any]) -> "ProxyConnector":
    from aiohttp_socks import ProxyConnector, ProxyType

    url = URL(proxy)
    user, password = read_credentials(proxy)
    return ProxyConnector(
        host=url.host or "",
        port=url.port or 0,
        proxy_type=ProxyType.SOCKS5,
        username=user,
        password=password,
        rdns=True,  # the proxy resolves the site's name, as with Chrome
        **settings,
    )


def _encode_credentials(proxy: str) -> str:
    """Return *proxy* with its credentials changed so that aiohttp, which encodes Latin-1, sends UTF-8 (RFC 7617)."""
    if proxy.isascii() and "%" not in proxy:
        return proxy
    url = URL(proxy)
    user, password = (None if text is None else text.encode().decode("latin-1") for text in (url.user, url.password))
    return str(URL.build(scheme="http", user=user, password=password, host=url.host or "", port=url.port))
