"""Arguments for other clients: what each of them then sends, byte for byte, and what it is said not to send."""

import asyncio
from collections.abc import Callable, Iterator
from importlib import import_module
from types import ModuleType
from typing import Any, Final

import aiohttp
import pytest
from aiohttp import web

from aura_browser.session import Session
from tests.parts.missing import missing
from tests.parts.servers import Server, serving_in_thread
from tests.parts.sessions import make_cookie, make_session

VALUES: Final = {
    "base64": "a+b/c==",
    "quoted": '"a b"',
    "json": '{"k": "v, w"}',
    "latin": "hé",
    "wide": "h€",
    "empty": "",
    "equals": "a=b=c",
}
ASCII_ONLY: Final = frozenset({"httpx"})


def library(name: str) -> ModuleType:
    try:
        return import_module(name)
    except ImportError:
        missing(f"{name} is missing; bring it with: make setup")


def send_aiohttp(session: Session, url: str) -> tuple[str, ...]:
    async def send() -> tuple[str, ...]:
        args, left_out = session.for_aiohttp()
        async with aiohttp.ClientSession(**args) as http, http.get(url) as response:
            await response.read()
        return left_out

    return asyncio.run(send())


def send_requests(session: Session, url: str) -> tuple[str, ...]:
    args, left_out = session.for_requests()
    library("requests").get(url, timeout=10, **args)
    return left_out


def send_httpx(session: Session, url: str) -> tuple[str, ...]:
    args, left_out = session.for_httpx()
    with library("httpx").Client(trust_env=False, **args) as http:
        http.get(url)
    return left_out


def send_curl_cffi(session: Session, url: str) -> tuple[str, ...]:
    args, left_out = session.for_curl_cffi()
    with library("curl_cffi.requests").Session(trust_env=False, **args) as http:
        http.get(url)
    return left_out


CLIENTS: Final[dict[str, Callable[[Session, str], tuple[str, ...]]]] = {
    "aiohttp": send_aiohttp,
    "requests": send_requests,
    "httpx": send_httpx,
    "curl_cffi": send_curl_cffi,
}


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[Server, str]]:
    async def answer(_request: web.BaseRequest) -> web.Response:
        return web.Response(text="ok")

    with serving_in_thread(answer) as both:
        yield both


def sent_by(server: Server) -> tuple[set[bytes], list[tuple[bytes, bytes]]]:
    """Return the cookies of the last request, and its headers, as they came."""
    headers = list(server.seen.pop().raw_headers)
    cookies = [value for name, value in headers if name.lower() == b"cookie"]
    return set(b"; ".join(cookies).split(b"; ")) - {b""}, headers


@pytest.mark.parametrize("name", CLIENTS)
def test_odd_values_go_out_as_a_browser_sends_them(name: str, server: tuple[Server, str]) -> None:
    cookies = tuple(make_cookie(key, value) for key, value in VALUES.items())
    left_out = CLIENTS[name](make_session(server[1], cookies=cookies), f"{server[1]}/")
    lost = {key for key, value in VALUES.items() if name in ASCII_ONLY and not value.isascii()}
    sent, headers = sent_by(server[0])
    assert sent == {f"{key}={value}".encode() for key, value in VALUES.items() if key not in lost}
    assert [value for key, value in headers if key.lower() == b"user-agent"] == [b"Chrome/1 test"]
    assert (b"Accept-Language", b"de,en;q=0.9") in headers
    for key in lost:
        assert any(key in sentence for sentence in left_out)


@pytest.mark.parametrize("name", CLIENTS)
def test_each_cookie_goes_where_it_belongs(name: str, server: tuple[Server, str]) -> None:
    cookies = (
        make_cookie("here"),
        make_cookie("deep", path="/app"),
        make_cookie("later", path="/apple"),
        make_cookie("elsewhere", domain="example.com"),
        make_cookie("over", expires=5.0),
        make_cookie("embedded", partition_key="http://example.org", has_cross_site_ancestor=True, secure=True),
        make_cookie("", "nameless"),
    )
    left_out = CLIENTS[name](make_session(server[1], cookies=cookies), f"{server[1]}/app/x")
    sent, _ = sent_by(server[0])
    assert sent == {b"here=s3cret+/==", b"deep=s3cret+/=="}
    assert "1 cookie without a name: (no name)" in left_out
    assert "1 cookie of a page in another site's page: embedded" in left_out
    assert not any("s3cret" in sentence or "nameless" in sentence for sentence in left_out)


@pytest.mark.parametrize("name", CLIENTS)
def test_a_host_without_a_dot_gets_its_cookies(name: str, server: tuple[Server, str]) -> None:
    origin = server[1].replace("127.0.0.1", "localhost")
    CLIENTS[name](make_session(origin, cookies=(make_cookie("here", domain="localhost"),)), f"{origin}/")
    assert sent_by(server[0])[0] == {b"here=s3cret+/=="}


@pytest.mark.parametrize(("name", "goes_too_far"), [("requests", True), ("httpx", True), ("curl_cffi", False)])
def test_a_client_that_gives_subdomains_too_much_is_named(name: str, *, goes_too_far: bool) -> None:
    session = make_session("https://example.com", cookies=(make_cookie("own", domain="example.com"),))
    _, left_out = getattr(session, f"for_{name}")()
    assert ("1 host-only cookie would go to subdomains too: own" in left_out) == goes_too_far


