"""What is made of a session: places in it, tokens against forgery, its end."""

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest
from yarl import URL

from aura_browser import Probe, Session, Site
from aura_browser.engine import Chrome
from aura_browser.errors import InvalidConfiguration, InvalidInput
from aura_browser.site.condition import Condition
from aura_browser.site.derivation import derive_headers
from aura_browser.site.expiry import set_expiry
from aura_browser.site.given_token import find_token
from aura_browser.site.place import Expiry, Template, check_place, read_jwt_end, read_place, read_time
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
    "": json.dumps({"x": "of no key"}),
}


def jwt(claims: object) -> str:
    return jwt_of(json.dumps(claims))


def jwt_of(claims: str) -> str:
    head, body = (base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in ("{}", claims))
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
        ("local_storage.auth-tokens.list.1", None),
        ("local_storage.auth-tokens.list.x", None),
        ("local_storage.auth-tokens.access_token.0", None),
        ("local_storage.a", "plain"),
        ("local_storage.a.b.c", "deep"),
        ("local_storage.a.x", None),
        ("local_storage.oidc.user:https://id.example.com.token", "t"),
        ("local_storage.missing", None),
        ("local_storage..x", None),
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
    assert Template("Bearer {cookie.sid}").fill(session_with(cookies=(make_cookie("sid", ""),))) is None


@pytest.mark.parametrize(("text", "shown"), [("Bearer {token}", "'Bearer {token}'"), (5, "5")])
def test_a_text_without_places_is_no_template(text: Any, shown: str) -> None:  # noqa: ANN401 - it may have a wrong type
    with pytest.raises(InvalidInput, match=f"^template: {re.escape(shown)} names no place in braces: local_storage"):
        Template(text)


def test_what_is_no_place_in_a_session_is_refused_with_the_forms_that_exist() -> None:
    assert check_place("cookie.sid") == "cookie.sid"
    with pytest.raises(InvalidInput, match=r"^place: 'storage\.x' is not a place in a session: local_storage\.KEY"):
        check_place("storage.x")


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
        ("ab.abcde.c", None),
        (jwt_of("no JSON"), None),
        (jwt_of("[" * 30_000), None),
        (jwt({"exp": 2e9}).rjust(64 * 1024), 2e9),
        (jwt({"exp": 2e9}).rjust(64 * 1024 + 1), None),
    ],
)
def test_the_end_of_a_jwt(text: str, end: float | None) -> None:
    assert read_jwt_end(text) == end


