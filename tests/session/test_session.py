"""The session: a frozen value, its JSON, and what it gives to aiohttp."""

import copy
import json
import pickle
from importlib.resources import files
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from aura_browser.errors import SessionFormatError
from aura_browser.session import DeviceBound, Session
from aura_browser.session.browser import describe_bound, is_bound
from aura_browser.session.replacement import refuse_replacement
from aura_browser.session.session import guess_expiry, list_login_cookies
from aura_browser.session.state import read_state
from aura_browser.session.times import correct_times, to_seconds
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


COOKIE = {"name": "a", "value": "b", "domain": "x", "host_only": True}
BOUND = {"site": "https://x", "cookies": [], "refresh_url": "https://x/r"}
AGAIN = "Harvest a new session."
UPDATE = "Update aura-browser."


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"version": 3}, f"version: 3 is not supported; this aura-browser reads versions 1 and 2. {UPDATE}"),
        ({"version": 0}, f"version: 0 is not supported; this aura-browser reads versions 1 and 2. {AGAIN}"),
        ({"version": "1"}, f"version: Expected `int`, got `str`. {AGAIN}"),
        ({"generation": -1}, f"generation: Expected `int` >= 0. {AGAIN}"),
        ({"rotation": -1}, f"rotation: Expected `int` >= 0. {AGAIN}"),
        ({"origin": "nowhere"}, f"origin: text of the wrong form. {AGAIN}"),
        ({"origin": "https://x:99999"}, f"origin: not a valid URL. {AGAIN}"),
        ({"url": "https://x:99999"}, f"url: not a valid URL. {AGAIN}"),
        ({"proof": "s3cret"}, f"proof: not an allowed value. {AGAIN}"),
        ({"surprise": 1}, f"surprise: an unknown field. {UPDATE}"),
        ({"cookies": [{"name": "a"}]}, f"cookies[0].value: the field is missing. {AGAIN}"),
        ({"cookies": [COOKIE | {"odd": 1}]}, f"cookies[0].odd: an unknown field. {UPDATE}"),
        ({"cookies": [COOKIE | {"x" * 69: 1}]}, f"cookies[0].{'x' * 69}: an unknown field. {UPDATE}"),
        ({"cookies": [COOKIE | {"x" * 70: 1}]}, f"cookies[0].{'x' * 68}…: an unknown field. {UPDATE}"),
        ({"browser": {"name": "a", "version": "1", "odd": 1}}, f"browser.odd: an unknown field. {UPDATE}"),
        ({"device_bound": [BOUND | {"odd": 1}]}, f"device_bound[0].odd: an unknown field. {UPDATE}"),
        ({"headers": {"X y": "1"}}, f"headers: text of the wrong form. {AGAIN}"),
        (
            {"headers": {"Host": "x"}},
            f"headers.Host: belongs to one request or connection, so no session holds it. {AGAIN}",
        ),
    ],
)
def test_an_error_names_the_field_and_what_helps(change: dict[str, object], said: str) -> None:
    text = json.dumps(json.loads(make_session().to_json()) | change)
    with pytest.raises(SessionFormatError) as caught:
        Session.from_json(text)
    assert str(caught.value) == f"Not a session at {said}"


def test_what_is_shown_of_a_session_tells_it_from_others() -> None:
    session = make_session()
    shown = (
        "Session(origin=http://127.0.0.1:8080, cookies=1, local_storage=1, harvested_at=1000, generation=0, "
        "proof=unproven, fingerprint=ea2f8575)"
    )
    assert repr(session) == shown
    others = (make_session(user_agent="x"), make_session(cookies=()), session.fold(["sid=x"], URL(session.url), 0))
    assert len({each.fingerprint for each in (session, *others)}) == 4


def test_what_is_not_said_of_a_session_is_what_no_harvest_found() -> None:
    session = make_session()
    assert (session.version, session.generation, session.rotation, session.proof) == (2, 0, 0, "unproven")
    assert (session.verified_at, session.rotated_at, session.expires_at) == (None, None, None)
    assert (session.is_login, session.identity, session.probe, session.dialect) == (False, None, None, "")
    assert (session.evidence, session.page_requests, session.device_bound, session.unknown) == ((), (), (), ())
    assert (session.tokens, session.extra_storage) == ({}, {})
    assert not session.is_protected


@pytest.mark.parametrize(
    "name",
    [
        *("__cf_bm", "__cflb", "_cfuvid", "AWSALB", "AWSALBCORS", "AWSALBTG", "AWSALBTGCORS"),
        *("ak_bmsc", "bm_mi", "bm_sv", "bm_sz"),
    ],
)
def test_what_a_load_balancer_renews_is_no_login(name: str) -> None:
    login = make_cookie("login", expires=100.0, http_only=True)
    helper = make_cookie(name, expires=200.0, http_only=True)
    assert guess_expiry([helper, login], URL("http://127.0.0.1")) == 100
    assert list_login_cookies([helper, login]) == [login]
    assert list_login_cookies([helper]) == [helper]