def test_secure_cookies_over_plain_http_are_named_where_they_are_not_sent() -> None:
    session = make_session(cookies=(make_cookie("safe", secure=True),))
    for args in (session.for_requests, session.for_httpx):
        assert "1 Secure cookie, sent over HTTPS only: safe" in args()[1]


def test_a_cookie_of_the_browsers_session_is_marked_as_one() -> None:
    session = make_session(cookies=(make_cookie("tab"), make_cookie("kept", expires=4e9)))
    ends = {cookie.name: (cookie.discard, cookie.expires) for cookie in session.for_requests()[0]["cookies"]}
    assert ends == {"tab": (True, None), "kept": (False, 4_000_000_000)}


def test_of_two_cookies_that_only_their_partition_tells_apart_one_is_named() -> None:
    twins: tuple[Any, ...] = (make_cookie("twin", "a"), make_cookie("twin", "b", partition_key="http://127.0.0.1"))
    assert make_session(cookies=twins).for_httpx()[1] == ("1 cookie with the name of another: twin",)


def test_a_proxy_is_an_argument() -> None:
    session = make_session(proxy="http://proxy:8080", cookies=())
    assert session.for_requests()[0]["proxies"] == {"http": "http://proxy:8080", "https": "http://proxy:8080"}
    assert session.for_httpx()[0]["proxy"] == session.for_curl_cffi()[0]["proxy"] == "http://proxy:8080"


def test_a_jar_of_python_holds_all_that_a_cookie_has() -> None:
    cookies = (
        make_cookie("a", "é", domain="a.example", http_only=True, secure=True, expires=5.6),
        make_cookie("b", "v", domain="nas", host_only=False, path="/x"),
    )
    args, _ = make_session("https://a.example", cookies=cookies).for_requests()
    first, second = ({**vars(cookie)} for cookie in args["cookies"])
    facts = {"version": 0, "port": None, "port_specified": False, "path_specified": True, "rfc2109": False}
    facts |= {"comment": None, "comment_url": None}
    assert first == facts | {
        "name": "a",
        "value": "Ã©",
        "domain": "a.example",
        "domain_specified": False,
        "path": "/",
        "secure": True,
        "domain_initial_dot": False,
        "expires": 6,
        "discard": False,
        "_rest": {"HttpOnly": ""},
    }
    assert second == facts | {
        "name": "b",
        "value": "v",
        "domain": ".nas.local",
        "domain_specified": True,
        "path": "/x",
        "secure": False,
        "domain_initial_dot": True,
        "expires": None,
        "discard": True,
        "_rest": {},
    }


async def test_a_jar_of_aiohttp_holds_all_that_a_cookie_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 1000.0)
    cookies = (
        make_cookie("a", domain="a.example", http_only=True, secure=True, expires=1059.6),
        make_cookie("b", domain="a.example", host_only=False, path="/x"),
        make_cookie("over", domain="a.example", expires=999.0),
    )
    args, left_out = make_session("https://a.example", cookies=cookies).for_aiohttp()
    found = {each.key: (each["path"], each["secure"], each["httponly"], each["max-age"]) for each in args["cookie_jar"]}
    assert found == {"a": ("/", True, True, "60"), "b": ("/x", False, False, "")}
    assert left_out == ()


@pytest.mark.parametrize("name", CLIENTS)
def test_cookies_of_one_name_all_go_where_they_fit_or_that_is_said(name: str, server: tuple[Server, str]) -> None:
    twins = (make_cookie("t", "1"), make_cookie("t", "2", path="/x"))
    left_out = CLIENTS[name](make_session(server[1], cookies=twins), f"{server[1]}/x/y")
    is_said = "of cookies with one name, only one is sent to an address: t" in left_out
    assert (sent_by(server[0])[0] == {b"t=2", b"t=1"}) is not is_said


def test_what_several_cookies_lose_is_said_in_the_plural() -> None:
    embedded: dict[str, Any] = {"partition_key": "http://example.org", "has_cross_site_ancestor": True}
    cookies = [
        *(make_cookie("", path=path) for path in ("/a", "/b")),
        *(make_cookie(name, **embedded) for name in "cd"),
        *(make_cookie(name, "é") for name in "ef"),
        *(make_cookie(name, partition_key="http://127.0.0.1", has_cross_site_ancestor=False) for name in "ggg"),
        *(make_cookie(name, domain="a.example", secure=True) for name in "hi"),
    ]
    assert make_session("http://a.example", cookies=tuple(cookies)).for_httpx()[1] == (
        "2 cookies without a name: (no name), (no name)",
        "2 cookies of pages in other sites' pages: c, d",
        "2 cookies with characters outside ASCII: e, f",
        "2 host-only cookies would go to subdomains too: h, i",
        "2 Secure cookies, sent over HTTPS only: h, i",
    )
    twins = (make_cookie("t", "1"), make_cookie("t", "2", secure=True), make_cookie("t", "3", path="/x"))
    assert make_session(cookies=twins).for_curl_cffi()[1] == ("1 cookie with the name of another: t",)


def test_a_client_gets_no_headers_but_the_sessions() -> None:
    assert make_session().for_curl_cffi()[0]["default_headers"] is False
    for args, _ in (make_session().for_requests(), make_session().for_httpx(), make_session().for_curl_cffi()):
        assert args["headers"] == make_session().headers
        assert not {"proxy", "proxies"} & args.keys()
