"""What is made of a session: places in it, tokens against forgery, its end."""

import base64
import json
from pathlib import Path

import pytest
from yarl import URL

from aura_browser import Session, Site
from aura_browser.errors import InvalidConfiguration, InvalidInput
from aura_browser.site.derivation import derive_headers
from aura_browser.site.expiry import set_expiry
from aura_browser.site.given_token import find_token
from aura_browser.site.place import Expiry, Template, read_jwt_end, read_place, read_time
from aura_browser.site.refresh_request import RefreshRequest
from aura_browser.site.sites_file import parse_sites
from aura_browser.site.tokens import Auth, Csrf, write_form_field
from tests.parts.sessions import make_cookie, make_session

ORIGIN = "https://app.example.com"
STORED = {
    "auth-tokens": json.dumps({"access_token": 'a"b', "list": [{"n": 7}], "none": None, "yes": True}),
    "a": "plain",
    "a.b": json.dumps({"c": "deep"}),
    "oidc.user:https://id.example.com": json.dumps({"token": "t"}),
}


def jwt(claims: object) -> str:
    head, body = (base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in ({}, claims))
    return f"{head}.{body}.sig"


def session_with(**facts: object) -> Session:
    return make_session(ORIGIN, **{"cookies": (make_cookie("sid", "v%20w"),), "local_storage": STORED, **facts})


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("local_storage.auth-tokens.access_token", 'a"b'),
        ("local_storage.auth-tokens.list.0.n", 7),
        ("local_storage.auth-tokens.none", None),
        ("local_storage.auth-tokens.list.9.n", None),
        ("local_storage.a", "plain"),
        ("local_storage.a.b.c", "deep"),
        ("local_storage.a.x", None),
        ("local_storage.oidc.user:https://id.example.com.token", "t"),
        ("local_storage.missing", None),
        ("cookie.sid", "v%20w"),
        ("cookie.other", None),
        ("captured", "seen"),
    ],
)
def test_a_place_is_read(place: str, value: object) -> None:
    assert read_place(session_with(tokens={"captured": "seen"}), place) == value


def test_a_template_is_filled_or_says_that_it_can_not_be() -> None:
    session = session_with()
    message = Template('{"auth":"{local_storage.auth-tokens.access_token}","n":{local_storage.auth-tokens.list.0.n}}')
    assert json.loads(message.fill(session, in_json=True) or "") == {"auth": 'a"b', "n": 7}
    assert Template("Bearer {cookie.sid}").fill(session) == "Bearer v%20w"
    for empty in ("cookie.none", "local_storage.auth-tokens.none", "local_storage.auth-tokens.list", "captured"):
        assert Template(f"Bearer {{{empty}}}").fill(session) is None
    with pytest.raises(InvalidInput, match="names no place in braces"):
        Template("Bearer {token}")


@pytest.mark.parametrize(
    ("text", "end"),
    [
        (jwt({"exp": 2_000_000_000}), 2e9),
        (f"Bearer {jwt({'exp': 2e9})}", 2e9),
        (jwt({"exp": "2000000000"}), 2e9),
        (jwt({"exp": 2_000_000_000_000}), 2e9),
        (jwt({}), None),
        (jwt({"exp": -1}), None),
        (jwt({"exp": 1e300}), None),
        (jwt({"exp": None}), None),
        (jwt([1]), None),
        ("a.b.c", None),
        ("opaque", None),
        ("x" * 70_000, None),
    ],
)
def test_the_end_of_a_jwt(text: str, end: float | None) -> None:
    assert read_jwt_end(text) == end


def test_times_are_seconds_or_milliseconds() -> None:
    assert [read_time(value) for value in (2e9, 2e12, "2e9", "x", None, True, 0, float("nan"))] == [
        *(2e9, 2e9, 2e9, None, None, 1.0, None, None)
    ]


def test_tokens_go_to_the_listed_origins_only() -> None:
    site = Site(
        f"{ORIGIN}/",
        origins=("https://api.example.com",),
        auth=Auth("Authorization", Template("Bearer {local_storage.a}")),
        csrf=Csrf(header="X-CSRF", cookie="sid"),
    )
    session = session_with()
    for url in (f"{ORIGIN}/x", "https://api.example.com/x"):
        headers = {"Authorization": "Bearer plain", "X-CSRF": "v w"}
        assert derive_headers(site, session, "POST", URL(url)) == headers
        assert derive_headers(site, session, "GET", URL(url)) == {"Authorization": "Bearer plain"}
    for url in ("https://www.app.example.com/", "https://example.com/", "http://app.example.com/", f"{ORIGIN}:444/"):
        assert derive_headers(site, session, "POST", URL(url)) == {}


def test_what_a_page_made_can_not_add_headers() -> None:
    site = Site(
        f"{ORIGIN}/",
        auth=Auth("Authorization", Template("Bearer {local_storage.a}")),
        csrf=Csrf(header="X-CSRF", cookie="sid"),
    )
    for bad in ("x\r\nX-Admin: 1", "x\ny", "\x00", "\x7f", "\udc80"):
        session = session_with(local_storage={"a": bad}, cookies=(make_cookie("sid", "v%0d%0aX-Admin:%201"),))
        assert derive_headers(site, session, "POST", URL(ORIGIN)) == {}


