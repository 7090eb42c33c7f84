"""Sites and the conditions that make them ready."""

import pytest
from yarl import URL

from aura_browser.errors import InvalidInput
from aura_browser.site import OPENCHAT, Condition, openchat_site, page_site, page_url


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("openchat.team", "https://openchat.team"),
        ("localhost:3000/x", "http://localhost:3000/x"),
        ("http://127.0.0.1:80/a?b#c", "http://127.0.0.1/a?b#c"),
        ("https://EXAMPLE.com:443", "https://example.com"),
    ],
)
def test_an_address_is_made_whole(text: str, url: str) -> None:
    assert URL(page_url(text)) == URL(url)


@pytest.mark.parametrize(
    "text", ["", "ftp://example.com", "https://", "http://a:99999", "javascript:alert(1)", "http://[::1"]
)
def test_no_address_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="url: not an http or https address"):
        page_url(text)


def test_a_password_in_the_address_is_refused_and_not_shown() -> None:
    with pytest.raises(InvalidInput) as caught:
        page_url("https://me:s3cret@example.com")
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["cookie:sid", "selector:a[href^='x:y']", "url:*/home", "text:Welcome", "js:window.ready"]
)
def test_conditions_are_read_and_written(text: str) -> None:
    assert str(Condition.parse(text)) == text


@pytest.mark.parametrize("text", ["", "sid", "cookie:", "xpath://a"])
def test_an_unknown_condition_is_refused_with_the_forms_that_exist(text: str) -> None:
    with pytest.raises(InvalidInput, match="cookie:NAME, selector:CSS"):
        Condition.parse(text)


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
