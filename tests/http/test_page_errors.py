"""Why a page got no complete response: Chrome's codes, in the words of the other transport."""

import pytest

from aura_browser.errors import AnswerTimeout, ChatError, ConnectionFailed, PageFailed, SiteFailed, StreamInterrupted
from aura_browser.http.page_errors import convert_error, convert_page_failure, describe_failure
from aura_browser.tls import TlsFault
from aura_browser.webdriver.fetching.stream import FetchFailed, PageLost

URL = "https://a.example/x?token=s3cret"
SHOWN = "https://a.example/x"
HIDDEN = "the browser does not let a page of this site see the response, as other origins need CORS"
NO_PROXY = "the proxy can't be reached"


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("ERR_CONNECTION_REFUSED", "Connection refused"),
        ("ERR_NAME_NOT_RESOLVED", "its host name has no address"),
        ("ERR_ADDRESS_UNREACHABLE", "No route to host"),
        ("ERR_CONNECTION_TIMED_OUT", "no connection within the browser's time"),
        ("ERR_TIMED_OUT", "no connection within the browser's time"),
        ("ERR_EMPTY_RESPONSE", "the connection was closed before the response"),
        ("ERR_CONNECTION_RESET", "Connection reset by peer"),
        ("ERR_CONNECTION_CLOSED", "the connection was closed before the response"),
        ("ERR_CONTENT_LENGTH_MISMATCH", "the connection was closed during the response"),
        ("ERR_INCOMPLETE_CHUNKED_ENCODING", "the connection was closed during the response"),
        ("ERR_INCOMPLETE_HTTP2_FRAME", "the connection was closed during the response"),
        ("ERR_HTTP2_PROTOCOL_ERROR", "the connection was closed during the response"),
        ("ERR_CONTENT_DECODING_FAILED", "the compressed body is damaged"),
        ("ERR_PROXY_CONNECTION_FAILED", NO_PROXY),
        ("ERR_TUNNEL_CONNECTION_FAILED", NO_PROXY),
        ("ERR_SOCKS_CONNECTION_FAILED", NO_PROXY),
        ("ERR_PROXY_AUTH_UNSUPPORTED", "the proxy refused the user and password in its URL, or requires them"),
        ("ERR_OF_TOMORROW", "ERR_OF_TOMORROW"),
        ("ERR_FAILED", HIDDEN),
        ("", HIDDEN),
    ],
)
def test_each_code_is_told_as_the_other_transport_tells_it(code: str, reason: str) -> None:
    error = describe_failure(URL, code)
    assert isinstance(error, ConnectionFailed)
    assert (error.url, error.reason, error.tls) == (SHOWN, reason, None)


@pytest.mark.parametrize(
    ("code", "fault"), [("ERR_CERT_DATE_INVALID", "outdated"), ("ERR_SSL_PROTOCOL_ERROR", "handshake")]
)
def test_what_failed_of_tls_is_named(code: str, fault: TlsFault) -> None:
    error = describe_failure(URL, code)
    assert isinstance(error, ConnectionFailed)
    assert (error.reason, error.tls) == (code, fault)


@pytest.mark.parametrize(
    "code", ["ERR_INVALID_HTTP_RESPONSE", "ERR_INVALID_CHUNKED_ENCODING", "ERR_RESPONSE_HEADERS_TRUNCATED"]
)
def test_what_is_no_http_is_the_sites_failure(code: str) -> None:
    error = describe_failure(URL, code)
    assert isinstance(error, SiteFailed)
    assert (error.url, error.status, error.message) == (SHOWN, 0, f"the response is not valid HTTP ({code})")


@pytest.mark.parametrize(
    ("raised", "kind", "said"),
    [
        (FetchFailed("", "csp"), ConnectionFailed, "the browser did not send it (csp); send the request with"),
        (FetchFailed("ERR_FAILED"), ConnectionFailed, HIDDEN),
        (PageLost("it crashed"), StreamInterrupted, "0 characters: the page that sent the request is gone: it crashed"),
        (TimeoutError(), AnswerTimeout, "7"),
    ],
)
def test_each_error_of_a_pages_request_is_one_of_this_packages(
    raised: Exception, kind: type[ChatError], said: str
) -> None:
    error = convert_error(raised, URL, 7.0)
    assert type(error) is kind
    assert said in str(error)
    assert SHOWN in str(error)


@pytest.mark.parametrize(
    ("code", "is_every_requests"),
    [("ERR_CONNECTION_REFUSED", True), ("ERR_FAILED", False), ("its pages lead to another address", False)],
)
def test_a_page_that_can_not_be_opened_fails_as_any_request_would(code: str, *, is_every_requests: bool) -> None:
    error = PageFailed(SHOWN, code)
    converted = convert_page_failure(error)
    assert converted is error if not is_every_requests else isinstance(converted, ConnectionFailed)
