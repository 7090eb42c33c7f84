"""The session: a frozen value, its JSON, and what it gives to aiohttp."""

import copy
import json
import pickle
from importlib.resources import files

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from aura_browser.errors import SessionFormatError
from aura_browser.session import Session
from aura_browser.session.session import guess_expiry
from tests.parts.sessions import make_cookie, make_session


def test_json_round_trip() -> None:
    session = make_session(proxy="http://proxy:8080", verified_at=5.0, expires_at=7.5)
    text = session.to_json()
    assert Session.from_json(text) == Session.from_json(text.encode()) == session
    assert list(json.loads(text)) == [
        *("version", "origin", "url", "user_agent", "headers", "cookies", "local_storage", "proxy", "browser"),
        *("harvested_at", "verified_at", "rotated_at", "expires_at", "generation", "rotation", "proof", "evidence"),
        *("is_login", "identity", "probe", "page_requests", "dialect", "tokens", "extra_storage"),
        *("device_bound", "unknown"),
    ]
    assert json.loads(text)["version"] == 2


def test_version_1_is_read_as_a_login_that_nothing_has_proven_yet() -> None:
    new = {"rotated_at", "generation", "rotation", "proof", "evidence", "is_login", "identity", "probe"}
    new |= {"page_requests", "dialect", "tokens", "extra_storage", "unknown"}
    fields = json.loads(make_session("https://example.com").to_json())
    first = {name: value for name, value in fields.items() if name not in new} | {"version": 1}
    session = Session.from_json(json.dumps(first))
    assert (session.version, session.generation, session.proof, session.is_login) == (2, 0, "unproven", None)
    assert session.is_protected
    first |= {"origin": "https://openchat.team", "url": "https://openchat.team/"}
    assert not Session.from_json(json.dumps(first)).is_protected


def test_a_newer_versions_session_is_told_apart_from_a_damaged_one() -> None:
    for change in ({"version": 3}, {"from_the_future": 1}):
        with pytest.raises(SessionFormatError, match="Update aura-browser") as caught:
            Session.from_json(json.dumps(json.loads(make_session().to_json()) | change))
        assert caught.value.is_newer
    with pytest.raises(SessionFormatError) as damaged:
        Session.from_json("{")
    assert not damaged.value.is_newer


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"version": 3}, "version"),
        ({"version": 0}, "version"),
        ({"version": "1"}, "version"),
        ({"origin": "nowhere"}, "origin"),
        ({"origin": "https://user@host"}, "origin"),
        ({"url": None}, "url"),
        ({"headers": {"X": "1\r\nCookie: s3cret"}}, "headers"),
        ({"headers": {"X y": "1"}}, "headers"),
        ({"cookies": [{"name": "a"}]}, "cookies[0].value"),
        ({"cookies": [{"name": "a", "value": "s3cret;", "domain": "x", "host_only": True}]}, "cookies[0].value"),
        (
            {"cookies": [{"name": "a", "value": "b", "domain": "x", "host_only": True, "same_site": "s3cret"}]},
            "cookies[0].same_site",
        ),
        ({"harvested_at": "s3cret"}, "harvested_at"),
        ({"surprise": 1}, "surprise"),
        ({"user_agent": "x\n"}, "user_agent"),
        ({"headers": {"X": "x\n"}}, "headers"),
        ({"origin": "https://x:99999"}, "origin"),
        (
            {
                "cookies": [
                    {"name": "a", "value": "b", "domain": "x", "host_only": True, "partition_key": "http://x:99999"}
                ]
            },
            "cookies[0].partition_key",
        ),
    ],
)
def test_a_malformed_file_is_refused_by_the_fields_name(change: dict[str, object], field: str) -> None:
    data = json.loads(make_session().to_json()) | change
    with pytest.raises(SessionFormatError) as caught:
        Session.from_json(json.dumps(data))
    assert caught.value.field.startswith(field)
    assert "s3cret" not in str(caught.value)


def test_a_missing_field_is_named() -> None:
    data = json.loads(make_session().to_json())
    del data["user_agent"]
    with pytest.raises(SessionFormatError, match="user_agent: the field is missing"):
        Session.from_json(json.dumps(data))


@given(st.binary() | st.text().map(str.encode) | st.recursive(st.none(), st.lists).map(json.dumps).map(str.encode))
def test_any_bytes_are_a_session_or_one_clear_error(data: bytes) -> None:
    try:
        assert isinstance(Session.from_json(data), Session)
    except SessionFormatError as error:
        assert str(error).startswith("Not a session")


@given(st.data())
def test_any_damage_to_a_session_file_is_a_session_or_one_clear_error(data: st.DataObject) -> None:
    text = make_session().to_json().encode()
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    damaged = text[:start] + data.draw(st.binary(max_size=20)) + text[end:]
    try:
        assert isinstance(Session.from_json(damaged), Session)
    except SessionFormatError as error:
        assert "s3cret" not in str(error)


