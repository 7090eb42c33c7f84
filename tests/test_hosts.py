"""Hosts and origins."""

from importlib.resources import files

import pytest
from publicsuffixlist import PublicSuffixList
from yarl import URL

from aura_browser.hosts import (
    domain_matches,
    host_in_url,
    host_of,
    is_same_site,
    is_trustworthy,
    origin_of,
    parse_url,
    private_domain,
    registrable_domain,
    site_of,
)

LONGEST_HOST = ".".join(["a" * 63] * 3 + ["a" * 61])  # of 253 characters


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
        (".com", None),
        ("", None),
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


@pytest.mark.parametrize(
    "text",
    [
        "http://a.example",
        "https://A.example.",
        "http://1.2.3.4:80",
        "http://[::1]:1/",
        "http://a_b.example",
        "http://b\u00fccher.example/\u00fc",
        "http://a.4.example",
        "http://a.example/?[",
        "http://a.example/x://[",
        f"http://{LONGEST_HOST}",
        f"http://a/{'x' * (8192 - 9)}",
    ],
)
def test_an_address_with_a_host_that_can_exist_is_one(text: str) -> None:
    found = parse_url(text, {"http", "https"})
    assert (found.host, found.explicit_port) == (URL(text).host, URL(text).explicit_port)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a.example",
        "/path",
        "ftp://a.example",
        "http://",
        "http://:80",
        "http://a.example:0",
        "http://[a.example]",
        "http://[v1.a]",
        "http://[fe80::1%25eth0]/",
        "http://1.2.3.256",
        "http://1.2",
        "http://a..example",
        "http://-a.example",
        "http://a-.example",
        f"http://{'a' * 64}",
        f"http://a{LONGEST_HOST[1:]}.a",
        f"http://a/{'x' * (8192 - 8)}",
        "http://\udcff.example",
        "http://a.example/\udcff",
        "http://" + "\u00fc" * 1025,
        "http://b\u00fccher..example",
        "//@@[]@",
        None,
        b"http://a.example",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        parse_url(text, {"http", "https"})


@pytest.mark.parametrize(
    ("url", "host"),
    [("http://A.Example:80/", "a.example"), ("http://[::1]/", "::1"), ("http://127.0.0.1/", "127.0.0.1"), ("/x", "")],
)
def test_a_host_is_named_as_in_a_cookies_domain(url: str, host: str) -> None:
    assert host_of(URL(url)) == host


@pytest.mark.parametrize(
    ("host", "written"), [("::1", "[::1]"), ("127.0.0.1", "127.0.0.1"), ("a.example", "a.example")]
)
def test_an_ipv6_address_has_brackets_in_a_url(host: str, written: str) -> None:
    assert host_in_url(host) == written


@pytest.mark.parametrize(
    ("host", "domain", "matches"),
    [
        ("a.example", "a.example", True),
        ("b.a.example", "a.example", True),
        ("ba.example", "a.example", False),
        ("a.example", "b.a.example", False),
        ("1.2.3.4", "1.2.3.4", True),
        ("1.2.3.4", "3.4", False),
    ],
)
def test_a_domain_is_matched_by_its_subdomains_and_an_address_by_itself(
    host: str, domain: str, *, matches: bool
) -> None:
    assert domain_matches(host, domain) is matches


@pytest.mark.parametrize(
    ("url", "answer"),
    [
        ("https://a.example/", True),
        ("wss://a.example/", True),
        ("http://a.example/", False),
        ("ws://a.example/", False),
        ("http://localhost/", True),
        ("ws://a.localhost:1/", True),
        ("http://127.9.9.9/", True),
        ("http://[::1]/", True),
        ("http://10.0.0.1/", False),
        ("http://localhost.example/", False),
    ],
)
def test_secure_cookies_go_over_tls_and_to_this_machine(url: str, *, answer: bool) -> None:
    assert is_trustworthy(URL(url)) is answer
