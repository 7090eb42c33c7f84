"""Secrets of a session do not stand in what an agent sees, in any spelling."""

import html
import json
import time
from base64 import b64encode
from html.entities import html5
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from aura_browser.agents.hiding import HIDDEN, hide_secrets
from aura_browser.agents.spellings import _NAMED
from tests.parts.sessions import make_cookie, make_session

SECRET = 's3cret+/"<&=='
TOKENS = {"o": [{"k": "access", "v": {"o": [{"k": "token", "v": "s3cret.of-a.database+/=="}], "id": 2}}], "id": 1}
RECORDS = [{"key": "user", "valueEncoded": TOKENS}, {"key": "note", "value": "a note that a page of the app shows"}]
DATABASE = {"name": "auth", "version": 1, "stores": [{"name": "tokens", "autoIncrement": False, "records": RECORDS}]}
SESSION = make_session(
    cookies=(make_cookie("sid", SECRET), make_cookie("short", "en"), make_cookie("coded", "s3cret%2Fvalue")),
    local_storage={"auth": json.dumps({"user": {"token": "s3cret-token-1"}, "tabs": ["one"]}), "theme": "dark"},
    tokens={"csrf": "s3cret-csrf"},
    headers={"User-Agent": "Chrome/1", "Authorization": "Bearer s3cret-bearer"},
    proxy="http://user:s3cret-pw@127.0.0.1:1",
    extra_storage={
        "origins": [
            {
                "origin": "https://app.example.com",
                "sessionStorage": [{"name": "auth", "value": json.dumps({"token": "s3cret-of-the-tab"})}],
                "indexedDB": [DATABASE],
            },
            {"origin": "https://login.example.com", "localStorage": [{"name": "a", "value": "s3cret-elsewhere"}]},
        ]
    },
)


@pytest.mark.parametrize(
    "text",
    [
        SECRET,
        html.escape(SECRET),
        json.dumps({"cookie": SECRET}),
        f"/login?next={quote(SECRET, safe='')}",
        "s3cret%2Fvalue and s3cret/value",
        "s3cret-token-1 s3cret-csrf Bearer s3cret-bearer",
        "http://user:s3cret-pw@127.0.0.1:1",
        "s3cret-of-the-tab s3cret-elsewhere",
        json.dumps({"token": "s3cret.of-a.database+/=="}),
    ],
)
def test_every_spelling_is_hidden(text: str) -> None:
    hidden = hide_secrets(text, SESSION)
    assert "s3cret" not in hidden
    assert HIDDEN in hidden


@pytest.mark.parametrize(
    "spelled",
    [
        r"AbCd\/EfGh+IjKl=MnOp&Qr",
        r"AbCd/EfGh\u002BIjKl=MnOp\u0026Qr",
        r"AbCd/EfGh\u002bIjKl\u003dMnOp\u0026Qr",
        "AbCd%2fEfGh%2bIjKl%3dMnOp%26Qr",
        "AbCd%252FEfGh%252BIjKl=MnOp%2526Qr",
        "AbCd&#x2F;EfGh&#43;IjKl&#x3d;MnOp&#38;Qr",
        "AbCd&sol;EfGh&plus;IjKl&equals;MnOp&amp;Qr",
        "AbCd&amp;#47;EfGh+IjKl=MnOp&amp;amp;Qr",
        r"AbCd\x2fEfGh\x2BIjKl=MnOp\x26Qr",
        r"{\"a\": \"AbCd\\\/EfGh+IjKl=MnOp&Qr\"}",
        b64encode(b"AbCd/EfGh+IjKl=MnOp&Qr").decode(),
        b"AbCd/EfGh+IjKl=MnOp&Qr".hex(),
    ],
)
def test_a_token_is_hidden_as_each_stack_writes_it(spelled: str) -> None:
    session = make_session(cookies=(make_cookie("sid", "AbCd/EfGh+IjKl=MnOp&Qr"),), local_storage={})
    hidden = hide_secrets(f"a {spelled} b", session)
    assert HIDDEN in hidden
    assert "EfGh" not in hidden
    assert len(hidden) < 30


@pytest.mark.parametrize(("char", "name"), _NAMED.items())
def test_a_special_character_is_known_by_its_name_in_html(char: str, name: str) -> None:
    assert html5[f"{name};"] == char
    session = make_session(cookies=(make_cookie("sid", f"AbCd{char}EfGh"),), local_storage={})
    assert hide_secrets(f"a AbCd&{name};EfGh b", session) == f"a {HIDDEN} b"


def test_a_long_page_with_many_secrets_takes_no_time() -> None:
    cookies = tuple(make_cookie(f"c{number}", f"{number:03}+/=&<" * 40) for number in range(40))
    began = time.process_time()
    hide_secrets("a & b / c + d = e \\u0026 " * 4_000, make_session(cookies=cookies))
    assert time.process_time() - began < 5


