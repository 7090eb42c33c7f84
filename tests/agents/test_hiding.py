"""Secrets of a session do not stand in what an agent sees, in any spelling."""

import html
import json
from urllib.parse import quote

import pytest

from aura_browser.agents.hiding import HIDDEN, hide_secrets
from tests.parts.sessions import make_cookie, make_session

SECRET = 's3cret+/"<&=='
SESSION = make_session(
    cookies=(make_cookie("sid", SECRET), make_cookie("short", "en"), make_cookie("coded", "s3cret%2Fvalue")),
    local_storage={"auth": json.dumps({"user": {"token": "s3cret-token-1"}, "tabs": ["one"]}), "theme": "dark"},
    tokens={"csrf": "s3cret-csrf"},
    headers={"User-Agent": "Chrome/1", "Authorization": "Bearer s3cret-bearer"},
    proxy="http://user:s3cret-pw@127.0.0.1:1",
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
    ],
)
def test_every_spelling_is_hidden(text: str) -> None:
    hidden = hide_secrets(text, SESSION)
    assert "s3cret" not in hidden
    assert HIDDEN in hidden


def test_words_that_are_no_secret_stay() -> None:
    text = "<html lang=en class=dark>one page of Chrome/1</html>"
    assert hide_secrets(text, SESSION) == text
