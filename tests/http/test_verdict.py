"""What a response says about the session."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict
from yarl import URL

from aura_browser.http.verdict import Verdict, judge, needs_first_bytes, retry_after_s
from aura_browser.site import openchat_site, page_site

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


@pytest.mark.parametrize("piece", [b"<body", b"<input ", b"<title>", b"<", b" ", b"<body no-js", b"<input type=pass"])
def test_a_mebibyte_of_anything_is_judged_in_no_time(piece: bytes) -> None:
    began = time.process_time()
    judge(CHAT, PAGE, 503, CIMultiDict(HTML), first_bytes=piece * (2**20 // len(piece)), now=0.0)
    assert time.process_time() - began < 5
