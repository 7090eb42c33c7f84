"""Well-known applications are recognized by what a browser shows of them, and nothing else is."""

import json

import pytest

from aura_browser.learning.known import find_known
from aura_browser.webdriver.network_log import SeenRequest
from tests.parts.sessions import make_cookie, make_session

ORIGIN = "https://app.example"


@pytest.mark.parametrize(
    ("name", "storage", "cookies", "asked"),
    [
        ("home-assistant", {"hassTokens": {"access_token": "x"}}, (), ("/",)),
        ("node-red", {"auth-tokens": {"access_token": "x"}}, (), ("/",)),
        ("open-webui", {"token": "x"}, (), ("/api/v1/auths/",)),
        ("django", {}, ("csrftoken", "sessionid"), ("/admin/",)),
        ("jupyter", {}, ("_xsrf",), ("/lab",)),
        ("jupyter", {}, ("_xsrf",), ("/tree", "/api/me?5")),
        ("chainlit", {}, ("access_token",), ("/", "/user")),
        ("dokuwiki", {}, ("DokuWiki",), ("/doku.php?id=start&do=login",)),
        ("mediawiki", {}, ("labwiki_session",), ("/index.php?title=Special:Preferences",)),
        ("mediawiki", {}, ("w_session",), ("/index.php?title=Special:UserLogin&x=y", "/index.php/Special:Preferences")),
        ("directus", {}, ("directus_session_token",), ("/admin", "/users/me?fields=email")),
        ("", {"token": "x"}, (), ("/", "/api/me")),
        ("", {"hassTokens": "not json"}, (), ("/",)),
        ("", {}, ("csrftoken",), ("/", "/accounts/")),
        ("", {}, ("access_token",), ("/", "/api/user")),
        ("", {}, (), ("/admin", "/index.php", "/doku.php")),
        ("", {}, (), ()),
    ],
)
def test_it_is_recognized(
    name: str, storage: dict[str, object], cookies: tuple[str, ...], asked: tuple[str, ...]
) -> None:
    stored = {key: value if isinstance(value, str) else json.dumps(value) for key, value in storage.items()}
    session = make_session(ORIGIN, local_storage=stored, cookies=tuple(make_cookie(each, "v") for each in cookies))
    elsewhere = [SeenRequest(url=f"https://other.example{path}") for path in ("/users/me", "/user", "/admin")]
    requests = [*elsewhere, *(SeenRequest(url=f"{ORIGIN}{path}") for path in asked)]
    assert find_known(session, requests) == name
