"""Which proxies can work for browser and client alike, and that none of this shows a password."""

import pytest

from aura_browser.assembly import choose_proxy
from aura_browser.errors import InvalidInput
from aura_browser.proxy import address as module
from aura_browser.proxy.address import (
    check_proxy,
    has_credentials,
    has_password,
    read_credentials,
    without_credentials,
    without_password,
)
from tests.parts.sessions import make_session


@pytest.mark.parametrize(
    "url",
    [
        "http://proxy:3128",
        "http://proxy:80/",
        "HTTP://Proxy.example.com:3128",
        "http://[::1]:3128",
        "http://bücher.example:3128",
        "http://me@proxy:3128",
        "http://:s3cret@proxy:3128",
        "http://me:s3cret@proxy:3128",
        "http://me:p%C3%A4ss%3A%40%2F%25@proxy:3128",
        "socks5://proxy:1080",
        "socks5://me:s3cret@[::1]:1080",
        f"socks5://me:{'x' * 255}@proxy:1080",
    ],
)
def test_what_can_work(url: str) -> None:
    check_proxy(url)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("https://me:s3cret@proxy:3129", "over TLS"),
        ("socks://me:s3cret@proxy:1080", "write socks5://"),
        ("socks4://me:s3cret@proxy:1080", "SOCKS4"),
        ("socks4a://me:s3cret@proxy:1080", "SOCKS4a"),
        ("socks5h://me:s3cret@proxy:1080", "names are resolved by the proxy anyway"),
        ("quic://me:s3cret@proxy:443", "QUIC"),
        ("pac+https://me:s3cret@proxy/x.pac", "a PAC script"),
        ("file:///etc/s3cret.pac", "a PAC script"),
        ("data:text/plain,s3cret", "a PAC script"),
        ("pac:s3cret", "a PAC script"),
        ("ftp://me:s3cret@proxy:21", "must be written http://host:port"),
        ("direct://", "leave it out"),
        ("http://me:s3cret@proxy", "http://host:port"),
        ("socks5://me:s3cret@proxy", "http://host:port"),
        ("http://me:s3cret@proxy:0", "http://host:port"),
        ("http://me:s3cret@proxy:99999", "http://host:port"),
        ("http://me:s3cret@:3128", "http://host:port"),
        ("http://me:s3cret@a,b:3128", "http://host:port"),
        ("http=me:s3cret@a:1;https=b:1", "http://host:port"),
        ("http://me:s3cret/more@proxy:3128", "http://host:port"),
        ("me:s3cret@proxy:3128", "http://host:port"),
        ("", "http://host:port"),
        ("http://me:s3cret@proxy:3128/path", "more than"),
        ("http://me:s3cret@proxy:3128?s3cret", "more than"),
        ("http://me:s3cret@proxy:3128#s3cret", "more than"),
        ("http://m%3Ae:s3cret@proxy:3128", "a colon"),
        ("socks5://me@proxy:1080", "both user and password"),
        ("socks5://:s3cret@proxy:1080", "both user and password"),
        ("socks5://me:s3cr%C3%A9t@proxy:1080", "ASCII"),
        (f"socks5://me:s3cret{'x' * 250}@proxy:1080", "255"),
    ],
)
def test_what_cannot_work_is_refused_by_name(url: str, says: str) -> None:
    with pytest.raises(InvalidInput, match=says) as caught:
        check_proxy(url)
    assert caught.value.name == "proxy"
    assert "s3cr" not in f"{caught.value} {caught.value!r} {caught.value.__cause__!r}"
    assert "\n" not in str(caught.value)


def test_socks_without_its_library_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda _name: None)
    with pytest.raises(InvalidInput, match=r"pip install 'aiohttp-socks>="):
        check_proxy("socks5://proxy:1080")
    check_proxy("http://proxy:3128")


@pytest.mark.parametrize(
    ("url", "user", "password"),
    [
        ("http://proxy:1", "", ""),
        ("http://me@proxy:1", "me", ""),
        ("http://:s3cret@proxy:1", "", "s3cret"),
        ("http://m%40e:p%C3%A4ss%3A%25@proxy:1", "m@e", "päss:%"),
    ],
)
def test_credentials_are_decoded(url: str, user: str, password: str) -> None:
    assert read_credentials(url) == (user, password)
    assert has_credentials(url) == bool(user or password)
    assert has_password(url) == bool(password)
    assert without_credentials(url) == "http://proxy:1"


def test_a_session_stays_with_its_proxy_whatever_its_password_is_now() -> None:
    session = make_session(proxy="http://me:s3cret@proxy:3128")
    assert choose_proxy("http://me:new@proxy:3128", session) == "http://me:new@proxy:3128"
    assert choose_proxy(None, session) == session.proxy
    with pytest.raises(InvalidInput, match="differs from the session's own") as caught:
        choose_proxy("http://me:s3cret@other:3128", session)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://me:s3cret@proxy:80", "http://me@proxy:80"),
        ("socks5://me:s3cret@[::1]:1080", "socks5://me@[::1]:1080"),
        ("http://:s3cret@proxy:3128/s3cret?s3cret#s3cret", "http://proxy:3128"),
        ("http://proxy", "http://proxy"),
        ("HTTP://Proxy:3128", "http://proxy:3128"),
        ("http://[s3cret", "(not a URL)"),
        ("mailto:s3cret@a.example", "(not a URL)"),
    ],
)
def test_a_proxy_is_shown_without_its_password(url: str, shown: str) -> None:
    assert without_password(url) == shown