def test_a_session_and_its_cookies_end_at_the_second_that_they_name() -> None:
    cookies = (make_cookie("a", expires=50.0), make_cookie("b", expires=60.0))
    session = make_session(cookies=cookies, expires_at=60.0)
    assert [session.is_over(now) for now in (59.9, 60.0)] == [False, True]
    assert not make_session().is_over(1e12)
    assert session.without_expired(49.9) is session
    left = session.without_expired(50.0)
    assert ([cookie.name for cookie in left.cookies], left.expires_at) == (["b"], 60.0)
    assert [session.cookie_header(URL(session.url), now) for now in (49.9, 50.0, 60.0)] == [
        "a=s3cret+/==; b=s3cret+/==",
        "b=s3cret+/==",
        "",
    ]
    assert session.cookie_header(URL(session.url)) == ""


def test_each_rotation_is_counted_and_dated() -> None:
    session = make_session(generation=3, harvested_at=7.5)
    rotated = session.fold(["sid=1"], URL(session.url), 2000.0).fold(["sid=2"], URL(session.url), 3000.0)
    assert (rotated.rotation, rotated.rotated_at) == (2, 3000.0)
    assert (session.order, rotated.order, rotated.lineage) == ((3, 0), (3, 2), (3, 7.5))


@pytest.mark.parametrize(
    ("facts", "is_protected"),
    [
        ({"is_login": False, "proof": "open"}, False),
        ({"is_login": True, "proof": "unproven"}, True),
        ({"is_login": None, "proof": "unproven"}, True),
        ({"is_login": False, "proof": "distinguished"}, True),
    ],
)
def test_what_may_be_a_login_is_protected(facts: dict[str, Any], *, is_protected: bool) -> None:
    assert make_session(**facts).is_protected is is_protected


def test_a_password_goes_to_its_own_origin_only() -> None:
    headers = {"authorization": "Basic x", "X": "1"}
    session = make_session("https://app.example.com", headers=headers)
    assert session.headers_for(URL("https://app.example.com/x")) == headers
    assert session.headers_for(URL("https://app.example.com:8443/")) == {"X": "1"}


SAME = {"identity": "ann", "proof": "distinguished"}
NO_PROOF = "the new session is not proven to be a login"
OPEN = "the site gives anybody the same answer, so the new session is not proven to be a login"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ({}, {}, ""),
        (SAME, SAME, ""),
        (SAME, SAME | {"identity": "bob"}, "the new session belongs to another account"),
        (SAME, SAME | {"identity": None}, "the new session belongs to another account"),
        (SAME | {"identity": None}, SAME, ""),
        (SAME, {"identity": "ann"}, ""),
        (SAME, {"identity": "bob"}, NO_PROOF),
        (SAME | {"identity": None}, {}, NO_PROOF),
        (SAME, {"identity": "ann", "proof": "open"}, OPEN),
        (SAME, {"is_login": True}, NO_PROOF),
        ({"is_login": True}, {"is_login": True}, ""),
        ({"is_login": True}, {"is_login": True, "proof": "open"}, ""),
        ({"is_login": True}, {"is_login": None, "proof": "open"}, OPEN),
        ({"is_login": None}, {}, NO_PROOF),
    ],
)
def test_why_a_login_is_not_replaced(old: dict[str, Any], new: dict[str, Any], said: str) -> None:
    assert refuse_replacement(make_session(**old), make_session(**new)) == said


NEVER = 253402300799.0  # "Fri, 31 Dec 9999 23:59:59 GMT", as .NET says it


def test_milliseconds_and_the_future_are_put_right() -> None:
    assert [to_seconds(time) for time in (5.0, NEVER, NEVER + 1)] == [5.0, NEVER, (NEVER + 1) / 1000]
    cookies = (make_cookie("a", expires=2e12), make_cookie("b", expires=NEVER), make_cookie("c"))
    late = make_session(cookies=cookies, harvested_at=3e12, verified_at=1.5e12, rotated_at=2e9, expires_at=2.5e12)
    right = correct_times(late, 1.8e9)
    assert (right.harvested_at, right.verified_at, right.rotated_at) == (1.8e9, 1.5e9, 1.8e9)
    assert (right.expires_at, [cookie.expires for cookie in right.cookies]) == (2.5e9, [2e9, NEVER, None])
    assert correct_times(make_session(), 1.8e9) == make_session()


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        ({"proof": "distinguished"}, "valid"),
        ({"proof": "open"}, "open"),
        ({"proof": "unproven"}, "unproven"),
        ({"proof": "distinguished", "expires_at": 50.1}, "valid"),
        ({"proof": "distinguished", "expires_at": 50.0}, "expired"),
    ],
)
def test_the_state_of_a_stored_session(facts: dict[str, Any], state: str) -> None:
    assert read_state(make_session(**facts), 50.0) == state


def test_what_only_the_browser_can_renew_is_named_with_its_site() -> None:
    bound = [
        DeviceBound(site="https://example.com", cookies=("a", "b"), refresh_url="https://example.com/r"),
        DeviceBound(site="https://nas", cookies=(), refresh_url="https://nas/r"),
    ]
    assert describe_bound(bound) == (
        "only the browser can renew a, b of https://example.com; a cookie of https://nas: "
        "keep it open (--refresh kept), or send by it (--transport page)"
    )
    assert is_bound(make_cookie("a", domain="deep.example.com"), bound)
    assert not is_bound(make_cookie("c", domain="example.com"), bound)
    assert not is_bound(make_cookie("a", domain="::1"), bound)