@pytest.mark.parametrize(
    "text", ["[" * 200_000, '{"version": 1, "x": ' + "[" * 200_000, "1e999", '"\\ud800"', "", "{}"]
)
def test_hostile_text_is_one_clear_error(text: str) -> None:
    with pytest.raises(SessionFormatError):
        Session.from_json(text)


def test_it_is_frozen_and_can_be_copied_and_pickled() -> None:
    session = make_session()
    with pytest.raises(AttributeError):
        session.origin = "https://elsewhere.org"  # type: ignore[misc]
    assert copy.deepcopy(session) == pickle.loads(pickle.dumps(session)) == session  # noqa: S301 - our own bytes


def test_no_value_is_shown() -> None:
    for shown in (repr(make_session()), str(make_session()), str(make_session().__rich_repr__())):
        assert "s3cret" not in shown
        assert "http://127.0.0.1:8080" in shown


def test_the_schema_that_ships_is_the_schema() -> None:
    shipped = files("aura_browser").joinpath("session.schema.json").read_text("utf-8")
    assert json.loads(shipped) == json.loads(json.dumps(Session.json_schema()))
    assert set(Session.json_schema()["$defs"]["Session"]["properties"]) == set(json.loads(make_session().to_json()))


def test_the_expiry_that_matters() -> None:
    origin = URL("http://127.0.0.1")
    scripts_own = make_cookie("ga", expires=10.0)
    session_cookie = make_cookie("sid", expires=100.0, http_only=True)
    elsewhere = make_cookie("x", expires=5.0, http_only=True, domain="elsewhere.org")
    deep = make_cookie("deep", expires=50.0, http_only=True, path="/api")
    helper = make_cookie("__cf_bm", expires=1.0, http_only=True)
    assert guess_expiry([scripts_own, elsewhere], origin) == 10
    assert guess_expiry([scripts_own, make_cookie("ga2", expires=70.0)], origin) == 70
    assert guess_expiry([helper, scripts_own, session_cookie], origin) == 100
    assert guess_expiry([scripts_own, session_cookie, elsewhere], origin) == 100
    assert guess_expiry([scripts_own, session_cookie, deep], origin) == 100
    assert guess_expiry([make_cookie()], origin) is None
    without_end = make_cookie("login", http_only=True)
    assert guess_expiry([scripts_own, session_cookie, without_end], origin) is None


def test_folding_follows_the_expiry_and_keeps_the_rest() -> None:
    session = make_session()
    url = URL(session.url)
    rotated = session.fold(["sid=new; Max-Age=60; Path=/"], url, 2000.0)
    assert rotated.expires_at == 2060
    assert rotated.cookie_header(url, 2000.0) == "sid=new"
    assert rotated.headers == session.headers
    assert session.fold(["sid=x; Domain=elsewhere.org"], url, 2000.0) is session


async def test_client_args_scope_the_cookies_and_leave_them_unquoted() -> None:
    session = make_session(
        "https://app.example.com",
        cookies=(
            make_cookie("a", "x+/==", domain="app.example.com"),
            make_cookie("b", '"q"', domain="example.com", host_only=False),
            make_cookie("c", "api", domain="app.example.com", path="/api"),
            make_cookie("d", "old", domain="app.example.com", expires=1.0),
            make_cookie("e/[", "odd name", domain="app.example.com", secure=True),
        ),
    )
    args = session.client_args()
    assert args["headers"]["User-Agent"] == session.user_agent

    def sent(url: str) -> dict[str, str]:
        return {name: m.coded_value for name, m in args["cookie_jar"].filter_cookies(URL(url)).items()}

    assert sent("https://app.example.com/") == {"a": "x+/==", "b": '"q"', "e/[": "odd name"}
    assert sent("https://app.example.com/api") == {"a": "x+/==", "b": '"q"', "c": "api", "e/[": "odd name"}
    assert sent("https://other.example.com/") == {"b": '"q"'}
    assert sent("https://elsewhere.org/") == {}
    async with aiohttp.ClientSession(**args) as http:
        assert http.cookie_jar is args["cookie_jar"]


async def test_client_args_carry_the_proxy_and_secure_cookies_to_loopback() -> None:
    session = make_session(cookies=(make_cookie("s", "1", secure=True),), proxy="http://127.0.0.1:3128")
    args = session.client_args()
    assert args["proxy"] == "http://127.0.0.1:3128"
    assert "s" in args["cookie_jar"].filter_cookies(URL(session.url))


def test_a_page_elsewhere_is_no_page_of_the_session() -> None:
    # Its site would be asked whether the session is good, and the session kept for another.
    text = make_session("https://bank.example", url="http://127.0.0.1:8080/").to_json()
    with pytest.raises(SessionFormatError, match="url: not a page of the origin"):
        Session.from_json(text)


@pytest.mark.parametrize("proxy", ["ftp://proxy:21", "http://[", "proxy"])
def test_a_proxy_of_another_form_is_named(proxy: str) -> None:
    text = json.dumps(json.loads(make_session().to_json()) | {"proxy": proxy})
    with pytest.raises(SessionFormatError, match="proxy: not the URL of a proxy") as caught:
        Session.from_json(text)
    assert caught.value.__context__ is None
