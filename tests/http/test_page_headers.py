"""Which headers and methods a page can send (https://fetch.spec.whatwg.org/#forbidden-request-header)."""

import pytest

from aura_browser.errors import InvalidInput
from aura_browser.http.page_headers import can_set, check_method, select_headers

BY_THE_BROWSER = (
    *("Accept-Encoding", "Connection", "Content-Length", "Cookie", "Host", "Keep-Alive", "Origin", "Referer"),
    *("User-Agent", "Sec-Fetch-Site", "sec-ch-ua"),
)
FORBIDDEN = (
    *("Accept-Charset", "Access-Control-Request-Headers", "Access-Control-Request-Method"),
    *("Access-Control-Request-Private-Network", "Cookie2", "Date", "DNT", "Expect", "Set-Cookie", "TE", "Trailer"),
    *("Transfer-Encoding", "Upgrade", "Via", "Proxy-Authorization"),
)
OVERRIDES = ("X-HTTP-Method", "X-HTTP-Method-Override", "X-Method-Override")


@pytest.mark.parametrize("name", BY_THE_BROWSER)
def test_what_the_browser_sends_by_itself_is_left_out(name: str) -> None:
    assert select_headers({"A": "1", name: "x", "B": "2"}) == [("A", "1"), ("B", "2")]
    assert not can_set(name)


@pytest.mark.parametrize("name", FORBIDDEN)
def test_what_a_page_can_not_set_is_refused_by_name(name: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        select_headers({"A": "1", name: "x"})
    assert caught.value.name == f"headers[{name}]"
    assert not can_set(name)


@pytest.mark.parametrize("name", OVERRIDES)
def test_a_header_that_stands_for_a_method_is_as_free_as_the_method(name: str) -> None:
    assert select_headers({name: "PUT, delete"}) == [(name, "PUT, delete")]
    for value in ("TRACE", "put, trace", "Connect", " track "):
        with pytest.raises(InvalidInput):
            select_headers({name: value})
    assert not can_set(name)


def test_a_value_is_sent_as_its_bytes() -> None:
    assert select_headers({"X-Name": "ü", "X-Own": "TRACE"}) == [("X-Name", "\xc3\xbc"), ("X-Own", "TRACE")]
    assert can_set("X-Name")
    assert can_set("Proxy")


@pytest.mark.parametrize("method", ["CONNECT", "trace", "Track"])
def test_a_method_that_a_page_can_not_send_is_refused_by_name(method: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_method(method)
    assert str(caught.value) == f"method: a page can't send {method.upper()}; use transport='http'"
    check_method("PROPFIND")
