"""Sites and the conditions that make them ready."""

from dataclasses import replace
from typing import Any

import pytest
from yarl import URL

from aura_browser import Attach, Grid, Session, SiteClient
from aura_browser.errors import AuraError, InvalidInput
from aura_browser.playground.upstream import make_upstream_answerer
from aura_browser.proxy.address import check_proxy
from aura_browser.site import OPENCHAT, Condition, Probe, Site, openchat_site, page_site, page_url, site_at
from aura_browser.site.json_path import read_path
from aura_browser.site.mark import Answer, Mark
from tests.parts.sessions import make_session

NO_USER = "leave the user name and password out; log in with --interactive or --basic instead"
NO_ORIGIN = "must be origins such as https://api.example.com, without a path or a default port"
REWRITTEN = "write the host as browsers show it: a name, or an IP address in full, such as 127.0.0.1"


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("openchat.team", "https://openchat.team"),
        ("localhost:3000/x", "http://localhost:3000/x"),
        ("http://127.0.0.1:80/a?b#c", "http://127.0.0.1/a?b#c"),
        ("https://EXAMPLE.com:443", "https://example.com"),
        ("https:/example.com/x", "https://example.com/x"),
        ("HTTPS:\\\\example.com", "https://example.com"),
        ("localhost:3000/?next=https://example.com", "http://localhost:3000/?next=https://example.com"),
        ("example.com/login?to=a://b", "https://example.com/login?to=a://b"),
    ],
)
def test_an_address_is_made_whole(text: str, url: str) -> None:
    assert URL(page_url(text)) == URL(url)


@pytest.mark.parametrize(
    "text", ["http://a:99999", "127.0.0.1:65536", "https://a.example:0/x?y=http://b:1", "http://[::1]:70000/"]
)
def test_a_port_that_no_program_can_have_is_named(text: str) -> None:
    with pytest.raises(InvalidInput, match="its port must be from 1 to 65535"):
        page_url(text)


@pytest.mark.parametrize("text", ["", "ftp://example.com", "https://", "javascript:alert(1)", "http://[::1"])
def test_no_address_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="url: not an http or https address"):
        page_url(text)


@pytest.mark.parametrize("value", [None, 5, b"https://example.com", ["https://example.com"]])
def test_what_is_not_text_is_refused(value: Any) -> None:  # noqa: ANN401 - it has the wrong type
    with pytest.raises(InvalidInput, match="url: must be text"):
        page_url(value)


@pytest.mark.parametrize(
    "host",
    [
        "127.1",
        "0x7f.1",
        "2130706433",
        "0177.0.0.1",
        "127.0.0.1.",
        "1.2.3.4.5",
        "foo.123",
        "a.0x",
        "ex%61mple.com",
        "127.1:80",
    ],
)
def test_a_host_that_browsers_rewrite_is_refused_early(host: str) -> None:
    with pytest.raises(InvalidInput, match=r"as browsers show it: .*127\.0\.0\.1"):
        page_url(f"http://{host}/")


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]:80", "1and1.com", "a.b2", "xn--bcher-kva.example", "localhost"])
def test_other_hosts_are_taken(host: str) -> None:
    assert page_url(f"http://{host}/")


@pytest.mark.parametrize(
    ("url", "moves"),
    [
        ("http://example.com", {"https://example.com", "http://www.example.com", "https://www.example.com"}),
        ("https://example.com/x", {"https://www.example.com"}),
        ("https://www.example.com", set()),
        ("http://127.0.0.1:8080", {"https://127.0.0.1:8080"}),
        ("http://[::1]", {"https://[::1]"}),
    ],
)
def test_a_site_may_move_to_https_and_to_www_and_nowhere_else(url: str, moves: set[str]) -> None:
    site = page_site(url)
    assert {str(origin) for origin in site.own_origins} == moves | {site.origin}
    for other in (
        "http://example.org",
        "https://login.example.com",
        "https://example.com:8443",
        "http://127.0.0.2:8080",
    ):
        assert not site.owns(URL(other))


