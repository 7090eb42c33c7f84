"""Secrets of a session do not stand in what an agent sees, in any spelling."""

import html
import json
from urllib.parse import quote

import pytest

from aura_browser.agents.hiding import HIDDEN, hide_secrets
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


def test_words_that_are_no_secret_stay() -> None:
    text = "<html lang=en class=dark>one page of Chrome/1: a note that a page of the app shows, auth, tokens</html>"
    assert hide_secrets(text, SESSION) == text


@pytest.mark.parametrize("name", ["authorization", "Cookie", "Proxy-Authorization"])
def test_a_login_in_a_header_is_hidden_whatever_its_name(name: str) -> None:
    session = make_session(headers={"User-Agent": "Chrome/1 test", name: "s3cret-in-a-header"})
    assert hide_secrets("Chrome/1 test s3cret-in-a-header", session) == f"Chrome/1 test {HIDDEN}"
