"""What a response says about the session."""

import time
from contextlib import nullcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict
from yarl import URL

from aura_browser.errors import AuraError, RateLimited, SiteFailed
from aura_browser.http.verdict import (
    Verdict,
    describe_redirect,
    find_login_mark,
    is_check,
    judge,
    judge_plain,
    needs_first_bytes,
    raise_for_status,
    retry_after_s,
)
from aura_browser.site import Site, openchat_site, page_site

CHAT = openchat_site("https://chat.example.com")
API = URL("https://chat.example.com/api/chat")
PAGE = URL("https://chat.example.com/")
HTML = {"content-type": "text/html; charset=utf-8"}
CHECK = b'<!doctype html><html><head><title>Just a moment...</title></head><body class="no-js">'
NGINX = b"<html>\r\n<head><title>503 Service Temporarily Unavailable</title></head>\r\n<body>"


@pytest.mark.parametrize(
    ("url", "status", "headers", "first_bytes", "verdict"),
    [
        (API, 200, {}, b"", Verdict.OK),
        (API, 200, {}, b"<!doctype html><html>", Verdict.OK),  # an answer may be HTML code; it has no type
        (API, 200, {"Content-Type": "text/plain"}, b"", Verdict.OK),
        (API, 200, HTML, b"", Verdict.SUSPECT),
        (PAGE, 200, HTML, b"", Verdict.OK),
        (API, 401, HTML, b"", Verdict.STALE),
        (API, 403, {}, b"", Verdict.SUSPECT),
        (API, 419, {}, b"", Verdict.STALE),
        (PAGE, 401, {}, b"", Verdict.STALE),
        (API, 302, {"Location": "/login?next=x"}, b"", Verdict.SUSPECT),
        (API, 303, {"Location": "https://sso.example.com/api/chat"}, b"", Verdict.SUSPECT),
        (API, 307, {"Location": "http://chat.example.com/api/chat"}, b"", Verdict.SUSPECT),
        (API, 302, {}, b"", Verdict.OK),
        (API, 308, {"Location": "/api/chat/"}, b"", Verdict.OK),
        (API, 302, {"Location": "http://["}, b"", Verdict.SUSPECT),
        (API, 302, {"Location": "mailto:a@b"}, b"", Verdict.SUSPECT),
        (API, 302, {"Location": "javascript:x"}, b"", Verdict.SUSPECT),
        (API, 503, HTML, b"<h1>Down for maintenance</h1><script src=/ga.js>", Verdict.FAILED),
        (PAGE, 302, {"Location": "/home"}, b"", Verdict.SUSPECT),
        (PAGE, 302, {"Location": "/?login=1"}, b"", Verdict.SUSPECT),  # another query is another address
        (PAGE, 302, {"Location": "https://chat.example.com:443/"}, b"", Verdict.OK),
        (PAGE, 200, HTML, b'<form><input name=p type="password">', Verdict.SUSPECT),
        (PAGE, 200, HTML, CHECK, Verdict.SUSPECT),
        (PAGE, 400, HTML, b"<input type=password>", Verdict.FAILED),
        (PAGE, 403, HTML, CHECK, Verdict.SUSPECT),
        (PAGE, 503, HTML, b"<input type=password>", Verdict.STALE),
        (API, 200, {"cf-mitigated": "challenge"}, b"", Verdict.STALE),
        (API, 429, {"cf-mitigated": "challenge"}, b"", Verdict.LIMITED),
        (API, 429, {}, b"", Verdict.LIMITED),
        (API, 503, HTML | {"Retry-After": "1"}, CHECK, Verdict.STALE),
        (API, 503, HTML, NGINX, Verdict.FAILED),
        (API, 503, {"Retry-After": "9"}, b"", Verdict.FAILED),
        (API, 502, HTML, b"", Verdict.FAILED),
        (API, 504, HTML, b"", Verdict.FAILED),
        (API, 500, {"Content-Type": "text/plain"}, b"Error", Verdict.FAILED),
        (API, 404, {}, b"", Verdict.FAILED),
    ],
)
def test_the_table(url: URL, status: int, headers: dict[str, str], first_bytes: bytes, verdict: Verdict) -> None:
    ruling = judge(CHAT, url, status, CIMultiDict(headers), first_bytes=first_bytes, now=0.0)
    assert ruling.verdict is verdict
    assert str(status) in ruling.mark