def test_a_password_in_the_address_is_refused_and_not_shown() -> None:
    with pytest.raises(InvalidInput) as caught:
        page_url("https://me:s3cret@example.com")
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("open chat.team", "has a blank inside; write one address, such as https://openchat.team"),
        ("https://me@example.com", NO_USER),
        ("https://:pw@example.com", NO_USER),
        ("http://foo.123", REWRITTEN),
        (
            "http://me:pw@127.1:80",
            REWRITTEN,
        ),
        ("http://127.1/", REWRITTEN),
    ],
)
def test_it_is_said_what_is_wrong_with_an_address(text: str, problem: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        page_url(text)
    assert str(caught.value) == f"url: {problem}"


@pytest.mark.parametrize(
    "text", ["cookie:sid", "selector:a[href^='x:y']", "url:*/home", "text:Welcome", "js:window.ready"]
)
def test_conditions_are_read_and_written(text: str) -> None:
    assert str(Condition.parse(text)) == text


@pytest.mark.parametrize("text", ["", "sid", "cookie:", "xpath://a"])
def test_an_unknown_condition_is_refused_with_the_forms_that_exist(text: str) -> None:
    with pytest.raises(InvalidInput, match=f"^until: '{text}' is not one of cookie:NAME, selector:CSS"):
        Condition.parse(text)


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        ("200", Mark(200)),
        ("200 application/json", Mark(200, type="application/json")),
        ("text/*", Mark(type="text/*")),
        ("302 /login*", Mark(302, location="/login*")),
        *((text, Mark(location=text)) for text in ("*login*", "http://id.example/*", "https://id.example/*")),
        ("header X-Error", Mark(header="X-Error")),
        ("401 header X-Error: no session", Mark(401, header="X-Error", value="no session")),
        ("no header X-User", Mark(without_header="X-User")),
        ("json:data.user", Mark(json="data.user")),
        ("200 json:code=1=2", Mark(200, json="code", json_value="1=2")),
        ("json:code=", Mark(json="code", json_value="")),
        ("body:Who are you: nobody?", Mark(text="Who are you: nobody?")),
    ],
)
def test_a_mark_is_read_and_written(text: str, mark: Mark) -> None:
    assert Mark.parse(text) == mark
    assert str(mark) == text
    assert mark.needs_body == ("json:" in text or "body:" in text)


@pytest.mark.parametrize(
    "text", ["", " ", "maybe", "body:", "json:", "json:=1", "600", "20", "200 what is that", "header "]
)
def test_a_mark_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match=f"^mark: '{text}' has another form than a status, and then nothing"):
        Mark.parse(text)


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        *(("200", True), ("401", False), ("application/json", True), ("text/html", False)),
        *(("/app*", False), ("header X-User", True), ("header X-User: ann", True), ("header X-User: bob", False)),
        *(("header X-Error", False), ("no header X-User", False), ("no header X-Error", True)),
        *(("json:a", True), ("json:a=1", True), ("json:a=2", False), ("json:b", False), ("body:a", True)),
        *(("body:who", False), ("401 json:a", False), ("200 header X-Error", False), ("200 body:a", True)),
    ],
)
def test_a_mark_fits_an_answer_if_all_of_it_does(text: str, *, fits: bool) -> None:
    headers = {"Content-Type": "Application/JSON; charset=utf-8", "X-User": "ann"}
    assert Mark.parse(text).matches(Answer(200, headers, None, b'{"a": 1}')) is fits


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        *(("302", True), ("302 /login", True), ("302 /login*", True), ("302 /log", False)),
        *(("302 /login?next=%2F", True), ("302 /login?next=/", True), ("302 *next=/*", True), ("302 /login?", False)),
        *(("302 https://a.example/login", True), ("302 https://a.example/*x=y", False)),
    ],
)
def test_a_mark_of_a_redirect_fits_where_it_leads(text: str, *, fits: bool) -> None:
    location = URL("https://a.example/login?next=%2F", encoded=True)
    assert Mark.parse(text).matches(Answer(302, {}, location, b"")) is fits


def test_what_is_at_a_path_of_json_is_text() -> None:
    read = [read_path('{"a": {"c": "\u00e9", "b": 1}, "n": null, "s": "t"}', path) for path in ("a", "n", "s", "x.y")]
    assert read == ['{"b": 1, "c": "\u00e9"}', None, "t", None]


@pytest.mark.parametrize(
    ("facts", "needs_body"),
    [
        ({}, False),
        ({"good": "200", "dropped": ("401", "302 /login*")}, False),
        ({"identity": "json:id"}, True),
        ({"good": "json:id"}, True),
        ({"good": "200", "dropped": "body:who"}, True),
    ],
)
def test_the_body_is_needed_where_a_probe_looks_into_it(facts: dict[str, Any], *, needs_body: bool) -> None:
    assert Probe("/x", **facts).needs_body is needs_body


