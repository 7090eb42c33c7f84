"""Hosts and origins."""

from importlib.resources import files

import pytest
from publicsuffixlist import PublicSuffixList
from yarl import URL

from aura_browser.hosts import is_same_site, origin_of, private_domain, registrable_domain, site_of


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


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("co.uk", None),
        ("onelabel", None),
        ("127.0.0.1", None),
        ("a.city.kawasaki.jp", "city.kawasaki.jp"),
        ("a.b.kawasaki.jp", "a.b.kawasaki.jp"),
        ("b.kawasaki.jp", None),
        ("kawasaki.jp", None),
        ("www.ck", "www.ck"),
        ("x.ck", None),
        ("a.xn--55qx5d.cn", "a.xn--55qx5d.cn"),
        ("a.unknown-suffix", "a.unknown-suffix"),
        ("xn--\u00fc.example", "xn--\u00fc.example"),
    ],
)
def test_what_has_no_owner_has_no_private_domain(host: str, domain: str | None) -> None:
    assert private_domain(host) == domain


def test_the_lists_own_class_finds_the_same() -> None:
    rules = files("publicsuffixlist").joinpath("public_suffix_list.dat").read_text("utf-8").splitlines()[::40]
    theirs = PublicSuffixList()
    for rule in rules:
        if rule.isascii() and rule.strip() and "/" not in rule:
            for host in (rule.strip("!*."), f"a.{rule.strip('!*.')}", f"b.a.{rule.strip('!*.')}"):
                assert private_domain(host.lower()) == theirs.privatesuffix(host.lower()), host


@pytest.mark.parametrize(
    ("url", "site"),
    [
        ("https://app.example.co.uk:8443/x", "https://example.co.uk"),
        ("wss://app.example.com/", "https://example.com"),
        ("http://127.0.0.1:8080/", "http://127.0.0.1"),
        ("http://[::1]:8080/", "http://[::1]"),
    ],
)
def test_a_site_has_no_port_and_no_subdomain(url: str, site: str) -> None:
    assert site_of(URL(url)) == site
