"""What the next request is after a redirect (https://fetch.spec.whatwg.org/#http-redirect-fetch)."""

from collections.abc import AsyncIterator

import pytest
from yarl import URL

from aura_browser import SiteClient, page_site
from aura_browser.http.redirects import follow_redirect, redirect_target
from aura_browser.request import Request
from tests.parts.servers import page, serving
from tests.parts.sessions import make_session

HERE = URL("https://app.example.com/a/b?c=d")
SITE = page_site(str(HERE))
HEADERS = {"X-Kept": "yes", "Content-Type": "text/plain", "content-length": "4", "Content-Language": "de"}
HEADERS |= {"CONTENT-ENCODING": "br"}


@pytest.mark.parametrize(
    ("method", "status", "then", "keeps_body"),
    [
        ("POST", 301, "GET", False),
        ("POST", 302, "GET", False),
        ("POST", 303, "GET", False),
        ("PUT", 303, "GET", False),
        ("DELETE", 303, "GET", False),
        ("HEAD", 303, "HEAD", True),
        ("HEAD", 301, "HEAD", True),
        ("PUT", 302, "PUT", True),
        ("GET", 302, "GET", True),
        ("POST", 307, "POST", True),
        ("POST", 308, "POST", True),
        ("PUT", 307, "PUT", True),
    ],
)
def test_the_method_and_the_body_after_a_redirect(
    method: str,
    status: int,
    then: str,
    keeps_body: bool,  # noqa: FBT001 - from the table above
) -> None:
    sent = Request(method, str(HERE), headers=HEADERS, body=b"body")
    followed = follow_redirect(SITE, sent, HERE, status, {"Location": "../x"})
    assert followed is not None
    assert (followed.method, followed.url) == (then, "https://app.example.com/x")
    assert followed.body == (b"body" if keeps_body else None)
    assert followed.headers == (HEADERS if keeps_body else {"X-Kept": "yes"})


@pytest.mark.parametrize(
    ("status", "location"),
    [
        (200, "/x"),
        (304, "/x"),
        (300, "/x"),
        (302, "https://other.example/"),
        (302, "https://["),
        (302, "mailto:a@example.com"),
        (302, ""),
        (302, "https://"),
        (302, "//"),
        (302, "///other.example/"),
    ],
)
def test_what_is_no_redirect_of_the_site_goes_to_the_caller(status: int, location: str) -> None:
    sent = Request("GET", str(HERE))
    assert follow_redirect(SITE, sent, HERE, status, {"Location": location}) is None


async def test_a_body_that_can_be_sent_once_is_not_sent_again() -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"once"

    sent = Request("POST", str(HERE), body=body())
    assert follow_redirect(SITE, sent, HERE, 307, {"Location": "/x"}) is None
    followed = follow_redirect(SITE, sent, HERE, 303, {"Location": "/x"})
    assert followed is not None
    assert (followed.method, followed.body) == ("GET", None)


@pytest.mark.parametrize("headers", [{}, {"Location": ""}])
async def test_a_redirect_to_nowhere_is_an_answer(headers: dict[str, str]) -> None:
    async with serving(page("the answer", status=302, headers=headers)) as (server, origin):
        session = make_session(origin)
        client = SiteClient(page_site(origin), session=session, refresh="never", store="memory")
        async with client, client.get("/x") as response:
            assert response.status == 302
            assert "the answer" in await response.text()
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("#e", "https://app.example.com/a/b?c=d#e"),
        ("https:", "https://app.example.com/a/b?c=d"),
        ("?e", "https://app.example.com/a/b?e"),
        ("//other.example/", "https://other.example/"),
        ("///other.example/", "https://other.example/"),
        ("\\\\other.example\\x?\\", "https://other.example/x?\\"),
        ("/\\other.example/", "https://other.example/"),
        ("HTTP:////other.example/x", "http://other.example/x"),
        ("\x1f /x ", "https://app.example.com/x"),
        ("/\udce4", "https://app.example.com/%E4"),
    ],
)
def test_where_a_redirect_leads_as_in_a_browser(location: str, target: str) -> None:
    found = redirect_target(HERE, 302, {"Location": location})
    assert found is not None
    assert str(found) == target