def test_times_are_seconds_or_milliseconds() -> None:
    assert [read_time(value) for value in (2e9, 2e12, "2e9", "x", None, True, 0, float("nan"), 10**400)] == [
        *(2e9, 2e9, 2e9, None, None, 1.0, None, None, None)
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


@pytest.mark.parametrize("csrf", [None, Csrf(field="t", cookie="sid"), Csrf(header="X-CSRF", cookie="other")])
def test_no_header_is_made_where_there_is_nothing_to_make_it_of(csrf: Csrf | None) -> None:
    assert derive_headers(Site(f"{ORIGIN}/", csrf=csrf), session_with(), "POST", URL(ORIGIN)) == {}


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
        (Csrf(field="t", get="/", input="sectok"), b"<input name=sectok value=1><input name=sectok value=2>", "1"),
        (Csrf(field="t", get="/", input="sectok"), b"<meta name=sectok content=m><input name=sectok value=2>", "2"),
        (Csrf(field="t", get="/", json="a"), b"[" * 100_000, None),
        (Csrf(field="t", get="/", json="a"), b"<html>", None),
        (Csrf(field="t", get="/", json="a"), b'{"a": ""}', None),
        (Csrf(field="t", get="/", input="sectok"), b"<input name=sectok value=''>", None),
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


def test_a_cookie_with_a_token_against_forgery_is_read_as_a_script_of_the_page_reads_it() -> None:
    others = (make_cookie("other", "o"), make_cookie("", "nameless"))

    def read(csrf: Csrf, value: str) -> str | None:
        return csrf.read_cookie(session_with(cookies=(*others, make_cookie("sid", value))))

    by_cookie = Csrf(header="X-CSRF", cookie="sid")
    assert [read(by_cookie, value) for value in ('"v%20w"', "~v~", '""')] == ["v w", "~v~", None]
    assert read(Csrf(header="X-CSRF", get="/", json="a"), "v") is None


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
    for bad in (b"", b"[]", b"\xff", b"[" * 100_000):
        assert asked.fold(session, bad, 0.0) is None


@pytest.mark.parametrize("stored", ["plain", "[" * 100_000, None])
def test_what_a_refresh_brings_goes_to_the_key_that_is_named_and_no_other(stored: str | None) -> None:
    others = {"my": json.dumps({"a": 1})}
    session = session_with(local_storage=others if stored is None else {**others, "my.tokens": stored})
    folded = RefreshRequest("/token", into="my.tokens").fold(session, b'{"access": "2"}', 0.0)
    assert folded is not None
    assert folded.local_storage == {**others, "my.tokens": '{"access": "2"}'}


@pytest.mark.parametrize(
    ("stored", "brought", "expected"),
    [
        ({"expires_at": 1.7e9}, {"expires_in": 60}, {"expires_at": 1_800_000_060, "expires_in": 60}),
        ({"expiresAt": 1.7e12}, {"expires_in": 60}, {"expiresAt": 1_800_000_060_000, "expires_in": 60}),
        ({"expires": 1.7e9}, {"expires_in": 60, "expires": 5}, {"expires": 5, "expires_in": 60}),
        ({"expires": 1.7e9}, {"expires_in": True}, {"expires": 1.7e9, "expires_in": True}),
        ({"expires": 1.7e9}, {"expires_in": "60"}, {"expires": 1.7e9, "expires_in": "60"}),
        ({"expires": 0}, {"expires_in": 60}, {"expires": 0, "expires_in": 60}),
        ({"expires": "soon"}, {"expires_in": 60}, {"expires": "soon", "expires_in": 60}),
        ([], {"a": 1}, {"a": 1}),
    ],
)
def test_the_end_beside_a_token_moves_in_its_own_unit(stored: object, brought: object, expected: object) -> None:
    session = session_with(local_storage={"t": json.dumps(stored)})
    folded = RefreshRequest("/token", into="t").fold(session, json.dumps(brought).encode(), 1_800_000_000.0)
    assert folded is not None
    assert json.loads(folded.local_storage["t"]) == expected
    assert RefreshRequest("/token").fold(session, b"", 0.0) is session


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
        ('probe = "http://[x"', r"line 3: a\.probe: is not at https://x\.y"),
        ('probe = { post = "me" }', r"line 3: a\.probe\.post: 'me' is not a path of the site"),
        ('probe = { get = "/x", post = "/x" }', r"line 3: a\.probe: needs either get or post"),
        ('probe = { get = "/x", body = "b" }', r"line 3: a\.probe\.body: is sent with post only"),
        ('probe = { get = "/x", headers = { Cookie = "a" } }', r"line 3: a\.probe\.headers\.Cookie: 'Cookie' is not a"),
        ('probe = { get = "/x", good = "maybe" }', r"line 3: a\.probe\.good: 'maybe' has another form"),
        ('probe = { get = "/x", dropped = ["maybe"] }', r"line 3: a\.probe\.dropped: 'maybe' has another form"),
        ('probe = { get = "/x", identity = "id" }', r"line 3: a\.probe\.identity: must be json:PATH or text:BEFORE"),
        ('not_dropped = "maybe"', r"line 3: a\.not_dropped: 'maybe' has another form"),
        ('chat_base = "v1"', r"line 3: a\.chat_base: 'v1' is not a path of the site"),
        ('headers = { "A b" = "a" }', r"line 3: a\.headers\.A b: 'A b' is not a header"),
        ('headers = { A = "a\\nb" }', r"line 3: a\.headers\.A: must be text on one line, without control characters"),
        ('csrf = { header = "Cookie", cookie = "c" }', r"line 3: a\.csrf\.header: 'Cookie' is not a header"),
        ('csrf = { header = "X", get = "x", json = "a" }', r"line 3: a\.csrf\.get: 'x' is not a path of the site"),
        ('csrf = { header = "X", cooky = "c" }', r"line 3: a\.csrf\.cooky: .*did you mean cookie\?"),
        ('refresh_request = { post = "r" }', r"line 3: a\.refresh_request\.post: 'r' is not a path of the site"),
        (
            'refresh_request = { post = "/r", into = "local_storage" }',
            r"line 3: a\.refresh_request\.into: must be local",
        ),
        ('refresh_request = { post = "/r", fom = {} }', r"line 3: a\.refresh_request\.fom: .*did you mean form\?"),
        (
            'refresh_request = { post = "/r", headers = { Cookie = "a" } }',
            r"line 3: a\.refresh_request\.headers\.Cookie: 'Cookie' is not a header",
        ),
        ('proxy = "x${WORK_PROXY}"', r"line 3: a\.proxy: must name a variable .*such as \${WORK_PROXY}"),
    ],
)
def test_keys_that_can_not_work_are_named(lines: str, problem: str) -> None:
    with pytest.raises(InvalidConfiguration, match=problem):
        parse_sites(f'[a]\nurl = "https://x.y/"\n{lines}\n'.encode(), Path("sites.toml"))


