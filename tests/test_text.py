"""Foreign text and addresses made safe to show."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aura_browser.text import (
    TerminalFilter,
    clean_text,
    copy_text,
    count,
    format_duration,
    has_secret,
    hide_tokens,
    list_names,
    make_inert,
    redact_url,
)


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
    ("seconds", "text"),
    [
        (-5, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (3599.9, "59 min"),
        (3600, "1 h"),
        (86399.9, "23 h"),
        (86400, "1 d"),
        (172800, "2 d"),
    ],
)
def test_lengths_of_time(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://me:s3cret@a.example/0?password=s3cret", "redis://a.example/0"),
        ("\x01https://me:s3cret@a.example/", "https://a.example/"),
        ("ht\ntps://me:s3cret@a.example/", "https://a.example/"),
        ("https:\u202e//me:s3cret@a.example/x", "https://a.example/x"),
        (" http://me:s3cret@a.example/", "http://a.example/"),
        (f"http://a.example/{' ' * 5000}s3cret", "http://a.example/"),
    ],
)
def test_an_address_that_is_split_or_odd_is_shown_without_its_secrets(url: str, shown: str) -> None:
    assert redact_url(url) == shown


@pytest.mark.parametrize(
    ("url", "answer"),
    [
        ("redis://me:s3cret@host", True),
        ("redis://:s3cret@host", True),
        ("redis://host/0?password=s3cret", True),
        ("https://host/#token", True),
        ("redis://me@host", False),
        ("redis://host:6379/0", False),
        ("/a/folder?with#odd@name:s", False),
    ],
)
def test_an_address_with_a_secret_is_known(url: str, answer: bool) -> None:  # noqa: FBT001 - a table
    assert has_secret(url) is answer


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\tb\nc", "a\tb\nc"),
        ("a\r\nb\r\n", "a\nb\n"),
        ("50 %\r100 %\r", "50 %�100 %�"),
        ("\x1b]0;title\x07\x9b31m", "�]0;title��31m"),
        ("abc\u202edef\u2066\u200f", "abc�def��"),
        ("half \ud83d", "half �"),
        ("👩\u200d🚀 e\u0301", "👩\u200d🚀 e\u0301"),
    ],
)
def test_an_answer_cannot_steer_a_terminal(text: str, shown: str) -> None:
    assert make_inert(text) == shown


@given(st.lists(st.text(st.sampled_from("\r\n\ta\x1b"))))
def test_an_answer_in_pieces_is_shown_as_in_one(pieces: list[str]) -> None:
    inert = TerminalFilter()
    assert "".join(map(inert.feed, pieces)) + inert.flush() == make_inert("".join(pieces))


def test_a_subclass_becomes_exactly_text() -> None:
    class Markup(str):
        __slots__ = ()

        def __str__(self) -> str:
            return "another text"

    assert type(copy_text(Markup("x"))) is str
    assert copy_text(Markup("x")) == "x"


@pytest.mark.parametrize(
    ("text", "limit", "shown"),
    [
        ("x" * 300, None, "x" * 300),
        ("x" * 301, None, f"{'x' * 299}…"),
        ("12345", 5, "12345"),
        ("123456", 5, "1234…"),
        (f"{' ' * 79}x", 5, "x"),  # what is far longer than the limit is not looked through
        (f"{' ' * 80}x", 5, "…"),
        ("a \t\n b\u2028c", None, "a b c"),
        ("a\x1b\u202e\ud83db", None, "ab"),
    ],
)
def test_text_is_shown_up_to_its_limit(text: str, limit: int | None, shown: str) -> None:
    assert (clean_text(text) if limit is None else clean_text(text, limit)) == shown


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        ([], ""),
        (["sid", "cs\x1brf"], "sid, csrf"),
        (["sid", "\x1b"], "sid, (no name)"),
        (list("abcdefgh"), "a, b, c, d, e, f, g, h"),
        (list("abcdefghij"), "a, b, c, d, e, f, g, h, … 2 more"),
        (["x" * 60, "y" * 61], f"{'x' * 60}, {'y' * 59}…"),
    ],
)
def test_a_few_names_are_shown_and_the_others_counted(names: list[str], shown: str) -> None:
    assert list_names(names) == shown


@pytest.mark.parametrize(
    ("number", "words", "shown"),
    [
        (0, ["cookie"], "0 cookies"),
        (1, ["cookie"], "1 cookie"),
        (1, ["entry", "entries"], "1 entry"),
        (2, ["cookie"], "2 cookies"),
        (2, ["entry", "entries"], "2 entries"),
    ],
)
def test_what_is_counted_has_its_noun(number: int, words: list[str], shown: str) -> None:
    assert count(range(number), *words) == shown


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://a.example/x", "https://a.example/x"),
        ("https://a.example/x#token=s3cret", "https://a.example/x"),
        ("https://a.example/x?page=2", "https://a.example/x?page=2"),
        ("https://a.example/x?page=2#token=s3cret", "https://a.example/x?page=2"),
        ("https://a.example/x?page=2&Auth_Token=s3cret", "https://a.example/x"),
    ],
)
def test_an_address_in_a_command_has_its_query_but_no_token(url: str, shown: str) -> None:
    assert hide_tokens(url) == shown
