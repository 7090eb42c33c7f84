"""Why a page got no complete response, in the words that the aiohttp transport uses for the same."""

from typing import Final

from aura_browser.errors import AnswerTimeout, ChatError, ConnectionFailed, PageFailed, SiteFailed, StreamInterrupted
from aura_browser.proxy.address import PROXY_REFUSED, PROXY_UNREACHABLE
from aura_browser.text import redact_url
from aura_browser.tls import read_code
from aura_browser.webdriver.fetching.stream import FetchFailed, PageLost

_BEFORE: Final = "the connection was closed before the response"
_DURING: Final = "the connection was closed during the response"
# https://chromium.googlesource.com/chromium/src/+/main/net/base/net_error_list.h
_REASONS: Final = {
    "ERR_CONNECTION_REFUSED": "Connection refused",
    "ERR_NAME_NOT_RESOLVED": "its host name has no address",
    "ERR_ADDRESS_UNREACHABLE": "No route to host",
    "ERR_CONNECTION_TIMED_OUT": "no connection within the browser's time",
    "ERR_TIMED_OUT": "no connection within the browser's time",
    "ERR_EMPTY_RESPONSE": _BEFORE,
    "ERR_CONNECTION_RESET": "Connection reset by peer",
    "ERR_CONNECTION_CLOSED": _BEFORE,
    "ERR_CONTENT_LENGTH_MISMATCH": _DURING,
    "ERR_INCOMPLETE_CHUNKED_ENCODING": _DURING,
    "ERR_INCOMPLETE_HTTP2_FRAME": _DURING,
    "ERR_HTTP2_PROTOCOL_ERROR": _DURING,
    "ERR_CONTENT_DECODING_FAILED": "the compressed body is damaged",
    "ERR_PROXY_CONNECTION_FAILED": PROXY_UNREACHABLE,
    "ERR_TUNNEL_CONNECTION_FAILED": PROXY_UNREACHABLE,
    "ERR_SOCKS_CONNECTION_FAILED": PROXY_UNREACHABLE,
    "ERR_PROXY_AUTH_UNSUPPORTED": PROXY_REFUSED,
}
_INVALID: Final = frozenset(
    {"ERR_INVALID_HTTP_RESPONSE", "ERR_INVALID_CHUNKED_ENCODING", "ERR_RESPONSE_HEADERS_TRUNCATED"}
)
_BLOCKED: Final = "the browser did not send it ({}); send the request with transport='http'"
_HIDDEN: Final = "the browser does not let a page of this site see the response, as other origins need CORS"


def describe_failure(url: object, code: str, blocked: str = "") -> ChatError:
    """Return the error for a request that the browser got no complete response to.

    Args:
        url: its address.
        code: Chrome's, without ``net::``; empty if it named none.
        blocked: why the browser kept the request back; empty if it did not.
    """
    address = redact_url(url)
    if blocked:
        return ConnectionFailed(address, _BLOCKED.format(blocked))
    if code in _INVALID:
        return SiteFailed(address, 0, f"the response is not valid HTTP ({code})")
    if code in {"", "ERR_FAILED"}:
        return ConnectionFailed(address, _HIDDEN)
    return ConnectionFailed(address, _REASONS.get(code, code), tls=read_code(code))


def convert_error(error: Exception, url: object, timeout_s: float) -> ChatError:
    """Return this package's error for one of a page's request."""
    match error:
        case FetchFailed():
            return describe_failure(url, error.code, error.blocked)
        case PageLost():
            return StreamInterrupted(redact_url(url), f"the page that sent the request is gone: {error}", "")
    return AnswerTimeout(redact_url(url), timeout_s)


def convert_page_failure(error: PageFailed) -> ChatError | PageFailed:
    """Return the error for a page that could not be opened, where it is that of any request to the site."""
    if error.code.startswith("ERR_") and error.code != "ERR_FAILED":
        return describe_failure(error.url, error.code)
    return error
