"""Foreign text and addresses made safe to show."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aura_browser.text import clean_text, format_duration, redact_url


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://me:s3cret@a.example:8443/x/y?code=s3cret#access_token=s3cret", "https://a.example:8443/x/y"),
        ("https://a.example", "https://a.example"),
        ("https://a.example?token=s3cret", "https://a.example"),
        ("https://a.example#s3cret", "https://a.example"),
        ("/path?token=s3cret", "/path"),
        ("http://me@s3cret@a.example/", "http://a.example/"),
        ("http://a.ex\x1bample/\u202e", "http://a.example/"),
        ("", ""),
    ],
)
def test_an_address_is_shown_without_its_secrets(url: str, shown: str) -> None:
    assert redact_url(url) == shown


@given(st.text())
def test_any_text_becomes_one_line_that_a_terminal_takes(text: str) -> None:
    for shown in (clean_text(text), redact_url(text)):
        assert not {unicodedata.category(char) for char in shown} & {"Cc", "Cf", "Cs"}
        assert len(shown) <= 300


@pytest.mark.parametrize(
    ("seconds", "text"), [(-5, "0 s"), (59.9, "59 s"), (60, "1 min"), (3600, "1 h"), (90000, "1 d")]
)
def test_lengths_of_time(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text
