"""What an answer to a probe says: what is compared of two answers, and which accounts and ended cookies it names."""

import pytest
from multidict import CIMultiDict
from yarl import URL

from aura_browser.http.comparison import ProbeAnswer, find_resets
from aura_browser.http.verdict import judge
from aura_browser.site import Probe, page_site
from tests.parts.sessions import make_cookie, make_session

HTML = {"Content-Type": "Text/HTML; charset=utf-8"}
LOGIN = b"<input type=password>"
MARKED = Probe("/me", good="200 application/json", dropped="header X-Gone")
NOW = 5000.0


def make_answer(
    status: int = 200, headers: dict[str, str] | None = None, body: bytes = b"", cookies: tuple[str, ...] = ()
) -> ProbeAnswer:
    """Return what is made of an answer to ``/me``."""
    url, given = URL("https://example.com/me"), CIMultiDict(headers or {})
    ruling = judge(page_site("https://example.com/"), url, status, given, first_bytes=body, now=NOW)
    return ProbeAnswer(url, status, given, body, cookies, "", ruling)


@pytest.mark.parametrize(
    ("answer", "identity", "described"),
    [
        (make_answer(), None, "200"),
        (make_answer(404), "a1b2", "404; a1b2"),
        (make_answer(200, HTML, LOGIN), None, "200; text/html; a page with a password field"),
        (make_answer(200, {"Content-Type": "text/plain"}, LOGIN), None, "200; text/plain"),
        (make_answer(401, {"www-authenticate": "Basic"}), None, "401; asks for a login"),
        (make_answer(302, {"Location": "/in;id=s3cret?t=s3cret"}), None, "302; to https://example.com/in"),
        (make_answer(302, {"Location": "http://["}), None, "302"),
        (make_answer(200, cookies=("sid=; Path=/",)), None, "200; ends sid"),
        (make_answer(200, cookies=("kept=; Path=/",)), None, "200"),
    ],
)
def test_what_is_compared_is_a_short_text(answer: ProbeAnswer, identity: str | None, described: str) -> None:
    """It is kept with the session, and compared with what later answers look like."""
    cookies = tuple(make_cookie(name, domain="example.com") for name in ("sid", "kept"))
    session = make_session("https://example.com", cookies=cookies)
    assert answer.describe(session, NOW, identity, {"kept"}) == described


@pytest.mark.parametrize(
    ("answer", "plain", "marked"),
    [
        (make_answer(200), True, True),
        (make_answer(401), True, True),
        (make_answer(499), True, True),
        (make_answer(429), False, False),
        (make_answer(500), False, False),
        (make_answer(503, HTML, LOGIN), True, True),
        (make_answer(503, HTML, b"challenge-platform"), False, True),
        (make_answer(403, {"cf-mitigated": "challenge"}), False, True),
        (make_answer(302, {"Location": "/me"}), False, True),
        (make_answer(302, {"Location": "/login"}), True, True),
    ],
)
def test_which_answers_to_a_stranger_say_something(answer: ProbeAnswer, *, plain: bool, marked: bool) -> None:
    assert (answer.says_something(Probe("/me")), answer.says_something(MARKED)) == (plain, marked)


@pytest.mark.parametrize(
    ("answer", "plain", "marked"),
    [
        (make_answer(200, {"Content-Type": "application/json"}), "", ""),
        (make_answer(200), "", "status 200, not as the site answers a good session"),
        (make_answer(404), "", "status 404, not as the site answers a good session"),
        (make_answer(500), "", ""),
        (make_answer(403), "status 403", "status 403, not as the site answers a good session"),
        (make_answer(401), "status 401", "status 401, not as the site answers a good session"),
        (
            make_answer(302, {"Location": "/login?t=s3cret"}),
            "status 302 to https://example.com/login",
            "status 302, not as the site answers a good session",
        ),
        (
            make_answer(200, {"Content-Type": "application/json", "X-Gone": "1"}),
            "",
            "status 200, as the site answers a dropped session",
        ),
    ],
)
def test_what_shows_that_a_session_is_not_taken(answer: ProbeAnswer, plain: str, marked: str) -> None:
    assert (answer.find_refusal(Probe("/me")), answer.find_refusal(MARKED)) == (plain, marked)


ANN, SURROGATE = "49915e0d7d4b402e", "91a681b998555fb4"


@pytest.mark.parametrize(
    ("identity", "body", "digest"),
    [
        ("json:user", b'{"user": "ann"}', ANN),
        ("json:a:b", b'{"a:b": "ann"}', ANN),
        ("json:user", b'{"user": ""}', None),
        ("json:user", b"ann", None),
        ("text:Logged in as", b"\xff<p>Logged in as  ann <br>", ANN),
        ("text:Logged in as", b"Logged in as ann\nof Rome", ANN),
        ("text:Logged in as", b"Logged in as <br>ann", None),
        ("text:Logged in as", b"ann", None),
        ("", b"ann", None),
        ("json:user", b'{"user": "\\ud800"}', SURROGATE),
    ],
)
def test_the_account_is_what_the_answer_names(identity: str, body: bytes, digest: str | None) -> None:
    """Its digest is kept with the session, so it is the same in the next version."""
    assert make_answer(body=body).read_identity(Probe("/me", identity=identity)) == digest


def test_only_so_much_of_a_line_is_an_account() -> None:
    probe = Probe("/me", identity="text:as")
    names = [make_answer(body=b"as" + b"x" * 200 + end).read_identity(probe) for end in (b"", b"y")]
    other = make_answer(body=b"as" + b"x" * 199 + b"y").read_identity(probe)
    assert names[0] == names[1] != other


@pytest.mark.parametrize(
    ("header", "is_reset"),
    [
        ("sid=; Path=/", True),
        ('sid=""; Path=/', True),
        ("sid=deleted; Path=/", True),
        ("sid=new; Path=/; Max-Age=0", True),
        ("sid=new; Path=/; Expires=Thu, 01 Jan 1970 01:23:20 GMT", True),  # now
        ("sid=new; Path=/; Expires=Thu, 01 Jan 1970 01:23:21 GMT", False),
        ("sid=new; Path=/", False),
        ("sid=; Path=/other", False),
        ("other=; Path=/", False),
        ("", False),
    ],
)
def test_a_cookie_is_ended_by_what_deletes_or_empties_it(header: str, *, is_reset: bool) -> None:
    session = make_session("http://127.0.0.1", cookies=(make_cookie(),))
    assert find_resets(session, [header], URL("http://127.0.0.1/me"), NOW) == ({"sid"} if is_reset else set())