def test_words_that_are_no_secret_stay() -> None:
    text = "<html lang=en class=dark>one page of Chrome/1: a note that a page of the app shows, auth, tokens</html>"
    assert hide_secrets(text, SESSION) == text


@pytest.mark.parametrize("name", ["authorization", "Cookie", "Proxy-Authorization"])
def test_a_login_in_a_header_is_hidden_whatever_its_name(name: str) -> None:
    session = make_session(headers={"User-Agent": "Chrome/1 test", name: "s3cret-in-a-header"})
    assert hide_secrets("Chrome/1 test s3cret-in-a-header", session) == f"Chrome/1 test {HIDDEN}"


@pytest.mark.parametrize("secret", ['s3cret of "Ann"/é', "s3cret+/&<é", "s3cret%20Ann"])
@pytest.mark.parametrize(
    "spell",
    [
        str,
        html.escape,
        lambda text: json.dumps(text)[1:-1],
        lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
        quote,
        lambda text: quote(text, safe=""),
        quote_plus,
        lambda text: text.replace("%20", " "),
    ],
)
def test_one_cookie_is_hidden_however_it_is_written(secret: str, spell: Any) -> None:  # noqa: ANN401 - any function
    session = make_session(cookies=(make_cookie("sid", secret),), local_storage={})
    assert hide_secrets(f"a {spell(secret)} b", session) == "a [hidden] b"


FURTHER = {"origins": [{"origin": "https://app.example.com", "localStorage": [{"name": "a", "value": "twelve-chars"}]}]}


@pytest.mark.parametrize(
    ("facts", "hidden", "shown"),
    [
        ({"cookies": (make_cookie("a", "abcdef"), make_cookie("b", "ghijk"))}, "abcdef", "ghijk"),
        ({"tokens": {"a": "abcdef", "b": "ghijk"}}, "abcdef", "ghijk"),
        ({"headers": {"COOKIE": "abcdef", "X-Other": "ghijkl"}}, "abcdef", "ghijkl"),
        ({"local_storage": {"a": "twelve-chars", "b": "eleven-char"}}, "twelve-chars", "eleven-char"),
        ({"local_storage": {"a": '["twelve-chars"]'}}, "twelve-chars", "a"),
        ({"local_storage": {"a": '{"b": "twelve-chars"}'}}, "twelve-chars", "b"),
        ({"local_storage": {"a": "[" * 7 + '{"b": "twelve-chars"}' + "]" * 7}}, "twelve-chars", "b"),
        ({"local_storage": {"a": "[twelve-chars", "b": "[" * 100_000}}, "[twelve-chars", "twelve-chars"),
        ({"extra_storage": FURTHER}, "twelve-chars", "https://app.example.com"),
        ({"extra_storage": {"origins": [{"indexedDB": ["x" * 20, "y" * 19]}]}}, "x" * 20, "y" * 19),
        ({"extra_storage": {"origins": [{"indexedDB": ["https://app.example.com/"]}]}}, "", "https://app.example.com/"),
        ({"proxy": "http://me:pw@127.0.0.1:1"}, "http://me:pw@127.0.0.1:1", "http://127.0.0.1:1"),
        ({"proxy": "http://127.0.0.1:1"}, "", "http://127.0.0.1:1"),
    ],
)
def test_what_is_long_enough_to_be_a_secret_is_hidden_where_it_is_kept(
    facts: dict[str, Any], hidden: str, shown: str
) -> None:
    session = make_session(**{"cookies": (), "local_storage": {}, "headers": {}, **facts})
    assert hide_secrets(f"{hidden} {shown}", session) == (f"[hidden] {shown}" if hidden else f" {shown}")


def test_of_secrets_that_begin_alike_the_longer_one_is_hidden_whole() -> None:
    cookies = tuple(make_cookie(name, value) for name, value in (("a", "s3cret-a"), ("b", "s3cret-a-longer")))
    assert hide_secrets("s3cret-a-longer, s3cret-a", make_session(cookies=cookies)) == "[hidden], [hidden]"


@pytest.mark.parametrize(
    "origins",
    [
        None,
        5,
        [5],
        [{"localStorage": 5}],
        [{"localStorage": [5]}],
        [{"sessionStorage": [{"name": "a"}]}],
        [{"localStorage": [{"name": "a", "value": 5}]}],
    ],
)
def test_further_storage_of_another_form_hides_nothing(origins: object) -> None:
    session = make_session(extra_storage={"origins": origins}, local_storage={})
    assert hide_secrets("a page of the app", session) == "a page of the app"


def test_what_is_nested_deeper_than_any_program_nests_is_left_alone() -> None:
    part: object = "x" * 20
    for _ in range(5000):
        part = [part]
    session = make_session(extra_storage={"origins": [{"indexedDB": part}]}, local_storage={})
    assert hide_secrets("a page of the app", session) == "a page of the app"