@pytest.mark.parametrize(
    ("csrf", "body", "token"),
    [
        (Csrf(field="t", get="/", input="sectok"), b"<form><input name=sectok type=hidden value='a&amp;b'>", "a&b"),
        (Csrf(field="t", get="/", input="sectok"), b"<input name=other value=1><input name=sectok value=2>", "2"),
        (Csrf(header="t", get="/", meta="csrf-token"), b'<META content="m" NAME="csrf-token">', "m"),
        (Csrf(header="t", get="/", json="query.tokens.csrftoken"), b'{"query":{"tokens":{"csrftoken":"j+"}}}', "j+"),
        (Csrf(field="t", get="/", input="sectok"), b"<input name=sectok>", None),
        (Csrf(field="t", get="/", json="a"), b"<html>", None),
        (Csrf(field="t", get="/", meta="x"), b"\xff<!--<meta name=x content=1>", None),
    ],
)
def test_a_token_against_forgery_is_found(csrf: Csrf, body: bytes, token: str | None) -> None:
    assert find_token(csrf, body) == token


@pytest.mark.parametrize(
    "facts",
    [
        {"cookie": "c"},
        {"header": "h", "field": "f", "cookie": "c"},
        {"header": "h"},
        {"header": "h", "cookie": "c", "get": "/", "json": "a"},
        {"header": "h", "get": "/"},
        {"header": "h", "get": "/", "json": "a", "meta": "b"},
        {"header": "h", "cookie": "c", "json": "a"},
    ],
)
def test_a_scheme_against_forgery_that_can_not_work_is_refused(facts: dict[str, str]) -> None:
    with pytest.raises(InvalidInput, match="csrf: needs"):
        Csrf(**facts)


def test_a_form_has_the_field_once() -> None:
    assert write_form_field(b"a=1&sec%74ok=old&b=%26&sectok=older", "sectok", "n&w") == b"a=1&b=%26&sectok=n%26w"
    assert write_form_field(b"", "t", "v") == b"t=v"


def test_the_end_of_a_session_is_what_its_site_knows() -> None:
    cookies = (
        make_cookie("sid", http_only=True, expires=3e9, domain="app.example.com"),
        make_cookie("cpPosIndex", http_only=True, expires=4e9, domain="app.example.com"),
    )
    token = json.dumps({"token": jwt({"exp": 2e9}), "until": 2.5e12})
    session = session_with(local_storage={"t": token}).with_cookies(cookies)
    assert session.expires_at == 4e9
    plain = Site(f"{ORIGIN}/")
    assert set_expiry(plain, session) is session

    def end(**facts: object) -> float | None:
        return set_expiry(Site(f"{ORIGIN}/", **facts), session).expires_at  # type: ignore[arg-type]

    assert end(ignore_cookies=("cpPos*",)) == 3e9
    assert end(auth=Auth("Authorization", Template("Bearer {local_storage.t.token}"))) == 2e9
    assert end(expires=Expiry("local_storage.t.until", "time")) == 2.5e9
    assert end(expires=Expiry("local_storage.t.token", "jwt")) == 2e9
    assert end(expires=Expiry("local_storage.gone", "time")) is None


def test_what_a_refresh_brings_is_folded_into_the_local_storage() -> None:
    asked = RefreshRequest("/token", form={"a": "x"}, into="hassTokens")
    old = {"access_token": "1", "refresh_token": "r", "expires": 1_700_000_000_000}
    session = session_with(local_storage={"hassTokens": json.dumps(old), "other": "o"})
    folded = asked.fold(session, b'{"access_token": "2", "expires_in": 1800}', 1_800_000_000.0)
    assert folded is not None
    assert json.loads(folded.local_storage["hassTokens"]) == {
        "access_token": "2",
        "refresh_token": "r",
        "expires": 1_800_001_800_000,
        "expires_in": 1800,
    }
    assert folded.local_storage["other"] == "o"
    for bad in (b"", b"[]", b"\xff"):
        assert asked.fold(session, bad, 0.0) is None


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ('auth = { value = "Bearer x" }', r"line 3: a\.auth\.value: 'Bearer x' names no place"),
        ('auth = { header = "Cookie", value = "{cookie.x}" }', r"line 3: a\.auth\.header: 'Cookie' is not a header"),
        ('auth = { valu = "{cookie.x}" }', r"line 3: a\.auth\.valu: .*did you mean value\?"),
        ('csrf = { header = "X" }', r"line 3: a\.csrf: needs either cookie, or get"),
        (
            'csrf = { header = "X", get = "https://z.com/", json = "a" }',
            r"line 3: a\.csrf\.get: is not at https://x\.y",
        ),
        ('expires = "cookie.x ms"', r"line 3: a\.expires: must be a place in the session, and then nothing or jwt"),
        ('expires = "storage.x"', r"line 3: a\.expires: 'storage\.x' is not a place"),
        ('refresh_request = { post = "/r", into = "cookie.x" }', r"line 3: a\.refresh_request\.into: must be local"),
        ("refresh_request = { form = {} }", r"line 3: a\.refresh_request: the key post is missing"),
        ('refresh_request = { post = "https://z.com/r" }', r"line 3: a\.refresh_request\.post: is not at https://x\.y"),
        ('refresh_request = { post = "/r", form = {a="1"}, json = {a="1"} }', r"line 3: .*takes either form or json"),
        ('login = "digest"', r"line 3: a\.login: Invalid enum value 'digest'"),
        ('websocket = { "/ws" = "hello" }', r"line 3: a\.websocket\./ws: 'hello' names no place"),
        ('until = "probe"', r"line 3: a\.until: probe needs the key probe"),
        ('probe = "https://z.com/me"', r"line 3: a\.probe: is not at https://x\.y"),
        ('probe = "//x.y/me"', r"line 3: a\.probe: '//x\.y/me' is not a path of the site"),
        ('probe = "/a b"', r"line 3: a\.probe: '/a b' is not a path of the site"),
    ],
)
def test_keys_that_can_not_work_are_named(lines: str, problem: str) -> None:
    with pytest.raises(InvalidConfiguration, match=problem):
        parse_sites(f'[a]\nurl = "https://x.y/"\n{lines}\n'.encode(), Path("sites.toml"))