def test_any_other_site_may_answer_in_html() -> None:
    site = page_site("https://chat.example.com")
    assert judge(site, API, 200, CIMultiDict(HTML), now=0.0).verdict is Verdict.OK


def test_a_mark_shows_no_token_and_no_escape_sequence() -> None:
    headers = CIMultiDict({"Location": "https://u:s3cret@sso.example.com/\x1b[31mlogin?token=s3cret#s3cret"})
    mark = judge(CHAT, API, 302, headers, now=0.0).mark
    assert "sso.example.com" in mark
    assert "s3cret" not in mark
    assert "\x1b" not in mark


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7.0),
        (" 0 ", 0.0),
        ("Thu, 01 Jan 1970 00:02:00 GMT", 20.0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        ("", None),
        ("Thu, 01 Jan 1970 00:02:00", 20.0),  # without a zone it is GMT, in each of the three forms
        ("Thursday, 01-Jan-70 00:02:00 GMT", 20.0),
        ("Thu Jan  1 00:02:00 1970", 20.0),
        ("soon", None),
        ("-5", None),
        ("9" * 5000, None),
        ("Thu, 01 Jan 99999 00:00:00 GMT", None),
    ],
)
def test_retry_after(text: str, seconds: float | None) -> None:
    assert retry_after_s({"Retry-After": text}, now=100.0) == seconds


@given(st.integers(100, 599), st.dictionaries(st.sampled_from(["Location", "Retry-After", "Content-Type"]), st.text()))
def test_any_answer_gets_a_verdict(status: int, headers: dict[str, str]) -> None:
    assert judge(CHAT, API, status, CIMultiDict(headers), now=0.0).verdict in Verdict


def test_the_body_is_looked_at_only_where_it_decides() -> None:
    assert needs_first_bytes(CHAT, 503, CIMultiDict(HTML))
    assert not needs_first_bytes(CHAT, 503, CIMultiDict({}))
    assert needs_first_bytes(CHAT, 200, CIMultiDict(HTML))
    assert not needs_first_bytes(CHAT, 200, CIMultiDict({"Content-Type": "application/json"}))
    assert not needs_first_bytes(CHAT, 404, CIMultiDict(HTML))