def test_what_may_be_secret_of_a_probe_and_a_site_is_not_shown() -> None:
    probe = Probe("/x;id=s3cret?token=s3cret", "POST", {"X-Key": "s3cret"}, b"s3cret")
    assert probe.describe() == "asked POST /x"
    shown = replace(probe, path="/x")
    site = Site("https://a.example", stated_headers={"X-Key": "s3cret"}, derive=lambda _, _m: {}, probe=shown)
    assert repr(shown) == "Probe(path='/x', method='POST', good=(), dropped=(), identity='')"
    assert not any(word in repr(site) for word in ("s3cret", "stated_headers", "derive"))


@pytest.mark.parametrize(
    ("origin", "problem"),
    [
        ("https://a.example/", NO_ORIGIN),
        ("https://api.a.example:443", NO_ORIGIN),
        ("ws://api.a.example", NO_ORIGIN),
        ("https://b.example", "https://b.example belongs to another site; a session is never sent there"),
    ],
)
def test_a_further_origin_is_of_the_same_site(origin: str, problem: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        Site("https://a.example", origins=(origin,))
    assert str(caught.value) == f"origins: {problem}"
    assert Site("https://a.example", origins=("http://a.example", "https://x.a.example:8443")).origins


def test_openchat() -> None:
    assert OPENCHAT.origin == "https://openchat.team"
    assert [str(condition) for condition in OPENCHAT.ready] == [
        "selector:body:not(.no-js)",
        'selector:textarea[placeholder^="Type a message"]',
    ]
    assert OPENCHAT.is_api(URL("https://openchat.team/api/chat"))
    assert not OPENCHAT.is_api(URL("https://openchat.team/"))
    assert not OPENCHAT.is_api(URL("https://openchat.team.evil.org/api/chat"))
    assert not page_site("https://openchat.team").is_api(URL("https://openchat.team/api/chat"))
    assert openchat_site("http://127.0.0.1:8080/de").origin == "http://127.0.0.1:8080"
    assert site_at("https://a.example/x", dialect="openchat-ui") == openchat_site("https://a.example/x")
    assert site_at("https://a.example/x") == page_site("https://a.example/x")


@pytest.mark.parametrize(
    "text",
    [
        "http://[::g]/",
        "http://[1:2:3:4:5:6:7:8:9]",
        "http://[fe80::1%eth0]/",
        "http://[v1.x]/",
        "https://xn--/",
        "https://xn--zz--.com",
        "https://a..b",
        "https://-a.com",
        "https://a b.com",
        "https://a%20b.com",
        "https://*.com",
        "https://1.2.3.4.5",
        "https://256.1.1.1",
        "https://" + "a" * 64 + ".com",
        "https://" + "a." * 130 + "com",
        "https://\udcff/",
        "https://a/\udcff",
        "https://a/" + "x" * 9000,
        "https://a:0/",
        "https://" + "\u2488" * 20_000,
        "https://me@[",
    ],
)
def test_an_address_that_cannot_exist_is_refused_everywhere(text: str) -> None:
    for use in (
        page_url,
        page_site,
        Site,
        lambda url: Site("https://a.example", origins=(url,)),
        Grid,
        lambda url: Attach(url.partition("//")[2]),
        check_proxy,
        SiteClient,
        lambda url: make_upstream_answerer(url, None),
        lambda url: Session.from_json(make_session("https://a.example").to_json().replace("https://a.example", url)),
    ):
        with pytest.raises(AuraError) as caught:
            use(text)
        assert caught.value.__cause__ is caught.value.__context__ is None


def test_a_command_that_is_shown_has_no_query() -> None:
    assert "s3cret" not in page_site("https://a.example/x?code=s3cret#access_token=s3cret").login_command()


def test_a_login_is_in_a_window_or_with_a_password() -> None:
    site = page_site("https://a.example")
    assert site.login_command() == "aura-browser harvest https://a.example --interactive"
    basic = replace(site, login="basic")
    assert basic.login_command("--json") == "aura-browser harvest https://a.example --basic --json"
    assert basic.login_command(how="--interactive") == site.login_command()


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("localhost:8765", "http://localhost:8765"),
        ("127.0.0.1:8765/app", "http://127.0.0.1:8765/app"),
        ("[::1]:8765", "http://[::1]:8765"),
        (" example.com ", "https://example.com"),
    ],
)
def test_an_address_without_a_scheme_is_http_on_this_machine_and_https_elsewhere(text: str, url: str) -> None:
    assert URL(page_url(text)) == URL(url)


@pytest.mark.parametrize("text", ["open chat.team", "https://example.com/a b", "http://exam\tple.com"])
def test_a_blank_inside_an_address_is_said(text: str) -> None:
    with pytest.raises(InvalidInput, match="has a blank inside"):
        page_url(text)
