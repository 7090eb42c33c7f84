"""Which headers pass the proxy, in both directions, and what they say there."""

from types import SimpleNamespace
from typing import Any

import pytest
from multidict import CIMultiDict

from aura_browser.relay.headers import build_request_headers, build_response_headers
from aura_browser.site import Site

SITE = Site("https://a.example/", headers=("X-Held",))
HERE = "http://127.0.0.1:8788"
OF_THE_CONNECTION = (
    *("Connection", "Keep-Alive", "TE", "Trailer", "Transfer-Encoding", "Upgrade", "Proxy-Authenticate"),
    *("Proxy-Authorization", "Proxy-Connection", "Proxy-Authentication-Info"),
)
NOT_SENT = (
    *("Host", "Cookie", "Expect", "Content-Length", "X-Aura-Token", "User-Agent", "Accept-Language", "X-Held"),
    *(
        "Accept-Encoding",
        "Sec-WebSocket-Key",
        "Sec-WebSocket-Version",
        "Sec-WebSocket-Extensions",
        "Sec-WebSocket-Accept",
    ),
)
NOT_RETURNED = (
    *("Set-Cookie", "Set-Cookie2", "Content-Encoding", "Strict-Transport-Security", "Alt-Svc", "Public-Key-Pins"),
    *("Public-Key-Pins-Report-Only", "Clear-Site-Data", "NEL", "Report-To", "Reporting-Endpoints"),
    *("Access-Control-Allow-Origin", "access-control-max-age"),
)


def send(*headers: tuple[str, str], drops_authorization: bool = False) -> dict[str, str]:
    """Return the headers that the site gets of these."""
    return build_request_headers(SITE, CIMultiDict(headers), HERE, drops_authorization=drops_authorization)


def give_back(*headers: tuple[str, str], url: str = "https://a.example/x/y") -> list[tuple[str, str]]:
    """Return the headers that the client gets of these, but for the one that each answer has."""
    answer: Any = SimpleNamespace(headers=CIMultiDict(headers), url=url)
    returned = build_response_headers(SITE, answer, HERE)
    assert returned.popall("Cross-Origin-Resource-Policy") == ["same-origin"]
    return list(returned.items())


@pytest.mark.parametrize("name", [*OF_THE_CONNECTION, *NOT_SENT])
def test_what_is_the_connections_or_the_sessions_is_not_sent(name: str) -> None:
    for written in (name, name.lower()):
        assert send((written, "x"), ("X-Own", "1")) == {"X-Own": "1", "Accept-Encoding": "identity"}


@pytest.mark.parametrize("name", [*OF_THE_CONNECTION, *NOT_RETURNED])
def test_what_is_the_connections_or_the_sites_own_is_not_returned(name: str) -> None:
    assert give_back((name, "x"), ("X-Own", "1")) == [("X-Own", "1")]


def test_what_connection_names_is_of_the_connection_too() -> None:
    named = (("Connection", "close, X-Hop ,x-other"), ("x-hop", "1"), ("X-Other", "2"), ("X-Own", "3"))
    assert send(*named) == {"X-Own": "3", "Accept-Encoding": "identity"}
    assert give_back(*named) == [("X-Own", "3")]


def test_a_header_that_is_there_twice_says_both() -> None:
    assert send(("X-A", "1"), ("X-B", "2"), ("x-a", "3"), ("X-A", "4"))["X-A"] == "1, 3, 4"
    assert give_back(("Link", "</a>"), ("link", "</b>")) == [("Link", "</a>"), ("link", "</b>")]


@pytest.mark.parametrize("drops", [True, False])
def test_a_password_is_the_sites_unless_it_was_the_proxys(*, drops: bool) -> None:
    sent = send(("authorization", "Basic x"), drops_authorization=drops)
    assert sent.get("authorization") == (None if drops else "Basic x")


@pytest.mark.parametrize(
    ("name", "value", "sent"),
    [
        ("Origin", HERE, "https://a.example"),
        ("origin", "null", "https://a.example"),
        ("Referer", f"{HERE}/a?b#c", "https://a.example/a?b#c"),
        ("referer", f"{HERE}/", "https://a.example/"),
        ("Referer", "http://127.0.0.1:87880/a", None),
        ("Referer", "https://b.example/", None),
    ],
)
def test_a_request_comes_from_the_site_or_from_nowhere(name: str, value: str, sent: str | None) -> None:
    assert send((name, value)).get(name) == sent


@pytest.mark.parametrize(
    ("headers", "asked"),
    [
        ([], "identity"),
        ([("accept-encoding", "br, GZIP ,x")], "gzip, deflate"),
        ([("Accept-Encoding", "gzip")], "gzip, deflate"),
        ([("Accept-Encoding", "gzip;q=0, br")], "identity"),
        ([("Accept-Encoding", "gzip"), ("range", "bytes=0-")], "identity"),
    ],
)
def test_the_site_compresses_what_the_client_could_take_whole(headers: list[tuple[str, str]], asked: str) -> None:
    assert send(*headers)["Accept-Encoding"] == asked


@pytest.mark.parametrize(
    ("encoding", "length"),
    [([], "7"), ([("content-encoding", "Identity")], "7"), ([("Content-Encoding", "gzip")], None)],
)
def test_a_length_is_that_of_what_is_passed_on(encoding: list[tuple[str, str]], length: str | None) -> None:
    assert dict(give_back(("Content-Length", "7"), *encoding)).get("Content-Length") == length
    assert give_back() == []


@pytest.mark.parametrize("name", ["Location", "content-location"])
@pytest.mark.parametrize(
    ("value", "returned"),
    [
        ("https://a.example/p?q=%26#f", f"{HERE}/p?q=%26#f"),
        ("z", f"{HERE}/x/z"),
        ("https://www.a.example/p", f"{HERE}/p"),
        ("https://b.example/p", "https://b.example/p"),
        ("http://[", "http://["),
    ],
)
def test_an_address_at_the_site_is_one_at_the_proxy(name: str, value: str, returned: str) -> None:
    assert give_back((name, value), url="https://www.a.example/x/y") == [(name, returned)]
    assert give_back(("X-Location", value)) == [("X-Location", value)]