@pytest.mark.slow
@pytest.mark.parametrize("piece", [b"<body", b"<input ", b"<title>", b"<", b" ", b"<body no-js", b"<input type=pass"])
def test_a_mebibyte_of_anything_is_judged_in_no_time(piece: bytes) -> None:
    began = time.process_time()
    judge(CHAT, PAGE, 503, CIMultiDict(HTML), first_bytes=piece * (2**20 // len(piece)), now=0.0)
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    ("status", "headers", "body", "mark"),
    [
        (200, {}, b"", "status 200"),
        (429, {"Retry-After": "7"}, b"", "status 429"),
        (401, {}, b"", "status 401"),
        (403, {}, b"", "status 403"),
        (200, {"CF-Mitigated": "Challenge"}, b"", "status 200, cf-mitigated: challenge"),
        (503, HTML, CHECK, "status 503 with a check page"),
        (200, HTML, CHECK, "status 200 with a check page"),
        (399, HTML, b"<input type=password>", "status 399 with a page with a password field"),
        (200, {"Content-Type": "application/xhtml+xml"}, b"", "status 200 with an HTML page from an API path"),
        (400, HTML, b"", "status 400"),
        (302, {"Location": "/login?next=s3cret"}, b"", "status 302 to https://chat.example.com/login"),
        (302, {"Location": "http://["}, b"", "status 302 to a malformed URL"),
        (302, {"Location": "/api/chat"}, b"", "status 302"),
    ],
)
def test_the_mark_says_what_decided(status: int, headers: dict[str, str], body: bytes, mark: str) -> None:
    """And a site's own definition did not, nor is there a wait if the site names none."""
    ruling = judge(CHAT, API, status, CIMultiDict(headers), first_bytes=body, now=0.0)
    waits_s = 7.0 if status == 429 else None
    assert (ruling.mark, ruling.retry_after_s, ruling.is_marked) == (mark, waits_s, False)


@pytest.mark.parametrize(
    ("url", "location", "stays"),
    [
        ("http://a.example/x", "https://a.example/x", True),
        ("http://a.example/x", "https://a.example:8443/x", False),
        ("http://a.example:8080/x", "https://a.example/x", False),
        ("http://a.example:8080/x", "http://a.example:8080/x/", True),
        ("https://a.example/x/", "/x", True),
        ("https://a.example:80/x", "https://a.example/x", False),
        ("https://a.example/x", "http://a.example/x", False),
        ("https://a.example/x", "https://b.example/x", False),
        ("https://a.example/x?a=1", "/x?a=1", True),
        ("https://a.example/x?a=1", "/x?a=2", False),
        ("https://a.example/x?a=1", "/x?a=1%26b=2", False),
        ("https://a.example/me@b?to=/x", "/me%40b?to=%2Fx", True),
        ("https://a.example/x", "/y", False),
        ("https://a.example/x", "/x~", False),
        ("https://a.example/x~", "/x", False),
    ],
)
def test_a_redirect_stays_if_it_adds_tls_or_a_slash(url: str, location: str, *, stays: bool) -> None:
    assert (describe_redirect(URL(url), 307, CIMultiDict({"Location": location})) == "") is stays
    assert describe_redirect(URL(url), 200, CIMultiDict({"Location": "/elsewhere"})) == ""


@pytest.mark.parametrize(
    ("body", "mark"),
    [
        (b"<BODY lang=de class='no-js x'>", "a check page"),
        (b"<body class=no-jsx>", ""),
        (b"<title>\n Just a Moment...", "a check page"),
        (b"<script src=/cdn-cgi/challenge-platform/x.js>", "a check page"),
        (b"<INPUT name=p type=password>", "a page with a password field"),
        (b"<input type='password'>", "a page with a password field"),
        (b'<input type="passwords">', ""),
        (b"<p>Hello", ""),
    ],
)
def test_what_shows_a_login_or_a_check(body: bytes, mark: str) -> None:
    assert find_login_mark(body) == mark
    assert is_check(CIMultiDict(HTML), body) is (mark == "a check page")
    assert not is_check(CIMultiDict({"Content-Type": "text/plain"}), body)
    assert is_check(CIMultiDict({"cf-mitigated": "Challenge"}), body)
    assert not is_check(CIMultiDict({"cf-mitigated": "other"}), b"")


@pytest.mark.parametrize(
    ("status", "headers", "error"),
    [
        (200, HTML, SiteFailed("https://chat.example.com/api/chat", 200, "Why")),
        (299, {}, None),
        (300, {}, SiteFailed("https://chat.example.com/api/chat", 300, "Why")),
        (302, {"Location": "/login"}, SiteFailed("https://chat.example.com/api/chat", 302, "Why")),
        (401, {}, SiteFailed("https://chat.example.com/api/chat", 401, "Why")),
        (503, {"Retry-After": "7"}, SiteFailed("https://chat.example.com/api/chat", 503, "Why", 7.0)),
        (429, {"Retry-After": "7"}, RateLimited("https://chat.example.com/api/chat", 7.0)),
    ],
)
def test_a_status_that_is_no_success_is_an_error_for_its_caller(
    status: int, headers: dict[str, str], error: AuraError | None
) -> None:
    expectation = pytest.raises(AuraError) if error else nullcontext()
    with expectation as caught:
        raise_for_status(CHAT, API.with_query("key=s3cret"), status, CIMultiDict(headers), "Why", now=0.0)
    if caught is not None:
        assert (type(caught.value), vars(caught.value)) == (type(error), vars(error))


HEADERS = st.dictionaries(st.sampled_from(["Content-Type", "cf-mitigated", "X-Own"]), st.just("challenge"))


@given(
    st.sampled_from([200, 201, 204, 401, 429]),
    HEADERS,
    st.sampled_from([CHAT, Site("https://a.example/", dropped="200")]),
)
def test_the_short_way_says_the_same_and_is_there_for_plain_answers(
    status: int, headers: dict[str, str], site: Site
) -> None:
    given_headers = CIMultiDict(headers)
    ruling = judge_plain(site, status, given_headers)
    is_plain = status == 200 and site is CHAT and headers.keys() <= {"X-Own"}
    assert ruling == (judge(site, API, status, given_headers, now=0.0) if is_plain else None)
