"""URLs are read and joined as Chrome does it."""

import json
import random
import re
from typing import TYPE_CHECKING, Any, Final

import pytest
from yarl import URL

from aura_browser.urls import join_url, read_url

if TYPE_CHECKING:
    from tests.parts.shared_chrome import SharedChrome

BASE: Final = "https://app.example.com:8443/user/a%40b.com/list?of=%2F#top"
_ORIGINS: Final = ("https://a.example", "HTTP://A.Example:80", "https:/a.example", "ws:a.example:1", "//a.example")
_PIECES: Final = (
    *("a", "b.c", "/", "/", "//", "\\", ".", "..", "/../", "/./", "%2e", "/%2E%2e/", "?", "#", "&", "=", "+", ";", ":"),
    *("%40", "%27", "%2F", "%", "%zz", "%c3%bc", "'", '"', "<", ">", "[", "]", "{", "}", "|", "^", "`", "@", "!", "$"),
    *("(", ")", "*", ",", "~", "\u00fc", "\U0001f600", " ", "\t", "\n", "\x7f", "\x01"),
)
_READ: Final = "return %s.map(text => { try { return new URL(text, %s).href } catch { return null } })"


def addresses() -> list[str]:
    chosen = random.Random(5)  # noqa: S311 - nothing secret is made
    texts = ["".join(chosen.choices(_PIECES, k=chosen.randint(0, 7))) for _ in range(3000)]
    return [chosen.choice(("", "", "/", "?", "#", "/x?", *(f"{each}/" for each in _ORIGINS))) + each for each in texts]


@pytest.mark.chrome
def test_any_address_is_read_as_in_chrome(chrome_of_this_process: "SharedChrome") -> None:
    texts = addresses()
    driver: Any = chrome_of_this_process.start()
    told = driver.execute_script(_READ % (json.dumps(texts), json.dumps(BASE)))
    read = [(text, url, as_text(text)) for text, url in zip(texts, told, strict=True) if is_of_known_host(url)]
    assert len(read) > 2500
    assert [(text, url) for text, url, other in read if without_empty(url) != without_empty(other)] == []


def without_empty(url: str) -> str:
    """Leave out an empty query and an empty fragment: yarl does not keep them."""
    return re.sub(r"\?(?=#|$)", "", url.removesuffix("#"), count=1)


def is_of_known_host(url: str | None) -> bool:
    """Return whether the host is one of those above: how hosts are written is another matter."""
    return url is not None and url.split("/")[2] in {"app.example.com:8443", "a.example", "a.example:1"}


def as_text(text: str) -> str:
    try:
        url = join_url(URL(BASE, encoded=True), text)
    except ValueError as error:
        return repr(error)
    return str(url) if url.raw_path != "/" or str(url).count("/") > 2 else f"{url}/"


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://a.example/%40%27%3b%2F?%2F%40[]%&|\\", "https://a.example/%40%27%3b%2F?%2F%40[]%&|\\"),
        ("https://a.example/it's?it's#it's", "https://a.example/it's?it%27s#it's"),
        ("HTTPS://B\u00fccher.Example:443/\u00fc?\u00fc", "https://xn--bcher-kva.example/%C3%BC?%C3%BC"),
        ("https://a.example/a/%2e%2E/./b/..", "https://a.example/"),
        ("https://a.example//a//..", "https://a.example//a/"),
        ("https://a.example", "https://a.example"),
        ("https://a.example?a", "https://a.example/?a"),
        ("https:\\\\a.example\\b?\\", "https://a.example/b?\\"),
        ("socks5://me@127.0.0.1:1080", "socks5://me@127.0.0.1:1080"),
    ],
)
def test_a_url_is_encoded_only_where_a_browser_would(text: str, url: str) -> None:
    assert str(read_url(text)) == url
    assert str(read_url(url)) == url


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("c%40d?e=%2F", "https://a.example:1/user/a%40b/c%40d?e=%2F"),
        ("../x%3B", "https://a.example:1/user/x%3B"),
        ("", "https://a.example:1/user/a%40b/c?d=%27"),
        ("?e", "https://a.example:1/user/a%40b/c?e"),
        ("#e", "https://a.example:1/user/a%40b/c?d=%27#e"),
        ("https:/x", "https://a.example:1/x"),
        ("http:/x", "http://x"),
        ("//b.example/%40", "https://b.example/%40"),
        ("\\/b.example\\x", "https://b.example/x"),
    ],
)
def test_a_url_is_joined_as_the_page_would(text: str, url: str) -> None:
    assert str(join_url(read_url("https://a.example:1/user/a%40b/c?d=%27"), text)) == url


@pytest.mark.parametrize(
    "text", ["https:", "https:///", "https://[::g]/", "https://a.example:x/", "https:\ud800", "/\ud800"]
)
def test_what_can_not_be_read_is_an_error(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - some are yarl's
        read_url(text)


@pytest.mark.parametrize("text", ["//@@[]@", "//" + "\u00fc" * 1025, None])
def test_what_yarl_can_not_read_is_an_error_of_one_kind(text: str) -> None:
    with pytest.raises(ValueError, match="not a URL"):
        read_url(text)


@pytest.mark.parametrize("user", ["u" * 1100, "\u00fc" * (1024 - len("@a.example"))])
def test_only_a_long_name_that_is_not_ascii_is_too_long_to_be_read(user: str) -> None:
    assert read_url(f"http://{user}@a.example/\u00fc").host == "a.example"