def test_a_definition_that_says_the_least_is_that_of_any_page() -> None:
    assert parse_sites(b'[a]\nurl = "https://x.y/"\n', Path("sites.toml")) == {"a": Site("https://x.y/", name="a")}


DERIVED = """
[a]
url = "https://x.y/"
probe = { post = "https://x.y/q?a=b", body = "\u00e9", headers = { X-A = "1" }, identity = "text:Hello " }
chat_base = "/openai/~/"
until = "probe"
auth = { value = "Bearer {cookie.sid}" }
csrf = { header = "X-CSRF", cookie = "c" }
websocket = { "/ws" = "{cookie.sid}" }
expires = "cookie.sid jwt"
ignore_cookies = ["a*"]
refresh_request = { post = "/r", json = { a = "x", b = "{cookie.sid}" }, headers = { X-B = "2" } }
login = "basic"
transport = "page"
refresh = "kept"

[b]
url = "https://x.y/b/"
expires = "local_storage.end"
csrf = { field = "t", get = "/form", input = "sectok" }
refresh_request = { post = "https://x.y/r", form = { a = "x" }, into = "local_storage.my.tokens" }
engine = "chrome"
"""


def test_what_a_definition_says_of_tokens_and_requests_is_taken() -> None:
    sites = parse_sites(DERIVED.encode(), Path("sites.toml"))
    cookie = Template("{cookie.sid}")
    assert sites["a"] == Site(
        "https://x.y/",
        name="a",
        probe=Probe("https://x.y/q?a=b", "POST", {"X-A": "1"}, "\u00e9".encode(), identity="text:Hello "),
        chat_base="/openai/~",
        ready=(Condition("probe", ""),),
        auth=Auth("Authorization", Template("Bearer {cookie.sid}")),
        csrf=Csrf(header="X-CSRF", cookie="c"),
        first_messages={"/ws": cookie},
        expires=Expiry("cookie.sid", "jwt"),
        ignore_cookies=("a*",),
        refresh_request=RefreshRequest("/r", json={"a": "x", "b": cookie}, headers={"X-B": "2"}),
        login="basic",
        transport="page",
        refresh="kept",
    )
    assert sites["b"] == Site(
        "https://x.y/b/",
        name="b",
        expires=Expiry("local_storage.end", "time"),
        csrf=Csrf(field="t", get="/form", input="sectok"),
        refresh_request=RefreshRequest("https://x.y/r", form={"a": "x"}, into="my.tokens"),
        engine=Chrome(),
    )


@pytest.mark.parametrize(
    ("paths", "value"),
    [
        (("/", "/app"), "/app"),
        (("/app", "/"), "/app"),
        (("/", "/other/longer"), "/"),
        (("/other/longer", "/app/page/deeper", "/"), "/"),
        (("/other",), "/other"),
        (("/app", "/app/"), "/app/"),
        ((), None),
    ],
)
def test_of_several_cookies_of_a_name_that_of_the_page_is_read(paths: tuple[str, ...], value: str | None) -> None:
    cookies = tuple(make_cookie("csrf", path, path=path) for path in paths)
    session = make_session("http://127.0.0.1", url="http://127.0.0.1/app/page", cookies=cookies)
    assert read_place(session, "cookie.csrf") == value
    assert Csrf(header="X-Csrf", cookie="csrf").read_cookie(session) == value
