"""Which charset a page is in."""

import pytest
from multidict import CIMultiDict
from yarl import URL

from aura_browser.charsets import decode_text, find_charset
from aura_browser.http.comparison import ProbeAnswer
from aura_browser.http.verdict import Ruling, Verdict
from aura_browser.site import Probe
from aura_browser.site.mark import Answer, Mark

CYRILLIC = "windows-1251"


@pytest.mark.parametrize(
    ("kind", "start", "charset"),
    [
        ("text/html; charset=Windows-1251", b"<meta charset=utf-8>", CYRILLIC),
        ('text/html; charset="windows-1251"; x=y', b"", CYRILLIC),
        ("text/html", b"<!doctype html><META CHARSET='windows-1251'>", CYRILLIC),
        ("text/html", b'<meta http-equiv=Content-Type content="text/html; charset=windows-1251">', CYRILLIC),
        ("text/html", b" " * 1025 + b"<meta charset=windows-1251>", ""),
        ("text/plain", b"<meta charset=windows-1251>", ""),
        ("", b"", ""),
    ],
)
def test_it_is_the_one_that_the_header_or_the_page_states(kind: str, start: bytes, charset: str) -> None:
    assert find_charset(CIMultiDict({"content-type": kind}), start) == charset


def answered(text: str, charset: str, kind: str = "text/html") -> ProbeAnswer:
    headers = CIMultiDict({"Content-Type": f"{kind}; charset={charset}"})
    return ProbeAnswer(URL("http://a/"), 200, headers, text.encode(charset), (), "", Ruling(Verdict.OK, ""))


def name(text: str, identity: str, charset: str = "utf-8") -> str | None:
    return answered(text, charset).read_identity(Probe("/me", identity=identity))


def test_an_account_is_told_from_another_in_any_charset() -> None:
    anna, oleg = (name(f"<b>{who}</b>", "text:<b>", CYRILLIC) for who in ("Анна", "Олег"))
    assert anna is not None
    assert anna != oleg
    assert anna == name("<b>Анна</b>", "text:<b>")


def test_an_account_is_found_on_the_next_line_and_behind_a_guard() -> None:
    plain = name("<a>anna</a>", "text:<a>")
    assert plain is not None
    assert plain == name("<a>\n   anna\n  </a>", "text:<a>")
    for guard in ("", ")]}'\n", ")]}',\n", "while(1);", "for (;;);"):
        assert name(f'{guard}{{"user": "anna"}}', "json:user") == plain


@pytest.mark.parametrize("charset", [CYRILLIC, "utf-8", "utf-16"])
def test_a_mark_fits_a_text_in_any_charset(charset: str) -> None:
    page = answered("<p>Вход на форум</p>", charset).as_marked
    assert Mark.parse("200 body:Вход на форум").matches(page)
    assert not Mark.parse("200 body:Выход").matches(page)


def test_bytes_that_are_no_text_are_replaced() -> None:
    assert decode_text(b"\xffa", "utf-8") == "\ufffda"
    assert not Mark.parse("body:ü").matches(Answer(200, {}, None, b"\xfc"))
