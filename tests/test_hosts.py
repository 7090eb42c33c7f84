"""Hosts and origins."""

import pytest
from yarl import URL

from aura_browser.hosts import is_same_site, origin_of, registrable_domain


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://a.example/x?y#z", "https://a.example"),
        ("https://a.example:443/", "https://a.example"),
        ("http://a.example:80/", "http://a.example"),
        ("http://a.example:443/", "http://a.example:443"),
        ("ws://a.example:80/s", "http://a.example"),
        ("wss://a.example/s", "https://a.example"),
        ("ws://127.0.0.1:8080/s", "http://127.0.0.1:8080"),
        ("http://[::1]:8080/", "http://[::1]:8080"),
        ("http://user:s3cret@a.example/", "http://a.example"),
    ],
)
def test_an_origin_is_the_same_however_it_is_spelled(url: str, origin: str) -> None:
    assert str(origin_of(URL(url))) == origin
    assert origin_of(URL(url)) == URL(origin)


def test_what_has_no_host_has_no_origin() -> None:
    with pytest.raises(ValueError, match=r".*"):
        origin_of(URL("/path"))


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("app.example.co.uk", "example.co.uk"),
        ("user.github.io", "user.github.io"),
        ("127.0.0.1", "127.0.0.1"),
        ("::1", "::1"),
        ("localhost", "localhost"),
        ("co.uk", "co.uk"),
    ],
)
def test_registrable_domains(host: str, domain: str) -> None:
    assert registrable_domain(host) == domain


def test_one_site() -> None:
    assert is_same_site(URL("https://app.example.com"), URL("https://api.example.com"))
    assert not is_same_site(URL("https://a.github.io"), URL("https://b.github.io"))
    assert not is_same_site(URL("http://127.0.0.1"), URL("http://127.0.0.2"))
