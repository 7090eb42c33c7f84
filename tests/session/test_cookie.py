"""Whole cookies: where they go, in which order, and how a site changes them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from aura_browser.session import Session
from aura_browser.session.cookie import Cookie, cookie_header, is_of_site
from aura_browser.session.cookie_store import apply_changes, diff_cookies, fold_set_cookies
from aura_browser.session.set_cookie import parse_set_cookie
from tests.parts.sessions import make_cookie, make_session

NOW = 1_000_000.0
HOME = URL("https://app.example.com/a/b")


def cookie(**facts: object) -> Cookie:
    return make_cookie(**({"name": "n", "value": "v", "domain": "app.example.com"} | facts))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("facts", "url", "goes"),
    [
        ({}, "https://app.example.com/", True),
        ({}, "https://x.app.example.com/", False),
        ({"host_only": False}, "https://x.app.example.com/", True),
        ({"host_only": False}, "https://xapp.example.com/", False),
        ({"domain": "example.com", "host_only": False}, "https://app.example.com/", True),
        ({"domain": "example.com"}, "https://app.example.com/", False),
        ({"domain": "0.0.1", "host_only": False}, "http://127.0.0.1/", False),
        ({"domain": "::1"}, "http://[::1]:8080/", True),
        ({"path": "/a"}, "https://app.example.com/a", True),
        ({"path": "/a"}, "https://app.example.com/a/b", True),
        ({"path": "/a"}, "https://app.example.com/ab", False),
        ({"path": "/a/"}, "https://app.example.com/a", False),
        ({"secure": True}, "http://app.example.com/", False),
        ({"secure": True}, "https://app.example.com/", True),
        ({"secure": True, "domain": "127.0.0.1"}, "http://127.0.0.1:8080/", True),
        ({"secure": True, "domain": "localhost"}, "http://localhost:8080/", True),
        ({"expires": NOW - 1}, "https://app.example.com/", False),
        ({"expires": NOW + 1}, "https://app.example.com/", True),
        ({"partition_key": "https://example.com"}, "https://app.example.com/", True),
        ({"partition_key": "https://elsewhere.org"}, "https://app.example.com/", False),
        ({"partition_key": "https://example.com", "has_cross_site_ancestor": True}, "https://app.example.com/", False),
        ({"path": "/app;v=1"}, "https://app.example.com/app;v=1/x", True),
        ({"path": "/app;v=1"}, "https://app.example.com/app", False),
    ],
)
def test_where_a_cookie_goes(facts: dict[str, object], url: str, *, goes: bool) -> None:
    assert cookie(**facts).goes_to(URL(url), NOW) is goes


def test_the_header_is_in_the_browsers_order_and_untouched() -> None:
    cookies = [
        cookie(name="z", value="1"),
        cookie(name="a", value='"q, uoted"'),
        cookie(name="z", value="deep", path="/a"),
        cookie(name="", value="nameless"),
        cookie(name="gone", expires=NOW),
    ]
    assert cookie_header(cookies, HOME, NOW) == 'z=deep; z=1; a="q, uoted"; nameless'


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("a=b", {"name": "a", "value": "b", "domain": "app.example.com", "host_only": True, "path": "/a"}),
        (" a = b=c== ; Path=/", {"name": "a", "value": "b=c==", "path": "/"}),
        ("a=b; Domain=.Example.COM", {"domain": "example.com", "host_only": False}),
        ("a=b; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT", {"expires": NOW + 60}),
        ("a=b; Expires=Fri, 16 Jan 1970 00:00:00 GMT", {"expires": 1296000.0}),
        ("a=b; Max-Age=soon", {"expires": None}),
        ("a=b; Max-Age=+5", {"expires": NOW + 5}),
        ("a=b; Max-Age=-5", {"expires": 0.0}),
        ("a=b; Max-Age=99999999999999999999", {"expires": NOW + 400 * 86400}),
        ("a=b; Max-Age=-99999999999999999999", {"expires": 0.0}),
        ("a=b; Max-Age=5s; Expires=Fri, 16 Jan 1970 00:00:00 GMT", {"expires": 1296000.0}),
        ("a=b; Expires=Fri, 16-Jan-70 00:00:00 GMT", {"expires": 1296000.0}),
        ("a=b; Expires=Fri, 16 Jan 2070 00:00:00 GMT", {"expires": NOW + 400 * 86400}),
        ("a=b; Max-Age=9223372036854775807s", {"expires": None}),
        ("a=b; Max-Age=9223372036854775808s", {"expires": NOW + 400 * 86400}),
        ("a=b; Max-Age=0", {"expires": 0.0}),
        ("a=b; Max-Age=", {"expires": None}),
        ("a=b; Path=x", {"path": "/a"}),
        (f"a={'b' * 4095}", {"value": "b" * 4095}),
        (f"a={'é' * 2047}b", {"value": "é" * 2047 + "b"}),
        ("a=b; Priority=HIGH", {"priority": "High"}),
        ("a=b; Secure; SameSite=NONE", {"same_site": "None"}),
        ("a=b; SameSite=strict", {"same_site": "Strict"}),
        ("\ta\t=\tb\t", {"name": "a", "value": "b"}),
        ("\tnovalue ", {"name": "", "value": "novalue"}),
        ("a=b;\tSecure\t; HttpOnly = x", {"secure": True, "http_only": True}),
        (f"a=b; Path=/x; Path=/{'p' * 1024}", {"path": "/x"}),
        (f"a=b; Path=/x; Path=/{'é' * 512}", {"path": "/x"}),
        (f"a=b; Path=/{'p' * 1023}", {"path": f"/{'p' * 1023}"}),
        (f"a=b; Secure={'s' * 1025}", {"secure": False}),
        ("a=b; Domain=example.com; Domain=", {"domain": "app.example.com", "host_only": True}),
        ("a=b", {"source_scheme": "Secure", "source_port": 443, "priority": "Medium"}),
        ("a=b; Priority=low", {"priority": "Low"}),
        (
            "a=b; Secure; Partitioned",
            {"partition_key": "https://example.com", "has_cross_site_ancestor": False},
        ),
        ("__Http-a=b; Secure; HttpOnly", {"name": "__Http-a"}),
        ("__Host-Http-a=b; Secure; HttpOnly; Path=/", {"name": "__Host-Http-a"}),
        ("a=b; Expires=Wed, 09 Foo 2026 10:00:00 GMT", {"expires": None}),
        ("a=b; secure; HTTPONLY; samesite=lax", {"secure": True, "http_only": True, "same_site": "Lax"}),
        ("a=b; SameSite=else", {"same_site": None}),
        ('a="b c,d"', {"value": '"b c,d"'}),
        ("novalue", {"name": "", "value": "novalue"}),
        ("a=", {"name": "a", "value": ""}),
        ("__Host-a=b; Secure; Path=/", {"name": "__Host-a"}),
    ],
)
def test_reading_set_cookie(header: str, expected: dict[str, object]) -> None:
    read = parse_set_cookie(header, HOME, NOW)
    assert read is not None
    assert {name: getattr(read, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("header", "url"),
    [
        ("", HOME),
        ("=", HOME),
        ("a=caf\udce9", HOME),
        ("a=b; Path=/\udce9", HOME),
        ("a=b; Path=/x\ty", HOME),
        ("a=b\x01c", HOME),
        (f"a={'b' * 4096}", HOME),
        (f"a={'é' * 2048}", HOME),
        ("a=b\x1fc", HOME),
        ("a=b\x7fc", HOME),
        ("a=b; x\x1f=y", HOME),
        ("__Secure-a=b; HttpOnly", HOME),
        ("=__Http-a", HOME),
        ("__Host-a=b; Secure; Path=/; Domain=127.0.0.2", URL("http://127.0.0.1/")),
        ("a=b; Domain=elsewhere.org", HOME),
        ("a=b; Domain=deeper.app.example.com", HOME),
        ("a=b; Secure", URL("http://app.example.com/")),
        ("__Host-a=b; Path=/", HOME),
        ("__Host-a=b; Secure; Path=/; Domain=app.example.com", HOME),
        ("__Secure-a=b", HOME),
        ("__Host-a=b; Secure", URL("https://app.example.com/")),  # the path has to be written out
        ("__Http-a=b; Secure", HOME),
        ("__Host-Http-a=b; Secure; Path=/", HOME),
        ("=__Host-a", HOME),
        ("=a=b", HOME),
        ("a=b; SameSite=None", HOME),
        ("a=b; Partitioned", HOME),
        ("a=b; Domain=com", HOME),
        ("a=b; Domain=co.uk", URL("https://app.example.co.uk/")),
        ("a=b; Domain=github.io", URL("https://user.github.io/")),
        ("a=b; Domain=localhost", URL("http://app.localhost/")),
        ("a=b; Domain=0.0.1", URL("http://127.0.0.1/")),
        ("a=b; x=\ty\x01", HOME),
    ],
)
def test_what_a_site_may_not_set(header: str, url: URL) -> None:
    assert parse_set_cookie(header, url, NOW) is None


@pytest.mark.parametrize(
    ("header", "url", "expected"),
    [
        ("a=b", "http://example.com/", ("NonSecure", 80, "/")),
        ("a=b", "https://example.com/x", ("Secure", 443, "/")),
        ("a=b", "wss://example.com:8443/x/", ("Secure", 8443, "/x")),
        ("a=b; Secure", "http://localhost/x/y/z", ("Secure", 443, "/x/y")),
        ("a=b; Secure", "ws://localhost/", ("Secure", 443, "/")),
        ("a=b; Secure", "http://localhost:8080/", ("Secure", 8080, "/")),
        ("__Host-a=b; Secure; Path=/; Domain=127.0.0.1", "http://127.0.0.1/", ("Secure", 443, "/")),
        ("__Secure-a=b; Secure", "https://example.com/", ("Secure", 443, "/")),
    ],
)
def test_where_a_cookie_was_set_is_kept_with_it(header: str, url: str, expected: tuple[str, int, str]) -> None:
    read = parse_set_cookie(header, URL(url), NOW)
    assert read is not None
    assert (read.source_scheme, read.source_port, read.path) == expected


@pytest.mark.parametrize("written", ["bücher.example", "BÜCHER.example", ".xn--bcher-kva.example"])
def test_an_international_domain_is_that_of_its_address(written: str) -> None:
    read = parse_set_cookie(f"a=b; Domain={written}", URL("https://www.bücher.example/"), NOW)
    assert read is not None
    assert (read.domain, read.host_only) == ("xn--bcher-kva.example", False)
    assert parse_set_cookie("a=b; Domain=ü..example", URL("https://www.bücher.example/"), NOW) is None


@pytest.mark.parametrize(("length", "left"), [(10_240, ["old", "new"]), (10_241, ["new"])])
def test_a_partition_keeps_ten_kibibytes(length: int, left: list[str]) -> None:
    facts: dict[str, object] = {"partition_key": "https://example.com", "has_cross_site_ancestor": False, "path": "/"}
    odd = length % 2
    before = (cookie(name="old", value="é" * (length // 2 - 2_003) + "x" * odd, secure=True, **facts),)
    line = f"new={'x' * 4_000}; Path=/; Secure; Partitioned"
    assert [each.name for each in fold_set_cookies(before, [line], HOME, NOW)] == left


def test_a_partition_keeps_180_cookies() -> None:
    facts: dict[str, object] = {"partition_key": "https://example.com", "has_cross_site_ancestor": False, "path": "/"}
    full = [cookie(name=f"c{number}", **facts) for number in range(180)]
    after = fold_set_cookies(full, ["new=1; Path=/; Secure; Partitioned"], HOME, NOW)
    assert [each.name for each in after] == [*(f"c{number}" for number in range(1, 180)), "new"]
    assert fold_set_cookies(full[1:], ["new=1; Path=/; Secure; Partitioned"], HOME, NOW) == (*full[1:], after[-1])


def test_folding_replaces_deletes_and_adds() -> None:
    before = (cookie(name="a", path="/"), cookie(name="b", path="/"), cookie(name="c", path="/"))
    after = fold_set_cookies(
        before, ["b=; Max-Age=0; Path=/", "a=new; Path=/", "d=1; Path=/", "c=v; Path=/; HttpOnly"], HOME, NOW
    )
    # Chrome moves a cookie whose value changed behind the others, and leaves one of the same value in its place.
    assert [(c.name, c.value) for c in after] == [("c", "v"), ("a", "new"), ("d", "1")]
    assert after[0].http_only


def test_changes_applied_to_the_same_cookies_are_in_the_same_order() -> None:
    before = (cookie(name="a", path="/"), cookie(name="b", path="/"), cookie(name="c", path="/"))
    headers = ["a=v; Path=/; Max-Age=60", "b=2; Path=/", "c=; Path=/; Max-Age=0", "d=1; Path=/"]
    after = fold_set_cookies(before, headers, HOME, NOW)
    assert [c.name for c in after] == ["a", "b", "d"]
    assert apply_changes(before, diff_cookies(before, after)) == after


def test_folding_replaces_a_partitioned_cookie_of_the_registrable_domain() -> None:
    before = (cookie(partition_key="https://example.com", path="/", secure=True),)
    after = fold_set_cookies(before, ["n=2; Path=/; Secure; SameSite=None; Partitioned"], HOME, NOW)
    assert [c.value for c in after] == ["2"]


@pytest.mark.parametrize("host", ["localhost", "onelabel", "co.uk", "github.io", "127.0.0.1"])
def test_a_domain_that_nobody_shares_is_the_hosts_alone(host: str) -> None:
    read = parse_set_cookie(f"a=b; Domain=.{host.upper()}", URL(f"http://{host}/"), NOW)
    assert read is not None
    assert (read.domain, read.host_only) == (host, True)


@pytest.mark.parametrize(
    ("domain", "url", "is_seen"),
    [
        ("app.example.com", "https://app.example.com", True),
        ("example.com", "https://app.example.com", True),
        ("deep.app.example.com", "https://app.example.com", True),
        ("other.example.com", "https://app.example.com", False),
        ("com", "https://app.example.com", False),
        ("github.io", "https://someone.github.io", False),
    ],
)
def test_a_site_sees_cookies_of_its_parents_and_its_own_subdomains(domain: str, url: str, *, is_seen: bool) -> None:
    assert is_of_site(make_cookie(domain=domain), URL(url)) is is_seen


def test_plain_http_leaves_secure_cookies_alone() -> None:
    before = (cookie(path="/", secure=True),)
    plain = URL("http://app.example.com/")
    for header in ("n=2; Path=/", "n=; Max-Age=0; Path=/", "n=2; Path=/; Domain=example.com"):
        assert fold_set_cookies(before, [header], plain, NOW) == before
    assert len(fold_set_cookies(before, ["other=2; Path=/"], plain, NOW)) == 2


def test_partitions_are_apart() -> None:
    before = (
        cookie(value="here", partition_key="https://example.com", path="/", secure=True),
        cookie(value="there", partition_key="https://elsewhere.org", path="/", secure=True),
        cookie(
            value="framed", partition_key="https://example.com", has_cross_site_ancestor=True, path="/", secure=True
        ),
    )
    after = fold_set_cookies(before, ["n=2; Path=/; Secure; Partitioned", "n=3; Path=/"], HOME, NOW)
    assert [c.value for c in after] == ["there", "framed", "2", "3"]


def test_of_too_many_the_expired_and_the_oldest_go() -> None:
    full = [cookie(name=f"c{n}", path="/", expires=NOW + (1 if n < 5 else 100)) for n in range(180)]
    assert len(fold_set_cookies(full, ["new=1; Path=/"], HOME, NOW)) == 150
    later = fold_set_cookies(full, ["new=1; Path=/"], HOME, NOW + 2)
    assert [c.name for c in later] == [*(f"c{n}" for n in range(5, 180)), "new"]
    elsewhere = [cookie(name=f"c{n}", domain="elsewhere.org", path="/") for n in range(180)]
    assert len(fold_set_cookies(elsewhere, ["new=1; Path=/"], HOME, NOW)) == 181


@pytest.mark.parametrize(
    ("before", "left"),
    [
        ([("Low", True, 60), ("Medium", False, 60), ("High", False, 61)], [30, 59, 61]),
        ([("Low", False, 20), ("Low", True, 60), ("Medium", True, 101)], [0, 49, 101]),
        ([("Low", True, 30), ("Medium", True, 60), ("High", False, 91)], [30, 50, 70]),
        ([("Medium", True, 90), ("High", True, 91)], [59, 91]),
        ([("Medium", True, 50), ("High", True, 131)], [50, 100]),
        ([("High", True, 181)], [150]),
    ],
)
def test_of_too_many_those_of_low_priority_and_not_secure_go_first(
    before: list[tuple[str, bool, int]], left: list[int]
) -> None:
    """As in Chrome: 30 of low, 50 of medium and 70 of high priority are spared, and Secure ones go last."""
    groups = [
        [cookie(name=f"{kind}{n}", path="/", priority=priority, secure=secure) for n in range(count)]
        for kind, (priority, secure, count) in enumerate(before)
    ]
    newest = groups[-1].pop()
    secure = "; Secure" if newest.secure else ""
    line = f"{newest.name}=1; Path=/; Priority={newest.priority}{secure}"
    after = {c.identity for c in fold_set_cookies([c for group in groups for c in group], [line], HOME, NOW)}
    groups[-1].append(newest)
    assert [sum(c.identity in after for c in group) for group in groups] == left


def test_expires_is_shifted_by_the_servers_clock_and_capped_after_that() -> None:
    header = "n=1; Path=/; Expires=Mon, 12 Jan 1970 14:00:00 GMT"
    [shifted] = fold_set_cookies((), [header], HOME, NOW, "Mon, 12 Jan 1970 13:30:00 GMT")
    assert shifted.expires == NOW + 1800
    for no_date in ("", "x", "Sat, 01 Jan 99999 00:00:00 GMT"):
        [unshifted] = fold_set_cookies((), [header], HOME, NOW, no_date)
        assert unshifted.expires == 1_000_800


@pytest.mark.parametrize(
    "facts",
    [
        {"path": "/app;jsessionid=1"},
        {"path": '/a "b"/ä'},
        {"domain": "a;b.example"},
        {"name": "", "value": "ü,\\"},
        {"source_port": -1, "source_scheme": "Unset"},
        {"partition_key": "https://example.com", "has_cross_site_ancestor": True},
    ],
)
def test_whatever_chrome_hands_out_can_be_stored(facts: dict[str, object]) -> None:
    session = make_session(cookies=(cookie(**facts),))
    assert Session.from_json(session.to_json()) == session


def test_a_cookie_without_the_later_fields_can_be_read() -> None:
    data = json.loads(make_session().to_json())
    for name in ("has_cross_site_ancestor", "source_scheme", "source_port", "priority"):
        del data["cookies"][0][name]
    assert Session.from_json(json.dumps(data)) == make_session()


def test_no_value_is_shown() -> None:
    assert "s3cret" not in repr(make_cookie())
    assert "s3cret" not in str(make_cookie().__rich_repr__())


_ATTRIBUTES = ("Domain", "Path", "Expires", "Max-Age", "Secure", "SameSite", "Partitioned", "Priority", "x")
_LINES = st.lists(
    st.builds(
        "{}={}".format,
        st.sampled_from(_ATTRIBUTES),
        st.text(st.characters(codec=None)) | st.from_regex(r"[+-]?[0-9]{1,400}", fullmatch=True),
    )
)


@given(st.text(), _LINES, st.floats(min_value=0, max_value=1e10), st.text())
def test_any_header_gives_a_cookie_or_none(pair: str, attributes: list[str], now: float, date: str) -> None:
    for url in (HOME, URL("http://127.0.0.1/"), URL("https://[::1]/"), URL("http://localhost:8080/")):
        read = parse_set_cookie("; ".join([pair, *attributes]), url, now, date)
        if read is not None:
            assert Session.from_json(make_session(cookies=(read,)).to_json()).cookies == (read,)
            assert url.host == read.domain or str(url.host).endswith(f".{read.domain}")
