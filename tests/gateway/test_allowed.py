"""Which further names and origins a person may give."""

import pytest

from aura_browser.errors import InvalidInput
from aura_browser.gateway.allowed import parse_host, parse_origin
from aura_browser.gateway.guard import Guard
from aura_browser.gateway.wires.problem import Problem


@pytest.mark.parametrize(
    "text", ["host.docker.internal", "NAS.local:8787", "192.168.0.7", "[fd00::7]:8787", "[fd00::7]"]
)
@pytest.mark.parametrize("port", [8787, 1])
def test_a_host_that_is_named_is_let_in(text: str, port: int) -> None:
    guard = Guard(port=port, hosts=frozenset({parse_host(text)}))
    guard.check_place({"Host": text})
    with pytest.raises(Problem):
        guard.check_place({"Host": f"{text}.evil.example"})


@pytest.mark.parametrize(
    "text",
    [
        *("", "*", "*.local", "http://example.com", "example.com/", "example.com/v1", "a b", "a@b", "a?b", "a#b"),
        *("fd00::7", "[fd00::7", "a:b", "a:99999", "a,b", "..", "127.1"),
    ],
)
def test_what_is_no_host_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="is not a host's name") as caught:
        parse_host(text)
    assert caught.value.name == "allow_host"


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("https://example.com", "https://example.com"),
        ("https://Example.com:443", "https://example.com"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("chrome-extension://abcdefghijklmnop", "chrome-extension://abcdefghijklmnop"),
        ("app://obsidian.md", "app://obsidian.md"),
    ],
)
def test_an_origin_that_is_named_is_let_in_as_browsers_send_it(text: str, sent: str) -> None:
    Guard(port=8787, origins=frozenset({parse_origin(text)})).check_place({"Host": "localhost", "Origin": sent})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "*",
        "null",
        "NULL",
        "https://*",
        "https://*.example.com",
        "example.com",
        "https://",
        "https://a/",
        "a b",
        "https://a:99999",
        "http://[zz]",
    ],
)
def test_what_is_no_origin_is_refused(text: str) -> None:
    said = "any page on the web" if text.lower() == "null" else "is not a page's origin"
    with pytest.raises(InvalidInput, match=said) as caught:
        parse_origin(text)
    assert caught.value.name == "allow_origin"
